//! Certificates, keys and revocation lists: read, checked, and exchanged while the server runs.
//!
//! TLS 1.3 and TLS 1.2 with what rustls has (ECDHE and AEAD only), or some of it, on AWS-LC. A
//! client must present a certificate of a configured authority, or one that is itself the
//! configured authority; a chain that a revocation list does not
//! speak of is accepted. Sessions can be resumed, and keep the client's certificates. An exchange
//! of the configuration forgets all sessions, so that a revoked client cannot resume one.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use kmip_model::DateTime;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, ResolvesServerCert, ServerSessionMemoryCache, VerifierBuilderError,
    WebPkiClientVerifier,
};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{RootCertStore, ServerConfig, SupportedCipherSuite};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use thiserror::Error;
use x509_cert::Certificate;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::time::Time;
use zeroize::Zeroizing;

use crate::self_signed::OrSelfSigned;
use crate::suites::{Suites, serves_tls12};

/// Why there is no TLS with these files.
#[derive(Debug, Error)]
pub enum TlsConfigError {
    /// The operating system refuses to read a file.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no certificate where one must be.
    #[error("{origin} holds no PEM certificate (openssl x509 -inform der makes one of a DER file)")]
    NoCertificate {
        /// Where it was looked for.
        origin: String,
    },
    /// A certificate is damaged.
    #[error("{origin} holds a certificate that cannot be read")]
    BadCertificate {
        /// Where it was found.
        origin: String,
    },
    /// There is no private key where one must be.
    #[error("{origin} holds no PEM private key")]
    NoKey {
        /// Where it was looked for.
        origin: String,
    },
    /// The key is protected by a passphrase.
    #[error(
        "{origin} holds a private key under a passphrase; openssl pkey -in {origin} -out FILE \
         makes a plain one"
    )]
    EncryptedKey {
        /// Where it was found.
        origin: String,
    },
    /// The key is damaged or of a kind that cannot be used.
    #[error(
        "{origin} holds a private key that cannot be used: it must be RSA from 2048 bits, \
         EC P-256, P-384 or P-521, or Ed25519"
    )]
    UnusableKey {
        /// Where it was found.
        origin: String,
    },
    /// Key and certificate are of different pairs.
    #[error(
        "the private key in {key} does not belong to the first certificate in {certificates}; \
         the server's own certificate comes first, its issuers after it"
    )]
    KeyMismatch {
        /// Where the key was found.
        key: String,
        /// Where the certificate was found.
        certificates: String,
    },
    /// Without an authority no client could connect.
    #[error("no client CA certificate is configured, so no client could connect")]
    NoClientAuthority,
    /// There is no revocation list where one must be.
    #[error("{origin} holds no certificate revocation list, neither PEM nor DER")]
    NoRevocationList {
        /// Where it was looked for.
        origin: String,
    },
    /// A revocation list is damaged or of an unknown form.
    #[error("{origin} holds a certificate revocation list that cannot be used")]
    BadRevocationList {
        /// Where it was found.
        origin: String,
        /// What the TLS library says.
        source: VerifierBuilderError,
    },
    /// The TLS library refuses for another reason.
    #[error("the TLS library refuses the configuration")]
    Refused(#[from] rustls::Error),
}

/// Bytes, and where they come from, so that an error can say it.
pub struct Source {
    origin: String,
    bytes: Zeroizing<Vec<u8>>,
}

