//! Protocol Version (KMIP 2.1 §9.16, 1.4 §6.1): which ones there are and what a gate lets through.

use core::fmt;

/// A protocol version: major, minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub u8, pub u8);

/// The version that introduced something, and the one that removed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first version that has it.
    pub since: Version,
    /// The first version that no longer has it.
    pub until: Option<Version>,
}

impl Version {
    /// KMIP 1.0.
    pub const V1_0: Self = Self(1, 0);
    /// KMIP 1.1.
    pub const V1_1: Self = Self(1, 1);
    /// KMIP 1.2.
    pub const V1_2: Self = Self(1, 2);
    /// KMIP 1.3.
    pub const V1_3: Self = Self(1, 3);
    /// KMIP 1.4.
    pub const V1_4: Self = Self(1, 4);
    /// KMIP 2.0.
    pub const V2_0: Self = Self(2, 0);
    /// KMIP 2.1.
    pub const V2_1: Self = Self(2, 1);

    /// The form that objects have at rest: every gate is open. Never on the wire.
    pub const STORED: Self = Self(u8::MAX, 0);

    /// Every version that is spoken, newest first.
    pub const ALL: [Self; 7] =
        [Self::V2_1, Self::V2_0, Self::V1_4, Self::V1_3, Self::V1_2, Self::V1_1, Self::V1_0];

    /// Finds a version that is spoken.
    #[must_use]
    pub fn parse(major: i32, minor: i32) -> Option<Self> {
        let wanted = Self(u8::try_from(major).ok()?, u8::try_from(minor).ok()?);
        Self::ALL.contains(&wanted).then_some(wanted)
    }

    /// Says whether a message of this version may carry what exists in `span`.
    #[must_use]
    pub fn writes(self, span: Span) -> bool {
        self == Self::STORED || (self >= span.since && span.until.is_none_or(|until| self < until))
    }

    /// Says whether a message of this version is understood if it carries what exists in `span`:
    /// the minor version does not count, since clients are not strict about it.
    #[must_use]
    pub fn reads(self, span: Span) -> bool {
        self == Self::STORED
            || (self.0 >= span.since.0 && span.until.is_none_or(|until| Self(self.0, 0) < until))
    }

    /// Says whether attributes are named, not tagged: 1.x.
    #[must_use]
    pub fn names_attributes(self) -> bool {
        self.0 == 1
    }
}

impl Span {
    /// Makes a span from the columns of a table.
    #[must_use]
    pub fn new(since: (u8, u8), until: Option<(u8, u8)>) -> Self {
        Self {
            since: Version(since.0, since.1),
            until: until.map(|(major, minor)| Version(major, minor)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_listed_newest_first() {
        assert!(Version::ALL.is_sorted_by(|newer, older| newer > older));
    }

    #[test]
    fn only_spoken_versions_are_found() {
        assert_eq!(Version::parse(1, 4), Some(Version::V1_4));
        for (major, minor) in [(1, 5), (0, 9), (3, 0), (-1, 0), (257, 0), (255, 0)] {
            assert_eq!(Version::parse(major, minor), None);
        }
    }

    #[test]
    fn writing_is_strict_and_reading_is_kind_within_a_major_version() {
        let span = Span::new((1, 3), Some((2, 0)));
        let of = |test: fn(Version, Span) -> bool| -> Vec<Version> {
            Version::ALL.into_iter().rev().filter(|version| test(*version, span)).collect()
        };
        assert_eq!(of(Version::writes), [Version::V1_3, Version::V1_4]);
        assert_eq!(
            of(Version::reads),
            [Version::V1_0, Version::V1_1, Version::V1_2, Version::V1_3, Version::V1_4]
        );
        assert!(Version::STORED.writes(span) && Version::STORED.reads(span));
    }
}
