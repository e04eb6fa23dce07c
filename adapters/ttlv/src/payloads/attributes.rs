//! Payloads of Get Attributes, Get Attribute List, Add, Modify, Set and Delete Attribute, and Locate
//! (KMIP 2.1 §6.1, 1.4 §4.9 and §4.12 to §4.16).
//!
//! 1.x names an attribute and counts its values; 2.x shows the value. Where that makes two
//! structures of one, they are written out here.

use kmip_model::{
    attribute::{AttributeReference, Instance},
    enumeration::Tag,
};
use kmip_operations::ops::{
    add_attribute, delete_attribute, get_attribute_list, get_attributes, locate, modify_attribute,
    set_attribute,
};

use crate::{
    attributes::{CurrentAttribute, Instances, NewAttribute, References, v1},
    fault::Fault,
    reader::{Element, Fields},
    schema::{Context, Decode, Encode, Shape, structure},
    version::Version,
    writer::Writer,
};

structure! { get_attributes::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    _ attribute_references: with(References) since V1_0;
} }

structure! { get_attributes::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
    _ attributes: with(Instances) since V1_0;
} }

structure! { get_attribute_list::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
} }

structure! { get_attribute_list::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
    _ attribute_references: with(References) since V1_0;
} }

structure! { set_attribute::Request {
    UniqueIdentifier unique_identifier: default since V2_0;
    _ new_attribute: with(NewAttribute) since V2_0;
} }

structure! { set_attribute::Response {
    UniqueIdentifier unique_identifier: required since V2_0;
} }

structure! { locate::Response {
    LocatedItems located_items: optional since V1_3;
    UniqueIdentifier unique_identifiers: repeated since V1_0;
} }

/// The one Attribute of a request or response of 1.x.
fn read_attribute(fields: &Fields<'_>, context: &Context) -> Result<v1::Indexed, Fault> {
    let element = fields.find(Tag::Attribute)?.ok_or(Fault::missing(Tag::Attribute))?;
    v1::read(element, context)
}

impl Decode for add_attribute::Request {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        let unique_identifier =
            fields.optional(Tag::UniqueIdentifier, context)?.unwrap_or_default();
        let (attribute, attribute_index) = if context.version.names_attributes() {
            fields.close(|tag| matches!(tag, Tag::UniqueIdentifier | Tag::Attribute))?;
            read_attribute(&fields, context)?
        } else {
            fields.close(|tag| matches!(tag, Tag::UniqueIdentifier | Tag::NewAttribute))?;
            (NewAttribute::read(&fields, context)?, None)
        };
        Ok(Self { unique_identifier, attribute, attribute_index })
    }
}

impl Encode for add_attribute::Request {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| {
            self.unique_identifier.encode(Tag::UniqueIdentifier, writer);
            if writer.version().names_attributes() {
                v1::write(&self.attribute, self.attribute_index.unwrap_or_default(), writer);
            } else {
                NewAttribute::write(&self.attribute, writer);
            }
        });
    }
}

impl Decode for add_attribute::Response {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let (unique_identifier, attribute) = read_changed(element, context)?;
        Ok(Self { unique_identifier, attribute })
    }
}

impl Encode for add_attribute::Response {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        write_changed(&self.unique_identifier, self.attribute.as_ref(), tag, writer);
    }
}

impl Decode for modify_attribute::Request {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        use modify_attribute::Selection;
        let fields = element.fields()?;
        let unique_identifier =
            fields.optional(Tag::UniqueIdentifier, context)?.unwrap_or_default();
        let (attribute, selection) = if context.version.names_attributes() {
            fields.close(|tag| matches!(tag, Tag::UniqueIdentifier | Tag::Attribute))?;
            let (attribute, index) = read_attribute(&fields, context)?;
            (attribute, Selection::Index(index))
        } else {
            fields.close(|tag| {
                matches!(tag, Tag::UniqueIdentifier | Tag::CurrentAttribute | Tag::NewAttribute)
            })?;
            let current = CurrentAttribute::read(&fields, context)?;
            let selection = current.map_or(Selection::Only, Selection::Current);
            (NewAttribute::read(&fields, context)?, selection)
        };
        Ok(Self { unique_identifier, selection, attribute })
    }
}

