//! The authentication suites, and the cipher suites that each may offer.
//!
//! `Basic` and `TLS1.2` are the two suites of the profiles (1.0 §3.1, §3.2) by the names that
//! PyKMIP gives them. Each offers what PyKMIP lists, and besides it what newer clients speak: TLS
//! 1.3, and ECDHE-RSA with GCM.

use std::fmt;

use thiserror::Error;

/// Which TLS is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthSuite {
    /// TLS 1.0 and later, with suites on SHA-1 too.
    Basic,
    /// TLS 1.2 and later.
    Tls12,
}

impl AuthSuite {
    /// Returns what OpenSSL calls the security level.
    ///
    /// The signatures of a TLS 1.0 handshake are on MD5 and SHA-1, which every level but 0 refuses;
    /// 0 also accepts certificates that are so signed. Level 2 asks for RSA from 2048 bits and
    /// SHA-2.
    #[must_use]
    pub const fn security_level(self) -> u32 {
        match self {
            Self::Basic => 0,
            Self::Tls12 => 2,
        }
    }

    const fn first(self) -> Version {
        match self {
            Self::Basic => Version::Tls10,
            Self::Tls12 => Version::Tls12,
        }
    }
}

impl fmt::Display for AuthSuite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic => "Basic",
            Self::Tls12 => "TLS1.2",
        })
    }
}

/// Where a cipher suite begins. Those of 1.0 and 1.2 end with 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.0.
    Tls10,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// One cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suite {
    /// The first version of TLS that has it.
    pub version: Version,
    /// Its name in IANA's registry.
    pub iana: &'static str,
    /// Its name in OpenSSL.
    pub openssl: &'static str,
}

const fn suite(version: Version, iana: &'static str, openssl: &'static str) -> Suite {
    Suite { version, iana, openssl }
}

