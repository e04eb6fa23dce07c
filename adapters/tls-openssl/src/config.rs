//! Certificates, keys and revocation lists: read, checked, and exchanged while the server runs.
//!
//! A client must present a certificate of a configured authority; a chain that a revocation list
//! does not speak of is accepted, and a list past its date still revokes what it names, as with
//! `kmip-tls`. What is configured for all programs of the computer in `openssl.cnf` is set aside:
//! the authentication suite says what is offered.

use std::cell::Cell;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use kmip_model::DateTime;
use kmip_transport::Dates;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::bn::BigNum;
use openssl::dh::Dh;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::ssl::{
    ClientHelloResponse, SslCipherRef, SslContext, SslContextBuilder, SslFiletype, SslMethod,
    SslMode, SslOptions, SslRef, SslSessionCacheMode, SslVerifyMode, SslVersion,
};
use openssl::x509::store::X509Lookup;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509, X509Crl, X509StoreContextRef, X509VerifyResult};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::failure::{CRL_HAS_EXPIRED, UNABLE_TO_GET_CRL};
use crate::suites::{AuthSuite, Missing, Suite, Suites, Version};
use crate::trust::{Trust, date, earlier};

/// Overwrites what was decrypted once it has been read: `SSL_OP_CLEANSE_PLAINTEXT`, which the
/// binding has no name for. Requests carry keys.
const CLEANSE_PLAINTEXT: SslOptions = SslOptions::from_bits_retain(1 << 1);

const BEGIN_LIST: &str = "-----BEGIN X509 CRL-----";
const END_LIST: &str = "-----END X509 CRL-----";

/// Why there is no TLS with these files.
#[derive(Debug, Error)]
pub enum OpensslConfigError {
    /// The operating system refuses to read a file.
    #[error("{path} cannot be read")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// There is no certificate where one must be.
    #[error("{path} holds no PEM certificate (openssl x509 -inform der makes one of a DER file)")]
    NoCertificate {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A certificate is damaged, or too weak for the authentication suite.
    #[error("{path} holds a certificate that OpenSSL does not accept")]
    BadCertificate {
        /// Where it was found.
        path: PathBuf,
        /// What OpenSSL says.
        source: ErrorStack,
    },
    /// There is no private key that can be used where one must be.
    #[error("{path} holds no PEM private key that OpenSSL accepts")]
    BadKey {
        /// Where it was looked for.
        path: PathBuf,
        /// What OpenSSL says.
        source: ErrorStack,
    },
    /// The key is protected by a passphrase.
    #[error(
        "{path} holds a private key under a passphrase; openssl pkey -in {path} -out FILE makes a \
         plain one"
    )]
    EncryptedKey {
        /// Where it was found.
        path: PathBuf,
    },
    /// Key and certificate are of different pairs.
    #[error(
        "the private key in {key} does not belong to the first certificate in {certificates}; the \
         server's own certificate comes first, its issuers after it"
    )]
    KeyMismatch {
        /// Where the key was found.
        key: PathBuf,
        /// Where the certificate was found.
        certificates: PathBuf,
    },
    /// Without an authority no client could connect.
    #[error("no client CA certificate is configured, so no client could connect")]
    NoClientAuthority,
    /// There is no revocation list where one must be.
    #[error("{path} holds no certificate revocation list, neither PEM nor DER")]
    NoRevocationList {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A cipher suite was asked for by name that this computer's OpenSSL has not.
    #[error("the OpenSSL of this computer has no cipher suite {suite}")]
    Unavailable {
        /// The cipher suite.
        suite: &'static str,
    },
    /// OpenSSL has none of the cipher suites.
    #[error("the OpenSSL of this computer has no cipher suite of {auth_suite}")]
    NoSuite {
        /// The authentication suite.
        auth_suite: AuthSuite,
    },
    /// OpenSSL refuses for another reason.
    #[error("OpenSSL refuses the configuration")]
    Refused(#[from] ErrorStack),
}

/// The files that TLS is configured from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpensslFiles {
    /// The server's certificate, then its issuers, PEM.
    pub certificates: PathBuf,
    /// The private key of the server's certificate, PEM.
    pub key: PathBuf,
    /// The authorities that clients' certificates may come from, PEM.
    pub client_authorities: Vec<PathBuf>,
    /// The authorities' revocation lists, PEM or DER.
    pub revocation_lists: Vec<PathBuf>,
}