impl Source {
    /// Takes bytes that are at hand.
    #[must_use]
    pub fn new(origin: impl Into<String>, bytes: Vec<u8>) -> Self {
        Self { origin: origin.into(), bytes: Zeroizing::new(bytes) }
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// Reports what the operating system refuses.
    pub fn read(path: &Path) -> Result<Self, TlsConfigError> {
        let bytes = fs::read(path)
            .map_err(|source| TlsConfigError::Unreadable { path: path.to_owned(), source })?;
        Ok(Self::new(path.display().to_string(), bytes))
    }

    fn has(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// The files that TLS is configured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, then its issuers, PEM.
    pub certificates: PathBuf,
    /// The private key of the server's certificate, PEM.
    pub key: PathBuf,
    /// The authorities that clients' certificates may come from, PEM.
    pub client_authorities: Vec<PathBuf>,
    /// The authorities' revocation lists, PEM or DER.
    pub revocation_lists: Vec<PathBuf>,
}

/// What TLS is configured from; the fields are those of [`TlsFiles`].
pub struct TlsSources {
    /// The server's certificate, then its issuers, PEM.
    pub certificates: Source,
    /// The private key of the server's certificate, PEM.
    pub key: Source,
    /// The authorities that clients' certificates may come from, PEM.
    pub client_authorities: Vec<Source>,
    /// The authorities' revocation lists, PEM or DER.
    pub revocation_lists: Vec<Source>,
}

impl TlsSources {
    /// Reads all files; warns of a key that every user of the computer can read.
    ///
    /// # Errors
    ///
    /// Reports the first file that cannot be read.
    pub fn read(files: &TlsFiles) -> Result<Self, TlsConfigError> {
        let all = |paths: &[PathBuf]| {
            paths.iter().map(|path| Source::read(path)).collect::<Result<Vec<_>, _>>()
        };
        let key = Source::read(&files.key)?;
        if fs::metadata(&files.key).is_ok_and(|key| key.permissions().mode() & 0o007 != 0) {
            tracing::warn!(
                path = %files.key.display(),
                "the server's private key is open to every user; close it with chmod 600"
            );
        }
        Ok(Self {
            certificates: Source::read(&files.certificates)?,
            key,
            client_authorities: all(&files.client_authorities)?,
            revocation_lists: all(&files.revocation_lists)?,
        })
    }
}

/// What is a matter of taste in TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsSettings {
    /// How many session tickets a TLS 1.3 client is sent after the handshake; some clients cannot
    /// bear any.
    pub send_tls13_tickets: usize,
    /// How many sessions the server remembers for clients without tickets.
    pub remembered_sessions: usize,
    /// The cipher suites that are offered.
    pub suites: Suites,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self { send_tls13_tickets: 2, remembered_sessions: 1024, suites: Suites::default() }
    }
}

/// The TLS configuration of new connections.
pub struct TlsConfig {
    settings: TlsSettings,
    current: ArcSwap<ServerConfig>,
}

impl TlsConfig {
    /// Builds a configuration; warns of what is out of date at `now`.
    ///
    /// # Errors
    ///
    /// Says which source is of no use, and why.
    pub fn new(
        sources: &TlsSources,
        settings: TlsSettings,
        now: DateTime,
    ) -> Result<Self, TlsConfigError> {
        let current = ArcSwap::new(server_config(sources, &settings, now)?);
        Ok(Self { settings, current })
    }

    /// Exchanges the configuration for new connections, and forgets all sessions.
    ///
    /// # Errors
    ///
    /// Says which source is of no use, and why; the configuration is then what it was.
    pub fn exchange(&self, sources: &TlsSources, now: DateTime) -> Result<(), TlsConfigError> {
        self.current.store(server_config(sources, &self.settings, now)?);
        Ok(())
    }

    /// Returns the configuration for one new connection.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.current.load_full()
    }
}

fn server_config(
    sources: &TlsSources,
    settings: &TlsSettings,
    now: DateTime,
) -> Result<Arc<ServerConfig>, TlsConfigError> {
    let provider = Arc::new(settings.suites.provider());
    let certified = certified_key(sources, &provider)?;
    warn_of_validity(&sources.certificates.origin, &certified, now);
    tell_suites(&provider, &certified);
    let verifier = verifier(sources, &provider, now)?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(rustls::ALL_VERSIONS)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(Telling(SingleCertAndKey::from(certified))));
    // Tickets for clients that know them, a cache for TLS 1.2 clients that do not. Both start
    // empty, with fresh keys, whenever a configuration is built.
    config.ticketer = Ticketer::new()?;
    config.session_storage = ServerSessionMemoryCache::new(settings.remembered_sessions);
    config.send_tls13_tickets = settings.send_tls13_tickets;
    Ok(Arc::new(config))
}

/// Names the suites that are offered, and warns if they shut clients of TLS 1.2 out.
fn tell_suites(provider: &CryptoProvider, certified: &CertifiedKey) {
    let suites: Vec<_> = provider.cipher_suites.iter().map(SupportedCipherSuite::suite).collect();
    tracing::debug!(?suites, "the server offers these cipher suites");
    if !serves_tls12(provider, certified.key.algorithm()) {
        tracing::warn!(
            key = ?certified.key.algorithm(),
            "no cipher suite of TLS 1.2 that is offered suits the server's key: clients need TLS 1.3"
        );
    }
}

/// How many of a client's cipher suites are told; no client in the field has more.
const TOLD_SUITES: usize = 64;

/// Presents the server's certificate, and tells what the client offers.
#[derive(Debug)]
struct Telling(SingleCertAndKey);

impl ResolvesServerCert for Telling {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let suites = hello.cipher_suites();
        tracing::debug!(
            suites = ?suites.get(..TOLD_SUITES).unwrap_or(suites),
            "the client offers these cipher suites"
        );
        self.0.resolve(hello)
    }
}

