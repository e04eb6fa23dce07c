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
    use kmip_model::{
        Interval,
        enumeration::{
            BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm,
            CryptographicUsageMask, HashingAlgorithm, Operation, ResultReason as R,
            RevocationReasonCode,
        },
    };

    use super::*;
    use crate::{
        message::ReasonColumn,
        ops::{Request, Response, encrypt, mac, revoke},
        reason::reason,
        testing::{
            World, aes_key, algorithm, encrypt_request, first_part, last_part, mac_request, mode,
            next_part,
        },
    };

    fn key(world: &World) -> UniqueIdentifier {
        let mask = CryptographicUsageMask::MAC_GENERATE.union(CryptographicUsageMask::ENCRYPT);
        world.register_active(aes_key(&[1; 16]), mask, Vec::new())
    }

    fn mac(key: &UniqueIdentifier, streaming: Streaming) -> Request {
        let first = streaming.correlation_value.is_none();
        let parameters = first.then(|| algorithm(CryptographicAlgorithm::HmacSha256));
        Request::Mac(mac::Request { streaming, ..mac_request(key, parameters, b"part") })
    }

    fn sha256() -> CryptographicParameters {
        CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::Sha256),
            ..crate::shared::cryptographic_parameters::none()
        }
    }

    fn ask(world: &World, request: Request) -> Result<mac::Response, OperationError> {
        match world.run(request)? {
            Response::Mac(response) => Ok(response),
            other => panic!("not an answer to MAC: {other:?}"),
        }
    }

    #[test]
    fn an_unknown_correlation_value_has_its_reasons() {
        let world = World::new();
        let unknown = Some(vec![7; 16]);
        let error = ask(&world, mac(&key(&world), next_part(unknown.as_ref()))).unwrap_err();
        assert_eq!(error, OperationError::UnknownCorrelationValue);
        let given = |column| reason(&error, Some(Operation::Mac), column);
        assert_eq!(given(ReasonColumn::One), R::ItemNotFound);
        assert_eq!(given(ReasonColumn::TwoOne), R::InvalidCorrelationValue);
    }

    #[test]
    fn an_operation_belongs_to_its_user_its_key_and_itself() {
        let world = World::new();
        let (one, other) = (key(&world), key(&world));
        let value = ask(&world, mac(&one, first_part())).unwrap().correlation_value;
        let refused = |world: &World, request| {
            let answer = world.run(request).map(drop);
            assert_eq!(answer, Err(OperationError::UnknownCorrelationValue));
        };
        refused(&world, mac(&other, next_part(value.as_ref())));
        let encrypt = encrypt::Request {
            streaming: next_part(value.as_ref()),
            ..encrypt_request(&one, Some(mode(BlockCipherMode::Ctr, None)), b"part")
        };
        refused(&world, Request::Encrypt(encrypt));
        let hash = crate::ops::hash::Request {
            cryptographic_parameters: None,
            data: None,
            streaming: last_part(value.as_ref()),
        };
        refused(&world, Request::Hash(hash));
        // Of another user there is nothing to be seen, even with the right of use.
        let hash = || crate::ops::hash::Request {
            streaming: first_part(),
            ..crate::testing::hash_request(Some(sha256()), b"part")
        };
        let Ok(Response::Hash(begun)) = world.run(Request::Hash(hash())) else { panic!() };
        let next = crate::ops::hash::Request {
            streaming: last_part(begun.correlation_value.as_ref()),
            ..hash()
        };
        refused(&world.asked_by("bob"), Request::Hash(next));
        // Nothing of this has ended it.
        assert!(ask(&world, mac(&one, last_part(value.as_ref()))).is_ok());
        refused(&world, mac(&one, last_part(value.as_ref())));
    }

    #[test]
    fn correlation_values_are_long_and_never_the_same() {
        let world = World::new();
        let key = key(&world);
        let begin = || ask(&world, mac(&key, first_part())).unwrap().correlation_value.unwrap();
        let (one, other) = (begin(), begin());
        assert_eq!(one.len(), 16);
        assert_ne!(one, other);
    }

    #[test]
    fn who_waits_too_long_begins_again() {
        let world = World::new();
        let key = key(&world);
        let value = ask(&world, mac(&key, first_part())).unwrap().correlation_value;
        world.clock.advance(Interval(299));
        assert!(ask(&world, mac(&key, next_part(value.as_ref()))).is_ok());
        world.clock.advance(Interval(300));
        assert_eq!(
            ask(&world, mac(&key, next_part(value.as_ref()))),
            Err(OperationError::UnknownCorrelationValue)
        );
    }

    #[test]
    fn a_key_that_is_revoked_between_two_parts_is_not_used_any_more() {
        let world = World::new();
        let key = key(&world);
        let value = ask(&world, mac(&key, first_part())).unwrap().correlation_value;
        let revoke = revoke::Request {
            unique_identifier: key.clone().into(),
            revocation_reason: kmip_model::attribute::RevocationReason {
                revocation_reason_code: RevocationReasonCode::Superseded,
                revocation_message: None,
            },
            compromise_occurrence_date: None,
        };
        world.run(Request::Revoke(revoke)).unwrap();
        let answer = ask(&world, mac(&key, last_part(value.as_ref())));
        assert!(matches!(answer, Err(OperationError::Usage(_))), "{answer:?}");
    }

    #[test]
    fn parts_in_one_batch_follow_each_other() {
        let world = World::new();
        let key = key(&world);
        let whole = |world: &World, parts: usize| {
            let parameters = Some(algorithm(CryptographicAlgorithm::HmacSha256));
            let request = mac_request(&key, parameters, "part".repeat(parts).as_bytes());
            ask(world, Request::Mac(request)).unwrap().mac_data
        };
        let value = ask(&world, mac(&key, first_part())).unwrap().correlation_value;
        let undo = BatchErrorContinuationOption::Undo;
        let next = || mac(&key, next_part(value.as_ref()));
        let answers = world.batch(vec![next(), next()], undo);
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        let last = ask(&world, mac(&key, last_part(value.as_ref()))).unwrap();
        assert_eq!(last.mac_data, whole(&world, 4));
    }

    #[test]
    fn a_part_that_fails_leaves_the_operation_as_it_was() {
        let world = World::new();
        let key = key(&world);
        let value = ask(&world, mac(&key, first_part())).unwrap().correlation_value;
        let other = mac::Request {
            streaming: next_part(value.as_ref()),
            ..mac_request(&key, Some(algorithm(CryptographicAlgorithm::Aes)), b"part")
        };
        assert!(matches!(
            ask(&world, Request::Mac(other)),
            Err(OperationError::CryptographicParameters(_))
        ));
        let last = ask(&world, mac(&key, last_part(value.as_ref()))).unwrap().mac_data;
        let parameters = Some(algorithm(CryptographicAlgorithm::HmacSha256));
        let whole = Request::Mac(mac_request(&key, parameters, b"partpart"));
        assert_eq!(last, ask(&world, whole).unwrap().mac_data);
    }

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