impl Encode for modify_attribute::Request {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        use modify_attribute::Selection;
        writer.structure(tag, |writer| {
            self.unique_identifier.encode(Tag::UniqueIdentifier, writer);
            if writer.version().names_attributes() {
                let index = match self.selection {
                    Selection::Index(index) => index.unwrap_or_default(),
                    Selection::Current(_) | Selection::Only => 0,
                };
                v1::write(&self.attribute, index, writer);
            } else {
                if let Selection::Current(current) = &self.selection {
                    CurrentAttribute::write(&Some(current.clone()), writer);
                }
                NewAttribute::write(&self.attribute, writer);
            }
        });
    }
}

impl Decode for modify_attribute::Response {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let (unique_identifier, attribute) = read_changed(element, context)?;
        Ok(Self { unique_identifier, attribute })
    }
}

impl Encode for modify_attribute::Response {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        write_changed(&self.unique_identifier, self.attribute.as_ref(), tag, writer);
    }
}

impl Decode for delete_attribute::Request {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        use delete_attribute::Selection;
        let fields = element.fields()?;
        let unique_identifier =
            fields.optional(Tag::UniqueIdentifier, context)?.unwrap_or_default();
        let selection = if context.version.names_attributes() {
            fields.close(|tag| {
                matches!(tag, Tag::UniqueIdentifier | Tag::AttributeName | Tag::AttributeIndex)
            })?;
            let reference: AttributeReference = fields.required(Tag::AttributeName, context)?;
            match fields.optional(Tag::AttributeIndex, context)? {
                None if context.version == Version::V1_0 => Selection::Only(reference),
                index => Selection::Index(reference, index),
            }
        } else {
            fields.close(|tag| {
                matches!(
                    tag,
                    Tag::UniqueIdentifier | Tag::CurrentAttribute | Tag::AttributeReference
                )
            })?;
            match CurrentAttribute::read(&fields, context)? {
                Some(current) => Selection::Current(current),
                None => Selection::Every(fields.required(Tag::AttributeReference, context)?),
            }
        };
        Ok(Self { unique_identifier, selection })
    }
}

impl Encode for delete_attribute::Request {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        use delete_attribute::Selection;
        writer.structure(tag, |writer| {
            self.unique_identifier.encode(Tag::UniqueIdentifier, writer);
            match &self.selection {
                Selection::Index(reference, index) => {
                    reference.encode(Tag::AttributeName, writer);
                    index.encode(Tag::AttributeIndex, writer);
                }
                Selection::Only(reference) => reference.encode(Tag::AttributeName, writer),
                Selection::Current(current) => {
                    CurrentAttribute::write(&Some(current.clone()), writer);
                }
                Selection::Every(reference) => reference.encode(Tag::AttributeReference, writer),
            }
        });
    }
}

impl Decode for delete_attribute::Response {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let (unique_identifier, attribute) = read_changed(element, context)?;
        Ok(Self { unique_identifier, attribute })
    }
}

impl Encode for delete_attribute::Response {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        write_changed(&self.unique_identifier, self.attribute.as_ref(), tag, writer);
    }
}

/// Reads the answer to a change: in 1.x it shows the attribute.
fn read_changed(
    element: Element<'_>,
    context: &Context,
) -> Result<(kmip_model::UniqueIdentifier, Option<Instance>), Fault> {
    let fields = element.fields()?;
    let attribute = fields.find(Tag::Attribute)?;
    let attribute =
        attribute.map(|element| v1::read(element, context).map(v1::instance)).transpose()?;
    Ok((fields.required(Tag::UniqueIdentifier, context)?, attribute))
}

/// Writes the answer to a change: in 1.x it shows the attribute.
fn write_changed(
    unique_identifier: &kmip_model::UniqueIdentifier,
    attribute: Option<&Instance>,
    tag: Tag,
    writer: &mut Writer,
) {
    writer.structure(tag, |writer| {
        unique_identifier.encode(Tag::UniqueIdentifier, writer);
        if let Some(instance) = attribute
            && writer.version().names_attributes()
        {
            v1::write(&instance.attribute, instance.index, writer);
        }
    });
}

impl Decode for locate::Request {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        Decode::decode(element, context).map(|query| Self { query })
    }
}

