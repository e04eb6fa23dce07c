//! What is true: the values and rules of the KMIP specification.
//!
//! Nothing here reads a clock, a file, a socket or a random source, and nothing knows a protocol
//! version: the model holds the union of all versions in the terms of 2.1.

pub mod attribute;
pub mod crypto_profile;
pub mod date;
pub mod enumeration;
pub mod identifier;
pub mod locate;
pub mod material;
pub mod object;
pub mod policy;
pub mod value;

pub use date::{DateTime, Interval};
pub use identifier::{IdentifierRef, Principal, UniqueIdentifier};
pub use material::Material;
pub use object::ManagedObject;
pub use value::Value;
