//! Why a handshake failed: the cause, to be counted, and words that say what to do.

use std::io;

use kmip_ports::observe::HandshakeCause as Cause;
use kmip_transport::Failure;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// Says why, and to whom, from what the stream returned.
pub(crate) fn of_handshake(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(cause) => of_tls(cause),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Failure::noise(Cause::HungUp, "the peer hung up during the handshake")
        }
        None => Failure::noise(Cause::HungUp, format!("the network failed: {error}")),
    }
}

fn of_tls(error: &Error) -> Failure {
    match error {
        Error::NoCertificatesPresented => Failure::refused(
            Cause::NoCertificate,
            "the client presented no certificate; configure one in the client",
        ),
        Error::InvalidCertificate(cause) => certificate(cause),
        Error::InvalidCertRevocationList(cause) => Failure::refused(
            Cause::Revoked,
            format!("a revocation list cannot be used ({cause:?}); correct the crls of the port"),
        ),
        Error::PeerIncompatible(cause) => incompatible(cause),
        Error::AlertReceived(alert) => received(*alert),
        Error::InvalidMessage(_) => Failure::noise(
            Cause::NotTls,
            "what arrived is not TLS, or is TLS before 1.2; a client that should get in must \
             speak TLS 1.2 or 1.3",
        ),
        other => Failure::refused(
            Cause::Other,
            format!("the handshake failed: {other}; look at the client's log for its side"),
        ),
    }
}

fn certificate(error: &CertificateError) -> Failure {
    let (cause, text) = match error {
        CertificateError::UnknownIssuer => (
            Cause::UnknownCa,
            "the client certificate is not from a configured client CA; issue it from one, or add \
             its CA to listen.kmip.client_ca",
        ),
        CertificateError::BadSignature => (
            Cause::UnknownCa,
            "the client certificate is from a CA with the name of a configured one, but another \
             key; issue it anew, or add that CA to listen.kmip.client_ca",
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            Cause::Expired,
            "the client certificate, or one above it, has expired; renew it, or compare the clocks",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            (Cause::NotYetValid, "the client certificate is not valid yet; compare the clocks")
        }
        CertificateError::Revoked => (
            Cause::Revoked,
            "the client certificate is revoked; issue another if the client should get in",
        ),
        CertificateError::UnknownRevocationStatus => (
            Cause::Revoked,
            "no revocation list covers the client certificate; add its CA's to the crls of the port",
        ),
        CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => (
            Cause::Revoked,
            "the revocation list for the client certificate is past its date; renew it",
        ),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            Cause::WrongUsage,
            "the client certificate has an Extended Key Usage without clientAuth; issue it with \
             clientAuth",
        ),
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            Cause::BadCertificate,
            "the client certificate is signed in a way that is not accepted, such as SHA-1 or \
             RSA below 2048 bits; issue it anew with SHA-256 and RSA of 2048 bits or more",
        ),
        CertificateError::BadEncoding => (
            Cause::BadCertificate,
            "the client certificate cannot be read, or is not of X.509 version 3; issue it anew",
        ),
        other => {
            let text = format!("the client certificate is not accepted: {other}; issue it anew");
            return Failure::refused(Cause::BadCertificate, text);
        }
    };
    Failure::refused(cause, text)
}

fn incompatible(error: &PeerIncompatible) -> Failure {
    let (cause, text) = match error {
        PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon => (
            Cause::NoCommonSuite,
            "the client offers no cipher suite or key exchange that is accepted; it needs TLS 1.3, \
             or TLS 1.2 with ECDHE and an AEAD suite",
        ),
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired => (
            Cause::OldVersion,
            "the client offers neither TLS 1.2 nor TLS 1.3; enable one in the client, or see \
             listen.kmip.auth_suite",
        ),
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => (
            Cause::NoCommonSuite,
            "the client accepts no signature that the server's key can make; give the server a \
             key of another kind, such as RSA",
        ),
        other => {
            let text = format!("the client's TLS does not fit: {other:?}; bring it up to date");
            return Failure::refused(Cause::Other, text);
        }
    };
    Failure::refused(cause, text)
}

fn received(alert: AlertDescription) -> Failure {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => Failure::refused(
            Cause::ClientRefusedServer,
            format!(
                "the client does not accept the server's certificate ({alert:?}); check its CA \
                 file and the name that it connects to"
            ),
        ),
        AlertDescription::CertificateExpired => Failure::refused(
            Cause::ClientRefusedServer,
            "the client says that the server's certificate has expired; renew it, or compare the \
             clocks",
        ),
        AlertDescription::ProtocolVersion => Failure::refused(
            Cause::OldVersion,
            "the client accepts neither TLS 1.2 nor TLS 1.3; enable one in the client",
        ),
        AlertDescription::HandshakeFailure => Failure::refused(
            Cause::NoCommonSuite,
            "the client found no cipher suite or signature that it accepts (HandshakeFailure); \
             look at its TLS settings",
        ),
        other => Failure::refused(
            Cause::Other,
            format!("the client ended the handshake ({other:?}); look at its log for the reason"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use kmip_transport::Blame;

    use super::*;

    fn of(error: Error) -> Failure {
        of_handshake(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn what_an_operator_can_mend_is_refused_with_its_cause_in_words() {
        use CertificateError as Bad;
        let certificate = |cause| Error::InvalidCertificate(cause);
        for (error, cause, expected) in [
            (Error::NoCertificatesPresented, Cause::NoCertificate, "no certificate"),
            (certificate(Bad::UnknownIssuer), Cause::UnknownCa, "listen.kmip.client_ca"),
            (certificate(Bad::Revoked), Cause::Revoked, "revoked"),
            (certificate(Bad::Expired), Cause::Expired, "renew it"),
            (certificate(Bad::NotValidYet), Cause::NotYetValid, "compare the clocks"),
            (certificate(Bad::InvalidPurpose), Cause::WrongUsage, "clientAuth"),
            (certificate(Bad::BadEncoding), Cause::BadCertificate, "issue it anew"),
            (
                Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
                Cause::NoCommonSuite,
                "no cipher suite",
            ),
            (
                Error::PeerIncompatible(PeerIncompatible::Tls12NotOffered),
                Cause::OldVersion,
                "enable one",
            ),
            (
                Error::AlertReceived(AlertDescription::UnknownCA),
                Cause::ClientRefusedServer,
                "does not accept the server's",
            ),
            (
                Error::AlertReceived(AlertDescription::InternalError),
                Cause::Other,
                "look at its log",
            ),
        ] {
            let failure = of(error);
            assert_eq!((failure.cause, failure.blame), (cause, Blame::Operator), "{failure:?}");
            assert!(failure.reason.contains(expected), "{failure:?}");
        }
    }

    #[test]
    fn what_nobody_can_mend_is_noise() {
        let plain = Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        for (failure, cause) in [
            (of_handshake(&io::ErrorKind::UnexpectedEof.into()), Cause::HungUp),
            (of_handshake(&io::ErrorKind::ConnectionReset.into()), Cause::HungUp),
            (of(plain), Cause::NotTls),
        ] {
            assert_eq!((failure.cause, failure.blame), (cause, Blame::Nobody), "{failure:?}");
        }
    }
}
