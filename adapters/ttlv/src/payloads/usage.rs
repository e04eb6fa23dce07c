//! Payloads of Check (KMIP 2.1 §6.1.7, 1.4 §4.10).

use kmip_operations::ops::check;

use crate::schema::structure;

structure! { check::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    UsageLimitsCount usage_limits_count: optional since V1_0;
    CryptographicUsageMask cryptographic_usage_mask: optional since V1_0;
    LeaseTime lease_time: optional since V1_0;
} }

structure! { check::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }
