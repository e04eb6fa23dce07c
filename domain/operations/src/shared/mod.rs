//! What several operations do alike. `ops/` files call these and never each other.

pub(crate) mod change_attribute;
pub(crate) mod cipher;
pub mod create_object;
pub(crate) mod creation_defaults;
pub(crate) mod cryptographic_parameters;
pub(crate) mod key_in_use;
pub(crate) mod key_wrapping;
pub(crate) mod new_key;
pub(crate) mod object_facts;
pub mod stream;
pub(crate) mod surroundings;
