//! Structures as tables: which fields they have, under which tags, and since when
//! (KMIP 2.1 §8 to §10, 1.4 §4 to §7).
//!
//! `structure!` implements [`Decode`] and [`Encode`] for a type of the domain; there are no types
//! that exist only on the wire. The reader takes fields in any order; the writer writes them in
//! the order of the table.
//!
//! ```text
//! structure! { get::Request {
//!     UniqueIdentifier unique_identifier: default since V1_0;
//!     KeyFormatType key_format_type: optional since V1_0;
//!     KeyWrapType key_wrap_type: optional since V1_4;
//!     _ attributes: with(References) since V1_0;
//! } }
//! ```
//!
//! A row is the tag, the field, its cardinality and the versions that have it:
//!
//! | cardinality | type of the field | absent |
//! |---|---|---|
//! | `required` | `T` | a fault |
//! | `optional` | `Option<T>` | `None` |
//! | `repeated` | `Vec<T>` | empty |
//! | `default` | `T: Default + PartialEq` | the default, which is not written either |
//! | `with(X)` | `<X as Shape>::Value` | what the [`Shape`] makes of it |

use kmip_model::enumeration::Tag;

use crate::{
    fault::Fault,
    reader::{Element, Fields},
    version::Version,
    writer::Writer,
};

/// What a reader must know that is not in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The version of the message.
    pub version: Version,
}

impl Context {
    /// Reads messages of this version.
    #[must_use]
    pub const fn new(version: Version) -> Self {
        Self { version }
    }
}

/// A type that is read from one item.
pub trait Decode: Sized {
    /// Reads the item.
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault>;
}

/// A type that is written as one item, or, if a version has no place for it, as none.
pub trait Encode {
    /// Writes the item under `tag`.
    fn encode(&self, tag: Tag, writer: &mut Writer);
}

/// A field, or several, whose tags and structure depend on the version or on the value.
pub trait Shape {
    /// What the fields hold.
    type Value;

    /// Says whether this is one of its tags.
    fn knows(tag: Tag, context: &Context) -> bool;

    /// Reads it from the fields of a structure.
    fn read(fields: &Fields<'_>, context: &Context) -> Result<Self::Value, Fault>;

    /// Writes it among the fields of a structure.
    fn write(value: &Self::Value, writer: &mut Writer);
}

impl Fields<'_> {
    /// Reads a field that must be there.
    pub fn required<T: Decode>(&self, tag: Tag, context: &Context) -> Result<T, Fault> {
        self.optional(tag, context)?.ok_or_else(|| Fault::missing(tag))
    }

    /// Reads a field that may be there.
    pub fn optional<T: Decode>(&self, tag: Tag, context: &Context) -> Result<Option<T>, Fault> {
        match self.find(tag)? {
            Some(element) => T::decode(element, context).map(Some),
            None => Ok(None),
        }
    }

    /// Reads a field that may be there several times.
    pub fn repeated<T: Decode>(&self, tag: Tag, context: &Context) -> Result<Vec<T>, Fault> {
        self.find_all(tag).map(|element| T::decode(element?, context)).collect()
    }
}

impl<T: Encode> Encode for Option<T> {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        if let Some(value) = self {
            value.encode(tag, writer);
        }
    }
}

impl<T: Encode> Encode for [T] {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        for value in self {
            value.encode(tag, writer);
        }
    }
}

impl<T: Decode> Decode for Box<T> {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        T::decode(element, context).map(Self::new)
    }
}

impl<T: Encode> Encode for Box<T> {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        T::encode(self, tag, writer);
    }
}

