//! Policies that are given once and can be replaced.

use std::sync::{Arc, Mutex};

use kmip_model::policy::Policies;
use kmip_ports::policy::PolicySource;

use crate::lock;

/// Gives the policies it was given; the two reserved ones if none.
#[derive(Debug, Default)]
pub struct FixedPolicies(Mutex<Arc<Policies>>);

impl FixedPolicies {
    /// Gives `policies`.
    #[must_use]
    pub fn new(policies: Policies) -> Self {
        Self(Mutex::new(Arc::new(policies)))
    }

    /// Gives `policies` from now on.
    pub fn replace(&self, policies: Policies) {
        *lock(&self.0) = Arc::new(policies);
    }
}

impl PolicySource for FixedPolicies {
    fn policies(&self) -> Arc<Policies> {
        Arc::clone(&lock(&self.0))
    }
}
