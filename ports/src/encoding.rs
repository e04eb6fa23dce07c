//! Key Values as bytes: what TTLV Encoding wraps (KMIP 2.1 §11.20, 1.4 §2.1.5).
//!
//! How a Key Value is written is the codec's business; that it is wrapped is the domain's.

use kmip_model::{Material, enumeration::KeyFormatType, object::KeyValue};

/// How attributes stand beside a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeForm {
    /// Each by its name, as in 1.x.
    Named,
    /// Each under its own tag, as in 2.x.
    Tagged,
}

/// Turns Key Values into bytes for wrapping and back.
pub trait KeyValueEncoding: Send + Sync {
    /// Encodes a Key Value with its attributes in that form.
    fn encode(&self, key_value: &KeyValue, form: AttributeForm) -> Material;
    /// Decodes a Key Value whose attributes are in either form; `None` if the bytes are none with a
    /// key in that format.
    fn decode(&self, format: KeyFormatType, bytes: &Material) -> Option<KeyValue>;
}