/// What sessions are made with, and how it is judged whether they still stand.
pub(crate) struct Made {
    pub(crate) context: SslContext,
    pub(crate) trust: Trust,
    pub(crate) dates: Dates,
}

impl Made {
    /// Reads the files; warns of what is out of date at `now`.
    pub(crate) fn of(
        files: &OpensslFiles,
        suites: &Suites,
        now: DateTime,
    ) -> Result<Self, OpensslConfigError> {
        let now = Asn1Time::from_unix(now.0)?;
        let mut context = SslContext::builder(SslMethod::tls_server())?;
        behave(&mut context)?;
        offer(&mut context, suites)?;
        let mut dates = Dates::default();
        identify(&mut context, files, &now, &mut dates)?;
        let trust = trust(&mut context, files, &now)?;
        trust.date(&mut dates);
        Ok(Self { context: context.build(), trust, dates })
    }
}

/// Sets what no configuration changes.
fn behave(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // Answers are written as the socket takes them, from wherever they then are.
    context.set_mode(
        SslMode::AUTO_RETRY | SslMode::ENABLE_PARTIAL_WRITE | SslMode::ACCEPT_MOVING_WRITE_BUFFER,
    );
    context.set_options(
        SslOptions::NO_COMPRESSION
            | SslOptions::NO_RENEGOTIATION
            | SslOptions::CIPHER_SERVER_PREFERENCE
            | SslOptions::NO_TICKET
            | CLEANSE_PLAINTEXT,
    );
    context.set_session_cache_mode(SslSessionCacheMode::OFF);
    context.set_num_tickets(0)?;
    let group = Dh::from_pqg(BigNum::get_rfc3526_prime_2048()?, None, BigNum::from_u32(2)?)?;
    context.set_tmp_dh(&group)?;
    context.set_client_hello_callback(|ssl, _| {
        if tracing::enabled!(tracing::Level::DEBUG) {
            tell_offer(ssl);
        }
        Ok(ClientHelloResponse::SUCCESS)
    });
    Ok(())
}

/// Tells the cipher suites of a client.
fn tell_offer(ssl: &SslRef) {
    let lists = ssl
        .client_hello_ciphers()
        .and_then(|bytes| ssl.bytes_to_cipher_list(bytes, ssl.client_hello_isv2()).ok());
    if let Some(lists) = lists {
        let suites: Vec<&str> = lists.suites.iter().map(SslCipherRef::name).collect();
        tracing::debug!(?suites, "the client offers");
    }
}

fn offer(context: &mut SslContextBuilder, suites: &Suites) -> Result<(), OpensslConfigError> {
    let auth_suite = suites.auth_suite();
    let mut present = Vec::new();
    for suite in suites.offered() {
        if exists(suite)? {
            present.push(*suite);
            continue;
        }
        let error = OpensslConfigError::Unavailable { suite: suite.iana };
        match suites.missing(suite) {
            Missing::LeftOut => {}
            Missing::Warned => tracing::warn!(%error, "a cipher suite is left out"),
            Missing::Refused => return Err(error),
        }
    }
    let first = present.iter().map(|suite| suite.version).min();
    let first = first.ok_or(OpensslConfigError::NoSuite { auth_suite })?;
    let names = |newest: bool| {
        present
            .iter()
            .filter(|suite| (suite.version == Version::Tls13) == newest)
            .map(|suite| suite.openssl)
            .collect::<Vec<_>>()
            .join(":")
    };
    let (earlier, newest) = (names(false), names(true));
    tracing::debug!(%auth_suite, earlier, newest, "the server offers");
    context.set_security_level(auth_suite.security_level());
    // The computer's own configuration may forbid versions one by one.
    context.clear_options(SslOptions::NO_SSL_MASK);
    context.set_options(SslOptions::NO_SSLV3);
    if !earlier.is_empty() {
        context.set_cipher_list(&earlier)?;
    }
    if !newest.is_empty() {
        context.set_ciphersuites(&newest)?;
    }
    context.set_min_proto_version(Some(match first {
        Version::Tls10 => SslVersion::TLS1,
        Version::Tls12 => SslVersion::TLS1_2,
        Version::Tls13 => SslVersion::TLS1_3,
    }))?;
    let last = if newest.is_empty() { SslVersion::TLS1_2 } else { SslVersion::TLS1_3 };
    context.set_max_proto_version(Some(last))?;
    Ok(())
}

