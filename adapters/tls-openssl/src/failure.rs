//! Why a handshake failed, in words that say what to look at.

use std::ffi::c_int;

use kmip_transport::Failure;
use openssl::error::ErrorStack;
use openssl::ssl::{Error, ErrorCode};
use openssl::x509::X509VerifyResult;

use crate::suites::AuthSuite;

/// OpenSSL's number for its TLS library, among whose errors the ones below are.
const LIBRARY: c_int = 20;

// The names of the numbers are those of `openssl/sslerr.h`.
const CERTIFICATE_VERIFY_FAILED: c_int = 134;
const HTTPS_PROXY_REQUEST: c_int = 155;
const HTTP_REQUEST: c_int = 156;
const NO_SUITABLE_SIGNATURE_ALGORITHM: c_int = 118;
const NO_SHARED_CIPHER: c_int = 193;
const PACKET_LENGTH_TOO_LONG: c_int = 198;
const PEER_DID_NOT_RETURN_A_CERTIFICATE: c_int = 199;
const UNSUPPORTED_PROTOCOL: c_int = 258;
const WRONG_VERSION_NUMBER: c_int = 267;
const UNEXPECTED_EOF_WHILE_READING: c_int = 294;
const NO_SHARED_SIGNATURE_ALGORITHMS: c_int = 376;
const BAD_RECORD_TYPE: c_int = 443;

/// An alert of the peer's is an error with this added to its number.
const ALERTS: c_int = 1000;

// The names of the numbers are those of `openssl/x509_vfy.h`.
const UNABLE_TO_GET_ISSUER_CERT: c_int = 2;
pub(crate) const UNABLE_TO_GET_CRL: c_int = 3;
const CERT_SIGNATURE_FAILURE: c_int = 7;
const CERT_NOT_YET_VALID: c_int = 9;
const CERT_HAS_EXPIRED: c_int = 10;
pub(crate) const CRL_HAS_EXPIRED: c_int = 12;
const DEPTH_ZERO_SELF_SIGNED_CERT: c_int = 18;
const SELF_SIGNED_CERT_IN_CHAIN: c_int = 19;
const UNABLE_TO_GET_ISSUER_CERT_LOCALLY: c_int = 20;
const UNABLE_TO_VERIFY_LEAF_SIGNATURE: c_int = 21;
const CERT_REVOKED: c_int = 23;
const INVALID_PURPOSE: c_int = 26;
const EE_KEY_TOO_SMALL: c_int = 66;
const CA_KEY_TOO_SMALL: c_int = 67;
const CA_MD_TOO_WEAK: c_int = 68;

/// Says why, and to whom, from what the stream returned and what became of the certificate.
pub(crate) fn of_handshake(
    error: &Error,
    verified: X509VerifyResult,
    auth_suite: AuthSuite,
) -> Failure {
    if let Some(cause) = error.io_error() {
        return Failure::Noise(format!("the network failed: {cause}"));
    }
    let errors = error.ssl_error().map(ErrorStack::errors).unwrap_or_default();
    let Some(cause) = errors.iter().find(|cause| cause.library_code() == LIBRARY) else {
        return match errors.first() {
            Some(other) => unknown(other.reason()),
            None if error.code() == ErrorCode::SYSCALL => hung_up(),
            None => unknown(None),
        };
    };
    match cause.reason_code() {
        CERTIFICATE_VERIFY_FAILED => Failure::Refused(certificate(verified)),
        code => of_reason(code, cause.reason(), auth_suite),
    }
}

/// Says that OpenSSL itself fails.
pub(crate) fn of_openssl(error: &ErrorStack) -> Failure {
    Failure::Refused(format!("OpenSSL fails: {error}"))
}

