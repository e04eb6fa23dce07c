//! Why a handshake failed: the cause, to be counted, and words that say what to do.

use std::ffi::c_int;

use kmip_ports::observe::HandshakeCause as Cause;
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
        return Failure::noise(Cause::HungUp, format!("the network failed: {cause}"));
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
        CERTIFICATE_VERIFY_FAILED => certificate(verified),
        code => of_reason(code, cause.reason(), auth_suite),
    }
}

/// Says that OpenSSL itself fails.
pub(crate) fn of_openssl(error: &ErrorStack) -> Failure {
    let text = format!("OpenSSL fails: {error}; check the library and its configuration");
    Failure::refused(Cause::Other, text)
}

fn of_reason(code: c_int, text: Option<&str>, auth_suite: AuthSuite) -> Failure {
    match code {
        UNEXPECTED_EOF_WHILE_READING => hung_up(),
        HTTP_REQUEST
        | HTTPS_PROXY_REQUEST
        | WRONG_VERSION_NUMBER
        | PACKET_LENGTH_TOO_LONG
        | BAD_RECORD_TYPE => Failure::noise(Cause::NotTls, "what arrived is not TLS"),
        PEER_DID_NOT_RETURN_A_CERTIFICATE => Failure::refused(
            Cause::NoCertificate,
            "the client presented no certificate; configure one in the client",
        ),
        NO_SHARED_CIPHER => Failure::refused(
            Cause::NoCommonSuite,
            format!(
                "the client offers no cipher suite that is accepted, or none that the server's \
                 certificate can be used with; the authentication suite is {auth_suite}"
            ),
        ),
        UNSUPPORTED_PROTOCOL => Failure::refused(
            Cause::OldVersion,
            format!(
                "the client offers no version of TLS that the authentication suite {auth_suite} \
                 has; enable one in the client, or change listen.kmip.auth_suite"
            ),
        ),
        NO_SUITABLE_SIGNATURE_ALGORITHM | NO_SHARED_SIGNATURE_ALGORITHMS => Failure::refused(
            Cause::NoCommonSuite,
            "the client accepts no signature that the server's key can make; give the server a \
             key of another kind, such as RSA",
        ),
        ALERTS.. => received(code.saturating_sub(ALERTS), text),
        _ => unknown(text),
    }
}

fn hung_up() -> Failure {
    Failure::noise(Cause::HungUp, "the peer hung up during the handshake")
}

fn unknown(text: Option<&str>) -> Failure {
    let text = text.unwrap_or("OpenSSL does not say why");
    let text = format!("the handshake failed: {text}; look at the client's log for its side");
    Failure::refused(Cause::Other, text)
}

fn certificate(verified: X509VerifyResult) -> Failure {
    let (cause, text) = match verified.as_raw() {
        UNABLE_TO_GET_ISSUER_CERT
        | UNABLE_TO_GET_ISSUER_CERT_LOCALLY
        | UNABLE_TO_VERIFY_LEAF_SIGNATURE
        | DEPTH_ZERO_SELF_SIGNED_CERT
        | SELF_SIGNED_CERT_IN_CHAIN => (
            Cause::UnknownCa,
            "the client certificate is not from a configured client CA; issue it from one, or add \
             its CA to listen.kmip.client_ca",
        ),
        CERT_SIGNATURE_FAILURE => (
            Cause::UnknownCa,
            "the client certificate is from a CA with the name of a configured one, but another \
             key; issue it anew, or add that CA to listen.kmip.client_ca",
        ),
        CERT_HAS_EXPIRED => (
            Cause::Expired,
            "the client certificate, or one above it, has expired; renew it, or compare the clocks",
        ),
        CERT_NOT_YET_VALID => {
            (Cause::NotYetValid, "the client certificate is not valid yet; compare the clocks")
        }
        CERT_REVOKED => (
            Cause::Revoked,
            "the client certificate is revoked; issue another if the client should get in",
        ),
        UNABLE_TO_GET_CRL => (
            Cause::Revoked,
            "no revocation list covers the client certificate; add its CA's to listen.kmip.crls",
        ),
        CRL_HAS_EXPIRED => (
            Cause::Revoked,
            "the revocation list for the client certificate is past its date; renew it",
        ),
        INVALID_PURPOSE => (
            Cause::WrongUsage,
            "the client certificate has an Extended Key Usage without clientAuth; issue it with \
             clientAuth",
        ),
        EE_KEY_TOO_SMALL | CA_KEY_TOO_SMALL | CA_MD_TOO_WEAK => (
            Cause::BadCertificate,
            "the client certificate is signed in a way that is not accepted, such as SHA-1 or RSA \
             below 2048 bits; the authentication suite Basic accepts it",
        ),
        _ => {
            let text = verified.error_string();
            let text = format!("the client certificate is not accepted: {text}; issue it anew");
            return Failure::refused(Cause::BadCertificate, text);
        }
    };
    Failure::refused(cause, text)
}

/// Says what the peer said, by the numbers of the alerts (RFC 8446 §6).
fn received(alert: c_int, text: Option<&str>) -> Failure {
    let said = text.unwrap_or("an unknown alert");
    match alert {
        42 | 43 | 46 | 48 => Failure::refused(
            Cause::ClientRefusedServer,
            format!(
                "the client does not accept the server's certificate ({said}); check its CA file \
                 and the name that it connects to"
            ),
        ),
        45 => Failure::refused(
            Cause::ClientRefusedServer,
            "the client says that the server's certificate has expired; renew it, or compare the \
             clocks",
        ),
        70 => Failure::refused(
            Cause::OldVersion,
            "the client does not accept the version of TLS; enable one of the server's in it",
        ),
        40 => Failure::refused(
            Cause::NoCommonSuite,
            format!(
                "the client found no cipher suite or signature that it accepts ({said}); look at \
                 its TLS settings"
            ),
        ),
        _ => Failure::refused(
            Cause::Other,
            format!("the client ended the handshake ({said}); look at its log for the reason"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use kmip_transport::Blame;

    use super::*;

    #[test]
    fn what_an_operator_can_mend_is_refused_with_its_cause_in_words() {
        for (code, cause, expected) in [
            (PEER_DID_NOT_RETURN_A_CERTIFICATE, Cause::NoCertificate, "no certificate"),
            (NO_SHARED_CIPHER, Cause::NoCommonSuite, "no cipher suite"),
            (UNSUPPORTED_PROTOCOL, Cause::OldVersion, "TLS1.2"),
            (1048, Cause::ClientRefusedServer, "accept the server's certificate (the text)"),
            (1045, Cause::ClientRefusedServer, "expired"),
            (1040, Cause::NoCommonSuite, "accepts (the text)"),
            (1080, Cause::Other, "ended the handshake (the text)"),
            (9, Cause::Other, "failed: the text"),
        ] {
            let failure = of_reason(code, Some("the text"), AuthSuite::Tls12);
            assert_eq!((failure.cause, failure.blame), (cause, Blame::Operator), "{failure:?}");
            assert!(failure.reason.contains(expected), "{failure:?}");
        }
    }

    #[test]
    fn what_nobody_can_mend_is_noise() {
        for (code, cause) in [
            (UNEXPECTED_EOF_WHILE_READING, Cause::HungUp),
            (HTTP_REQUEST, Cause::NotTls),
            (WRONG_VERSION_NUMBER, Cause::NotTls),
        ] {
            let failure = of_reason(code, None, AuthSuite::Basic);
            assert_eq!((failure.cause, failure.blame), (cause, Blame::Nobody), "{failure:?}");
        }
    }
}