fn certificates(source: &Source) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates = CertificateDer::pem_slice_iter(&source.bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsConfigError::BadCertificate { origin: source.origin.clone() })?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate { origin: source.origin.clone() });
    }
    Ok(certificates)
}

fn certified_key(
    sources: &TlsSources,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsConfigError> {
    let chain = certificates(&sources.certificates)?;
    let source = &sources.key;
    let key = PrivateKeyDer::from_pem_slice(&source.bytes).map_err(|_| {
        let origin = source.origin.clone();
        if source.has("BEGIN ENCRYPTED PRIVATE KEY") {
            TlsConfigError::EncryptedKey { origin }
        } else {
            TlsConfigError::NoKey { origin }
        }
    })?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| {
        let origin = source.origin.clone();
        // The older way of encryption keeps the label and adds header lines.
        if source.has("Proc-Type: 4,ENCRYPTED") {
            TlsConfigError::EncryptedKey { origin }
        } else {
            TlsConfigError::UnusableKey { origin }
        }
    })?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsConfigError::KeyMismatch {
            key: source.origin.clone(),
            certificates: sources.certificates.origin.clone(),
        }),
        Err(_) => {
            Err(TlsConfigError::BadCertificate { origin: sources.certificates.origin.clone() })
        }
    }
}

fn verifier(
    sources: &TlsSources,
    provider: &Arc<CryptoProvider>,
    now: DateTime,
) -> Result<Arc<dyn ClientCertVerifier>, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    let mut authorities = Vec::new();
    for source in &sources.client_authorities {
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
    let roots = Arc::new(roots);
    let mut lists = Vec::new();
    for source in &sources.revocation_lists {
        let found = revocation_lists(source)?;
        // Each source is tried by itself, so that the error can name it.
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(provider))
            .with_crls(found.iter().cloned())
            .build()
            .map_err(|error| TlsConfigError::BadRevocationList {
                origin: source.origin.clone(),
                source: error,
            })?;
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
    Ok(Arc::new(OrSelfSigned::new(webpki, authorities, &lists)))
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

/// Where a date lies with respect to a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    NotYet(DateTime),
    Valid,
    Expired(DateTime),
    /// The validity cannot be read; the handshake will tell.
    Unknown,
}

pub(crate) fn validity(certificate: &[u8], now: DateTime) -> Validity {
    let Ok(certificate) = Certificate::from_der(certificate) else {
        return Validity::Unknown;
    };
    let validity = certificate.tbs_certificate().validity();
    let (from, until) = (date(validity.not_before), date(validity.not_after));
    if now < from {
        Validity::NotYet(from)
    } else if now > until {
        Validity::Expired(until)
    } else {
        Validity::Valid
    }
}