/// Implements the codec of a structure from its table; see the module.
macro_rules! structure {
    ($structure:ty { $(
        $tag:tt $field:ident: $cardinality:ident $(($shape:ty))?
            since $since:ident $(until $until:ident)?;
    )* }) => {
        impl $crate::schema::Decode for $structure {
            fn decode(
                element: $crate::reader::Element<'_>,
                context: &$crate::schema::Context,
            ) -> Result<Self, $crate::fault::Fault> {
                let fields = element.fields()?;
                fields.close(|tag| {
                    $($crate::schema::structure!(
                        @knows tag, context, $tag, $cardinality $(($shape))?,
                        $crate::schema::structure!(@span $since $($until)?)
                    ) ||)* $crate::schema::structure!(@never tag context)
                })?;
                Ok(Self { $(
                    $field: $crate::schema::structure!(
                        @read fields, context, $tag, $cardinality $(($shape))?,
                        $crate::schema::structure!(@span $since $($until)?)
                    ),
                )* })
            }
        }

        impl $crate::schema::Encode for $structure {
            fn encode(
                &self,
                tag: kmip_model::enumeration::Tag,
                writer: &mut $crate::writer::Writer,
            ) {
                writer.structure(tag, |writer| {
                    $(if writer.version().writes($crate::schema::structure!(@span $since $($until)?)) {
                        $crate::schema::structure!(
                            @write writer, &self.$field, $tag, $cardinality $(($shape))?
                        );
                    })*
                    let _ = writer;
                });
            }
        }
    };

    (@span $since:ident $($until:ident)?) => {
        $crate::version::Span {
            since: $crate::version::Version::$since,
            until: $crate::schema::structure!(@until $($until)?),
        }
    };
    (@until) => { None };
    (@until $until:ident) => { Some($crate::version::Version::$until) };

    (@never $tag:ident $context:ident) => {{
        let _ = ($tag, $context);
        false
    }};
    (@knows $tag:ident, $context:ident, _, with($shape:ty), $span:expr) => {
        <$shape as $crate::schema::Shape>::knows($tag, $context)
    };
    (@knows $tag:ident, $context:ident, $known:ident, $cardinality:ident, $span:expr) => {
        ($tag == kmip_model::enumeration::Tag::$known && $context.version.reads($span))
    };

    (@read $fields:ident, $context:ident, _, with($shape:ty), $span:expr) => {
        <$shape as $crate::schema::Shape>::read(&$fields, $context)?
    };
    (@read $fields:ident, $context:ident, $tag:ident, required, $span:expr) => {
        $fields.required(kmip_model::enumeration::Tag::$tag, $context)?
    };
    (@read $fields:ident, $context:ident, $tag:ident, optional, $span:expr) => {
        $fields.optional(kmip_model::enumeration::Tag::$tag, $context)?
    };
    (@read $fields:ident, $context:ident, $tag:ident, repeated, $span:expr) => {
        $fields.repeated(kmip_model::enumeration::Tag::$tag, $context)?
    };
    (@read $fields:ident, $context:ident, $tag:ident, default, $span:expr) => {
        $fields.optional(kmip_model::enumeration::Tag::$tag, $context)?.unwrap_or_default()
    };

    (@write $writer:ident, $value:expr, _, with($shape:ty)) => {
        <$shape as $crate::schema::Shape>::write($value, $writer)
    };
    (@write $writer:ident, $value:expr, $tag:ident, default) => {
        if *$value != Default::default() {
            $crate::schema::Encode::encode($value, kmip_model::enumeration::Tag::$tag, $writer)
        }
    };
    (@write $writer:ident, $value:expr, $tag:ident, repeated) => {
        $crate::schema::Encode::encode(
            $value.as_slice(),
            kmip_model::enumeration::Tag::$tag,
            $writer,
        )
    };
    (@write $writer:ident, $value:expr, $tag:ident, $cardinality:ident) => {
        $crate::schema::Encode::encode($value, kmip_model::enumeration::Tag::$tag, $writer)
    };
}
pub(crate) use structure;

#[cfg(test)]
mod tests {
    use kmip_model::{Interval, UniqueIdentifier, enumeration::ObjectType};

    use super::*;
    use crate::{fault::FaultKind, reader::Limits};

