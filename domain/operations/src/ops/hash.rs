//! Hash (KMIP 2.1 §6.1.24, 1.4 §4.37).
//!
//! Hashes data. There is no object, and nothing is stored.

use kmip_model::{Material, attribute::CryptographicParameters, enumeration::Tag};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        cryptographic_parameters::for_hash,
        stream::{Part, Streaming},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Cryptographic Parameters: the Hashing Algorithm. Later parts may go without.
    pub cryptographic_parameters: Option<CryptographicParameters>,
    /// Data, or a part of it.
    pub data: Option<Material>,
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The hash, after the last part.
    pub data: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let given = request.cryptographic_parameters.as_ref();
    let settle = || match given {
        Some(given) => for_hash(item, given),
        None => Err(PayloadFault::Missing(Tag::CryptographicParameters).into()),
    };
    let mut part = Part::open(item, &request.streaming, None, given, settle)?;
    part.add(request.data.as_ref())?;
    let data = match (part.last, part.stream.parameters.hashing_algorithm) {
        (true, Some(algorithm)) => {
            let data = part.stream.data.whole();
            Some(item.crypto().digest.digest(algorithm, data.expose())?)
        }
        _ => None,
    };
    Ok(Response { data, correlation_value: part.close(item) })
}
