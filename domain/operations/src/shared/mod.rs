//! What several operations do alike. `ops/` files call these and never each other.

pub(crate) mod change_attribute;
pub mod create_object;
pub(crate) mod creation_defaults;
pub(crate) mod object_facts;
