//! Journeys over real mutual TLS against the whole server.
//!
//! The first group are journeys of clients in the field: each sends what that client sends, field
//! by field, and asserts what that client insists on. The second group are the server's promises,
//! seen from outside. Every answer is read by [`kmip_tests::Answer`], which insists on what holds
//! for all of them.

mod common;

mod barbican;
mod ceph_rgw;
mod edb;
mod fortigate;
mod mongodb_csfle;
mod mysql_okv;
mod percona_mongodb;
mod percona_mysql;
mod pg_tde;
mod storage_array;
mod synology;
mod vast;
mod veeam;
mod vsphere;

mod access;
mod admin;
mod batches;
mod canary;
mod client_certificates;
mod control;
mod doctor;
mod durability;
mod faults;
mod history;
mod kill;
mod life_cycle;
mod policies;
mod postgresql;
mod pykmip_configuration;
mod refusals;
mod reload;
mod root_key;
mod schema;
mod shutdown;
mod soak;
mod versions;
