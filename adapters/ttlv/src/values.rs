//! The codec of single values: numbers, text, identifiers, enumerations, masks, and the generic
//! tree (KMIP 2.1 §10.1 and §11, 1.4 §9.1).

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier, Value,
    attribute::{
        AlternativeName, ApplicationSpecificInformation, CertificateIdentifier, CertificateIssuer,
        CertificateSubject, CryptographicDomainParameters, CryptographicParameters, Digest,
        KeyValueLocation, Link, Name, RevocationReason, RngParameters, RotateName, UsageLimits,
        X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
    },
    date::{DateTime, Interval},
    enumeration::{self, Enumeration, Operation, Tag, UniqueIdentifierEnumeration},
    value::Valued,
};

use crate::{
    fault::{Fault, FaultKind},
    item::ItemType,
    reader::{Element, MAXIMUM_DEPTH},
    schema::{Context, Decode, Encode},
    version::{Span, Version},
    writer::Writer,
};

/// Implements the codec of types that are one primitive item: how to read, how to write.
macro_rules! primitives {
    ($($type:ty: |$element:ident| $read:expr, |$writer:ident, $tag:ident, $value:ident| $write:expr;)*) => { $(
        impl Decode for $type {
            fn decode($element: Element<'_>, _: &Context) -> Result<Self, Fault> {
                $read
            }
        }
        impl Encode for $type {
            fn encode(&self, $tag: Tag, $writer: &mut Writer) {
                let $value = self;
                $write;
            }
        }
    )* };
}

primitives! {
    i32: |element| element.integer(), |writer, tag, value| writer.integer(tag, *value);
    i64: |element| element.long_integer(), |writer, tag, value| writer.long_integer(tag, *value);
    bool: |element| element.boolean(), |writer, tag, value| writer.boolean(tag, *value);
    String: |element| element.text().map(str::to_owned), |writer, tag, value| writer.text(tag, value);
    Vec<u8>: |element| element.byte_string().map(<[u8]>::to_vec), |writer, tag, value| writer.byte_string(tag, value);
    Material: |element| element.byte_string().map(Self::from), |writer, tag, value| writer.byte_string(tag, value.expose());
    DateTime: |element| element.date_time(), |writer, tag, value| writer.date_time(tag, *value);
    Interval: |element| element.interval(), |writer, tag, value| writer.interval(tag, *value);
    UniqueIdentifier: |element| element.text().map(Self::new), |writer, tag, value| writer.text(tag, value.as_str());
}

/// A number that cannot be negative; on the wire an Integer.
impl Decode for u32 {
    fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
        Self::try_from(element.integer()?).map_err(|_| Fault::out_of_range(element.tag))
    }
}

impl Encode for u32 {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.integer(tag, i32::try_from(*self).unwrap_or(i32::MAX));
    }
}

/// A Big Integer, as bytes in two's complement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BigInteger<T>(pub T);

impl Decode for BigInteger<Vec<u8>> {
    fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
        element.big_integer().map(|value| Self(value.to_vec()))
    }
}

impl Decode for BigInteger<Material> {
    fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
        element.big_integer().map(|value| Self(Material::from(value)))
    }
}

impl Encode for BigInteger<&[u8]> {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        writer.big_integer(tag, self.0);
    }
}