fn date(time: Time) -> DateTime {
    DateTime(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

/// An expired certificate is no reason to refuse: clients may not look, and the keys are needed.
fn warn_of_validity(origin: &str, certified: &CertifiedKey, now: DateTime) {
    for certificate in &certified.cert {
        match validity(certificate, now) {
            Validity::NotYet(from) => {
                tracing::warn!(origin, valid_from = %from, "server certificate is not valid yet");
            }
            Validity::Expired(until) => {
                tracing::warn!(origin, expired_at = %until, "server certificate has expired");
            }
            Validity::Valid | Validity::Unknown => {}
        }
    }
}

/// A list past its date still revokes what it names, but may miss what came later.
fn warn_of_age(origin: &str, list: &[u8], now: DateTime) {
    let Ok(list) = CertificateList::<x509_cert::certificate::Rfc5280>::from_der(list) else {
        return;
    };
    if let Some(due) = list.tbs_cert_list.next_update.map(date).filter(|due| *due < now) {
        tracing::warn!(origin, due = %due, "certificate revocation list is out of date");
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
    };

    use super::*;

    const NOW: DateTime = DateTime(1_800_000_000);

    fn authority() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn source(origin: &str, text: &str) -> Source {
        Source::new(origin, text.as_bytes().to_vec())
    }

    /// A whole configuration; each test spoils one part.
    fn sources() -> TlsSources {
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let server = params.signed_by(&key, &authority).unwrap();
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(2030, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&authority).unwrap();
        TlsSources {
            certificates: source("server.crt", &server.pem()),
            key: source("server.key", &key.serialize_pem()),
            client_authorities: vec![source("ca.crt", &authority.pem())],
            revocation_lists: vec![
                source("ca.crl", &list.pem().unwrap()),
                Source::new("ca.der", list.der().to_vec()),
            ],
        }
    }

    fn refusal(sources: &TlsSources) -> String {
        match TlsConfig::new(sources, TlsSettings::default(), NOW) {
            Ok(_) => panic!("the sources are accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_whole_configuration_is_accepted() {
        let settings =
            TlsSettings { send_tls13_tickets: 0, remembered_sessions: 7, ..TlsSettings::default() };
        let config = TlsConfig::new(&sources(), settings, NOW).unwrap();
        assert_eq!(config.current().send_tls13_tickets, 0);
        assert_eq!(config.current().max_early_data_size, 0);
        assert!(config.current().ticketer.enabled());
    }

    #[test]
    fn a_refusal_names_the_source_and_what_is_wrong_with_it() {
        type Spoil = fn(&mut TlsSources);
        let key = KeyPair::generate().unwrap().serialize_pem();
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let junk = key.replace("MIG", "AAA");
        let other = [
            (source("server.key", &key), "key in server.key does not belong to the first"),
            (source("server.key", &encrypted), "server.key holds a private key under a passphrase"),
            (source("server.key", "nothing"), "server.key holds no PEM private key"),
            (source("server.key", &junk), "server.key holds a private key that cannot be used"),
        ];
        for (key, expected) in other {
            let text = refusal(&TlsSources { key, ..sources() });
            assert!(text.contains(expected), "{text}");
        }
        let spoils: [(Spoil, &str); 8] = [
            (|s| s.certificates = source("server.crt", ""), "server.crt holds no PEM certificate"),
            (
                |s| s.certificates = source("server.crt", "-----BEGIN CERTIFICATE-----\nx"),
                "server.crt holds a certificate that cannot be read",
            ),
            (
                |s| {
                    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
                    s.certificates = source("server.crt", junk);
                },
                "server.crt holds a certificate that cannot be read",
            ),
            (|s| s.client_authorities.clear(), "no client CA certificate is configured"),
            (
                |s| s.client_authorities.push(source("other.crt", "x")),
                "other.crt holds no PEM certificate",
            ),
            (
                |s| s.revocation_lists.push(source("other.crl", "")),
                "other.crl holds no certificate revocation list",
            ),
            (
                |s| s.revocation_lists.push(source("other.crl", "junk")),
                "other.crl holds a certificate revocation list that cannot be used",
            ),
            (
                |s| {
                    let pem = String::from_utf8(s.client_authorities[0].bytes.to_vec()).unwrap();
                    s.revocation_lists.push(source("other.crl", &pem));
                },
                "other.crl holds no certificate revocation list",
            ),
        ];
        for (spoil, expected) in spoils {
            let mut sources = sources();
            spoil(&mut sources);
            let text = refusal(&sources);
            assert!(text.contains(expected), "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("missing.key");
        let files = TlsFiles {
            certificates: missing.clone(),
            key: missing.clone(),
            client_authorities: Vec::new(),
            revocation_lists: Vec::new(),
        };
        let Err(error) = TlsSources::read(&files) else { panic!("a missing file was read") };
        assert_eq!(error.to_string(), format!("{} cannot be read", missing.display()));
    }

    #[test]
    fn files_are_read_as_sources() {
        let directory = tempfile::tempdir().unwrap();
        let sources = sources();
        let write = |source: &Source| {
            let path = directory.path().join(&source.origin);
            fs::write(&path, &source.bytes).unwrap();
            path
        };
        let files = TlsFiles {
            certificates: write(&sources.certificates),
            key: write(&sources.key),
            client_authorities: sources.client_authorities.iter().map(write).collect(),
            revocation_lists: sources.revocation_lists.iter().map(write).collect(),
        };
        let read = TlsSources::read(&files).unwrap();
        TlsConfig::new(&read, TlsSettings::default(), NOW).unwrap();
    }

    #[test]
    fn validity_is_told_from_both_sides() {
        let mut params = CertificateParams::default();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let from = DateTime(1_577_836_800);
        let until = DateTime(1_609_459_200);
        for (now, expected) in [
            (DateTime(from.0 - 1), Validity::NotYet(from)),
            (from, Validity::Valid),
            (until, Validity::Valid),
            (DateTime(until.0 + 1), Validity::Expired(until)),
        ] {
            assert_eq!(validity(certificate.der(), now), expected);
        }
        assert_eq!(validity(b"junk", from), Validity::Unknown);
    }

    #[test]
    fn a_failed_exchange_changes_nothing() {
        let config = TlsConfig::new(&sources(), TlsSettings::default(), NOW).unwrap();
        let before = config.current();
        let mut bad = sources();
        bad.client_authorities.clear();
        assert!(config.exchange(&bad, NOW).is_err());
        assert!(Arc::ptr_eq(&before, &config.current()));
        config.exchange(&sources(), NOW).unwrap();
        assert!(!Arc::ptr_eq(&before, &config.current()));
    }
}
