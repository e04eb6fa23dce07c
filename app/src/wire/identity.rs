//! Who clients are, and what they may do.

use std::sync::Arc;

use kmip_model::policy::Policies;
use kmip_ports::{identity::Authenticator, policy::PolicySource};
use kmip_x509::{CertificateAuthenticator, principal::ClientUsage};

use crate::config::Auth;

/// Names clients by their certificates.
pub(crate) fn authenticator(auth: &Auth) -> Arc<dyn Authenticator> {
    let usage =
        if auth.require_client_auth_usage { ClientUsage::Required } else { ClientUsage::Ignored };
    Arc::new(CertificateAuthenticator::new(usage))
}

/// The two policies that always exist.
struct StandardPolicies(Arc<Policies>);

impl PolicySource for StandardPolicies {
    fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.0)
    }
}

/// Returns the operation policies.
pub(crate) fn policies() -> Arc<dyn PolicySource> {
    Arc::new(StandardPolicies(Arc::new(Policies::default())))
}
