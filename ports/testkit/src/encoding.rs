//! Encodings that write a number and remember what it stands for.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use kmip_model::{
    Material,
    enumeration::KeyFormatType,
    object::{KeyValue, ManagedObject},
};
use kmip_ports::{
    encoding::{AttributeForm, KeyValueEncoding},
    record::ObjectEncoding,
};

use crate::lock;

/// Encodes an object as its place in a list that it keeps.
#[derive(Debug, Default)]
pub struct RememberedObjects {
    objects: Mutex<Vec<ManagedObject>>,
    decoded: AtomicUsize,
}

impl RememberedObjects {
    /// Returns how many objects were decoded so far.
    #[must_use]
    pub fn decoded(&self) -> usize {
        self.decoded.load(Ordering::SeqCst)
    }
}

impl ObjectEncoding for RememberedObjects {
    fn encode(&self, object: &ManagedObject) -> Material {
        let mut objects = lock(&self.objects);
        objects.push(object.clone());
        Material::new((objects.len() as u64).to_be_bytes().to_vec())
    }

    fn decode(&self, bytes: &[u8]) -> Option<ManagedObject> {
        let number = usize::try_from(u64::from_be_bytes(bytes.try_into().ok()?)).ok()?;
        let object = lock(&self.objects).get(number.checked_sub(1)?)?.clone();
        self.decoded.fetch_add(1, Ordering::SeqCst);
        Some(object)
    }
}

/// Encodes a Key Value as its place in a list that it keeps, in the 16 bytes that a key has.
#[derive(Debug, Default)]
pub struct RememberedKeyValues {
    key_values: Mutex<Vec<KeyValue>>,
}

impl KeyValueEncoding for RememberedKeyValues {
    fn encode(&self, key_value: &KeyValue, _: AttributeForm) -> Material {
        let mut key_values = lock(&self.key_values);
        key_values.push(key_value.clone());
        Material::new((key_values.len() as u128).to_be_bytes().to_vec())
    }

    fn decode(&self, _: KeyFormatType, bytes: &Material) -> Option<KeyValue> {
        let number = usize::try_from(u128::from_be_bytes(bytes.expose().try_into().ok()?)).ok()?;
        lock(&self.key_values).get(number.checked_sub(1)?).cloned()
    }
}
