//! Certification requests (PKCS#10, RFC 2986): who asks, with which key, and that it has it.
//!
//! Only the subject's Common Name and the key are taken. Whatever else a request wants (to be an
//! authority, other names, units) is for the one who issues to decide.

use rcgen::{PublicKeyData, SignatureAlgorithm};
use rustls_pki_types::CertificateSigningRequestDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;
use x509_cert::der::Decode as _;
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::signature::{self, Verdict};
use crate::text;

/// The shortest RSA key that gets a certificate, in octets of its encoding: 2048 bits. The server
/// takes no shorter ones from clients.
const SHORTEST_RSA: usize = 256;

/// Why a request is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// It is no request.
    #[error("it is no certification request (PKCS#10)")]
    Unreadable,
    /// The key did not sign it.
    #[error("its signature was not made by its key, so nothing shows that the asker has the key")]
    NoProof,
    /// Its signature is of a kind that is not checked.
    #[error(
        "its signature is of a kind that is not accepted; RSA, ECDSA with SHA-2 and Ed25519 are"
    )]
    UnsupportedSignature,
    /// Its key is of a kind that gets no certificate.
    #[error(
        "its key is of a kind that is not accepted; RSA from 2048 bits, EC P-256, P-384, P-521 and Ed25519 are"
    )]
    UnsupportedKey,
}

/// A certification request whose asker has the key.
#[derive(Clone, Debug)]
pub struct CertificationRequest {
    common_name: Option<String>,
    key: RequestedKey,
}

/// The key that a certificate is asked for.
#[derive(Clone, Debug)]
pub(crate) struct RequestedKey {
    bytes: Vec<u8>,
    algorithm: &'static SignatureAlgorithm,
}

impl CertificationRequest {
    /// Reads a request, PEM or DER, and checks that the asker has its key.
    ///
    /// # Errors
    ///
    /// Refuses what is no request, was not signed by its key, or has a key that is not accepted.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let der = CertificateSigningRequestDer::from_pem_slice(bytes)
            .map_or_else(|_| bytes.to_vec(), |der| der.as_ref().to_vec());
        let request = CertReq::from_der(&der).map_err(|_| RequestError::Unreadable)?;
        let public_key = &request.info.public_key;
        let key = requested(public_key).ok_or(RequestError::UnsupportedKey)?;
        match signature::verify(&der, &request.algorithm, &request.signature, public_key) {
            Verdict::Good => {}
            Verdict::Bad => return Err(RequestError::NoProof),
            Verdict::Unsupported => return Err(RequestError::UnsupportedSignature),
        }
        Ok(Self { common_name: text::common_name(&request.info.subject), key })
    }

    /// Returns the one Common Name of the subject, if it has one and no more.
    #[must_use]
    pub fn common_name(&self) -> Option<&str> {
        self.common_name.as_deref()
    }

    pub(crate) fn key(&self) -> &RequestedKey {
        &self.key
    }
}

impl PublicKeyData for RequestedKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

fn requested(key: &SubjectPublicKeyInfoOwned) -> Option<RequestedKey> {
    let bytes = key.subject_public_key.as_bytes()?;
    let algorithm = if key.algorithm.oid == signature::RSA {
        // The modulus is the most of it, so a shorter key is a shorter encoding.
        if bytes.len() < SHORTEST_RSA {
            return None;
        }
        &rcgen::PKCS_RSA_SHA256
    } else if key.algorithm.oid == signature::ED25519 {
        &rcgen::PKCS_ED25519
    } else if key.algorithm.oid == signature::EC {
        match signature::curve(key)? {
            signature::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            signature::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            signature::P521 => &rcgen::PKCS_ECDSA_P521_SHA512,
            _ => return None,
        }
    } else {
        return None;
    };
    Some(RequestedKey { bytes: bytes.to_vec(), algorithm })
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, RsaKeySize,
    };

    use super::*;

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationalUnitName, "admins");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn request(name: &str, key: &KeyPair) -> Vec<u8> {
        params(name).serialize_request(key).unwrap().der().to_vec()
    }

    #[test]
    fn every_kind_of_key_that_is_accepted_proves_itself() {
        let keys = [
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ECDSA_P521_SHA512).unwrap(),
            KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap(),
            KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
        ];
        for key in keys {
            let read = CertificationRequest::parse(&request("alice", &key)).unwrap();
            assert_eq!(read.common_name(), Some("alice"));
            assert_eq!(read.key().subject_public_key_info(), key.subject_public_key_info());
        }
    }

    #[test]
    fn a_request_is_read_as_pem_too() {
        let key = KeyPair::generate().unwrap();
        let pem = params("alice").serialize_request(&key).unwrap().pem().unwrap();
        let read = CertificationRequest::parse(pem.as_bytes()).unwrap();
        assert_eq!(read.common_name(), Some("alice"));
    }

    #[test]
    fn what_is_changed_after_it_was_signed_is_refused() {
        let der = request("alice", &KeyPair::generate().unwrap());
        let place = der.windows(5).position(|part| part == b"alice").unwrap();
        let mut changed = der.clone();
        changed[place..place + 5].copy_from_slice(b"admin");
        let refused = |bytes: &[u8]| CertificationRequest::parse(bytes).unwrap_err();
        assert_eq!(refused(&changed), RequestError::NoProof);
        for bytes in [&b""[..], b"junk", &der[..der.len() - 1]] {
            assert_eq!(refused(bytes), RequestError::Unreadable);
        }
    }
}
