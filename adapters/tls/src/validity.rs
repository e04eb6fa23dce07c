//! Where dates of certificates and revocation lists lie, and what is said of those out of date.

use kmip_model::DateTime;
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::certificate::Rfc5280;
use x509_cert::crl::CertificateList;
use x509_cert::der::Decode;
use x509_cert::time::Time;

/// Where a date lies with respect to a certificate's validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validity {
    NotYet(DateTime),
    Valid,
    Expired(DateTime),
    /// The validity cannot be read; the handshake will tell.
    Unknown,
}

/// Says where a date lies.
pub(crate) fn validity(certificate: &[u8], now: DateTime) -> Validity {
    let Some((from, until)) = period(certificate) else {
        return Validity::Unknown;
    };
    if now < from {
        Validity::NotYet(from)
    } else if now > until {
        Validity::Expired(until)
    } else {
        Validity::Valid
    }
}

/// Returns the first and the last moment of a certificate.
pub(crate) fn period(certificate: &[u8]) -> Option<(DateTime, DateTime)> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let validity = certificate.tbs_certificate().validity();
    Some((date(validity.not_before), date(validity.not_after)))
}

/// Returns when the next list is due.
pub(crate) fn due(list: &[u8]) -> Option<DateTime> {
    let list = CertificateList::<Rfc5280>::from_der(list).ok()?;
    list.tbs_cert_list.next_update.map(date)
}

fn date(time: Time) -> DateTime {
    DateTime(i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX))
}

/// An expired certificate is no reason to refuse: clients may not look, and the keys are needed.
pub(crate) fn warn_of_validity(origin: &str, certified: &CertifiedKey, now: DateTime) {
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
pub(crate) fn warn_of_age(origin: &str, list: &[u8], now: DateTime) {
    if let Some(due) = due(list).filter(|due| *due < now) {
        tracing::warn!(origin, due = %due, "certificate revocation list is out of date");
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

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
}
