//! Cipher suites by name, IANA's or OpenSSL's, and which of them this adapter has.
//!
//! rustls has the suites of TLS 1.3, and those of TLS 1.2 with ECDHE and AEAD. Lists that were
//! written for other servers name others too; those are told apart from names that nobody knows.

use std::fmt;

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{CipherSuite, ProtocolVersion, SignatureAlgorithm};

use crate::remembered;

/// Suites that rustls has: IANA's name, OpenSSL's name.
const HERE: &[(&str, &str, CipherSuite)] = &[
    ("TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", CipherSuite::TLS13_AES_256_GCM_SHA384),
    ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", CipherSuite::TLS13_AES_128_GCM_SHA256),
    (
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_CHACHA20_POLY1305_SHA256",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ),
    (
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "ECDHE-RSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Suites that PyKMIP's lists name and rustls has not: IANA's name, OpenSSL's name.
const ELSEWHERE: &[(&str, &str)] = &[
    ("TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    ("TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    ("TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
    ("TLS_DH_DSS_WITH_AES_128_CBC_SHA", "DH-DSS-AES128-SHA"),
    ("TLS_DH_DSS_WITH_AES_256_CBC_SHA", "DH-DSS-AES256-SHA"),
    ("TLS_DH_RSA_WITH_AES_128_CBC_SHA", "DH-RSA-AES128-SHA"),
    ("TLS_DH_RSA_WITH_AES_256_CBC_SHA", "DH-RSA-AES256-SHA"),
    ("TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", "DHE-DSS-DES-CBC3-SHA"),
    ("TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "DHE-DSS-AES128-SHA"),
    ("TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "DHE-DSS-AES256-SHA"),
    ("TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "DHE-RSA-DES-CBC3-SHA"),
    ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"),
    ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA"),
    ("TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
    ("TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
    ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
    ("TLS_RSA_WITH_AES_256_GCM_SHA384", "AES256-GCM-SHA384"),
    ("TLS_DH_DSS_WITH_AES_128_CBC_SHA256", "DH-DSS-AES128-SHA256"),
    ("TLS_DH_DSS_WITH_AES_256_CBC_SHA256", "DH-DSS-AES256-SHA256"),
    ("TLS_DH_RSA_WITH_AES_128_CBC_SHA256", "DH-RSA-AES128-SHA256"),
    ("TLS_DH_RSA_WITH_AES_256_CBC_SHA256", "DH-RSA-AES256-SHA256"),
    ("TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "DHE-DSS-AES128-SHA256"),
    ("TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "DHE-DSS-AES256-SHA256"),
    ("TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256"),
    ("TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"),
    ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "DHE-RSA-AES128-GCM-SHA256"),
    ("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", "DHE-RSA-AES256-GCM-SHA384"),
    ("TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", "ECDH-ECDSA-AES128-SHA256"),
    ("TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA256", "ECDH-ECDSA-AES256-SHA256"),
    ("TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", "ECDH-ECDSA-AES256-SHA384"),
    ("TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", "ECDH-RSA-AES128-SHA256"),
    ("TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", "ECDH-RSA-AES256-SHA384"),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"),
    ("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "ECDHE-ECDSA-AES128-SHA"),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", "ECDHE-ECDSA-AES256-SHA"),
    ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "ECDHE-RSA-AES128-SHA"),
    ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "ECDHE-RSA-AES256-SHA"),
];

/// The cipher suites that are offered. By default, all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suites {
    /// None for all.
    chosen: Vec<CipherSuite>,
}

/// A name that chose nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeftOut {
    /// There is such a suite, but not here.
    Elsewhere(String),
    /// There is no such suite.
    Unknown(String),
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere(name) => f.write_str(name),
            Self::Unknown(name) => write!(f, "{name} (no such suite is known)"),
        }
    }
}

impl Suites {
    /// Chooses the suites of a list, and returns the names that chose nothing. If no name chooses
    /// any, all suites are offered. If only suites of TLS 1.2 are chosen, those of TLS 1.3, which
    /// lists for older servers cannot name, are offered too.
    #[must_use]
    pub fn select<N: AsRef<str>>(names: &[N]) -> (Self, Vec<LeftOut>) {
        let mut chosen = Vec::new();
        let mut left_out = Vec::new();
        for name in names.iter().map(AsRef::as_ref) {
            let is = |iana: &str, openssl: &str| {
                name.eq_ignore_ascii_case(iana) || name.eq_ignore_ascii_case(openssl)
            };
            if let Some((.., suite)) = HERE.iter().find(|(iana, openssl, _)| is(iana, openssl)) {
                chosen.push(*suite);
            } else if ELSEWHERE.iter().any(|(iana, openssl)| is(iana, openssl)) {
                left_out.push(LeftOut::Elsewhere(name.to_owned()));
            } else {
                left_out.push(LeftOut::Unknown(name.to_owned()));
            }
        }
        (Self { chosen }, left_out)
    }

    /// Returns the provider of cryptography with these suites alone, and with signatures of
    /// certificates that are remembered.
    pub(crate) fn provider(&self) -> CryptoProvider {
        let mut provider = default_provider();
        provider.signature_verification_algorithms.all = remembered::algorithms();
        let is_tls13 = |suite: &rustls::SupportedCipherSuite| suite.tls13().is_some();
        let names_tls13 = provider
            .cipher_suites
            .iter()
            .any(|suite| is_tls13(suite) && self.chosen.contains(&suite.suite()));
        if !self.chosen.is_empty() {
            provider.cipher_suites.retain(|suite| {
                self.chosen.contains(&suite.suite()) || (is_tls13(suite) && !names_tls13)
            });
        }
        provider
    }
}

/// Says whether clients without TLS 1.3 can have a session with a server of such a key.
pub(crate) fn serves_tls12(provider: &CryptoProvider, key: SignatureAlgorithm) -> bool {
    provider.cipher_suites.iter().any(|suite| {
        suite.version().version == ProtocolVersion::TLSv1_2
            && suite.usable_for_signature_algorithm(key)
    })
}

#[cfg(test)]
mod tests {
    use rustls::SupportedCipherSuite;

    use super::*;

    fn offered(names: &[&str]) -> Vec<CipherSuite> {
        let (suites, _) = Suites::select(names);
        suites.provider().cipher_suites.iter().map(SupportedCipherSuite::suite).collect()
    }

    const TLS13: [CipherSuite; 3] = [
        CipherSuite::TLS13_AES_256_GCM_SHA384,
        CipherSuite::TLS13_AES_128_GCM_SHA256,
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    ];

    #[test]
    fn every_suite_of_the_library_has_both_names() {
        let all: Vec<CipherSuite> =
            default_provider().cipher_suites.iter().map(SupportedCipherSuite::suite).collect();
        assert_eq!(all.len(), HERE.len());
        for (iana, openssl, suite) in HERE {
            assert!(all.contains(suite), "{iana}");
            for name in [*iana, *openssl] {
                assert_eq!(Suites::select(&[name]), (Suites { chosen: vec![*suite] }, Vec::new()));
            }
        }
    }

    #[test]
    fn no_list_and_a_list_of_which_nothing_is_here_offer_everything() {
        assert_eq!(offered(&[]).len(), HERE.len());
        assert_eq!(offered(&["AES128-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA256"]).len(), HERE.len());
    }

    #[test]
    fn a_list_of_tls_12_leaves_tls_13_as_it_is() {
        let wanted = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
        let offered = offered(&["AES128-SHA", "ecdhe-ecdsa-aes128-gcm-sha256"]);
        assert_eq!(offered, [&TLS13[..], &[wanted]].concat());
    }

    #[test]
    fn a_list_that_names_tls_13_is_obeyed_to_the_letter() {
        assert_eq!(offered(&["TLS_AES_256_GCM_SHA384"]), [TLS13[0]]);
    }

    #[test]
    fn what_is_not_here_is_told_apart_from_what_does_not_exist() {
        let (_, left_out) = Suites::select(&["AES128-SHA", "TLS_NO_SUCH"]);
        assert_eq!(
            left_out,
            [LeftOut::Elsewhere("AES128-SHA".into()), LeftOut::Unknown("TLS_NO_SUCH".into())]
        );
    }

    #[test]
    fn names_are_listed_once() {
        for (index, (iana, openssl)) in ELSEWHERE.iter().enumerate() {
            let others = ELSEWHERE.iter().skip(index.saturating_add(1));
            assert!(others.clone().all(|(name, _)| name != iana), "{iana}");
            assert!(others.clone().all(|(_, name)| name != openssl), "{openssl}");
            assert!(HERE.iter().all(|(name, other, _)| name != iana && other != openssl));
        }
    }

    #[test]
    fn a_key_needs_a_suite_of_its_kind() {
        let provider = Suites::select(&["ECDHE-ECDSA-AES128-GCM-SHA256"]).0.provider();
        assert!(serves_tls12(&provider, SignatureAlgorithm::ECDSA));
        assert!(!serves_tls12(&provider, SignatureAlgorithm::RSA));
    }
}