/// Says whether this computer's OpenSSL has a cipher suite.
fn exists(suite: &Suite) -> Result<bool, ErrorStack> {
    let mut scratch = SslContext::builder(SslMethod::tls_server())?;
    let taken = match suite.version {
        Version::Tls13 => scratch.set_ciphersuites(suite.openssl),
        Version::Tls10 | Version::Tls12 => scratch.set_cipher_list(suite.openssl),
    };
    Ok(taken.is_ok())
}

/// Takes the server's certificates and key.
fn identify(
    context: &mut SslContextBuilder,
    files: &OpensslFiles,
    now: &Asn1TimeRef,
    dates: &mut Dates,
) -> Result<(), OpensslConfigError> {
    let path = &files.certificates;
    let bad = |source| OpensslConfigError::BadCertificate { path: path.clone(), source };
    let mut chain = certificates(path)?.into_iter();
    let leaf =
        chain.next().ok_or_else(|| OpensslConfigError::NoCertificate { path: path.clone() })?;
    warn_of_validity(path, &leaf, now);
    note_period(dates, &leaf);
    let key = private_key(&files.key)?;
    if !leaf.public_key().map_err(bad)?.public_eq(&key) {
        return Err(OpensslConfigError::KeyMismatch {
            key: files.key.clone(),
            certificates: path.clone(),
        });
    }
    context.set_certificate(&leaf).map_err(bad)?;
    for issuer in chain {
        warn_of_validity(path, &issuer, now);
        note_period(dates, &issuer);
        context.add_extra_chain_cert(issuer).map_err(bad)?;
    }
    context
        .set_private_key(&key)
        .map_err(|source| OpensslConfigError::BadKey { path: files.key.clone(), source })
}

/// Takes the authorities of clients and their revocation lists.
fn trust(
    context: &mut SslContextBuilder,
    files: &OpensslFiles,
    now: &Asn1TimeRef,
) -> Result<Trust, OpensslConfigError> {
    let mut trusted = Trust::default();
    if files.client_authorities.is_empty() {
        return Err(OpensslConfigError::NoClientAuthority);
    }
    for path in &files.client_authorities {
        let bad = |source| OpensslConfigError::BadCertificate { path: path.clone(), source };
        for authority in certificates(path)? {
            context.add_client_ca(&authority).map_err(bad)?;
            trusted.authorities.push(authority.clone());
            context.cert_store_mut().add_cert(authority).map_err(bad)?;
        }
    }
    // What is configured is an authority, whoever issued it.
    let mut flags = X509VerifyFlags::PARTIAL_CHAIN;
    for path in &files.revocation_lists {
        flags |= X509VerifyFlags::CRL_CHECK | X509VerifyFlags::CRL_CHECK_ALL;
        let (kind, lists) = check_lists(path, now)?;
        trusted.lists.extend(lists);
        let lookup = context.cert_store_mut().add_lookup(X509Lookup::file())?;
        lookup
            .load_crl_file(path, kind)
            .map_err(|_| OpensslConfigError::NoRevocationList { path: path.clone() })?;
    }
    context.cert_store_mut().set_flags(flags)?;
    context.set_verify_callback(
        SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT,
        accept_certificate,
    );
    Ok(trusted)
}

