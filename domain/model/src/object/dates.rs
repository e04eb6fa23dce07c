//! The order of an object's dates (KMIP 2.1 §4.1, §4.40, §4.41, §4.18, 1.4 §3.24 to §3.27).

use super::ManagedObject;
use crate::{attribute::RuleViolation, enumeration::Tag};

/// Which date may not come before which. Process Start Date and Protect Stop Date bound different
/// uses, and may come in either order.
const ORDER: [(Tag, Tag); 5] = [
    (Tag::ActivationDate, Tag::ProcessStartDate),
    (Tag::ActivationDate, Tag::ProtectStopDate),
    (Tag::ActivationDate, Tag::DeactivationDate),
    (Tag::ProcessStartDate, Tag::DeactivationDate),
    (Tag::ProtectStopDate, Tag::DeactivationDate),
];

impl ManagedObject {
    /// Checks that the dates which are set are in order.
    pub fn check_dates(&self) -> Result<(), RuleViolation> {
        for (earlier, later) in ORDER {
            let date = self.date(later);
            if date.is_some() && date < self.date(earlier) {
                return Err(RuleViolation::DateOrder(later));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribute::{Attribute, AttributeSet},
        date::DateTime,
        enumeration::ObjectType,
        identifier::UniqueIdentifier,
        object::Life,
    };

    #[test]
    fn dates_out_of_order_are_refused() {
        for (activation, start, stop, deactivation, ok) in [
            (Some(1), Some(2), Some(3), Some(4), true),
            (Some(1), Some(1), Some(1), Some(1), true),
            (Some(1), Some(3), Some(1), None, true),
            (Some(2), Some(1), None, None, false),
            (Some(2), None, Some(1), None, false),
            (None, Some(2), None, Some(1), false),
            (None, None, Some(2), Some(1), false),
            (Some(5), None, None, Some(4), false),
            (None, None, None, None, true),
        ] {
            let mut attributes = AttributeSet::default();
            let mut set = |attribute: Option<Attribute>| {
                if let Some(attribute) = attribute {
                    attributes.set(attribute);
                }
            };
            let date = |seconds: Option<i64>| seconds.map(DateTime);
            set(date(activation).map(Attribute::ActivationDate));
            set(date(start).map(Attribute::ProcessStartDate));
            set(date(stop).map(Attribute::ProtectStopDate));
            set(date(deactivation).map(Attribute::DeactivationDate));
            let object = ManagedObject::restore(
                UniqueIdentifier::new("a"),
                "alice".into(),
                attributes,
                Life::Destroyed(ObjectType::SymmetricKey),
            );
            assert_eq!(object.check_dates().is_ok(), ok);
        }
    }
}