/// What an Enumeration in the place of an identifier can mean.
//= KMIP-2.1 §4.58
const ENUMERATED: &[(UniqueIdentifierEnumeration, IdentifierRef)] = {
    use IdentifierRef::{LatestOf, LatestPrivateKeyOf, LatestPublicKeyOf, Placeholder};
    use UniqueIdentifierEnumeration as Name;
    &[
        (Name::IdPlaceholder, Placeholder),
        (Name::Certify, LatestOf(Operation::Certify)),
        (Name::Create, LatestOf(Operation::Create)),
        (Name::CreateKeyPair, LatestOf(Operation::CreateKeyPair)),
        (Name::CreateKeyPairPrivateKey, LatestPrivateKeyOf(Operation::CreateKeyPair)),
        (Name::CreateKeyPairPublicKey, LatestPublicKeyOf(Operation::CreateKeyPair)),
        (Name::CreateSplitKey, LatestOf(Operation::CreateSplitKey)),
        (Name::DeriveKey, LatestOf(Operation::DeriveKey)),
        (Name::Import, LatestOf(Operation::Import)),
        (Name::JoinSplitKey, LatestOf(Operation::JoinSplitKey)),
        (Name::Locate, LatestOf(Operation::Locate)),
        (Name::Register, LatestOf(Operation::Register)),
        (Name::ReKey, LatestOf(Operation::ReKey)),
        (Name::ReCertify, LatestOf(Operation::ReCertify)),
        (Name::ReKeyKeyPair, LatestOf(Operation::ReKeyKeyPair)),
        (Name::ReKeyKeyPairPrivateKey, LatestPrivateKeyOf(Operation::ReKeyKeyPair)),
        (Name::ReKeyKeyPairPublicKey, LatestPublicKeyOf(Operation::ReKeyKeyPair)),
    ]
};

impl Decode for IdentifierRef {
    fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
        match element.item_type {
            ItemType::TextString => UniqueIdentifier::decode(element, context).map(Self::Id),
            ItemType::Enumeration if !context.version.names_attributes() => {
                let wanted = UniqueIdentifierEnumeration(element.enumeration()?);
                ENUMERATED
                    .iter()
                    .find(|(name, _)| *name == wanted)
                    .map(|(_, reference)| reference.clone())
                    .ok_or(Fault::out_of_range(element.tag))
            }
            ItemType::Integer if !context.version.names_attributes() => {
                element.integer().map(Self::Nth)
            }
            _ => Err(Fault::wrong_type(element.tag)),
        }
    }
}

impl Encode for IdentifierRef {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Id(identifier) => identifier.encode(tag, writer),
            Self::Placeholder if writer.version().names_attributes() => {}
            Self::Nth(position) => writer.integer(tag, *position),
            enumerated => {
                if let Some((name, _)) = ENUMERATED.iter().find(|(_, found)| found == enumerated) {
                    name.encode(tag, writer);
                }
            }
        }
    }
}

macro_rules! enumerations {
    ($($name:ident),* $(,)?) => { $(
        impl Decode for enumeration::$name {
            fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
                element.enumeration().map(Self)
            }
        }
        impl Encode for enumeration::$name {
            fn encode(&self, tag: Tag, writer: &mut Writer) {
                writer.enumeration(tag, self.0);
            }
        }
    )* };
}

enumerations! {
    AdjustmentType, AlternativeNameType, AsynchronousIndicator, AttestationType,
    BatchErrorContinuationOption, BlockCipherMode, CancellationResult, CertificateRequestType,
    CertificateType, ClientRegistrationMethod, CredentialType, CryptographicAlgorithm,
    DataEnumeration, DerivationMethod, DestroyAction, DigitalSignatureAlgorithm, DrbgAlgorithm,
    EncodingOption, EndpointRole, Fips186Variation, HashingAlgorithm, InteropFunction, ItemType,
    KeyCompressionType, KeyFormatType, KeyRoleType, KeyValueLocationType, KeyWrapType, LinkType,
    MaskGenerator, NameType, NistKeyType, ObjectGroupMember, ObjectType, OpaqueDataType, Operation,
    PaddingMethod, ProcessingStage, ProfileName, ProtectionLevel, PutFunction, QueryFunction,
    RecommendedCurve, ResultReason, ResultStatus, RevocationReasonCode, RngAlgorithm, RngMode,
    RotateNameType, SecretDataType, ShreddingAlgorithm, SplitKeyMethod, State, Tag, TicketType,
    UniqueIdentifierEnumeration, UnwrapMode, UsageLimitsUnit, ValidationAuthorityType,
    ValidationType, ValidityIndicator, WrappingMethod,
}

macro_rules! masks {
    ($($name:ident),* $(,)?) => { $(
        impl Decode for enumeration::$name {
            fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
                element.integer().map(|bits| Self(bits.cast_unsigned()))
            }
        }
        impl Encode for enumeration::$name {
            fn encode(&self, tag: Tag, writer: &mut Writer) {
                writer.integer(tag, self.0.cast_signed());
            }
        }
    )* };
}

