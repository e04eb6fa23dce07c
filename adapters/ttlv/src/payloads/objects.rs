//! Payloads of Create, Create Key Pair, Register and Get (KMIP 2.1 §6.1.8, §6.1.9, §6.1.43,
//! §6.1.19; 1.4 §4.1 to §4.3 and §4.11).

use kmip_model::{
    attribute::{Attribute, Name},
    enumeration::{ProtectionStorageMask, Tag},
};
use kmip_operations::{
    ops::{create, create_key_pair, get, register},
    shared::create_object::TemplateAttribute,
};

use crate::{
    attributes::{CommonTemplate, Given, PrivateKeyTemplate, PublicKeyTemplate, Template, v1},
    fault::Fault,
    objects::{AnyObject, OptionalObject},
    reader::{Element, Fields},
    schema::{Context, Decode, Encode, Shape, structure},
    writer::Writer,
};

impl Given for TemplateAttribute {
    fn from_parts(names: Vec<Name>, attributes: Vec<Attribute>) -> Self {
        Self { names, attributes }
    }

    fn parts(&self) -> (&[Name], &[Attribute]) {
        (&self.names, &self.attributes)
    }
}

structure! { create::Request {
    ObjectType object_type: required since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
    _ protection_storage_masks: with(StorageMasks) since V2_0;
} }

structure! { create_key_pair::Request {
    _ common_attributes: with(CommonTemplate<TemplateAttribute>) since V1_0;
    _ private_key_attributes: with(PrivateKeyTemplate<TemplateAttribute>) since V1_0;
    _ public_key_attributes: with(PublicKeyTemplate<TemplateAttribute>) since V1_0;
    _ common_protection_storage_masks: with(CommonStorageMasks) since V2_0;
    _ private_protection_storage_masks: with(PrivateStorageMasks) since V2_0;
    _ public_protection_storage_masks: with(PublicStorageMasks) since V2_0;
} }

structure! { create_key_pair::Response {
    PrivateKeyUniqueIdentifier private_key_unique_identifier: required since V1_0;
    PublicKeyUniqueIdentifier public_key_unique_identifier: required since V1_0;
} }

structure! { register::Request {
    ObjectType object_type: required since V1_0;
    _ attributes: with(Template<TemplateAttribute>) since V1_0;
    _ object: with(OptionalObject) since V1_0;
    _ protection_storage_masks: with(StorageMasks) since V2_0;
} }

structure! { register::Response {
    UniqueIdentifier unique_identifier: required since V1_0;
} }

structure! { get::Request {
    UniqueIdentifier unique_identifier: default since V1_0;
    KeyFormatType key_format_type: optional since V1_0;
    KeyWrapType key_wrap_type: optional since V1_4;
    KeyCompressionType key_compression_type: optional since V1_0;
    KeyWrappingSpecification key_wrapping_specification: optional since V1_0;
} }

structure! { get::Response {
    ObjectType object_type: required since V1_0;
    UniqueIdentifier unique_identifier: required since V1_0;
    _ object: with(AnyObject) since V1_0;
} }

impl Decode for create::Response {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        let fields = element.fields()?;
        let template_attribute = match fields.find(Tag::TemplateAttribute)? {
            Some(template) => {
                let (_, attributes) = v1::read_template_attribute(template, context)?;
                let instance = |attribute| v1::instance((attribute, None));
                attributes.into_iter().map(instance).collect()
            }
            None => Vec::new(),
        };
        Ok(Self {
            object_type: fields.required(Tag::ObjectType, context)?,
            unique_identifier: fields.required(Tag::UniqueIdentifier, context)?,
            template_attribute,
        })
    }
}

impl Encode for create::Response {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.structure(tag, |writer| {
            self.object_type.encode(Tag::ObjectType, writer);
            self.unique_identifier.encode(Tag::UniqueIdentifier, writer);
            if writer.version().names_attributes() && !self.template_attribute.is_empty() {
                writer.structure(Tag::TemplateAttribute, |writer| {
                    for instance in &self.template_attribute {
                        v1::write(&instance.attribute, instance.index, writer);
                    }
                });
            }
        });
    }
}

/// Protection Storage Masks under the tag that the parameter says: a structure of masks.
pub(super) struct MasksUnder<const TAG: u32>;

pub(super) type StorageMasks = MasksUnder<{ Tag::ProtectionStorageMasks.0 }>;
type CommonStorageMasks = MasksUnder<{ Tag::CommonProtectionStorageMasks.0 }>;
type PrivateStorageMasks = MasksUnder<{ Tag::PrivateProtectionStorageMasks.0 }>;
type PublicStorageMasks = MasksUnder<{ Tag::PublicProtectionStorageMasks.0 }>;

impl<const TAG: u32> Shape for MasksUnder<TAG> {
    type Value = Vec<ProtectionStorageMask>;

    fn knows(tag: Tag, context: &Context) -> bool {
        tag.0 == TAG && !context.version.names_attributes()
    }

    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault> {
        let Some(masks) = fields.find(Tag(TAG))? else {
            return Ok(Vec::new());
        };
        masks.fields()?.repeated(Tag::ProtectionStorageMask, context)
    }

    fn write(masks: &Self::Value, writer: &mut Writer) {
        if !masks.is_empty() {
            writer.structure(Tag(TAG), |writer| {
                masks.as_slice().encode(Tag::ProtectionStorageMask, writer);
            });
        }
    }
}
