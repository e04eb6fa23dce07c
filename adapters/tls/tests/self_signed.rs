//! One self-signed certificate for server, authority and client, over real TLS.

#![expect(clippy::unwrap_used, reason = "these are tests; Clippy knows only those inside crates")]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use kmip_model::DateTime;
use kmip_ports::transport::{MessageHandler, Peer};
use kmip_tls::{Limits, Listener, Shutdown, Source, TlsConfig, TlsSettings, TlsSources};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CertificateRevocationListParams, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose,
    RevokedCertParams, SerialNumber, date_time_ymd,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, SignatureScheme, SupportedProtocolVersion, version,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

const NOW: DateTime = DateTime(1_800_000_000);

const MESSAGE: [u8; 16] = *b"\x42\x00\x78\x01\x00\x00\x00\x0812345678";

/// Long enough that only a mistake reaches it.
const AT_MOST: Duration = Duration::from_secs(20);

struct Echo;

#[async_trait]
impl MessageHandler for Echo {
    async fn handle(&self, _: &Peer, message: &[u8]) -> Vec<u8> {
        message.to_vec()
    }
}

/// Trusts one certificate, whatever it says of itself, as clients on OpenSSL do.
#[derive(Debug)]
struct Pinned(CertificateDer<'static>);

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        assert_eq!(end_entity.as_ref(), self.0.as_ref());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = default_provider().signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// A certificate, how it was made, and its key.
struct Identity {
    certificate: Certificate,
    params: CertificateParams,
    key: KeyPair,
}

/// Makes a certificate that is signed by itself.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "everything");
    params.serial_number = Some(SerialNumber::from_slice(&[7]));
    // What openssl req -x509 makes: an authority without more words.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    Identity { certificate: params.self_signed(&key).unwrap(), params, key }
}

fn revoked(identity: &Identity) -> Source {
    let list = CertificateRevocationListParams {
        this_update: date_time_ymd(2020, 1, 1),
        next_update: date_time_ymd(2099, 1, 1),
        crl_number: SerialNumber::from_slice(&[1]),
        issuing_distribution_point: None,
        revoked_certs: vec![RevokedCertParams {
            serial_number: SerialNumber::from_slice(&[7]),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: KeyIdMethod::Sha256,
    };
    let issuer = Issuer::from_params(&identity.params, &identity.key);
    Source::new("list", list.signed_by(&issuer).unwrap().pem().unwrap().into_bytes())
}

/// Starts a server whose certificate and authority are one, and sends a message as a client.
async fn echo(
    server: &Identity,
    revocation_lists: Vec<Source>,
    client: &Identity,
    tls_version: &'static SupportedProtocolVersion,
) -> io::Result<Vec<u8>> {
    let pem = server.certificate.pem().into_bytes();
    let sources = TlsSources {
        certificates: Source::new("certificate", pem.clone()),
        key: Source::new("key", server.key.serialize_pem().into_bytes()),
        client_authorities: vec![Source::new("authority", pem)],
        revocation_lists,
    };
    let tls = Arc::new(TlsConfig::new(&sources, TlsSettings::default(), NOW).unwrap());
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = Listener::bind(any, tls, Limits::default(), Arc::new(Echo)).unwrap();
    let address = listener.local_address();
    let shutdown = Shutdown::new();
    let serving = tokio::spawn(listener.serve(shutdown.clone()));
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(client.key.serialize_der()));
    let key = default_provider().key_provider.load_private_key(key).unwrap();
    // Not checked here whether they belong together: one of the clients is a thief.
    let certified = CertifiedKey::new(vec![client.certificate.der().clone()], key);
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(&[tls_version])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Pinned(server.certificate.der().clone())))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    let talk = async {
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(address).await?;
        let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        stream.write_all(&MESSAGE).await?;
        let mut answer = vec![0; MESSAGE.len()];
        stream.read_exact(&mut answer).await?;
        Ok(answer)
    };
    let answer = tokio::time::timeout(AT_MOST, talk).await.expect("this takes far too long");
    shutdown.begin();
    serving.await.unwrap();
    answer
}

#[tokio::test]
async fn a_self_signed_certificate_serves_both_sides() {
    type Change = fn(&mut CertificateParams);
    let kinds: [(&str, Change); 4] = [
        ("an authority", |_| {}),
        ("no authority", |params| params.is_ca = IsCa::NoCa),
        ("an authority for all purposes", |params| {
            params.key_usages =
                vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        }),
        ("for clients and servers", |params| {
            params.extended_key_usages =
                vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
        }),
    ];
    for (kind, change) in kinds {
        for tls_version in [&version::TLS12, &version::TLS13] {
            let identity = self_signed(change);
            let answer = echo(&identity, Vec::new(), &identity, tls_version).await;
            assert_eq!(answer.unwrap(), MESSAGE, "{kind}");
        }
    }
}

#[tokio::test]
async fn another_certificate_of_the_same_name_is_refused() {
    let server = self_signed(|_| {});
    let other = self_signed(|_| {});
    // The right certificate is of no use without its key.
    let thief = Identity {
        certificate: server.certificate.clone(),
        params: CertificateParams::default(),
        key: KeyPair::generate().unwrap(),
    };
    for client in [&other, &thief] {
        for tls_version in [&version::TLS12, &version::TLS13] {
            echo(&server, Vec::new(), client, tls_version).await.unwrap_err();
        }
    }
}

#[tokio::test]
async fn a_self_signed_certificate_keeps_the_rules_of_the_others() {
    type Change = fn(&mut CertificateParams);
    let kinds: [(&str, Change); 4] = [
        ("expired", |params| params.not_after = date_time_ymd(2021, 1, 1)),
        ("not valid yet", |params| params.not_before = date_time_ymd(2090, 1, 1)),
        ("for servers", |params| {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        }),
        ("for signing certificates", |params| {
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        }),
    ];
    for (kind, change) in kinds {
        let identity = self_signed(change);
        let answer = echo(&identity, Vec::new(), &identity, &version::TLS13).await;
        assert!(answer.is_err(), "{kind}");
    }
}

#[tokio::test]
async fn a_revoked_self_signed_certificate_is_refused() {
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let identity = self_signed(|params| params.is_ca = is_ca);
        let lists = vec![revoked(&identity)];
        assert!(echo(&identity, lists, &identity, &version::TLS13).await.is_err(), "{is_ca:?}");
    }
}
