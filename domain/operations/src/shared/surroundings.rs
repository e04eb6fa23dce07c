//! What the making of an object needs besides the object: an item of a batch has it, and so has
//! whoever takes objects over from elsewhere.

use kmip_model::{DateTime, Interval};
use kmip_ports::{certificate::Certificates, crypto::CryptoSuite};

use crate::processor::Item;

/// Where a new object is made, when and for whom.
pub(crate) trait Surroundings {
    /// Returns the time.
    fn now(&self) -> DateTime;
    /// Returns the user who will own the object.
    fn owner(&self) -> &str;
    /// Returns the Lease Time of new objects.
    fn lease_time(&self) -> Interval;
    /// Returns the cryptographic capabilities.
    fn crypto(&self) -> &CryptoSuite;
    /// Returns the reader of certificates.
    fn certificates(&self) -> &dyn Certificates;
}

impl Surroundings for Item<'_> {
    fn now(&self) -> DateTime {
        Item::now(self)
    }

    fn owner(&self) -> &str {
        &self.principal().user
    }

    fn lease_time(&self) -> Interval {
        self.settings().lease_time
    }

    fn crypto(&self) -> &CryptoSuite {
        Item::crypto(self)
    }

    fn certificates(&self) -> &dyn Certificates {
        Item::certificates(self)
    }
}