masks!(CryptographicUsageMask, ProtectionStorageMask, StorageStatusMask);

macro_rules! valued_structures {
    ($($name:ident),* $(,)?) => { $(
        impl Decode for $name {
            fn decode(element: Element<'_>, context: &Context) -> Result<Self, Fault> {
                let value = Value::decode(element, context)?;
                <Self as Valued>::from_value(element.tag, value).map_err(Fault::from)
            }
        }
        impl Encode for $name {
            fn encode(&self, tag: Tag, writer: &mut Writer) {
                write_gated(writer, tag, Tag::$name, &self.to_value());
            }
        }
    )* };
}

valued_structures! {
    AlternativeName, ApplicationSpecificInformation, CertificateIdentifier, CertificateIssuer,
    CertificateSubject, CryptographicDomainParameters, CryptographicParameters, Digest,
    KeyValueLocation, Link, Name, RevocationReason, RngParameters, RotateName, UsageLimits,
    X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
}

impl Decode for Value {
    fn decode(element: Element<'_>, _: &Context) -> Result<Self, Fault> {
        read_value(element, MAXIMUM_DEPTH)
    }
}

fn read_value(element: Element<'_>, depth: usize) -> Result<Value, Fault> {
    Ok(match element.item_type {
        ItemType::Structure => {
            let depth = depth.checked_sub(1).ok_or(Fault::new(FaultKind::TooDeep, element.tag))?;
            let mut fields = Vec::new();
            for child in element.children() {
                let child = child?;
                fields.push((child.tag, read_value(child, depth)?));
            }
            Value::Structure(fields)
        }
        ItemType::Integer => Value::Integer(element.integer()?),
        ItemType::LongInteger => Value::LongInteger(element.long_integer()?),
        ItemType::BigInteger => Value::BigInteger(element.big_integer()?.to_vec()),
        ItemType::Enumeration => Value::Enumeration(element.enumeration()?),
        ItemType::Boolean => Value::Boolean(element.boolean()?),
        ItemType::TextString => Value::TextString(element.text()?.to_owned()),
        ItemType::ByteString => Value::ByteString(element.byte_string()?.to_vec()),
        ItemType::DateTime => Value::DateTime(element.date_time()?),
        ItemType::Interval => Value::Interval(element.interval()?),
        ItemType::DateTimeExtended => Value::DateTimeExtended(element.date_time_extended()?),
    })
}

impl Encode for Value {
    fn encode(&self, tag: Tag, writer: &mut Writer) {
        match self {
            Self::Structure(fields) => writer.structure(tag, |writer| {
                for (tag, value) in fields {
                    value.encode(*tag, writer);
                }
            }),
            Self::Integer(value) => writer.integer(tag, *value),
            Self::LongInteger(value) => writer.long_integer(tag, *value),
            Self::BigInteger(value) => writer.big_integer(tag, value),
            Self::Enumeration(value) => writer.enumeration(tag, *value),
            Self::Boolean(value) => writer.boolean(tag, *value),
            Self::TextString(value) => writer.text(tag, value),
            Self::ByteString(value) => writer.byte_string(tag, value),
            Self::DateTime(value) => writer.date_time(tag, *value),
            Self::Interval(value) => writer.interval(tag, *value),
            Self::DateTimeExtended(value) => writer.date_time_extended(tag, *value),
        }
    }
}

/// Writes the value of the standard attribute or structure `kind` under `tag`, without the fields
/// that the version does not have in it. A vendor's value ([`Tag::Attribute`]) is left as it is.
pub(crate) fn write_gated(writer: &mut Writer, tag: Tag, kind: Tag, value: &Value) {
    let fields = match value {
        Value::Structure(fields) if kind != Tag::Attribute => fields,
        _ => return value.encode(tag, writer),
    };
    writer.structure(tag, |writer| {
        for (field, value) in fields {
            if writer.version() == Version::STORED || writer.version().writes(span_in(kind, *field))
            {
                value.encode(*field, writer);
            }
        }
    });
}

