//! Payloads of Activate, Revoke and Destroy (KMIP 2.1 §6.1.1, §6.1.44, §6.1.15; 1.4 §4.19 to §4.21).

use kmip_operations::ops::{activate, destroy, revoke};

use crate::schema::structure;

structure! { activate::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
} }

structure! { activate::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

structure! { revoke::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    RevocationReason revocation_reason: required since V1_0;
    CompromiseOccurrenceDate compromise_occurrence_date: optional since V1_0;
} }

structure! { revoke::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

structure! { destroy::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
} }

structure! { destroy::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }
