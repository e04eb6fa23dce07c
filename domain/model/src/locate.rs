//! Locate as a value, and the matcher that every store must agree with (KMIP 2.1 §6.1.28, 1.4 §4.9).

use crate::{
    attribute::AttributeReference,
    date::DateTime,
    enumeration::{ObjectGroupMember, StorageStatusMask, Tag},
    object::ManagedObject,
    value::Value,
};

/// One attribute that an object must have. A structure may give some of its fields only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The attribute.
    pub reference: AttributeReference,
    /// The value, or a part of it.
    pub value: Value,
}

/// What a Locate asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locate {
    /// Every filter must hold; two dates of one attribute are a range.
    pub filters: Vec<Filter>,
    /// Skip this many.
    pub offset: u64,
    /// Return at most this many.
    pub maximum: Option<u64>,
    /// Which storage to look in; on-line if not given.
    pub storage_status_mask: Option<StorageStatusMask>,
    /// Fresh or default members of an Object Group.
    pub object_group_member: Option<ObjectGroupMember>,
}

/// A Locate that cannot be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnanswerableFilter {
    /// A date is given three times or more.
    #[error("{0} is given more than twice")]
    TooManyDates(Tag),
    /// There are more values to compare than any client needs.
    #[error("there are too many attributes to look for")]
    TooMany,
}

/// How many values the filters may have together; every field of a structure is one.
const MAXIMUM_VALUES: usize = 256;

impl Locate {
    /// Checks that the filters make sense together.
    pub fn check(&self) -> Result<(), UnanswerableFilter> {
        let mut left = MAXIMUM_VALUES;
        if !self.filters.iter().all(|filter| take(&mut left, &filter.value)) {
            return Err(UnanswerableFilter::TooMany);
        }
        for filter in &self.filters {
            let is_date = matches!(filter.value, Value::DateTime(_));
            let same = self.filters.iter().filter(|other| other.reference == filter.reference);
            if is_date && same.count() > 2 {
                return Err(UnanswerableFilter::TooManyDates(filter.reference.tag()));
            }
        }
        Ok(())
    }

    /// Says whether destroyed objects are asked for.
    #[must_use]
    pub fn wants_destroyed(&self) -> bool {
        self.mask().intersects(StorageStatusMask::DESTROYED_STORAGE)
    }

    /// Says whether objects that are not destroyed are asked for. Nothing is ever archived here.
    #[must_use]
    pub fn wants_on_line(&self) -> bool {
        self.mask().intersects(StorageStatusMask::ON_LINE_STORAGE)
    }

    fn mask(&self) -> StorageStatusMask {
        self.storage_status_mask.unwrap_or(StorageStatusMask::ON_LINE_STORAGE)
    }

    /// Says whether an object, as it is at the time of the request, is one that is asked for.
    #[must_use]
    pub fn matches(&self, object: &ManagedObject) -> bool {
        let stored_there =
            if object.is_destroyed() { self.wants_destroyed() } else { self.wants_on_line() };
        let fresh_enough = match self.object_group_member {
            Some(ObjectGroupMember::GroupMemberFresh) => {
                object.attributes().fresh().copied().unwrap_or(false)
            }
            _ => true,
        };
        stored_there && fresh_enough && self.filters.iter().all(|filter| self.holds(filter, object))
    }

    /// Returns the range of dates that the filters give for one attribute.
    #[must_use]
    pub fn date_range(&self, reference: &AttributeReference) -> Option<(DateTime, DateTime)> {
        let dates = self.filters.iter().filter_map(|filter| match filter.value {
            Value::DateTime(date) if filter.reference == *reference => Some(date),
            _ => None,
        });
        let (first, last) = dates.fold((None, None), |(first, last), date| {
            (
                Some(first.map_or(date, |have: DateTime| have.min(date))),
                Some(last.map_or(date, |have: DateTime| have.max(date))),
            )
        });
        first.zip(last)
    }

    fn holds(&self, filter: &Filter, object: &ManagedObject) -> bool {
        let instances = object.attribute(&filter.reference);
        match &filter.value {
            Value::DateTime(_) => {
                let Some((first, last)) = self.date_range(&filter.reference) else {
                    return false;
                };
                //= KMIP-2.1 §6.1.28
                // The last possible date asks for objects without that date.
                if instances.is_empty() {
                    return first == DateTime::MAX;
                }
                instances.iter().any(|have| match have.attribute.to_value() {
                    Value::DateTime(date) => first <= date && date <= last,
                    _ => false,
                })
            }
            Value::Integer(mask) if is_mask(&filter.reference) => {
                instances.iter().any(|have| match have.attribute.to_value() {
                    Value::Integer(value) => value & mask == *mask,
                    _ => false,
                })
            }
            Value::Structure(_) if is_usage_limits(&filter.reference) => instances
                .iter()
                .any(|have| limits_suffice(&have.attribute.to_value(), &filter.value)),
            value => instances.iter().any(|have| have.attribute.to_value().answers(value)),
        }
    }
}

/// Takes the values of a filter off what is left; says whether there was enough.
fn take(left: &mut usize, value: &Value) -> bool {
    let Some(rest) = left.checked_sub(1) else { return false };
    *left = rest;
    match value {
        Value::Structure(fields) => fields.iter().all(|(_, field)| take(left, field)),
        _ => true,
    }
}

fn is_mask(reference: &AttributeReference) -> bool {
    matches!(
        reference,
        AttributeReference::Standard(Tag::CryptographicUsageMask | Tag::ProtectionStorageMask)
    )
}

fn is_usage_limits(reference: &AttributeReference) -> bool {
    matches!(reference, AttributeReference::Standard(Tag::UsageLimits))
}

/// Says whether an object's Usage Limits are at least those asked for.
fn limits_suffice(have: &Value, want: &Value) -> bool {
    let (Value::Structure(have), Value::Structure(want)) = (have, want) else {
        return false;
    };
    want.iter().all(|(tag, want)| {
        have.iter().any(|(have_tag, have)| {
            have_tag == tag
                && match (have, want) {
                    (Value::LongInteger(have), Value::LongInteger(want)) => have >= want,
                    _ => have == want,
                }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(value: Value) -> Filter {
        Filter { reference: AttributeReference::Standard(Tag::Comment), value }
    }

    #[test]
    fn only_so_many_values_are_compared() {
        let text = || Value::TextString("a".into());
        let of = |filters| Locate { filters, ..Locate::default() }.check();
        let several = |count| (0..count).map(|_| comment(text())).collect();
        assert_eq!(of(several(MAXIMUM_VALUES)), Ok(()));
        assert_eq!(of(several(MAXIMUM_VALUES + 1)), Err(UnanswerableFilter::TooMany));
        // A structure is one, and each of its fields.
        let fields = |count| (0..count).map(|_| (Tag::NameValue, text())).collect();
        assert_eq!(of(vec![comment(Value::Structure(fields(MAXIMUM_VALUES - 1)))]), Ok(()));
        assert_eq!(
            of(vec![comment(Value::Structure(fields(MAXIMUM_VALUES)))]),
            Err(UnanswerableFilter::TooMany)
        );
    }
}