/// Every cipher suite that has a name here, the preferred ones first.
///
/// The last ones are PyKMIP's too, but no OpenSSL from 1.1 has fixed Diffie-Hellman, and few have
/// 3DES.
pub const TABLE: &[Suite] = &[
    suite(Version::Tls13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    suite(Version::Tls13, "TLS_CHACHA20_POLY1305_SHA256", "TLS_CHACHA20_POLY1305_SHA256"),
    suite(Version::Tls13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
    suite(
        Version::Tls12,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
    ),
    suite(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
    suite(
        Version::Tls12,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        "ECDHE-ECDSA-AES128-GCM-SHA256",
    ),
    suite(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"),
    suite(Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", "ECDHE-ECDSA-AES256-SHA384"),
    suite(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "ECDHE-RSA-AES256-SHA384"),
    suite(Version::Tls12, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", "ECDHE-ECDSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "DHE-RSA-AES256-SHA256"),
    suite(Version::Tls12, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", "DHE-DSS-AES256-SHA256"),
    suite(Version::Tls12, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", "DHE-RSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", "DHE-DSS-AES128-SHA256"),
    suite(Version::Tls12, "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES256-SHA256"),
    suite(Version::Tls12, "TLS_RSA_WITH_AES_128_CBC_SHA256", "AES128-SHA256"),
    suite(Version::Tls10, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", "DHE-RSA-AES256-SHA"),
    suite(Version::Tls10, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", "DHE-DSS-AES256-SHA"),
    suite(Version::Tls10, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", "DHE-RSA-AES128-SHA"),
    suite(Version::Tls10, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", "DHE-DSS-AES128-SHA"),
    suite(Version::Tls10, "TLS_RSA_WITH_AES_256_CBC_SHA", "AES256-SHA"),
    suite(Version::Tls10, "TLS_RSA_WITH_AES_128_CBC_SHA", "AES128-SHA"),
    suite(Version::Tls10, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA", "DHE-RSA-DES-CBC3-SHA"),
    suite(Version::Tls10, "TLS_DHE_DSS_WITH_3DES_EDE_CBC_SHA", "DHE-DSS-DES-CBC3-SHA"),
    suite(Version::Tls10, "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "DES-CBC3-SHA"),
    suite(Version::Tls12, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", "ECDH-ECDSA-AES256-SHA384"),
    suite(Version::Tls12, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", "ECDH-ECDSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", "ECDH-RSA-AES256-SHA384"),
    suite(Version::Tls12, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", "ECDH-RSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_DH_RSA_WITH_AES_256_CBC_SHA256", "DH-RSA-AES256-SHA256"),
    suite(Version::Tls12, "TLS_DH_RSA_WITH_AES_128_CBC_SHA256", "DH-RSA-AES128-SHA256"),
    suite(Version::Tls12, "TLS_DH_DSS_WITH_AES_256_CBC_SHA256", "DH-DSS-AES256-SHA256"),
    suite(Version::Tls12, "TLS_DH_DSS_WITH_AES_128_CBC_SHA256", "DH-DSS-AES128-SHA256"),
    suite(Version::Tls10, "TLS_DH_RSA_WITH_AES_256_CBC_SHA", "DH-RSA-AES256-SHA"),
    suite(Version::Tls10, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", "DH-RSA-AES128-SHA"),
    suite(Version::Tls10, "TLS_DH_DSS_WITH_AES_128_CBC_SHA", "DH-DSS-AES128-SHA"),
];

/// Why a list of cipher suites is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum UnusableSuite {
    /// Nobody calls a cipher suite so.
    #[error("there is no cipher suite {name:?}")]
    Unknown {
        /// What was written.
        name: String,
    },
    /// The authentication suite is above it.
    #[error("the authentication suite {auth_suite} does not offer {name}")]
    NotOffered {
        /// What was written.
        name: String,
        /// The authentication suite.
        auth_suite: AuthSuite,
    },
}

/// The cipher suites that a server offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suites {
    auth_suite: AuthSuite,
    offered: Vec<Suite>,
    named: Vec<Suite>,
    missing: Missing,
}

/// What becomes of a cipher suite that the OpenSSL of the computer has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is left out: nobody named it.
    LeftOut,
    /// It is left out, with a warning.
    Warned,
    /// The server does not start.
    Refused,
}

impl Suites {
    /// Offers all that an authentication suite has.
    #[must_use]
    pub fn of(auth_suite: AuthSuite) -> Self {
        let first = auth_suite.first();
        let offered = TABLE.iter().filter(|suite| suite.version >= first).copied().collect();
        Self { auth_suite, offered, named: Vec::new(), missing: Missing::LeftOut }
    }

    /// Offers the cipher suites that are named, by IANA or by OpenSSL, and no others; but a list
    /// that names none of TLS 1.3 leaves those as they are. An empty list offers all.
    ///
    /// # Errors
    ///
    /// Refuses a name that is not known, or not of the authentication suite.
    pub fn named(auth_suite: AuthSuite, names: &[String]) -> Result<Self, UnusableSuite> {
        if names.is_empty() {
            return Ok(Self::of(auth_suite));
        }
        let chosen = names
            .iter()
            .map(|name| usable(auth_suite, name))
            .collect::<Result<Vec<_>, UnusableSuite>>()?;
        Ok(Self::chosen(auth_suite, chosen, Missing::Refused))
    }

    /// Does what [`Suites::named`] does, in the way of PyKMIP: leaves out the names that it would
    /// refuse, with a warning, and offers all if no name remains.
    #[must_use]
    pub fn narrowed(auth_suite: AuthSuite, names: &[String]) -> Self {
        let usable = |name: &String| {
            usable(auth_suite, name)
                .inspect_err(|error| tracing::warn!(%error, "a cipher suite is left out"))
                .ok()
        };
        let chosen: Vec<Suite> = names.iter().filter_map(usable).collect();
        if chosen.is_empty() {
            return Self::of(auth_suite);
        }
        Self::chosen(auth_suite, chosen, Missing::Warned)
    }

    /// Puts the preferred ones first, each once: the order of a list says nothing.
    fn chosen(auth_suite: AuthSuite, named: Vec<Suite>, missing: Missing) -> Self {
        let all_newest = named.iter().all(|suite| suite.version != Version::Tls13);
        let offered = TABLE
            .iter()
            .filter(|suite| {
                named.contains(suite) || (all_newest && suite.version == Version::Tls13)
            })
            .copied()
            .collect();
        Self { auth_suite, offered, named, missing }
    }

    /// Returns the authentication suite.
    #[must_use]
    pub const fn auth_suite(&self) -> AuthSuite {
        self.auth_suite
    }

    /// Returns the cipher suites, the preferred ones first.
    #[must_use]
    pub fn offered(&self) -> &[Suite] {
        &self.offered
    }

    /// Says what becomes of a cipher suite if OpenSSL has it not.
    #[must_use]
    pub fn missing(&self, suite: &Suite) -> Missing {
        if self.named.contains(suite) { self.missing } else { Missing::LeftOut }
    }
}

fn usable(auth_suite: AuthSuite, name: &str) -> Result<Suite, UnusableSuite> {
    let suite = TABLE
        .iter()
        .find(|suite| suite.iana == name || suite.openssl == name)
        .ok_or_else(|| UnusableSuite::Unknown { name: name.to_owned() })?;
    if suite.version < auth_suite.first() {
        return Err(UnusableSuite::NotOffered { name: name.to_owned(), auth_suite });
    }
    Ok(*suite)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn openssl(suites: &Suites) -> Vec<&'static str> {
        suites.offered().iter().map(|suite| suite.openssl).collect()
    }

    #[test]
    fn no_name_stands_for_two_suites() {
        for name in [|suite: &Suite| suite.iana, |suite: &Suite| suite.openssl] {
            let names: BTreeSet<_> = TABLE.iter().map(name).collect();
            assert_eq!(names.len(), TABLE.len());
        }
    }

    #[test]
    fn the_suites_that_pykmips_manual_names_are_offered() {
        let offered = Suites::of(AuthSuite::Tls12);
        for name in [
            "TLS_RSA_WITH_AES_128_CBC_SHA256",
            "TLS_RSA_WITH_AES_256_CBC_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
        ] {
            assert!(offered.offered().iter().any(|suite| suite.iana == name), "{name}");
        }
    }

    #[test]
    fn basic_offers_sha_1_and_tls12_does_not() {
        assert!(openssl(&Suites::of(AuthSuite::Basic)).contains(&"AES128-SHA"));
        let offered = Suites::of(AuthSuite::Tls12);
        assert!(offered.offered().iter().all(|suite| suite.version >= Version::Tls12));
    }

    #[test]
    fn both_kinds_of_names_are_known_and_the_order_is_ours() {
        let list = names(&["AES128-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256", "AES128-SHA256"]);
        let suites = Suites::named(AuthSuite::Tls12, &list).unwrap();
        assert_eq!(openssl(&suites)[3..], ["AES256-SHA256", "AES128-SHA256"]);
        assert_eq!(Suites::narrowed(AuthSuite::Tls12, &list).offered(), suites.offered());
    }

    #[test]
    fn an_empty_list_offers_all() {
        let all = Suites::of(AuthSuite::Basic);
        assert_eq!(Suites::named(AuthSuite::Basic, &[]).unwrap(), all);
        assert_eq!(Suites::narrowed(AuthSuite::Basic, &[]), all);
    }

    #[test]
    fn only_names_of_tls_1_3_narrow_tls_1_3() {
        let offered = |name: &str| {
            let suites = Suites::named(AuthSuite::Tls12, &names(&[name])).unwrap();
            let versions = suites.offered().iter().map(|suite| suite.version);
            versions.collect::<Vec<_>>()
        };
        let newest = Version::Tls13;
        assert_eq!(offered("AES128-SHA256"), [newest, newest, newest, Version::Tls12]);
        assert_eq!(offered("TLS_AES_128_GCM_SHA256"), [newest]);
    }

    #[test]
    fn only_named_suites_must_be_there() {
        let list = names(&["AES128-SHA256"]);
        let missing = |suites: &Suites| {
            let all = suites.offered().iter().map(|suite| suites.missing(suite));
            all.collect::<Vec<_>>()
        };
        let unnamed = Missing::LeftOut;
        let named = Suites::named(AuthSuite::Tls12, &list).unwrap();
        assert_eq!(missing(&named), [unnamed, unnamed, unnamed, Missing::Refused]);
        let narrowed = Suites::narrowed(AuthSuite::Tls12, &list);
        assert_eq!(missing(&narrowed).last(), Some(&Missing::Warned));
        let all = Suites::of(AuthSuite::Tls12);
        assert!(missing(&all).iter().all(|missing| *missing == Missing::LeftOut));
    }

    #[test]
    fn a_name_of_no_use_is_refused_or_left_out() {
        let list = names(&["AES128-SHA256", "AES127-SHA256"]);
        let error = Suites::named(AuthSuite::Tls12, &list).unwrap_err();
        assert_eq!(error.to_string(), "there is no cipher suite \"AES127-SHA256\"");
        assert_eq!(openssl(&Suites::narrowed(AuthSuite::Tls12, &list))[3..], ["AES128-SHA256"]);

        let list = names(&["AES128-SHA"]);
        let error = Suites::named(AuthSuite::Tls12, &list).unwrap_err();
        assert_eq!(error.to_string(), "the authentication suite TLS1.2 does not offer AES128-SHA");
        assert_eq!(Suites::narrowed(AuthSuite::Tls12, &list), Suites::of(AuthSuite::Tls12));
        assert_eq!(openssl(&Suites::named(AuthSuite::Basic, &list).unwrap())[3..], ["AES128-SHA"]);
    }
}
