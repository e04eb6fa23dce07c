//! Payload tables, grouped as the specification groups the operations (KMIP 2.1 §6.1, 1.4 §4).
//!
//! To add an operation, write the two tables of its payloads in the file of its family.

mod attributes;
mod cryptography;
mod derivation;
mod discovery;
mod lifecycle;
mod objects;
mod session;
mod usage;

#[cfg(test)]
pub(crate) use discovery::has_object_type;
use kmip_model::enumeration::{Operation, Tag};
use kmip_operations::{
    for_each_operation,
    ops::{Request, Response},
};

use crate::{
    fault::Fault,
    reader::Element,
    schema::{Context, Decode as _, Encode as _},
    writer::Writer,
};

macro_rules! dispatch {
    ($($name:ident => $module:ident;)*) => {
        /// Reads the payload of a request; `None` if the operation is not implemented.
        pub(crate) fn read_request(
            operation: Operation,
            payload: Element<'_>,
            context: &Context,
        ) -> Result<Option<Request>, Fault> {
            Ok(match operation {
                $(Operation::$name => Some(Request::$name(
                    kmip_operations::ops::$module::Request::decode(payload, context)?,
                )),)*
                _ => None,
            })
        }

        /// Reads the payload of a response; `None` if the operation is not implemented.
        pub(crate) fn read_response(
            operation: Operation,
            payload: Element<'_>,
            context: &Context,
        ) -> Result<Option<Response>, Fault> {
            Ok(match operation {
                $(Operation::$name => Some(Response::$name(
                    kmip_operations::ops::$module::Response::decode(payload, context)?,
                )),)*
                _ => None,
            })
        }

        /// Writes the payload of a request.
        pub(crate) fn write_request(request: &Request, writer: &mut Writer) {
            match request {
                $(Request::$name(request) => request.encode(Tag::RequestPayload, writer),)*
            }
        }

        /// Writes the payload of a response.
        pub(crate) fn write_response(response: &Response, writer: &mut Writer) {
            match response {
                $(Response::$name(response) => response.encode(Tag::ResponsePayload, writer),)*
            }
        }

        /// Returns the operation of a request.
        pub(crate) fn operation_of(request: &Request) -> Operation {
            match request {
                $(Request::$name(_) => Operation::$name,)*
            }
        }
    };
}
for_each_operation!(dispatch);
