//! The server's certificate, the authorities of clients, and their revocation lists, from the files.

use std::{fs, path::Path};

use kmip_model::DateTime;
use kmip_x509::inspect::{Inspected, InspectedList, KeyKind, Signed};
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, pem::PemObject as _};

use super::finding::{Findings, Status};
use crate::config::{AuthSuite, ListenAdmin, ListenKmip};

/// The seconds of a day.
const DAY: i64 = 86_400;

/// How many days before its end a certificate is told of.
const SOON: i64 = 30;

/// The shortest RSA key that modern TLS takes.
const SHORTEST_RSA: u32 = 2_048;

/// Looks at everything that TLS is made of; returns the server's own certificate.
pub(super) fn check(
    kmip: &ListenKmip,
    names: &[String],
    now: DateTime,
    findings: &mut Findings,
) -> Option<Vec<u8>> {
    let authorities = kmip
        .client_ca
        .as_deref()
        .and_then(|path| read(path).map_err(|error| findings.failed("client CA", error)).ok());
    let authorities: Vec<Inspected> =
        authorities.into_iter().flatten().map(|(_, authority)| authority).collect();
    let chain = kmip.certificate.as_deref().and_then(|path| {
        read(path).map_err(|error| findings.failed("server certificate", error)).ok()
    });
    let own = chain.as_ref().and_then(|chain| chain.first()).map(|(bytes, _)| bytes.clone());
    let chain: Vec<Inspected> =
        chain.into_iter().flatten().map(|(_, certificate)| certificate).collect();
    if let Some(leaf) = chain.first() {
        server(leaf, kmip, names, findings);
        order(&chain, &authorities, findings);
        for (certificate, what) in chain.iter().zip(
            std::iter::once("server certificate dates").chain(std::iter::repeat("chain dates")),
        ) {
            dates(what, certificate, now, findings);
        }
    }
    for authority in &authorities {
        client_authority(authority, chain.first(), now, findings);
    }
    for path in &kmip.crls {
        lists(path, &authorities, now, findings);
    }
    own
}

/// Looks at the revocation lists of the admin port.
pub(super) fn check_admin(admin: &ListenAdmin, now: DateTime, findings: &mut Findings) {
    if !admin.enabled || admin.crls.is_empty() {
        return;
    }
    let Some(authority) = admin.client_ca.as_deref() else { return };
    match read(authority) {
        Ok(read) => {
            let authorities: Vec<_> = read.into_iter().map(|(_, authority)| authority).collect();
            for path in &admin.crls {
                lists(path, &authorities, now, findings);
            }
        }
        Err(error) => findings.failed("admin client CA", error),
    }
}

/// Reads the certificates of a PEM file; there must be one.
fn read(path: &Path) -> Result<Vec<(Vec<u8>, Inspected)>, String> {
    let wrong = |what: &str| format!("{}: {what}", path.display());
    let pem = fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let bytes = certificate.map_err(|_| wrong("holds PEM that cannot be read"))?;
        let inspected =
            Inspected::parse(&bytes).map_err(|_| wrong("holds a certificate that is damaged"))?;
        found.push((bytes.to_vec(), inspected));
    }
    if found.is_empty() {
        return Err(wrong(
            "holds no certificate in PEM (openssl x509 -inform der makes one of a DER file)",
        ));
    }
    Ok(found)
}

/// Looks at what the server's own certificate is for, and at its names and key.
fn server(leaf: &Inspected, kmip: &ListenKmip, names: &[String], findings: &mut Findings) {
    match leaf.for_servers {
        Some(true) => findings.ok("server certificate purpose", "serverAuth"),
        None => findings.ok("server certificate purpose", "it names none, so it is for any"),
        Some(false) => findings.failed(
            "server certificate purpose",
            format!(
                "{} is not for servers: clients refuse it; get one with the extended key usage \
                 serverAuth",
                leaf.subject
            ),
        ),
    }
    server_names(leaf, kmip.address.host(), names, findings);
    strength(leaf, kmip.auth_suite, findings);
}

