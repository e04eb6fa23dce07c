//! An encoding that writes a number and remembers what it stands for.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use kmip_model::{Material, object::ManagedObject};
use kmip_ports::record::ObjectEncoding;

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
