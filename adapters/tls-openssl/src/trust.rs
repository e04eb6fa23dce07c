//! Whom the server trusts, asked again for sessions that are open.
//!
//! A handshake asks OpenSSL, which forgives what `config` says may be forgiven. Outside a handshake
//! nobody is there to forgive, so the chain is verified without the lists, and the lists are looked
//! at here.

use kmip_model::DateTime;
use kmip_transport::Dates;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{CrlStatus, X509, X509Crl, X509PurposeId, X509Ref, X509StoreContext};

/// The length of a day in seconds.
const DAY: i64 = 86_400;

/// The authorities of clients, and what they have revoked.
#[derive(Default)]
pub(crate) struct Trust {
    pub(crate) authorities: Vec<X509>,
    pub(crate) lists: Vec<X509Crl>,
}

impl Trust {
    /// Says whether the same are trusted as by another; what cannot be compared is another.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        let authorities = |trust: &Self| -> Result<Vec<Vec<u8>>, ErrorStack> {
            trust.authorities.iter().map(|it| it.to_der()).collect()
        };
        let lists = |trust: &Self| -> Result<Vec<Vec<u8>>, ErrorStack> {
            trust.lists.iter().map(|it| it.to_der()).collect()
        };
        let same = |one: Result<Vec<_>, _>, two: Result<Vec<_>, _>| match (one, two) {
            (Ok(one), Ok(two)) => one == two,
            _ => false,
        };
        same(authorities(self), authorities(other)) && same(lists(self), lists(other))
    }

    /// Notes when something of it goes out of date.
    pub(crate) fn date(&self, dates: &mut Dates) {
        for authority in &self.authorities {
            dates.authorities_until = earlier(dates.authorities_until, date(authority.not_after()));
        }
        for due in self.lists.iter().filter_map(|list| list.next_update()) {
            dates.lists_due = earlier(dates.lists_due, date(due));
        }
    }

    /// Verifies a client by its certificates, DER, leaf first.
    pub(crate) fn verify(&self, certificates: &[Vec<u8>]) -> Result<(), String> {
        let words = |error: ErrorStack| error.to_string();
        let mut chain = certificates.iter().map(|certificate| X509::from_der(certificate));
        let leaf = chain.next().ok_or("the client has no certificate")?.map_err(words)?;
        let mut issuers = Stack::new().map_err(words)?;
        for issuer in chain {
            issuers.push(issuer.map_err(words)?).map_err(words)?;
        }
        let mut store = X509StoreBuilder::new().map_err(words)?;
        for authority in &self.authorities {
            store.add_cert(authority.clone()).map_err(words)?;
        }
        store.set_flags(X509VerifyFlags::PARTIAL_CHAIN).map_err(words)?;
        store.set_purpose(X509PurposeId::SSL_CLIENT).map_err(words)?;
        let store = store.build();
        let mut context = X509StoreContext::new().map_err(words)?;
        let verdict = context.init(&store, &leaf, &issuers, |context| {
            if !context.verify_cert()? {
                return Ok(Err(context.error().error_string().to_owned()));
            }
            let revoked = match context.chain() {
                Some(chain) => chain.iter().any(|certificate| self.has_revoked(certificate)),
                None => self.has_revoked(&leaf),
            };
            Ok(if revoked { Err("a certificate is revoked".to_owned()) } else { Ok(()) })
        });
        verdict.map_err(words)?
    }

    /// Says whether the list of a certificate's issuer names it.
    fn has_revoked(&self, certificate: &X509Ref) -> bool {
        let certificate = certificate.to_owned();
        let issuer = certificate.issuer_name().to_der().ok();
        self.lists.iter().any(|list| {
            let is_issuer = list.issuer_name().to_der().ok() == issuer;
            is_issuer && matches!(list.get_by_cert(&certificate), CrlStatus::Revoked(_))
        })
    }
}

/// Returns the earlier of two dates, or the one that there is.
pub(crate) fn earlier(one: Option<DateTime>, other: Option<DateTime>) -> Option<DateTime> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Reads a date, if it can be read.
pub(crate) fn date(time: &Asn1TimeRef) -> Option<DateTime> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    let days = i64::from(since.days).checked_mul(DAY)?;
    Some(DateTime(days.checked_add(i64::from(since.secs))?))
}
