//! Objects on the wire (KMIP 2.1 §2 and §3, 1.4 §2): key blocks, key wrapping, the object types.

mod key_block;
mod key_material;
mod key_wrapping;
mod kinds;

pub use key_block::{KeyValueForm, decode_key_value, encode_key_value};
pub use kinds::{AnyObject, OptionalObject};

#[cfg(test)]
mod tests;
