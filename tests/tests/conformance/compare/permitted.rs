//! What may differ from a printed answer, one table per kind of variation.
//!
//! "Variable Items" and "Variable behavior" are the two lists under Permitted Test Case Variations
//! in the profile documents: sections 4.7.1 and 4.7.2 of those for 1.0 to 1.2, 4.1 of Profiles
//! 1.3 to 2.1. Both end by calling every other difference non-conformant, and so does this file.

use kmip_model::enumeration::{ObjectType, Operation, Tag};

/// Where an item lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the Response Header.
    Header,
    /// Directly in a Batch Item.
    BatchItem,
    /// Directly in the payload of any operation.
    Payload,
    /// Directly in the payload of one operation.
    PayloadOf(Operation),
    /// In a structure.
    Within(Tag),
}

/// Items whose value is not compared. The type is, and they must be present.
pub(super) const ANY_VALUE: &[(Place, Tag)] = &[
    // Specification 1.4 §6.19 and 2.1 §8.
    (Place::Header, Tag::ServerCorrelationValue),
    (Place::Header, Tag::ClientCorrelationValue),
    // Variable Items: Result Message.
    (Place::BatchItem, Tag::ResultMessage),
    // Variable Items: Asynchronous Correlation Value.
    (Place::BatchItem, Tag::AsynchronousCorrelationValue),
    // Variable Items: Vendor Identification.
    (Place::PayloadOf(Operation::Query), Tag::VendorIdentification),
    // Specification 1.0 §4.24: the content is the vendor's.
    (Place::PayloadOf(Operation::Query), Tag::ServerInformation),
    // The only function in use describes the vendor's library; the length is compared.
    (Place::PayloadOf(Operation::Pkcs11), Tag::Pkcs11OutputParameters),
];

/// Items that the server may leave out.
pub(super) const MAY_BE_ABSENT: &[(Place, Tag)] = &[
    // Specification 1.4 §6.19: SHOULD.
    (Place::Header, Tag::ServerCorrelationValue),
    // Variable Items: Result Message.
    (Place::BatchItem, Tag::ResultMessage),
    // Specification 1.3 §4.9: the server may omit it.
    (Place::PayloadOf(Operation::Locate), Tag::LocatedItems),
    // Variable Items: Template-Attribute.
    (Place::Payload, Tag::TemplateAttribute),
    (Place::Payload, Tag::PrivateKeyTemplateAttribute),
    (Place::Payload, Tag::PublicKeyTemplateAttribute),
];

/// Items that the server may add.
pub(super) const MAY_BE_ADDED: &[(Place, Tag)] = &[
    // Specification 1.4 §6.19 and 2.1 §8.
    (Place::Header, Tag::ServerCorrelationValue),
    (Place::Header, Tag::ClientCorrelationValue),
    // Variable Items: Result Message.
    (Place::BatchItem, Tag::ResultMessage),
    // Variable Items: Message Extensions, but no critical ones.
    (Place::BatchItem, Tag::MessageExtension),
    // Specification 1.3 §4.9: the server may return it.
    (Place::PayloadOf(Operation::Locate), Tag::LocatedItems),
    // Variable Items: Template-Attribute.
    (Place::Payload, Tag::TemplateAttribute),
    (Place::Payload, Tag::PrivateKeyTemplateAttribute),
    (Place::Payload, Tag::PublicKeyTemplateAttribute),
    // Variable Items: additional attributes, here those inside a Key Value.
    (Place::Within(Tag::KeyValue), Tag::Attribute),
    (Place::Within(Tag::KeyValue), Tag::Attributes),
    // The cases differ between versions in this.
    (Place::PayloadOf(Operation::Pkcs11), Tag::CorrelationValue),
];

/// Dates that the server sets unless the request did (Variable Items: Date-Time attributes).
/// They must lie between the start of the case and now.
pub(super) const SERVER_DATES: &[Tag] = &[
    Tag::ActivationDate,
    Tag::ArchiveDate,
    Tag::CompromiseDate,
    Tag::CompromiseOccurrenceDate,
    Tag::DeactivationDate,
    Tag::DestroyDate,
    Tag::InitialDate,
    Tag::LastChangeDate,
    Tag::OriginalCreationDate,
    Tag::ProcessStartDate,
    Tag::ProtectStopDate,
    Tag::RotateDate,
    Tag::SubmissionDate,
    Tag::TimeStamp,
    Tag::ValidityDate,
];

/// How many seconds the two clocks may differ.
pub(super) const SKEW: i64 = 60;

/// Attributes that contradict the state of the object when the case does not show them, and may
/// therefore not be added (stricter than Variable Items: additional attributes).
pub(super) const NEVER_ADDED: &[Tag] = &[
    Tag::ActivationDate,
    Tag::ArchiveDate,
    Tag::CompromiseDate,
    Tag::CompromiseOccurrenceDate,
    Tag::DeactivationDate,
    Tag::DestroyDate,
    Tag::RevocationReason,
];

/// Attributes that may have more instances than the case shows (Variable Items: Object Group,
/// Digest).
pub(super) const MORE_INSTANCES: &[Tag] = &[Tag::Digest, Tag::ObjectGroup];

/// The first version in which an Attribute Index of zero may be present or absent (Variable
/// Items: Attribute Index).
pub(super) const INDEX_ZERO_SINCE: (i32, i32) = (1, 1);

/// The first version in which attributes lie together in a structure of their own.
pub(super) const ATTRIBUTES_SINCE: (i32, i32) = (2, 0);

