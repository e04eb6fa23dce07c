//! From a verified peer and its credentials to a principal (KMIP 2.1 §9.4).

use async_trait::async_trait;
use kmip_model::{Material, Principal, enumeration::CredentialType};
use thiserror::Error;

use crate::transport::Peer;

/// A credential from a request header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    /// Username and Password.
    UsernameAndPassword {
        /// The user's name.
        username: String,
        /// The password, if the client sent one.
        password: Option<Material>,
    },
    /// Any other kind; parsed as far as its type.
    Other(CredentialType),
}

/// Why a peer is nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AuthenticationError {
    /// The transport has no certificate of the peer.
    #[error("the connection has no client certificate")]
    NoCertificate,
    /// The certificate cannot be read.
    #[error("the client certificate cannot be read")]
    UnreadableCertificate,
    /// The certificate has an Extended Key Usage, or must have one, without clientAuth.
    #[error("the client certificate does not allow client authentication")]
    NotForClients,
    /// The certificate names nobody, or more than one.
    #[error("the client certificate does not name exactly one user")]
    NoUniqueName,
    /// A password is wrong, or nobody has that name; which, is not told.
    #[error("the credential is not that of an account")]
    WrongCredential,
    /// A credential is of a kind that nothing can be compared with.
    #[error("the credential is of a type that is not checked here")]
    UncheckedCredential,
    /// The directory of users does not know the client, or does not answer.
    #[error("the client could not be found in the directory of users")]
    NotInDirectory,
}

/// Finds out who a peer is.
#[async_trait]
pub trait Authenticator: Send + Sync {
    /// Turns a peer and the credentials of one message into a principal.
    async fn authenticate(
        &self,
        peer: &Peer,
        credentials: &[Credential],
    ) -> Result<Principal, AuthenticationError>;
}
