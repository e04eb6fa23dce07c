//! Payloads of Interop and Log (KMIP 2.1 §6.1.26 and §6.1.29).

use kmip_operations::ops::{interop, log};

use crate::schema::structure;

structure! { interop::Request {
    InteropFunction interop_function: required since V2_0;
    InteropIdentifier interop_identifier: optional since V2_0;
} }

structure! { interop::Response {} }

structure! { log::Request {
    LogMessage log_message: required since V2_0;
} }

structure! { log::Response {} }