    #[derive(Debug, PartialEq)]
    struct Loan {
        unique_identifier: UniqueIdentifier,
        lease_time: Option<Interval>,
        object_types: Vec<ObjectType>,
        maximum_items: u32,
        fresh: Option<bool>,
    }

    structure! { Loan {
        UniqueIdentifier unique_identifier: required since V1_0;
        LeaseTime lease_time: optional since V1_0 until V2_0;
        ObjectType object_types: repeated since V1_0;
        MaximumItems maximum_items: default since V1_0;
        Fresh fresh: optional since V1_2;
    } }

    #[derive(Debug, PartialEq)]
    struct Nothing {}

    structure! { Nothing {} }

    fn lease() -> Loan {
        Loan {
            unique_identifier: UniqueIdentifier::new("a"),
            lease_time: Some(Interval(5)),
            object_types: vec![ObjectType::SymmetricKey, ObjectType::PublicKey],
            maximum_items: 0,
            fresh: Some(true),
        }
    }

    fn written(value: &impl Encode, version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        value.encode(Tag::RequestPayload, &mut writer);
        writer.into_bytes()
    }

    fn read<T: Decode>(bytes: &[u8], version: Version) -> Result<T, Fault> {
        T::decode(Element::parse(bytes, &Limits::default())?, &Context::new(version))
    }

    #[test]
    fn a_structure_is_written_and_read_back() {
        assert_eq!(read(&written(&lease(), Version::V1_4), Version::V1_4), Ok(lease()));
        assert_eq!(read(&written(&Nothing {}, Version::V1_4), Version::V1_4), Ok(Nothing {}));
    }

    #[test]
    fn nothing_newer_or_older_than_the_version_is_written() {
        let old: Loan = read(&written(&lease(), Version::V1_0), Version::V1_0).unwrap();
        assert_eq!(old, Loan { fresh: None, ..lease() });
        let new: Loan = read(&written(&lease(), Version::V2_0), Version::V2_0).unwrap();
        assert_eq!(new, Loan { lease_time: None, ..lease() });
    }

    #[test]
    fn fields_of_the_same_major_version_are_read() {
        let newer = written(&lease(), Version::V1_4);
        assert_eq!(read(&newer, Version::V1_0), Ok(lease()));
        assert_eq!(read::<Loan>(&newer, Version::V2_0), Err(Fault::unexpected(Tag::LeaseTime)));
    }

    #[test]
    fn fields_come_in_any_order() {
        let mut writer = Writer::new(Version::V1_0);
        writer.structure(Tag::RequestPayload, |writer| {
            writer.integer(Tag::MaximumItems, 7);
            writer.integer(Tag(0x42_7777), 7);
            writer.text(Tag::UniqueIdentifier, "a");
        });
        let read: Loan = read(&writer.into_bytes(), Version::V1_0).unwrap();
        assert_eq!((read.unique_identifier.as_str(), read.maximum_items), ("a", 7));
    }

    #[test]
    fn a_missing_a_repeated_a_foreign_and_a_mistyped_field_are_faults() {
        let fault = |write: fn(&mut Writer)| {
            let mut writer = Writer::new(Version::V1_0);
            writer.structure(Tag::RequestPayload, write);
            read::<Loan>(&writer.into_bytes(), Version::V1_0).unwrap_err()
        };
        assert_eq!(fault(|_| ()), Fault::missing(Tag::UniqueIdentifier));
        assert_eq!(
            fault(|writer| writer.integer(Tag::UniqueIdentifier, 1)),
            Fault::wrong_type(Tag::UniqueIdentifier)
        );
        assert_eq!(
            fault(|writer| {
                writer.text(Tag::UniqueIdentifier, "a");
                writer.boolean(Tag::Sensitive, true);
            }),
            Fault::unexpected(Tag::Sensitive)
        );
        assert_eq!(
            fault(|writer| {
                writer.text(Tag::UniqueIdentifier, "a");
                writer.text(Tag::UniqueIdentifier, "a");
            }),
            Fault::new(FaultKind::Repeated, Tag::UniqueIdentifier)
        );
    }
}
