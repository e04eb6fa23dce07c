//! What the domain needs from the outside.
//!
//! | Port | For |
//! |---|---|
//! | [`transport::MessageHandler`] | transports hand messages in |
//! | [`store::ObjectStore`] | managed objects, in change sets |
//! | [`record::RecordStore`], [`record::DataKeys`] | sealed records, implemented by databases |
//! | [`maintenance::Maintenance`] | all records: backup, verification, sealing anew |
//! | [`inventory::Inventory`] | every object, for operators |
//! | [`audit::AuditTrail`], [`audit::Notary`] | what happened, chained |
//! | [`record::AtRestCipher`], [`root_key::RootKey`] | sealing |
//! | [`record::ObjectEncoding`] | objects as bytes |
//! | [`encoding::KeyValueEncoding`] | key values as bytes, for wrapping |
//! | [`crypto::CryptoSuite`] | cryptography, one slot a capability |
//! | [`certificate::Certificates`] | what certificates say |
//! | [`identity::Authenticator`] | from a peer to a principal |
//! | [`policy::PolicySource`] | operation policies |
//! | [`clock::Clock`] | the time |
//! | [`observe::Observer`], [`observe::ConnectionObserver`], [`observe::StoreGauge`] | what is measured |
//!
//! A port is object-safe, takes `&self`, returns owned values and has at most five methods. Each
//! sentence of its documentation is a promise with a function in `kmip-testkit`'s contract suite.
//! There are no rules, defaults or implementations here, but for [`bursts`], by which everybody who
//! tells of peers tells little ([0047](../../docs/adr/0047-a-peer-does-not-fill-the-log.md)).

pub mod audit;
pub mod bursts;
pub mod certificate;
pub mod clock;
pub mod crypto;
pub mod encoding;
pub mod identity;
pub mod inventory;
pub mod maintenance;
pub mod observe;
pub mod policy;
pub mod record;
pub mod root_key;
pub mod store;
pub mod transport;
