//! Operations in one part or in several (KMIP 2.1 §6.1, §7.8, §7.14, §7.17; 1.4 §4, §2.1.15 to
//! §2.1.17).
//!
//! A single-part operation is a multi-part one whose first part is its last, so handlers know only
//! parts. Whoever uses a key is asked for the right to at every part.

use kmip_model::{
    Material, UniqueIdentifier, attribute::CryptographicParameters, enumeration::Tag,
};

use super::cryptographic_parameters::is_authenticated;
use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::{CorrelationValue, Item, Stream},
};

/// The fields of a request that make it a part of something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Streaming {
    /// Correlation Value.
    pub correlation_value: Option<Vec<u8>>,
    /// Init Indicator.
    pub init_indicator: Option<bool>,
    /// Final Indicator.
    pub final_indicator: Option<bool>,
}

/// Which part a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position<'a> {
    /// The first and the last; says whether data may be absent.
    Only {
        empty: bool,
    },
    First,
    Next(&'a [u8]),
    Last(&'a [u8]),
}

impl Streaming {
    fn position(&self) -> Result<Position<'_>, OperationError> {
        let init = self.init_indicator == Some(true);
        let last = self.final_indicator == Some(true);
        match &self.correlation_value {
            Some(_) if init => Err(OperationError::InvalidValue(
                Tag::InitIndicator,
                "the operation has begun, since it has a Correlation Value",
            )),
            Some(value) if last => Ok(Position::Last(value)),
            Some(value) => Ok(Position::Next(value)),
            None if init && !last => Ok(Position::First),
            None if last && !init => Err(OperationError::InvalidValue(
                Tag::FinalIndicator,
                "there is no Correlation Value to say what ends",
            )),
            None => Ok(Position::Only { empty: init }),
        }
    }
}

/// One part of an operation, with what came before it.
#[derive(Debug)]
pub(crate) struct Part {
    /// The operation so far.
    pub(crate) stream: Stream,
    /// Says whether nothing came before.
    pub(crate) first: bool,
    /// Says whether nothing comes after.
    pub(crate) last: bool,
    correlation_value: Option<CorrelationValue>,
    needs_data: bool,
}

impl Part {
    /// Finds out which part of what a request is. `settle` makes the Cryptographic Parameters of
    /// the operation out of those in the request; later parts may repeat them and not change them.
    pub(crate) fn open(
        item: &Item<'_>,
        streaming: &Streaming,
        object: Option<&UniqueIdentifier>,
        given: Option<&CryptographicParameters>,
        settle: impl FnOnce() -> Result<CryptographicParameters, OperationError>,
    ) -> Result<Self, OperationError> {
        let position = streaming.position()?;
        if let Position::Next(value) | Position::Last(value) = position {
            let stream = item.stream(value)?;
            if stream.object.as_ref() != object {
                return Err(OperationError::UnknownCorrelationValue);
            }
            if given.is_some() && settle()? != stream.parameters {
                return Err(OperationError::CryptographicParameters(
                    "they are not those of the first part",
                ));
            }
            let last = matches!(position, Position::Last(_));
            return Ok(Self {
                stream,
                first: false,
                last,
                correlation_value: Some(value.to_vec()),
                needs_data: !last,
            });
        }
        let stream = item.new_stream(object.cloned(), settle()?);
        let (last, needs_data) = match position {
            Position::Only { empty } => (true, !empty),
            _ => (false, false),
        };
        let correlation_value = if last { None } else { Some(item.new_correlation_value()?) };
        Ok(Self { stream, first: true, last, correlation_value, needs_data })
    }

    /// Says whether the whole operation has one part.
    pub(crate) const fn is_only(&self) -> bool {
        self.first && self.last
    }

    /// Takes the data of this part. Only the first and the last of several parts may be without.
    pub(crate) fn add(&mut self, data: Option<&Material>) -> Result<(), OperationError> {
        match data {
            Some(_) if self.stream.digested_data.is_some() => Err(data_and_digest()),
            Some(data) => self.stream.data.push(data),
            None if self.needs_data => Err(PayloadFault::Missing(Tag::Data).into()),
            None => Ok(()),
        }
    }

