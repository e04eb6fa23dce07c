//! An authenticator that believes what it is told.

use async_trait::async_trait;
use kmip_model::Principal;
use kmip_ports::{
    identity::{AuthenticationError, Authenticator, Credential},
    transport::Peer,
};

/// Names a fixed user, or whoever the first certificate names: its bytes are the user's name.
#[derive(Clone, Debug, Default)]
pub struct FixedAuthenticator {
    user: Option<String>,
    groups: Option<Vec<String>>,
}

impl FixedAuthenticator {
    /// Makes every peer that user.
    #[must_use]
    pub fn user(name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), groups: None }
    }

    /// Puts every user into those groups.
    #[must_use]
    pub fn with_groups(mut self, groups: &[&str]) -> Self {
        self.groups = Some(groups.iter().map(|group| (*group).to_owned()).collect());
        self
    }
}

#[async_trait]
impl Authenticator for FixedAuthenticator {
    async fn authenticate(
        &self,
        peer: &Peer,
        _: &[Credential],
    ) -> Result<Principal, AuthenticationError> {
        let user = match (&self.user, peer.certificates.first()) {
            (Some(user), _) => user.clone(),
            (None, Some(first)) => String::from_utf8(first.clone())
                .map_err(|_| AuthenticationError::UnreadableCertificate)?,
            (None, None) => return Err(AuthenticationError::NoCertificate),
        };
        Ok(Principal { user, groups: self.groups.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_certificate_is_the_name() {
        let authenticate = |certificates: Vec<Vec<u8>>| {
            let peer = Peer { connection: 1, address: None, certificates };
            pollster::block_on(FixedAuthenticator::default().authenticate(&peer, &[]))
        };
        assert_eq!(authenticate(vec![b"alice".to_vec()]), Ok(Principal::user("alice")));
        assert_eq!(authenticate(vec![]), Err(AuthenticationError::NoCertificate));
        assert_eq!(authenticate(vec![vec![0xFF]]), Err(AuthenticationError::UnreadableCertificate));
    }
}