/// Forgives a chain that no revocation list speaks of, and a list that is past its date.
fn accept_certificate(accepted: bool, chain: &mut X509StoreContextRef) -> bool {
    if accepted {
        return true;
    }
    let forgiven = matches!(chain.error().as_raw(), UNABLE_TO_GET_CRL | CRL_HAS_EXPIRED);
    if forgiven {
        chain.set_error(X509VerifyResult::OK);
    }
    forgiven
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, OpensslConfigError> {
    let bytes = fs::read(path)
        .map_err(|source| OpensslConfigError::Unreadable { path: path.to_owned(), source })?;
    Ok(Zeroizing::new(bytes))
}

fn certificates(path: &Path) -> Result<Vec<X509>, OpensslConfigError> {
    let bytes = read(path)?;
    let certificates = X509::stack_from_pem(&bytes)
        .map_err(|source| OpensslConfigError::BadCertificate { path: path.to_owned(), source })?;
    if certificates.is_empty() {
        return Err(OpensslConfigError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

fn private_key(path: &Path) -> Result<PKey<Private>, OpensslConfigError> {
    let bytes = read(path)?;
    if fs::metadata(path).is_ok_and(|key| key.permissions().mode() & 0o007 != 0) {
        tracing::warn!(
            path = %path.display(),
            "the server's private key is open to every user; close it with chmod 600"
        );
    }
    // OpenSSL would otherwise ask at the terminal.
    let asked = Cell::new(false);
    let key = PKey::private_key_from_pem_callback(&bytes, |_| {
        asked.set(true);
        Ok(0)
    });
    key.map_err(|source| {
        let path = path.to_owned();
        if asked.get() {
            OpensslConfigError::EncryptedKey { path }
        } else {
            OpensslConfigError::BadKey { path, source }
        }
    })
}

/// Reads the lists of a file, which says in what form they are; warns of those past their date.
fn check_lists(
    path: &Path,
    now: &Asn1TimeRef,
) -> Result<(SslFiletype, Vec<X509Crl>), OpensslConfigError> {
    let none = || OpensslConfigError::NoRevocationList { path: path.to_owned() };
    let bytes = read(path)?;
    if let Ok(list) = X509Crl::from_der(&bytes) {
        warn_of_age(path, &list, now);
        return Ok((SslFiletype::ASN1, vec![list]));
    }
    let text = String::from_utf8_lossy(&bytes);
    let mut found = Vec::new();
    for part in text.split_inclusive(END_LIST).filter(|part| part.contains(BEGIN_LIST)) {
        let list = X509Crl::from_pem(part.as_bytes()).map_err(|_| none())?;
        warn_of_age(path, &list, now);
        found.push(list);
    }
    if found.is_empty() { Err(none()) } else { Ok((SslFiletype::PEM, found)) }
}

/// Narrows the dates of the server's certificates to those of one more.
fn note_period(dates: &mut Dates, certificate: &X509) {
    let (from, until) = (certificate.not_before(), certificate.not_after());
    dates.server_from = dates.server_from.max(date(from));
    dates.server_until = earlier(dates.server_until, date(until));
}

/// An expired certificate is no reason to refuse: clients may not look, and the keys are needed.
fn warn_of_validity(path: &Path, certificate: &X509, now: &Asn1TimeRef) {
    let path = path.display();
    if certificate.not_before() > now {
        let valid_from = certificate.not_before();
        tracing::warn!(%path, %valid_from, "server certificate is not valid yet");
    } else if certificate.not_after() < now {
        let expired_at = certificate.not_after();
        tracing::warn!(%path, %expired_at, "server certificate has expired");
    }
}

/// A list past its date still revokes what it names, but may miss what came later.
fn warn_of_age(path: &Path, list: &X509Crl, now: &Asn1TimeRef) {
    if let Some(due) = list.next_update().filter(|due| *due < now) {
        let path = path.display();
        tracing::warn!(%path, %due, "certificate revocation list is out of date");
    }
}