    /// Takes what is to be checked at the end: a tag, a signature or a MAC.
    pub(crate) fn take_seal(
        &mut self,
        tag: Tag,
        given: Option<&Vec<u8>>,
    ) -> Result<(), OperationError> {
        put(&mut self.stream.seal, tag, given)
    }

    /// Takes Digested Data, which stands for all the data and has no parts.
    pub(crate) fn take_digested_data(
        &mut self,
        given: Option<&Vec<u8>>,
    ) -> Result<(), OperationError> {
        put(&mut self.stream.digested_data, Tag::DigestedData, given)?;
        if self.stream.digested_data.is_some() {
            if self.stream.data.len() > 0 {
                return Err(data_and_digest());
            }
            self.needs_data = false;
        }
        Ok(())
    }

    /// Takes the additional data of the first part; there is no use for it later, or without a tag.
    pub(crate) fn take_additional_data(
        &mut self,
        given: Option<&Vec<u8>>,
    ) -> Result<(), OperationError> {
        let Some(given) = given else {
            return Ok(());
        };
        if !is_authenticated(&self.stream.parameters) {
            return Err(OperationError::CryptographicParameters(
                "only authenticated encryption has additional data",
            ));
        }
        if self.first {
            self.stream.additional_data.clone_from(given);
        } else if self.stream.additional_data != *given {
            return Err(OperationError::InvalidValue(
                Tag::AuthenticatedEncryptionAdditionalData,
                "it comes with the first part",
            ));
        }
        Ok(())
    }

    /// Ends the operation after its last part, or else keeps it and returns the Correlation Value
    /// of the next one.
    pub(crate) fn close(self, item: &mut Item<'_>) -> Option<CorrelationValue> {
        let correlation_value = self.correlation_value?;
        let read = self.stream.revision();
        let after = (!self.last).then_some(self.stream);
        let answer = after.is_some().then(|| correlation_value.clone());
        item.keep_stream(correlation_value, read, after);
        answer
    }
}

const fn data_and_digest() -> OperationError {
    OperationError::InvalidValue(Tag::DigestedData, "the data itself is there, too")
}

/// Keeps a value that comes with one part, or with several and is the same there.
pub(crate) fn put(
    slot: &mut Option<Vec<u8>>,
    tag: Tag,
    given: Option<&Vec<u8>>,
) -> Result<(), OperationError> {
    match (slot.as_ref(), given) {
        (Some(have), Some(given)) if have != given => {
            Err(OperationError::InvalidValue(tag, "an earlier part has another one"))
        }
        (None, Some(given)) => {
            *slot = Some(given.clone());
            Ok(())
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indicators_and_correlation_value_say_which_part_it_is() {
        let value = || Some(vec![7]);
        let error = |tag| Err::<Position<'_>, _>(tag);
        for (correlation_value, init, last, expected) in [
            (None, None, None, Ok(Position::Only { empty: false })),
            (None, Some(false), Some(false), Ok(Position::Only { empty: false })),
            (None, Some(true), Some(true), Ok(Position::Only { empty: true })),
            (None, Some(true), None, Ok(Position::First)),
            (value(), None, None, Ok(Position::Next(&[7]))),
            (value(), Some(false), Some(true), Ok(Position::Last(&[7]))),
            (value(), Some(true), None, error(Tag::InitIndicator)),
            (None, None, Some(true), error(Tag::FinalIndicator)),
        ] {
            let streaming =
                Streaming { correlation_value, init_indicator: init, final_indicator: last };
            let found = streaming.position().map_err(|error| match error {
                OperationError::InvalidValue(tag, _) => tag,
                other => panic!("{other}"),
            });
            assert_eq!(found, expected, "{streaming:?}");
        }
    }
}