fn server_names(leaf: &Inspected, host: &str, names: &[String], findings: &mut Findings) {
    const WHAT: &str = "server certificate names";
    let has = leaf.all_names();
    if has.is_empty() {
        return findings.failed(
            WHAT,
            format!(
                "{} has no subject alternative name, and clients do not look at the common name; \
                 get one with the names that clients use",
                leaf.subject
            ),
        );
    }
    let everywhere = host.parse::<std::net::IpAddr>().is_ok_and(|host| host.is_unspecified());
    let own = (!everywhere).then_some(host);
    let wanted: Vec<&str> = own.into_iter().chain(names.iter().map(String::as_str)).collect();
    if wanted.is_empty() {
        return findings.skipped(
            WHAT,
            format!(
                "the server listens on every address; say with --name what clients call it; the \
                 certificate has: {}",
                has.join(", ")
            ),
        );
    }
    let missing: Vec<&str> = wanted.iter().copied().filter(|name| !leaf.names(name)).collect();
    if missing.is_empty() {
        return findings.ok(WHAT, wanted.join(", "));
    }
    // Behind a load balancer nobody calls it by its own address.
    let only_own = names.iter().all(|name| leaf.names(name));
    let status = if only_own && !names.is_empty() { Status::Warning } else { Status::Failed };
    findings.note(
        status,
        WHAT,
        format!(
            "it is not for {}: clients that connect by that refuse it; it is for: {}",
            missing.join(", "),
            has.join(", ")
        ),
    );
}

fn strength(leaf: &Inspected, older: Option<AuthSuite>, findings: &mut Findings) {
    let (status, words) = judge_key(&leaf.key, leaf.broken_hash(), older);
    findings.note(status, "server certificate key", words);
}

fn judge_key(
    key: &KeyKind,
    broken_hash: Option<&str>,
    older: Option<AuthSuite>,
) -> (Status, String) {
    let key = match key {
        KeyKind::Rsa(bits) if *bits < SHORTEST_RSA => {
            // OpenSSL serves by it.
            let status = if older.is_some() { Status::Warning } else { Status::Failed };
            let words =
                format!("RSA of {bits} bits is too short: make a key of 3072 bits, or EC P-256");
            return (status, words);
        }
        KeyKind::Other(identifier) => {
            let words = format!(
                "a key of kind {identifier} cannot serve: it must be RSA, EC P-256, P-384 or P-521, \
                 or Ed25519"
            );
            return (Status::Failed, words);
        }
        KeyKind::Ed25519 => {
            let words = "Ed25519: many products do not know it; RSA of 3072 bits and EC P-256 are \
                         known";
            return (Status::Warning, words.to_owned());
        }
        KeyKind::Rsa(bits) => format!("RSA, {bits} bits"),
        KeyKind::Curve(bits) => format!("EC P-{bits}"),
    };
    match broken_hash {
        Some(hash) => {
            (Status::Warning, format!("{key}, signed with {hash}, which modern clients refuse"))
        }
        None => (Status::Ok, key),
    }
}

/// Looks at whether each certificate is followed by its issuer, up to what clients have.
fn order(chain: &[Inspected], authorities: &[Inspected], findings: &mut Findings) {
    const WHAT: &str = "server certificate chain";
    for pair in chain.windows(2) {
        let [certificate, next] = pair else { continue };
        if certificate.is_signed_by(next) == Signed::No {
            return findings.failed(
                WHAT,
                format!(
                    "{} is followed by {}, which is not its issuer; the server's own certificate \
                     comes first, then its issuer, then that one's",
                    certificate.subject, next.subject
                ),
            );
        }
        if !next.is_authority {
            let what = format!("{} is no authority, and is in the chain as one", next.subject);
            return findings.failed(WHAT, what);
        }
    }
    let Some(last) = chain.last() else { return };
    let length = chain.len();
    if last.is_self_issued() {
        let told = format!("complete, {length} long, up to {}", last.subject);
        return findings.ok(WHAT, told);
    }
    let root = authorities.iter().find(|it| last.is_signed_by(it) == Signed::Yes);
    match root {
        Some(root) if root.is_self_issued() => findings.ok(
            WHAT,
            format!("complete, {length} long, up to {}, which clients must have", root.subject),
        ),
        _ => findings.warning(
            WHAT,
            format!(
                "it ends at {}, issued by {}: if that is not the authority that clients have, put \
                 its certificate behind it",
                last.subject, last.issuer
            ),
        ),
    }
}

