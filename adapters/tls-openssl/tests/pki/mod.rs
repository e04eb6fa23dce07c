//! Certificates of every kind that the tests need, in files.

use std::fs;
use std::path::{Path, PathBuf};

use kmip_model::DateTime;
use kmip_tls_openssl::{AuthSuite, OpensslAcceptor, OpensslFiles, Suites};
use openssl::asn1::Asn1Time;
use openssl::dsa::Dsa;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::x509::{X509, X509NameBuilder};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams,
    CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, RevokedCertParams, RsaKeySize, SerialNumber, date_time_ymd,
};
use tempfile::TempDir;

pub(crate) const NOW: DateTime = DateTime(1_800_000_000);

pub(crate) const CLIENT_SERIAL: u8 = 2;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key, in files.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) der: Vec<u8>,
}

/// Certificates in a directory of their own.
pub(crate) struct Pki {
    directory: TempDir,
    pub(crate) authority: Authority,
    pub(crate) client: Identity,
}

/// Who signs.
#[derive(Clone, Copy)]
pub(crate) enum Signature {
    Rsa,
    Ecdsa,
}

impl Signature {
    pub(crate) fn key(self) -> KeyPair {
        match self {
            Self::Rsa => KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap(),
            Self::Ecdsa => KeyPair::generate().unwrap(),
        }
    }
}

pub(crate) fn authority(name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority_params(name), KeyPair::generate().unwrap()).unwrap()
}

pub(crate) fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

pub(crate) fn leaf_params(serial: u8) -> CertificateParams {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.serial_number = Some(SerialNumber::from_slice(&[serial]));
    params.distinguished_name.push(DnType::CommonName, format!("leaf {serial}"));
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    params
}

impl Pki {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let authority = authority("authority");
        write(directory.path(), "ca.crt", authority.pem());
        let client = issue(directory.path(), &authority, CLIENT_SERIAL, Signature::Rsa);
        Self { directory, authority, client }
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn authority_file(&self) -> PathBuf {
        self.path().join("ca.crt")
    }

    pub(crate) fn server(&self, signature: Signature) -> Identity {
        issue(self.path(), &self.authority, 1, signature)
    }

    pub(crate) fn files(&self, server: &Identity, lists: &[PathBuf]) -> OpensslFiles {
        OpensslFiles {
            certificates: server.certificate.clone(),
            key: server.key.clone(),
            client_authorities: vec![self.authority_file()],
            revocation_lists: lists.to_vec(),
        }
    }

    pub(crate) fn acceptor(&self, auth_suite: AuthSuite, lists: &[PathBuf]) -> OpensslAcceptor {
        let files = self.files(&self.server(Signature::Rsa), lists);
        OpensslAcceptor::new(&files, &Suites::of(auth_suite), NOW).unwrap()
    }

    /// Makes a list that revokes one serial number.
    pub(crate) fn list(
        &self,
        name: &str,
        authority: &Authority,
        serial: u8,
        next_year: i32,
    ) -> PathBuf {
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2020, 1, 1),
            next_update: date_time_ymd(next_year, 1, 1),
            crl_number: SerialNumber::from_slice(&[1]),
            issuing_distribution_point: None,
            revoked_certs: vec![RevokedCertParams {
                serial_number: SerialNumber::from_slice(&[serial]),
                revocation_time: date_time_ymd(2020, 1, 1),
                reason_code: None,
                invalidity_date: None,
            }],
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(authority).unwrap();
        if name.ends_with("der") {
            write(self.path(), name, list.der())
        } else {
            write(self.path(), name, list.pem().unwrap())
        }
    }
}

pub(crate) fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, content).unwrap();
    path
}

pub(crate) fn issue(
    directory: &Path,
    authority: &Authority,
    serial: u8,
    signature: Signature,
) -> Identity {
    let key = signature.key();
    let certificate = leaf_params(serial).signed_by(&key, authority).unwrap();
    keep(directory, &format!("leaf-{serial}"), &certificate, &key)
}

pub(crate) fn keep(
    directory: &Path,
    name: &str,
    certificate: &Certificate,
    key: &KeyPair,
) -> Identity {
    Identity {
        certificate: write(directory, &format!("{name}.crt"), certificate.pem()),
        key: write(directory, &format!("{name}.key"), key.serialize_pem()),
        der: certificate.der().to_vec(),
    }
}

/// Makes a certificate with a DSA key, which only OpenSSL can still do.
pub(crate) fn dsa_identity(directory: &Path) -> Identity {
    let key = PKey::from_dsa(Dsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let certificate = builder.build();
    Identity {
        certificate: write(directory, "dsa.crt", certificate.to_pem().unwrap()),
        key: write(directory, "dsa.key", key.private_key_to_pem_pkcs8().unwrap()),
        der: certificate.to_der().unwrap(),
    }
}
