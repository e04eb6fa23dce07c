//! What is stored, as the operator sees it.

use async_trait::async_trait;
use kmip_model::{
    DateTime, UniqueIdentifier,
    enumeration::{ObjectType, State},
};

use crate::store::{Page, StoreError};

/// What an operator looks for; what is `None` may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Who owns the object.
    pub owner: Option<String>,
    /// Object Type.
    pub object_type: Option<ObjectType>,
    /// State.
    pub state: Option<State>,
    /// One of its Names.
    pub name: Option<String>,
}

/// Lists objects for operators. No client has a way to it.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Finds every object that meets the whole selection as it is at `now`, newest first, whoever
    /// may see it, destroyed ones too. Returns at most `maximum`, and the total of all.
    async fn inventory(
        &self,
        selection: &Selection,
        now: DateTime,
        maximum: Option<u64>,
    ) -> Result<Page<UniqueIdentifier>, StoreError>;
}