fn dates(what: &str, certificate: &Inspected, now: DateTime, findings: &mut Findings) {
    let Inspected { subject, valid_from, valid_until, .. } = certificate;
    let left = valid_until.0.saturating_sub(now.0).div_euclid(DAY);
    if *valid_until < now {
        findings.failed(what, format!("{subject} expired at {valid_until}; renew it"));
    } else if *valid_from > now {
        findings.failed(
            what,
            format!("{subject} counts from {valid_from} on; look at the clock, or wait"),
        );
    } else if left < SOON {
        let told = format!("{subject} expires at {valid_until}, in {left} days; renew it");
        findings.warning(what, told);
    } else {
        findings.ok(what, format!("{subject}: {left} days left"));
    }
}

fn client_authority(
    authority: &Inspected,
    leaf: Option<&Inspected>,
    now: DateTime,
    findings: &mut Findings,
) {
    const WHAT: &str = "client CA";
    let subject = &authority.subject;
    if leaf.is_some_and(|leaf| leaf.is_same_as(authority)) {
        findings.warning(
            WHAT,
            format!(
                "{subject} is the server's own certificate: a client needs the server's private \
                 key; give clients an authority of their own"
            ),
        );
    } else if !authority.is_authority && authority.is_self_issued() {
        findings.warning(WHAT, format!("{subject} issues nothing: it is the only client"));
    } else if !authority.is_authority {
        findings.failed(
            WHAT,
            format!("{subject} is no authority: certificates of clients are not issued by it"),
        );
    } else {
        findings.ok(WHAT, subject.clone());
    }
    dates("client CA dates", authority, now, findings);
}

/// Looks at the revocation lists of a file, PEM or DER.
fn lists(path: &Path, authorities: &[Inspected], now: DateTime, findings: &mut Findings) {
    const WHAT: &str = "revocation list";
    let place = path.display();
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return findings.failed(WHAT, format!("{place}: {error}")),
    };
    let mut found: Vec<Vec<u8>> = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .filter_map(|list| list.ok().map(|list| list.to_vec()))
        .collect();
    if found.is_empty() {
        found.push(bytes);
    }
    for list in found {
        let Ok(list) = InspectedList::parse(&list) else {
            return findings.failed(WHAT, format!("{place} holds none, neither PEM nor DER"));
        };
        one_list(&place.to_string(), &list, authorities, now, findings);
    }
}

fn one_list(
    place: &str,
    list: &InspectedList,
    authorities: &[Inspected],
    now: DateTime,
    findings: &mut Findings,
) {
    const WHAT: &str = "revocation list";
    let InspectedList { issuer, made_at, next_at, revoked, .. } = list;
    let signed = |wanted| authorities.iter().any(|it| list.is_signed_by(it) == wanted);
    if !signed(Signed::Yes) && !signed(Signed::Unknown) {
        return findings.failed(
            WHAT,
            format!("{place}: no configured authority has signed it; it says it is of {issuer}"),
        );
    }
    if let Some(due) = next_at.filter(|due| *due < now) {
        // The server takes it: whom it names stays out, and nobody else does.
        return findings.warning(
            WHAT,
            format!(
                "{place}: the next one was due at {due}; the server goes by it, and who was revoked \
                 since gets in: fetch the next one"
            ),
        );
    }
    if *made_at > now {
        let told = format!("{place} was made at {made_at}, which is to come; look at the clock");
        return findings.warning(WHAT, told);
    }
    let until = next_at.map_or_else(|| "for ever".to_owned(), |due| format!("until {due}"));
    findings.ok(WHAT, format!("{place}: {revoked} revoked by {issuer}, good {until}"));
}

#[cfg(test)]
mod tests;
