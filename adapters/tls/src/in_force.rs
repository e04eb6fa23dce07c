//! The configuration that is in force, and how it is exchanged while the server runs.
//!
//! TLS 1.3 and TLS 1.2 with what rustls has (ECDHE and AEAD only), or some of it, on AWS-LC. A
//! client must present a certificate of a configured authority, or one that is itself the
//! configured authority; a chain that a revocation list does not speak of is accepted. Sessions can
//! be resumed, and keep the client's certificates. An exchange forgets all sessions, so that a
//! revoked client cannot resume one. Who the server is and whom it trusts are exchanged apart: a
//! new revocation list does not wait for a certificate and its key to fit together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use kmip_model::DateTime;
use kmip_transport::Dates;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedCipherSuite};

use crate::config::{Source, TlsConfigError, TlsSettings, TlsSources, certified_key};
use crate::suites::serves_tls12;
use crate::trust::{Trust, trust};
use crate::validity::{due, period, warn_of_validity};

/// The TLS configuration of new connections.
pub struct TlsConfig {
    settings: TlsSettings,
    provider: Arc<CryptoProvider>,
    current: ArcSwap<State>,
    /// Counts how often other clients came to be trusted.
    generation: AtomicU64,
    /// One exchange at a time, because each keeps what the other may exchange.
    exchanging: Mutex<()>,
}

/// Who the server is, whom it trusts, and what TLS makes of both.
struct State {
    identity: CertifiedKey,
    trust: Arc<Trust>,
    server: Arc<ServerConfig>,
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
        let provider = Arc::new(settings.suites.provider());
        let identity = identity(&sources.certificates, &sources.key, &provider, now)?;
        let trust = trust(&sources.client_authorities, &sources.revocation_lists, &provider, now)?;
        let state = State::new(identity, Arc::new(trust), &provider, &settings)?;
        Ok(Self {
            settings,
            provider,
            current: ArcSwap::from_pointee(state),
            generation: AtomicU64::new(0),
            exchanging: Mutex::new(()),
        })
    }

    /// Exchanges the whole configuration for new connections, and forgets all sessions.
    ///
    /// # Errors
    ///
    /// Says which source is of no use, and why; the configuration is then what it was.
    pub fn exchange(&self, sources: &TlsSources, now: DateTime) -> Result<(), TlsConfigError> {
        let identity = identity(&sources.certificates, &sources.key, &self.provider, now)?;
        let trust =
            trust(&sources.client_authorities, &sources.revocation_lists, &self.provider, now)?;
        self.put(|_| (identity, Arc::new(trust)))
    }

    /// Exchanges the server's certificates and key for new connections, and forgets all sessions.
    ///
    /// # Errors
    ///
    /// Says which source is of no use, and why; the configuration is then what it was.
    pub fn exchange_identity(
        &self,
        certificates: &Source,
        key: &Source,
        now: DateTime,
    ) -> Result<(), TlsConfigError> {
        let identity = identity(certificates, key, &self.provider, now)?;
        self.put(|state| (identity, Arc::clone(&state.trust)))
    }

    /// Exchanges whom the server trusts, and forgets all sessions. Open connections hear of it.
    ///
    /// # Errors
    ///
    /// Says which source is of no use, and why; the configuration is then what it was.
    pub fn exchange_trust(
        &self,
        client_authorities: &[Source],
        revocation_lists: &[Source],
        now: DateTime,
    ) -> Result<(), TlsConfigError> {
        let trust = trust(client_authorities, revocation_lists, &self.provider, now)?;
        self.put(|state| (state.identity.clone(), Arc::new(trust)))
    }

    fn put(
        &self,
        change: impl FnOnce(&State) -> (CertifiedKey, Arc<Trust>),
    ) -> Result<(), TlsConfigError> {
        // It guards nothing that a panic could leave half done.
        let _one = self.exchanging.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.load_full();
        let (identity, trust) = change(&before);
        let is_as_before = trust.is_as(&before.trust);
        let state = State::new(identity, trust, &self.provider, &self.settings)?;
        self.current.store(Arc::new(state));
        if !is_as_before {
            // After the store: who sees the new number verifies by the new configuration.
            self.generation.fetch_add(1, Ordering::Release);
        }
        Ok(())
    }

    /// Returns the dates of what is in force.
    #[must_use]
    pub fn dates(&self) -> Dates {
        let state = self.current.load();
        let chain = || state.identity.cert.iter().filter_map(|it| period(it));
        let authorities = state.trust.authorities.iter().filter_map(|it| period(it));
        Dates {
            server_from: chain().map(|(from, _)| from).max(),
            server_until: chain().map(|(_, until)| until).min(),
            authorities_until: authorities.map(|(_, until)| until).min(),
            lists_due: state.trust.lists.iter().filter_map(|it| due(it)).min(),
        }
    }

    /// Returns the configuration for one new connection.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().server)
    }

    /// Returns a number that moves when other clients are trusted.
    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Verifies a client by what is trusted now.
    pub(crate) fn verify_again(&self, certificates: &[Vec<u8>]) -> Result<(), rustls::Error> {
        self.current.load_full().trust.verify(certificates)
    }
}

