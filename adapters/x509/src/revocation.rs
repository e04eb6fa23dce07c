//! Certificate revocation lists (RFC 5280 §5), read and written by the authority itself.
//!
//! A list that is written again keeps every entry of the one before, whoever made it: to leave one
//! out would let somebody in again.

use kmip_model::DateTime;
use rcgen::{CertificateRevocationListParams, RevocationReason, RevokedCertParams, SerialNumber};
use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use thiserror::Error;
use x509_cert::crl::{CertificateList, RevokedCert};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::{CrlNumber, CrlReason};

use crate::issue::{CertificateAuthority, IssueError, SLOW_CLOCK, date, later};
use crate::parse::integer_content;
use crate::signature::{self, Verdict};

/// How long a list is current if nothing else is said. Servers that obey the date refuse everybody
/// after it, and nothing here runs by itself to write the next one.
pub const LIST_DAYS: u32 = 365;

/// The extensions of a list that its next one can have again: CRL Number, Authority Key Identifier.
const KNOWN: [ObjectIdentifier; 2] =
    [ObjectIdentifier::new_unwrap("2.5.29.20"), ObjectIdentifier::new_unwrap("2.5.29.35")];

/// The extension of an entry that its next one can have again: the reason.
const REASON: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.21");

/// Why a list is not carried on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ListError {
    /// It is no list.
    #[error("it is no certificate revocation list")]
    Unreadable,
    /// It is that of another authority.
    #[error("it is the list of another CA")]
    OtherAuthority,
    /// Its signature is not the authority's.
    #[error("its signature was not made by the key of this CA")]
    BadSignature,
    /// It has parts that would be lost.
    #[error("it has extensions that would be lost; use the tool that made it")]
    Foreign,
}

/// One certificate that is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Its serial number, the content octets of its DER INTEGER.
    pub serial_number: Vec<u8>,
    /// Since when.
    pub since: DateTime,
    /// Why, by the number of RFC 5280 §5.3.1; 0 for no reason given.
    pub reason: u8,
}

/// What a list says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RevocationList {
    /// Its number; the next one has a higher one.
    pub number: u64,
    /// Until when it is current, if it says so.
    pub next_update: Option<DateTime>,
    /// Who is shut out, oldest first.
    pub entries: Vec<Revoked>,
}

impl RevocationList {
    /// Says since when a certificate is revoked, if it is.
    #[must_use]
    pub fn since(&self, serial_number: &[u8]) -> Option<DateTime> {
        let entry = self.entries.iter().find(|entry| entry.serial_number == serial_number);
        entry.map(|entry| entry.since)
    }
}

impl CertificateAuthority {
    /// Reads a list of this authority, PEM or DER.
    ///
    /// # Errors
    ///
    /// Refuses what this authority has not signed, and what could not be written again whole.
    pub fn read_list(&self, bytes: &[u8]) -> Result<RevocationList, ListError> {
        let der = CertificateRevocationListDer::from_pem_slice(bytes)
            .map_or_else(|_| bytes.to_vec(), |der| der.as_ref().to_vec());
        let list: CertificateList =
            CertificateList::from_der(&der).map_err(|_| ListError::Unreadable)?;
        let signed = &list.tbs_cert_list;
        if signed.issuer.to_der().ok().as_deref() != Some(self.subject()) {
            return Err(ListError::OtherAuthority);
        }
        let key = self.public_key().ok_or(ListError::BadSignature)?;
        if signature::verify(&der, &list.signature_algorithm, &list.signature, &key)
            != Verdict::Good
        {
            return Err(ListError::BadSignature);
        }
        let mut number = 0;
        for extension in signed.crl_extensions.iter().flatten() {
            if !KNOWN.contains(&extension.extn_id) {
                return Err(ListError::Foreign);
            }
            if KNOWN.first() == Some(&extension.extn_id) {
                number = CrlNumber::from_der(extension.extn_value.as_bytes())
                    .ok()
                    .and_then(|number| number_of(number.0.as_bytes()))
                    .ok_or(ListError::Foreign)?;
            }
        }
        let entries = signed.revoked_certificates.iter().flatten().map(entry);
        Ok(RevocationList {
            number,
            next_update: signed.next_update.map(|time| date_of(&time)),
            entries: entries.collect::<Result<_, _>>()?,
        })
    }

