//! When what a transport shows and trusts goes out of date.

use kmip_model::DateTime;

/// The dates of a transport's certificates and revocation lists, as far as they can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// From when the server's certificates, its issuers' included, are all valid.
    pub server_from: Option<DateTime>,
    /// When the first of them expires.
    pub server_until: Option<DateTime>,
    /// When the first authority of clients expires.
    pub authorities_until: Option<DateTime>,
    /// When the first revocation list should have been replaced.
    pub lists_due: Option<DateTime>,
}
