//! Get Attributes (KMIP 2.1 §6.1.20, 1.4 §4.12).
//!
//! Returns the attributes asked for, or all; what the object has not is left out. A destroyed
//! object still has attributes.

use std::collections::BTreeSet;

use kmip_model::{
    IdentifierRef, UniqueIdentifier,
    attribute::{AttributeReference, Instance},
    enumeration::Tag,
};

use crate::{error::OperationError, message::UnaskedAttributes, processor::Item};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Which object.
    pub unique_identifier: IdentifierRef,
    /// Which attributes; none asks for all.
    pub attribute_references: Vec<AttributeReference>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The object.
    pub unique_identifier: UniqueIdentifier,
    /// Its attributes.
    pub attributes: Vec<Instance>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let wanted = &request.attribute_references;
    //= KMIP-1.4 §4.12
    let mut named = BTreeSet::new();
    if !wanted.iter().all(|reference| named.insert(reference)) {
        return Err(OperationError::AttributeNamedTwice);
    }
    let fetched = item.fetch_even_destroyed(&request.unique_identifier).await?;
    let object = &*fetched.value;
    let attributes = if wanted.is_empty() {
        let conservative = item.dialect().unasked_attributes == UnaskedAttributes::Conservative;
        object
            .all_attributes()
            .into_iter()
            .filter(|instance| !conservative || is_widely_read(instance.attribute.tag()))
            .collect()
    } else {
        wanted.iter().flat_map(|reference| object.attribute(reference)).collect()
    };
    Ok(Response { unique_identifier: object.identifier().clone(), attributes })
}

/// Says whether clients that stop at attributes they do not know are known to know this one.
fn is_widely_read(tag: Tag) -> bool {
    matches!(
        tag,
        Tag::UniqueIdentifier
            | Tag::Name
            | Tag::ObjectType
            | Tag::CryptographicAlgorithm
            | Tag::CryptographicLength
            | Tag::CryptographicParameters
            | Tag::OperationPolicyName
            | Tag::CryptographicUsageMask
            | Tag::State
            | Tag::InitialDate
            | Tag::ActivationDate
            | Tag::ProcessStartDate
            | Tag::ProtectStopDate
            | Tag::DeactivationDate
            | Tag::DestroyDate
            | Tag::CompromiseOccurrenceDate
            | Tag::CompromiseDate
            | Tag::ObjectGroup
            | Tag::ApplicationSpecificInformation
            | Tag::ContactInformation
            | Tag::LastChangeDate
            | Tag::LeaseTime
            | Tag::Attribute
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ops::{self, Request as AnyRequest},
        testing::{World, aes},
    };

    fn shown(world: &World, id: &UniqueIdentifier, named: &[Tag]) -> Vec<Tag> {
        let request = Request {
            unique_identifier: id.clone().into(),
            attribute_references: named.iter().copied().map(AttributeReference::Standard).collect(),
        };
        match world.run(AnyRequest::GetAttributes(request)) {
            Ok(ops::Response::GetAttributes(response)) => {
                response.attributes.iter().map(|instance| instance.attribute.tag()).collect()
            }
            other => panic!("not an answer to Get Attributes: {other:?}"),
        }
    }

    #[test]
    fn an_operator_may_leave_out_what_old_clients_stop_at_unless_it_is_asked_for() {
        let mut world = World::new();
        let id = world.create(aes(128)).unwrap();
        let tag = Tag::RandomNumberGenerator;
        assert!(shown(&world, &id, &[]).contains(&tag));
        world.settings.conservative_attributes = true;
        let conservative = shown(&world, &id, &[]);
        assert!(!conservative.contains(&tag));
        assert!(conservative.contains(&Tag::State));
        assert_eq!(shown(&world, &id, &[tag]), [tag]);
    }

    #[test]
    fn what_is_named_twice_is_refused_and_what_is_not_set_is_left_out() {
        let world = World::new();
        let id = world.create(aes(128)).unwrap();
        assert_eq!(shown(&world, &id, &[Tag::Name, Tag::State]), [Tag::State]);
        let twice = [Tag::State, Tag::Name, Tag::State].map(AttributeReference::Standard);
        let request =
            Request { unique_identifier: id.into(), attribute_references: twice.to_vec() };
        assert_eq!(
            world.run(AnyRequest::GetAttributes(request)),
            Err(OperationError::AttributeNamedTwice)
        );
    }
}