impl State {
    fn new(
        identity: CertifiedKey,
        trust: Arc<Trust>,
        provider: &Arc<CryptoProvider>,
        settings: &TlsSettings,
    ) -> Result<Self, TlsConfigError> {
        let resolver = Telling(SingleCertAndKey::from(identity.clone()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(provider))
            .with_protocol_versions(rustls::ALL_VERSIONS)?
            .with_client_cert_verifier(Arc::clone(&trust.verifier))
            .with_cert_resolver(Arc::new(resolver));
        // Tickets for clients that know them, a cache for TLS 1.2 clients that do not. Both start
        // empty, with fresh keys, whenever a configuration is built.
        config.ticketer = Ticketer::new()?;
        config.session_storage = ServerSessionMemoryCache::new(settings.remembered_sessions);
        config.send_tls13_tickets = settings.send_tls13_tickets;
        Ok(Self { identity, trust, server: Arc::new(config) })
    }
}

/// Reads who the server is; tells what that means for clients.
fn identity(
    certificates: &Source,
    key: &Source,
    provider: &CryptoProvider,
    now: DateTime,
) -> Result<CertifiedKey, TlsConfigError> {
    let certified = certified_key(certificates, key, provider)?;
    warn_of_validity(&certificates.origin, &certified, now);
    tell_suites(provider, &certified);
    Ok(certified)
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

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer,
        IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, SerialNumber, date_time_ymd,
    };

    use std::fs;

    use super::*;
    use crate::config::{Source, TlsFiles};

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

    #[test]
    fn only_other_trust_moves_the_generation() {
        let one = sources();
        let config = TlsConfig::new(&one, TlsSettings::default(), NOW).unwrap();
        config.exchange(&one, NOW).unwrap();
        let (certificates, key) = (one.certificates.clone(), one.key.clone());
        config.exchange_identity(&certificates, &key, NOW).unwrap();
        assert_eq!(config.generation(), 0);
        config.exchange_trust(&one.client_authorities, &[], NOW).unwrap();
        assert_eq!(config.generation(), 1);
        config.exchange_trust(&one.client_authorities, &[], NOW).unwrap();
        config.exchange_trust(&[], &[], NOW).unwrap_err();
        assert_eq!(config.generation(), 1);
        config.exchange_trust(&sources().client_authorities, &[], NOW).unwrap();
        assert_eq!(config.generation(), 2);
    }

    #[test]
    fn the_dates_are_those_of_what_is_in_force() {
        let one = sources();
        let config = TlsConfig::new(&one, TlsSettings::default(), NOW).unwrap();
        let dates = config.dates();
        assert!(dates.server_from < dates.server_until, "{dates:?}");
        assert!(dates.authorities_until.is_some());
        assert_eq!(dates.lists_due, Some(DateTime(1_893_456_000)));
        config.exchange_trust(&one.client_authorities, &[], NOW).unwrap();
        assert_eq!(config.dates().lists_due, None);
    }
}