/// Returns the versions in which a standard structure has a field: those of the field's tag,
/// unless the tag was there before the field was.
fn span_in(kind: Tag, field: Tag) -> Span {
    match (kind, field) {
        (
            Tag::CryptographicParameters,
            Tag::DigitalSignatureAlgorithm | Tag::CryptographicAlgorithm,
        ) => Span { since: Version::V1_2, until: None },
        (Tag::Digest, Tag::KeyFormatType) => Span { since: Version::V1_1, until: None },
        _ => span_of_tag(field),
    }
}

/// Returns the versions that have a tag; all of them for extensions.
fn span_of_tag(tag: Tag) -> Span {
    Tag::MEMBERS
        .binary_search_by_key(&tag.0, |member| member.value)
        .ok()
        .and_then(|position| Tag::MEMBERS.get(position))
        .map_or(Span { since: Version::V1_0, until: None }, |member| {
            Span::new(member.since, member.until)
        })
}

#[cfg(test)]
mod tests {
    use kmip_model::enumeration::{BlockCipherMode, CryptographicAlgorithm};

    use super::*;
    use crate::reader::Limits;

    fn written(value: &impl Encode, version: Version) -> Vec<u8> {
        let mut writer = Writer::new(version);
        value.encode(Tag::UniqueIdentifier, &mut writer);
        writer.into_bytes()
    }

    fn read<T: Decode>(bytes: &[u8], version: Version) -> Result<T, Fault> {
        T::decode(Element::parse(bytes, &Limits::default())?, &Context::new(version))
    }

    #[test]
    fn tags_are_sorted_so_that_they_can_be_searched() {
        assert!(Tag::MEMBERS.is_sorted_by_key(|member| member.value));
        assert_eq!(span_of_tag(Tag::Issuer), Span::new((1, 0), Some((2, 0))));
        assert_eq!(span_of_tag(Tag(0x54_0001)), Span::new((1, 0), None));
    }

    #[test]
    fn an_identifier_is_meant_in_several_ways_in_2_x() {
        let named = [IdentifierRef::Id(UniqueIdentifier::new("a")), IdentifierRef::Nth(-1)];
        let enumerated = UniqueIdentifierEnumeration::MEMBERS.iter().map(|member| {
            let bytes = written(&UniqueIdentifierEnumeration(member.value), Version::V2_1);
            read::<IdentifierRef>(&bytes, Version::V2_1).expect("every value means something")
        });
        for reference in named.into_iter().chain(enumerated) {
            assert_eq!(read(&written(&reference, Version::V2_1), Version::V2_1), Ok(reference));
        }
        let number = written(&IdentifierRef::Nth(1), Version::V2_1);
        assert_eq!(
            read::<IdentifierRef>(&number, Version::V1_4),
            Err(Fault::wrong_type(Tag::UniqueIdentifier))
        );
    }

    #[test]
    fn a_count_is_not_negative() {
        assert_eq!(read(&written(&7_i32, Version::V1_0), Version::V1_0), Ok(7_u32));
        assert_eq!(
            read::<u32>(&written(&-1_i32, Version::V1_0), Version::V1_0),
            Err(Fault::out_of_range(Tag::UniqueIdentifier))
        );
    }

    #[test]
    fn parameters_lose_the_fields_that_the_version_does_not_have() {
        let full = CryptographicParameters::from_value(
            Tag::CryptographicParameters,
            Value::Structure(vec![
                (Tag::BlockCipherMode, Value::Enumeration(BlockCipherMode::Gcm.0)),
                (Tag::CryptographicAlgorithm, Value::Enumeration(CryptographicAlgorithm::Aes.0)),
                (Tag::TagLength, Value::Integer(16)),
                (Tag::SaltLength, Value::Integer(20)),
            ]),
        )
        .unwrap();
        let fields = |version| {
            let bytes = written(&full, version);
            Element::parse(&bytes, &Limits::default()).unwrap().children().count()
        };
        assert_eq!(fields(Version::V1_0), 1);
        assert_eq!(fields(Version::V1_2), 3);
        assert_eq!(fields(Version::V1_4), 4);
        assert_eq!(fields(Version::STORED), 4);
    }
}