impl Encode for locate::Request {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        self.query.encode(tag, writer);
    }
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        UniqueIdentifier,
        attribute::{Attribute, RngParameters},
        enumeration::RngAlgorithm,
        locate::Locate,
    };

    use super::*;
    use crate::{item::ItemType, reader::Limits};

    fn tags(payload: &impl Encode, version: Version) -> Vec<Tag> {
        let mut writer = Writer::new(version);
        payload.encode(Tag::ResponsePayload, &mut writer);
        let bytes = writer.into_bytes();
        let payload = Element::parse(&bytes, &Limits::default()).unwrap();
        payload.children().map(|child| child.unwrap().tag).collect()
    }

    #[test]
    fn a_change_shows_the_attribute_in_1_x_and_the_identifier_alone_in_2_x() {
        let unique_identifier = || UniqueIdentifier::new("a");
        let attribute =
            || Some(Instance { index: 0, attribute: Attribute::ObjectGroup("g".into()) });
        let added = add_attribute::Response {
            unique_identifier: unique_identifier(),
            attribute: attribute(),
        };
        let modified = modify_attribute::Response {
            unique_identifier: unique_identifier(),
            attribute: attribute(),
        };
        let deleted = delete_attribute::Response {
            unique_identifier: unique_identifier(),
            attribute: attribute(),
        };
        for version in Version::ALL {
            let expected: &[Tag] = if version.names_attributes() {
                &[Tag::UniqueIdentifier, Tag::Attribute]
            } else {
                &[Tag::UniqueIdentifier]
            };
            assert_eq!(tags(&added, version), expected, "{version}");
            assert_eq!(tags(&modified, version), expected, "{version}");
            assert_eq!(tags(&deleted, version), expected, "{version}");
        }
    }

    #[test]
    fn without_an_index_the_first_is_deleted_and_in_1_0_the_only_one() {
        use delete_attribute::Selection;
        let reference = || AttributeReference::Standard(Tag::ObjectGroup);
        for version in Version::ALL.into_iter().filter(|version| version.names_attributes()) {
            let mut writer = Writer::new(version);
            let selection = Selection::Index(reference(), None);
            let request = delete_attribute::Request {
                unique_identifier: UniqueIdentifier::new("a").into(),
                selection: selection.clone(),
            };
            request.encode(Tag::RequestPayload, &mut writer);
            let bytes = writer.into_bytes();
            let payload = Element::parse(&bytes, &Limits::default()).unwrap();
            let read = delete_attribute::Request::decode(payload, &Context::new(version));
            let expected =
                if version == Version::V1_0 { Selection::Only(reference()) } else { selection };
            assert_eq!(read.map(|read| read.selection), Ok(expected), "{version}");
        }
    }

    #[test]
    fn a_locate_without_attributes_looks_for_everything() {
        for version in Version::ALL {
            let mut writer = Writer::new(version);
            writer.structure(Tag::RequestPayload, |_| {});
            let bytes = writer.into_bytes();
            let payload = Element::parse(&bytes, &Limits::default()).unwrap();
            let read = locate::Request::decode(payload, &Context::new(version));
            assert_eq!(read, Ok(locate::Request { query: Locate::default() }), "{version}");
        }
    }

    #[test]
    fn the_length_within_a_random_number_generator_is_an_integer() {
        let generator = RngParameters {
            rng_algorithm: RngAlgorithm::Drbg,
            cryptographic_algorithm: None,
            cryptographic_length: Some(256),
            hashing_algorithm: None,
            drbg_algorithm: None,
            recommended_curve: None,
            fips186_variation: None,
            prediction_resistance: None,
        };
        let mut writer = Writer::new(Version::V1_4);
        v1::write(&Attribute::RandomNumberGenerator(generator), 0, &mut writer);
        let bytes = writer.into_bytes();
        let fields = Element::parse(&bytes, &Limits::default()).unwrap().fields().unwrap();
        let value = fields.find(Tag::AttributeValue).unwrap().unwrap().fields().unwrap();
        let length = value.find(Tag::CryptographicLength).unwrap().unwrap();
        assert_eq!(length.item_type, ItemType::Integer);
    }
}