    /// Signs a list, PEM, current for so many days from now on.
    ///
    /// # Errors
    ///
    /// Reports that the list could not be signed.
    pub fn sign_list(
        &self,
        list: &RevocationList,
        days: u32,
        now: DateTime,
    ) -> Result<String, IssueError> {
        let entry = |entry: &Revoked| RevokedCertParams {
            serial_number: SerialNumber::from_slice(&entry.serial_number),
            revocation_time: date(entry.since.0),
            // No reason is written as none, as the standard wants.
            reason_code: reason(entry.reason).filter(|it| *it != RevocationReason::Unspecified),
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: date(now.0.saturating_sub(SLOW_CLOCK)),
            next_update: date(later(now, i64::from(days))),
            crl_number: SerialNumber::from_slice(&list.number.to_be_bytes()),
            issuing_distribution_point: None,
            revoked_certs: list.entries.iter().map(entry).collect(),
            key_identifier_method: self.key_identifier(),
        };
        Ok(params.signed_by(self.issuer())?.pem()?)
    }
}

fn entry(entry: &RevokedCert) -> Result<Revoked, ListError> {
    let mut reason = 0;
    for extension in entry.crl_entry_extensions.iter().flatten() {
        if extension.extn_id != REASON {
            return Err(ListError::Foreign);
        }
        let read = CrlReason::from_der(extension.extn_value.as_bytes());
        reason = read.map_err(|_| ListError::Unreadable)? as u8;
    }
    Ok(Revoked {
        serial_number: integer_content(&entry.serial_number).map_err(|_| ListError::Unreadable)?,
        since: date_of(&entry.revocation_date),
        reason,
    })
}

fn date_of(time: &x509_cert::time::Time) -> DateTime {
    let seconds = time.to_unix_duration().as_secs();
    DateTime(i64::try_from(seconds).unwrap_or(i64::MAX))
}

/// Reads a number of at most 64 bits.
fn number_of(bytes: &[u8]) -> Option<u64> {
    let digits = bytes.iter().skip_while(|byte| **byte == 0);
    let mut number = 0_u64;
    for (place, byte) in digits.enumerate() {
        if place >= 8 {
            return None;
        }
        number = number.checked_mul(256)?.checked_add(u64::from(*byte))?;
    }
    Some(number)
}

/// Returns the reason of a number (RFC 5280 §5.3.1).
fn reason(number: u8) -> Option<RevocationReason> {
    use RevocationReason as R;
    Some(match number {
        0 => R::Unspecified,
        1 => R::KeyCompromise,
        2 => R::CaCompromise,
        3 => R::AffiliationChanged,
        4 => R::Superseded,
        5 => R::CessationOfOperation,
        6 => R::CertificateHold,
        8 => R::RemoveFromCrl,
        9 => R::PrivilegeWithdrawn,
        10 => R::AaCompromise,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime = DateTime(1_800_000_000);

    fn authority() -> CertificateAuthority {
        CertificateAuthority::create("Test CA", NOW).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let authority = authority();
        let revoked = |serial_number: &[u8], since, reason| Revoked {
            serial_number: serial_number.to_vec(),
            since: DateTime(since),
            reason,
        };
        let high = authority.issue_client("alice", NOW).unwrap().certified.described.serial_number;
        let mut entries = vec![revoked(&high, NOW.0, 0), revoked(&[0, 0x80], NOW.0 - 5, 1)];
        entries.extend([2, 3, 4, 5, 6, 8, 9, 10].map(|reason| revoked(&[reason], 1, reason)));
        for (number, entries) in [(1, vec![]), (u64::MAX, entries)] {
            let list = RevocationList {
                number,
                next_update: Some(DateTime(later(NOW, i64::from(LIST_DAYS)))),
                entries,
            };
            let pem = authority.sign_list(&list, LIST_DAYS, NOW).unwrap();
            assert_eq!(authority.read_list(pem.as_bytes()).unwrap(), list);
            let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).unwrap();
            assert_eq!(authority.read_list(&der).unwrap(), list);
        }
    }

    #[test]
    fn a_list_of_another_authority_is_refused() {
        let list = |authority: &CertificateAuthority| {
            authority.sign_list(&RevocationList::default(), LIST_DAYS, NOW).unwrap()
        };
        let other = CertificateAuthority::create("Other CA", NOW).unwrap();
        // One of the same name has another key.
        let namesake = authority();
        let authority = authority();
        let read = |pem: String| authority.read_list(pem.as_bytes());
        assert_eq!(read(list(&other)), Err(ListError::OtherAuthority));
        assert_eq!(read(list(&namesake)), Err(ListError::BadSignature));
        assert_eq!(read("junk".to_owned()), Err(ListError::Unreadable));
    }

    #[test]
    fn numbers_have_at_most_64_bits() {
        assert_eq!(number_of(&[]), Some(0));
        assert_eq!(number_of(&[0, 1, 2]), Some(258));
        assert_eq!(number_of(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(u64::MAX));
        assert_eq!(number_of(&[1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
    }
}