fn of_reason(code: c_int, text: Option<&str>, auth_suite: AuthSuite) -> Failure {
    match code {
        UNEXPECTED_EOF_WHILE_READING => hung_up(),
        HTTP_REQUEST
        | HTTPS_PROXY_REQUEST
        | WRONG_VERSION_NUMBER
        | PACKET_LENGTH_TOO_LONG
        | BAD_RECORD_TYPE => Failure::Noise("what arrived is not TLS".to_owned()),
        PEER_DID_NOT_RETURN_A_CERTIFICATE => {
            Failure::Refused("the client presented no certificate".to_owned())
        }
        NO_SHARED_CIPHER => Failure::Refused(format!(
            "the client offers no cipher suite that is accepted, or none that the server's \
             certificate can be used with; the authentication suite is {auth_suite}"
        )),
        UNSUPPORTED_PROTOCOL => Failure::Refused(format!(
            "the client offers no version of TLS that the authentication suite {auth_suite} has"
        )),
        NO_SUITABLE_SIGNATURE_ALGORITHM | NO_SHARED_SIGNATURE_ALGORITHMS => Failure::Refused(
            "the client accepts no signature that the server's key can make".to_owned(),
        ),
        ALERTS.. => Failure::Refused(received(code.saturating_sub(ALERTS), text)),
        _ => unknown(text),
    }
}

fn hung_up() -> Failure {
    Failure::Noise("the peer hung up during the handshake".to_owned())
}

fn unknown(text: Option<&str>) -> Failure {
    let text = text.unwrap_or("OpenSSL does not say why");
    Failure::Refused(format!("the handshake failed: {text}"))
}

fn certificate(verified: X509VerifyResult) -> String {
    let text = match verified.as_raw() {
        UNABLE_TO_GET_ISSUER_CERT
        | UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | DEPTH_ZERO_SELF_SIGNED_CERT
        | SELF_SIGNED_CERT_IN_CHAIN => "the client certificate is not from a configured client CA",
        CERT_SIGNATURE_FAILURE => {
            "the client certificate is from a CA with the name of a configured one, but another key"
        }
        CERT_HAS_EXPIRED => "the client certificate, or one above it, has expired",
        CERT_NOT_YET_VALID => "the client certificate is not valid yet; compare the clocks",
        CERT_REVOKED => "the client certificate is revoked",
        INVALID_PURPOSE => "the client certificate has an Extended Key Usage without clientAuth",
        EE_KEY_TOO_SMALL | CA_KEY_TOO_SMALL | CA_MD_TOO_WEAK => {
            "the client certificate is signed in a way that is not accepted, such as SHA-1 or RSA \
             below 2048 bits; the authentication suite Basic accepts it"
        }
        _ => {
            return format!("the client certificate is not accepted: {}", verified.error_string());
        }
    };
    text.to_owned()
}

/// Says what the peer said, by the numbers of the alerts (RFC 8446 §6).
fn received(alert: c_int, text: Option<&str>) -> String {
    match alert {
        42 | 43 | 46 | 48 => {
            let text = text.unwrap_or("an alert");
            format!(
                "the client does not accept the server's certificate ({text}); check its CA file \
                 and the name that it connects to"
            )
        }
        45 => "the client says that the server's certificate has expired".to_owned(),
        70 => "the client does not accept the version of TLS".to_owned(),
        _ => format!("the client ended the handshake: {}", text.unwrap_or("an unknown alert")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: c_int) -> String {
        match of_reason(code, Some("the text"), AuthSuite::Tls12) {
            Failure::Refused(text) => text,
            noise @ Failure::Noise(_) => panic!("{noise:?}"),
        }
    }

    #[test]
    fn what_an_operator_can_mend_is_refused_in_words() {
        for (code, expected) in [
            (PEER_DID_NOT_RETURN_A_CERTIFICATE, "no certificate"),
            (NO_SHARED_CIPHER, "no cipher suite"),
            (UNSUPPORTED_PROTOCOL, "TLS1.2"),
            (1048, "does not accept the server's certificate (the text)"),
            (1045, "expired"),
            (1040, "ended the handshake: the text"),
            (9, "failed: the text"),
        ] {
            let text = refusal(code);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_mend_is_noise() {
        for code in [UNEXPECTED_EOF_WHILE_READING, HTTP_REQUEST, WRONG_VERSION_NUMBER] {
            let failure = of_reason(code, None, AuthSuite::Basic);
            assert!(matches!(failure, Failure::Noise(_)), "{failure:?}");
        }
    }
}
