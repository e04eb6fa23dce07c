//! Whom the server trusts: the authorities of clients, and what they have revoked.
//!
//! A list past its date is no reason to refuse clients: what it revokes stays revoked, and locking
//! everybody out because a list came late would stop whatever needs its keys.

use std::sync::Arc;

use kmip_model::DateTime;
use rustls::RootCertStore;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};

use crate::config::{Source, TlsConfigError, certificates};
use crate::self_signed::OrSelfSigned;
use crate::validity::warn_of_age;

/// Whom the server trusts.
pub(crate) struct Trust {
    pub(crate) verifier: Arc<dyn ClientCertVerifier>,
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    pub(crate) lists: Vec<CertificateRevocationListDer<'static>>,
}

impl Trust {
    /// Says whether the same are trusted as by another.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        self.authorities == other.authorities && self.lists == other.lists
    }

    /// Verifies a client by its certificates, DER, leaf first, as a handshake at this moment would.
    pub(crate) fn verify(&self, certificates: &[Vec<u8>]) -> Result<(), rustls::Error> {
        let mut chain =
            certificates.iter().map(|certificate| CertificateDer::from(certificate.as_slice()));
        let leaf = chain.next().ok_or(rustls::Error::NoCertificatesPresented)?;
        let issuers: Vec<CertificateDer<'_>> = chain.collect();
        self.verifier.verify_client_cert(&leaf, &issuers, UnixTime::now()).map(|_| ())
    }
}

/// Reads authorities and their revocation lists; warns of what is out of date at `now`.
pub(crate) fn trust(
    client_authorities: &[Source],
    revocation_sources: &[Source],
    provider: &Arc<CryptoProvider>,
    now: DateTime,
) -> Result<Trust, TlsConfigError> {
    let (roots, authorities) = roots(client_authorities)?;
    let mut lists = Vec::new();
    for source in revocation_sources {
        // Each source is tried by itself, so that the error can name it.
        let found = usable_lists(source, &roots, provider)?;
        for list in &found {
            warn_of_age(&source.origin, list, now);
        }
        lists.extend(found);
    }
    let webpki = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider))
        .with_crls(lists.iter().cloned())
        .allow_unknown_revocation_status()
        .build()
        .map_err(|source| TlsConfigError::BadRevocationList {
            origin: "the set of revocation lists".to_owned(),
            source,
        })?;
    let verifier = Arc::new(OrSelfSigned::new(webpki, authorities.clone(), &lists));
    Ok(Trust { verifier, authorities, lists })
}

/// Says whether a source can be used as authorities of clients.
///
/// # Errors
///
/// Says why not.
pub fn check_authorities(source: &Source) -> Result<(), TlsConfigError> {
    roots(std::slice::from_ref(source)).map(|_| ())
}

/// Says whether a source can be used as revocation lists, beside these authorities.
///
/// # Errors
///
/// Says why not, of the authorities too.
pub fn check_revocation_lists(
    source: &Source,
    client_authorities: &[Source],
) -> Result<(), TlsConfigError> {
    let (roots, _) = roots(client_authorities)?;
    usable_lists(source, &roots, &Arc::new(default_provider())).map(|_| ())
}

type Roots = (Arc<RootCertStore>, Vec<CertificateDer<'static>>);

fn roots(client_authorities: &[Source]) -> Result<Roots, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    let mut authorities = Vec::new();
    for source in client_authorities {
        for certificate in certificates(source)? {
            authorities.push(certificate.clone());
            roots
                .add(certificate)
                .map_err(|_| TlsConfigError::BadCertificate { origin: source.origin.clone() })?;
        }
    }
    if roots.is_empty() {
        return Err(TlsConfigError::NoClientAuthority);
    }
    Ok((Arc::new(roots), authorities))
}

fn usable_lists(
    source: &Source,
    roots: &Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    let found = revocation_lists(source)?;
    WebPkiClientVerifier::builder_with_provider(Arc::clone(roots), Arc::clone(provider))
        .with_crls(found.iter().cloned())
        .build()
        .map_err(|error| TlsConfigError::BadRevocationList {
            origin: source.origin.clone(),
            source: error,
        })?;
    Ok(found)
}

fn revocation_lists(
    source: &Source,
) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsConfigError> {
    let none = || TlsConfigError::NoRevocationList { origin: source.origin.clone() };
    if !source.has("-----BEGIN") {
        if source.bytes.is_empty() {
            return Err(none());
        }
        return Ok(vec![CertificateRevocationListDer::from(source.bytes.to_vec())]);
    }
    let lists = CertificateRevocationListDer::pem_slice_iter(&source.bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| none())?;
    if lists.is_empty() { Err(none()) } else { Ok(lists) }
}