/// The first version in which Locate answers most recent first (specification 2.0 §6.1.27).
pub(super) const LOCATE_ORDERED_SINCE: (i32, i32) = (2, 0);

/// Operations whose objects the server generates: their material, digest and key format vary
/// (Variable Items).
pub(super) const GENERATING: &[Operation] = &[
    Operation::Certify,
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];

/// Other operations that make objects.
pub(super) const NEW_OBJECT: &[Operation] = &[
    Operation::CreateSplitKey,
    Operation::DeriveKey,
    Operation::Import,
    Operation::JoinSplitKey,
    Operation::Register,
];

/// Outputs that vary with a generated key, or where the operation is inherently random (Variable
/// Items: Data, Signature Data, MAC Data, IV/Counter/Nonce).
pub(super) const CRYPTOGRAPHIC_OUTPUT: &[Tag] = &[
    Tag::AuthenticatedEncryptionTag,
    Tag::Data,
    Tag::IvCounterNonce,
    Tag::MacData,
    Tag::SignatureData,
];

/// Operations that make such outputs.
pub(super) const PRODUCING: &[Operation] =
    &[Operation::Encrypt, Operation::Mac, Operation::RngRetrieve, Operation::Sign];

/// Symbols that take a new value with each answer that shows them.
pub(super) const ALWAYS_RENEWED: &[&str] = &["CORRELATION_VALUE", "SERVER_CORRELATION_VALUE"];

/// Symbols that take a new value each time the server makes an output; all others keep their
/// first.
pub(super) const RENEWED_BY_OUTPUT: &[&str] =
    &["AUTHENTICATED_ENCRYPTION_TAG", "DATA", "IV_COUNTER_NONCE", "MAC_DATA", "SIGNATURE_DATA"];

/// Symbols whose value may be empty.
pub(super) const MAY_BE_EMPTY: &[&str] = &["DATA", "DIGEST_VALUE"];

/// What every server reports to Query (Baseline Server, Profiles 1.3 and 2.1 §5.1).
const BASELINE_OPERATIONS: &[Operation] = &[
    Operation::Activate,
    Operation::AddAttribute,
    Operation::Check,
    Operation::DeleteAttribute,
    Operation::Destroy,
    Operation::DiscoverVersions,
    Operation::Get,
    Operation::GetAttributeList,
    Operation::GetAttributes,
    Operation::Locate,
    Operation::ModifyAttribute,
    Operation::Query,
    Operation::Revoke,
];

/// What the Baseline Server of 2.0 adds.
const BASELINE_OPERATIONS_2: &[Operation] = &[
    Operation::AdjustAttribute,
    Operation::Create,
    Operation::Export,
    Operation::Import,
    Operation::Interop,
    Operation::Log,
    Operation::Register,
    Operation::SetAttribute,
    Operation::SetEndpointRole,
];

const SUITE_B_OPERATIONS: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
    Operation::Register,
];

const SUITE_B_OBJECTS: &[ObjectType] = &[
    ObjectType::Certificate,
    ObjectType::PrivateKey,
    ObjectType::PublicKey,
    ObjectType::SymmetricKey,
];

/// What a profile requires beyond the Baseline: the profile, its operations, its object types.
/// Variable Items: Query may report more, and less of what the profile does not require.
const PROFILES: &[(&str, &[Operation], &[ObjectType])] = &[
    ("AKLC", &[Operation::CreateKeyPair], &[]),
    ("SASED", &[Operation::Register], &[ObjectType::SecretData, ObjectType::Template]),
    ("SKLC", &[Operation::Create], &[]),
    ("SUITEB_128", SUITE_B_OPERATIONS, SUITE_B_OBJECTS),
    ("SUITEB_192", SUITE_B_OPERATIONS, SUITE_B_OBJECTS),
    ("TL", &[Operation::Create], &[ObjectType::SymmetricKey]),
];

/// Says whether the server of a profile must report an operation that the case prints.
pub(super) fn operation_required(profile: &str, version: (i32, i32), operation: Operation) -> bool {
    BASELINE_OPERATIONS.contains(&operation)
        || (version >= (2, 0) && BASELINE_OPERATIONS_2.contains(&operation))
        || PROFILES.iter().any(|row| row.0 == profile && row.1.contains(&operation))
}

/// Says whether the server of a profile must report an object type that the case prints.
pub(super) fn object_type_required(
    profile: &str,
    version: (i32, i32),
    object_type: ObjectType,
) -> bool {
    // Templates are deprecated in 1.3, and no case of 1.4 needs one.
    let deprecated = object_type == ObjectType::Template && version >= (1, 4);
    !deprecated && PROFILES.iter().any(|row| row.0 == profile && row.2.contains(&object_type))
}

/// Cases whose Query answers are the point: the rights of a delegated ticket, no more, no less.
pub(super) const EXACT_QUERY: &str = "TC-DLOGIN";

/// What Query says about the server itself, and whether there must be at least one (Variable
/// Items: Extensions, Application Namespaces; the cases for profiles, validations and
/// capabilities contradict each other).
pub(super) const SERVER_FACTS: &[(Tag, bool)] = &[
    (Tag::ApplicationNamespace, false),
    (Tag::AttestationType, false),
    (Tag::CapabilityInformation, true),
    (Tag::ClientRegistrationMethod, true),
    (Tag::DefaultsInformation, false),
    (Tag::ExtensionInformation, false),
    (Tag::ProfileInformation, true),
    (Tag::ProtectionStorageMasks, false),
    (Tag::RngParameters, true),
    (Tag::ValidationInformation, true),
];
