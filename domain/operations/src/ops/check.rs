//! Check (KMIP 2.1 §6.1.7, 1.4 §4.10).
//!
//! Says whether the client may use an object like that; changes nothing. A denial is a failure
//! whose Result Message names what was denied, and which empties the ID Placeholder. The cases show
//! no payload beside it, so there is none.

use kmip_model::{
    IdentifierRef, Interval, ManagedObject, UniqueIdentifier,
    enumeration::{CryptographicUsageMask, ObjectType},
};

use crate::{
    error::{OperationError, UseDenial},
    processor::Item,
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// Usage Limits Count: how much the client is going to protect.
    pub usage_limits_count: Option<i64>,
    /// Cryptographic Usage Mask: what the client is going to do.
    pub cryptographic_usage_mask: Option<CryptographicUsageMask>,
    /// Lease Time: for how long.
    pub lease_time: Option<Interval>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let object = &*fetched.value;
    if object.is_destroyed() {
        return Err(OperationError::Destroyed);
    }
    if object.object_type() == ObjectType::Template {
        return Err(OperationError::IllegalObjectType);
    }
    if let Some(denial) = denial(object, request) {
        return Err(OperationError::UseDenied(denial));
    }
    Ok(Response { unique_identifier: object.identifier().clone() })
}

/// Finds the first thing that the client may not.
fn denial(object: &ManagedObject, request: &Request) -> Option<UseDenial> {
    let attributes = object.attributes();
    let mask = attributes.cryptographic_usage_mask().copied().unwrap_or_default();
    if request.cryptographic_usage_mask.is_some_and(|wanted| !mask.contains(wanted)) {
        return Some(UseDenial::CryptographicUsageMask);
    }
    let left = attributes
        .usage_limits()
        .map(|limits| limits.usage_limits_count.unwrap_or(limits.usage_limits_total));
    if request.usage_limits_count.zip(left).is_some_and(|(wanted, left)| wanted > left) {
        return Some(UseDenial::UsageLimitsCount);
    }
    //= KMIP-2.1 §4.30
    // The attribute is the longest lease that is granted.
    let longest = attributes.lease_time().copied();
    if request.lease_time.zip(longest).is_some_and(|(wanted, longest)| wanted > longest) {
        return Some(UseDenial::LeaseTime);
    }
    None
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::{Attribute, UsageLimits},
        enumeration::{BatchErrorContinuationOption, UsageLimitsUnit},
    };

    use super::*;
    use crate::{
        ops,
        testing::{ONE, World, aes, create_request, get_request},
    };

    const NOTHING: Request = Request {
        unique_identifier: IdentifierRef::Placeholder,
        usage_limits_count: None,
        cryptographic_usage_mask: None,
        lease_time: None,
    };

    fn attributes() -> Vec<Attribute> {
        let mut attributes = aes(128);
        attributes.push(Attribute::CryptographicUsageMask(CryptographicUsageMask::DECRYPT));
        attributes.push(Attribute::UsageLimits(UsageLimits {
            usage_limits_total: 100,
            usage_limits_count: None,
            usage_limits_unit: UsageLimitsUnit::Byte,
        }));
        attributes
    }

    #[test]
    fn what_the_attributes_allow_is_confirmed_and_the_rest_denied() {
        use UseDenial as Denial;
        let world = World::new();
        let identifier = world.create(attributes()).unwrap();
        let both = CryptographicUsageMask::ENCRYPT.union(CryptographicUsageMask::DECRYPT);
        for (mask, count, lease, denied) in [
            (None, None, None, None),
            (Some(CryptographicUsageMask::DECRYPT), Some(100), Some(3_600), None),
            (
                Some(CryptographicUsageMask::ENCRYPT),
                None,
                None,
                Some(Denial::CryptographicUsageMask),
            ),
            (Some(both), None, None, Some(Denial::CryptographicUsageMask)),
            (None, Some(101), None, Some(Denial::UsageLimitsCount)),
            (None, None, Some(3_601), Some(Denial::LeaseTime)),
        ] {
            let request = Request {
                unique_identifier: identifier.clone().into(),
                usage_limits_count: count,
                cryptographic_usage_mask: mask,
                lease_time: lease.map(Interval),
            };
            let expected = match denied {
                None => {
                    Ok(ops::Response::Check(Response { unique_identifier: identifier.clone() }))
                }
                Some(denial) => Err(OperationError::UseDenied(denial)),
            };
            assert_eq!(world.run(ops::Request::Check(request)), expected);
        }
        // Nothing has been used up by asking.
        let object = world.object(&identifier);
        assert_eq!(object.attributes().usage_limits().unwrap().usage_limits_count, Some(100));
    }

    #[test]
    fn a_denial_empties_the_placeholder_and_other_failures_do_not() {
        let world = World::new();
        let get = || ops::Request::Get(get_request(IdentifierRef::Placeholder));
        let denied = Request { usage_limits_count: Some(101), ..NOTHING };
        let missing =
            Request { unique_identifier: UniqueIdentifier::new("none").into(), ..NOTHING };
        for (check, then) in
            [(denied, Err(OperationError::NoPlaceholder)), (missing, Ok(())), (NOTHING, Ok(()))]
        {
            let answers = world.batch(
                vec![create_request(attributes()), ops::Request::Check(check), get()],
                BatchErrorContinuationOption::Continue,
            );
            assert_eq!(answers[2].as_ref().map(|_| ()).map_err(Clone::clone), then);
        }
    }

    #[test]
    fn nobody_checks_what_is_somebody_elses_or_destroyed() {
        let world = World::new();
        let identifier = world.create(aes(128)).unwrap();
        let check = |world: &World| {
            let unique_identifier = identifier.clone().into();
            world.run(ops::Request::Check(Request { unique_identifier, ..NOTHING })).map(drop)
        };
        assert_eq!(check(&world.asked_by("bob")), Err(OperationError::NotFound));
        let destroy = ops::destroy::Request { unique_identifier: identifier.clone().into() };
        world.run(ops::Request::Destroy(destroy)).unwrap();
        assert_eq!(check(&world), Err(OperationError::Destroyed));
        assert_eq!(check(&world.speaking(ONE)), Err(OperationError::NotFound));
    }
}
