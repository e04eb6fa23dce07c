//! One broken thing at a time, and what is said of it.

use std::path::PathBuf;

use kmip_x509::CertificateAuthority;
use kmip_x509::revocation::RevocationList;
use tempfile::TempDir;

use super::{super::finding::Manner, *};
use crate::config::Address;

/// A time that program and tests agree on.
const NOW: DateTime = DateTime(1_800_000_000);

/// A day after everything that was issued at [`NOW`] has ended, and more.
const LATER: DateTime = DateTime(NOW.0 + 4_000 * DAY);

struct Place {
    directory: TempDir,
    kmip: ListenKmip,
}

fn authority() -> CertificateAuthority {
    CertificateAuthority::create("an authority", NOW).unwrap()
}

impl Place {
    /// A server's certificate with its chain, and an authority of clients.
    fn new(chain: &[&str], client_ca: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut place = Self { directory, kmip: ListenKmip::default() };
        place.kmip.address = Address::new("kmip.example", 5696);
        place.kmip.certificate = Some(place.write("server.crt", &chain.concat()));
        place.kmip.client_ca = Some(place.write("ca.crt", client_ca));
        place
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn look(&self, names: &[&str], now: DateTime) -> Findings {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut findings = Findings::new(Manner::Quiet);
        check(&self.kmip, &names, now, &mut findings);
        findings
    }
}

/// Everything that is not ok.
fn wrong(findings: &Findings) -> Vec<(Status, String)> {
    let wrong = findings.list().iter().filter(|finding| finding.status != Status::Ok);
    wrong
        .map(|finding| (finding.status, format!("{}: {}", finding.check, finding.detail)))
        .collect()
}

/// The one thing that is not ok.
fn one(findings: &Findings) -> (Status, String) {
    let mut found = wrong(findings);
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn server(authority: &CertificateAuthority, names: &[&str], now: DateTime) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    authority.issue_server(&names, now).unwrap().certified.certificate
}

#[test]
fn a_whole_set_is_ok() {
    let authority = authority();
    let own = server(&authority, &["kmip.example", "192.0.2.7"], NOW);
    for chain in [&[own.as_str()][..], &[own.as_str(), authority.certificate()]] {
        let place = Place::new(chain, authority.certificate());
        assert_eq!(wrong(&place.look(&["192.0.2.7"], NOW)), []);
    }
}

#[test]
fn a_chain_is_told_where_it_breaks() {
    let (authority, other) = (authority(), authority());
    let own = server(&authority, &["kmip.example"], NOW);
    let stranger = server(&other, &["other.example"], NOW);
    for (chain, expected, words) in [
        (&[&own, other.certificate()][..], Status::Failed, "which is not its issuer"),
        (&[&own, &stranger], Status::Failed, "which is not its issuer"),
        (&[&own, authority.certificate(), &stranger], Status::Failed, "is not its issuer"),
    ] {
        let (status, told) = one(&Place::new(chain, authority.certificate()).look(&[], NOW));
        assert_eq!(status, expected, "{told}");
        assert!(told.starts_with("server certificate chain: ") && told.contains(words), "{told}");
    }
    // Nobody here knows whether clients have the issuer.
    let (status, told) = one(&Place::new(&[&own], other.certificate()).look(&[], NOW));
    assert_eq!(status, Status::Warning);
    assert!(told.contains("put its certificate behind it"), "{told}");
}

#[test]
fn dates_are_told_from_both_sides_and_thirty_days_before() {
    let authority = CertificateAuthority::create("an authority", DateTime(NOW.0 - 900 * DAY));
    let authority = authority.unwrap();
    let end = {
        let own = server(&authority, &["kmip.example"], NOW);
        let der = CertificateDer::from_pem_slice(own.as_bytes()).unwrap();
        Inspected::parse(&der).unwrap().valid_until.0
    };
    let own = server(&authority, &["kmip.example"], NOW);
    let place = Place::new(&[&own], authority.certificate());
    for (now, expected, words) in [
        (NOW.0 - 2 * DAY, Status::Failed, "counts from"),
        (end - 29 * DAY, Status::Warning, "in 29 days"),
        (end + 1, Status::Failed, "expired at"),
    ] {
        let (status, told) = one(&place.look(&[], DateTime(now)));
        assert_eq!(status, expected, "{told}");
        assert!(told.starts_with("server certificate dates: ") && told.contains(words), "{told}");
    }
    assert_eq!(wrong(&place.look(&[], DateTime(end - 31 * DAY))), []);
    // In the end the authority of clients has ended too.
    let all = wrong(&place.look(&[], LATER));
    assert!(all.iter().any(|(_, told)| told.starts_with("client CA dates: ")), "{all:?}");
}

#[test]
fn a_certificate_for_clients_is_none_for_servers() {
    let authority = authority();
    let own = authority.issue_client("kmip.example", NOW).unwrap().certified.certificate;
    let place = Place::new(&[&own], authority.certificate());
    let told = wrong(&place.look(&[], NOW));
    let expected = ["is not for servers", "no subject alternative name"];
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((status, told), words) in told.iter().zip(expected) {
        assert!(*status == Status::Failed && told.contains(words), "{told}");
    }
}

#[test]
fn names_are_those_that_clients_use() {
    let authority = authority();
    let own = server(&authority, &["other.example"], NOW);
    let mut place = Place::new(&[&own], authority.certificate());
    let (status, told) = one(&place.look(&[], NOW));
    assert_eq!(status, Status::Failed);
    assert!(told.contains("not for kmip.example") && told.contains("other.example"), "{told}");
    // Clients that use another name do not mind.
    assert_eq!(one(&place.look(&["other.example"], NOW)).0, Status::Warning);
    assert_eq!(one(&place.look(&["third.example"], NOW)).0, Status::Failed);
    place.kmip.address = Address::new("0.0.0.0", 5696);
    assert_eq!(one(&place.look(&[], NOW)).0, Status::Skipped);
    assert_eq!(wrong(&place.look(&["other.example"], NOW)), []);
}

#[test]
fn the_authority_of_clients_is_one_and_not_the_server() {
    let authority = authority();
    let own = server(&authority, &["kmip.example"], NOW);
    let chain = [own.as_str(), authority.certificate()];
    let (status, told) = one(&Place::new(&chain, &own).look(&[], NOW));
    assert_eq!(status, Status::Warning);
    assert!(told.contains("server's own certificate"), "{told}");
    let client = authority.issue_client("c", NOW).unwrap().certified.certificate;
    let (status, told) = one(&Place::new(&chain, &client).look(&[], NOW));
    assert_eq!(status, Status::Failed);
    assert!(told.contains("CN=c is no authority"), "{told}");
}

#[test]
fn a_revocation_list_is_signed_and_in_time() {
    let (authority, other) = (authority(), authority());
    let own = server(&authority, &["kmip.example"], NOW);
    let empty = RevocationList { number: 1, next_update: None, entries: Vec::new() };
    let list =
        |authority: &CertificateAuthority, now| authority.sign_list(&empty, 30, now).unwrap();
    let mut place = Place::new(&[&own], authority.certificate());
    let overdue = list(&authority, DateTime(NOW.0 - 800 * DAY));
    for (text, expected) in [
        (list(&authority, NOW), None),
        (list(&other, NOW), Some((Status::Failed, "no configured authority has signed it"))),
        // The server starts with it, and goes by it.
        (overdue, Some((Status::Warning, "the next one was due"))),
        ("nothing".to_owned(), Some((Status::Failed, "holds none"))),
    ] {
        place.kmip.crls = vec![place.write("ca.crl", &text)];
        let told = wrong(&place.look(&[], NOW));
        match expected {
            None => assert_eq!(told, []),
            Some((status, words)) => {
                assert!(
                    matches!(&told[..], [(is, it)] if *is == status && it.contains(words)),
                    "{told:?}"
                );
            }
        }
        let admin = ListenAdmin {
            client_ca: place.kmip.client_ca.clone(),
            crls: place.kmip.crls.clone(),
            ..ListenAdmin::default()
        };
        let mut findings = Findings::new(Manner::Quiet);
        check_admin(&admin, NOW, &mut findings);
        assert_eq!(wrong(&findings), told, "the admin port's are judged as KMIP's");
    }
}

#[test]
fn a_file_that_holds_something_else_is_named() {
    let authority = authority();
    let place = Place::new(&["nothing"], authority.certificate());
    let (status, told) = one(&place.look(&[], NOW));
    assert_eq!(status, Status::Failed);
    assert!(told.contains("server.crt") && told.contains("no certificate in PEM"), "{told}");
}

#[test]
fn a_key_is_of_a_kind_and_length_that_clients_take() {
    for (key, broken_hash, older, expected) in [
        (KeyKind::Rsa(2_048), None, None, Status::Ok),
        (KeyKind::Curve(384), None, None, Status::Ok),
        (KeyKind::Rsa(4_096), Some("SHA-1"), None, Status::Warning),
        (KeyKind::Ed25519, None, None, Status::Warning),
        (KeyKind::Rsa(1_024), None, None, Status::Failed),
        (KeyKind::Rsa(1_024), None, Some(AuthSuite::Basic), Status::Warning),
        (KeyKind::Other("1.2.840.10040.4.1".to_owned()), None, None, Status::Failed),
    ] {
        let (status, words) = judge_key(&key, broken_hash, older);
        assert_eq!(status, expected, "{key:?}: {words}");
    }
}
