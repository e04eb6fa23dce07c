//! What TLS is configured from: files, what is in them, and why they are of no use.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustls::crypto::CryptoProvider;
use rustls::server::VerifierBuilderError;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::suites::Suites;

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
#[derive(Clone)]
pub struct Source {
    pub(crate) origin: String,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
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

    /// Says whether a text stands in it.
    pub(crate) fn has(&self, text: &str) -> bool {
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

pub(crate) fn certificates(
    source: &Source,
) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let certificates = CertificateDer::pem_slice_iter(&source.bytes)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| TlsConfigError::BadCertificate { origin: source.origin.clone() })?;
    if certificates.is_empty() {
        return Err(TlsConfigError::NoCertificate { origin: source.origin.clone() });
    }
    Ok(certificates)
}

/// Reads the server's certificates and the key of the first of them.
pub(crate) fn certified_key(
    chain: &Source,
    source: &Source,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, TlsConfigError> {
    let certificates_from = &chain.origin;
    let chain = certificates(chain)?;
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
            certificates: certificates_from.clone(),
        }),
        Err(_) => Err(TlsConfigError::BadCertificate { origin: certificates_from.clone() }),
    }
}
