//! Where operation policies come from.

use std::sync::Arc;

use kmip_model::policy::Policies;

/// Gives the policies that are in force.
pub trait PolicySource: Send + Sync {
    /// Returns the policies as of now.
    fn policies(&self) -> Arc<Policies>;
}
