//! What several operations do alike. `ops/` files call these and never each other.

pub(crate) mod change_attribute;
pub mod create_object;
pub(crate) mod creation_defaults;
pub(crate) mod key_wrapping;
pub(crate) mod new_key;
pub(crate) mod object_facts;
