//! Why a handshake failed, in words that say what to look at.

use std::io;

use kmip_transport::Failure;
use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

/// Says why, and to whom, from what the stream returned.
pub(crate) fn of_handshake(error: &io::Error) -> Failure {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(cause) => of_tls(cause),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            Failure::Noise("the peer hung up during the handshake".to_owned())
        }
        None => Failure::Noise(format!("the network failed: {error}")),
    }
}

fn of_tls(error: &Error) -> Failure {
    let refused = |text: &str| Failure::Refused(text.to_owned());
    match error {
        Error::NoCertificatesPresented => refused("the client presented no certificate"),
        Error::InvalidCertificate(cause) => Failure::Refused(certificate(cause)),
        Error::PeerIncompatible(cause) => Failure::Refused(incompatible(cause)),
        Error::AlertReceived(alert) => Failure::Refused(received(*alert)),
        Error::InvalidMessage(_) => {
            Failure::Noise("what arrived is not TLS, or is TLS before 1.2".to_owned())
        }
        other => Failure::Refused(format!("the handshake failed: {other}")),
    }
}

fn certificate(error: &CertificateError) -> String {
    let text = match error {
        CertificateError::UnknownIssuer => {
            "the client certificate is not from a configured client CA"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the client certificate, or one above it, has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the client certificate is not valid yet; compare the clocks"
        }
        CertificateError::Revoked => "the client certificate is revoked",
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the client certificate has an Extended Key Usage without clientAuth"
        }
        CertificateError::BadSignature => {
            "the client certificate is from a CA with the name of a configured one, but another key"
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the client certificate is signed in a way that is not accepted, such as SHA-1 or \
             RSA below 2048 bits"
        }
        CertificateError::BadEncoding => {
            "the client certificate cannot be read, or is not of X.509 version 3"
        }
        other => return format!("the client certificate is not accepted: {other}"),
    };
    text.to_owned()
}

fn incompatible(error: &PeerIncompatible) -> String {
    let text = match error {
        PeerIncompatible::NoCipherSuitesInCommon | PeerIncompatible::NoKxGroupsInCommon => {
            "the client offers no cipher suite or key exchange that is accepted; it needs TLS 1.3, \
             or TLS 1.2 with ECDHE and an AEAD suite"
        }
        PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired => {
            "the client offers neither TLS 1.2 nor TLS 1.3"
        }
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "the client accepts no signature that the server's key can make"
        }
        other => return format!("the client's TLS does not fit: {other:?}"),
    };
    text.to_owned()
}

fn received(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate => format!(
            "the client does not accept the server's certificate ({alert:?}); check its CA file \
             and the name that it connects to"
        ),
        AlertDescription::CertificateExpired => {
            "the client says that the server's certificate has expired".to_owned()
        }
        AlertDescription::ProtocolVersion => {
            "the client accepts neither TLS 1.2 nor TLS 1.3".to_owned()
        }
        other => format!("the client ended the handshake: {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(error: Error) -> Failure {
        of_handshake(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn what_an_operator_can_mend_is_refused_in_words() {
        for (error, expected) in [
            (Error::NoCertificatesPresented, "no certificate"),
            (Error::InvalidCertificate(CertificateError::UnknownIssuer), "configured client CA"),
            (Error::InvalidCertificate(CertificateError::Revoked), "revoked"),
            (Error::InvalidCertificate(CertificateError::Expired), "expired"),
            (Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon), "no cipher suite"),
            (Error::AlertReceived(AlertDescription::UnknownCA), "does not accept the server's"),
        ] {
            let Failure::Refused(text) = of(error) else { panic!("{expected}") };
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn what_nobody_can_mend_is_noise() {
        let hung_up = of_handshake(&io::ErrorKind::UnexpectedEof.into());
        assert_eq!(hung_up, Failure::Noise("the peer hung up during the handshake".into()));
        let broken = of_handshake(&io::ErrorKind::ConnectionReset.into());
        assert!(matches!(broken, Failure::Noise(_)));
        let plain = of(Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType));
        assert!(matches!(plain, Failure::Noise(_)));
    }
}
