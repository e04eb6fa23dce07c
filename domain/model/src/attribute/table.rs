//! Every standard attribute with its rules, one row each (KMIP 2.1 §4, 1.4 §3).
//!
//! Columns: value's type, name in 1.x, first version (and the version that removed it); has always
//! a value, who sets it first, when a client may change it, when a client may delete it, one or
//! several instances, object types, how Locate finds it, and the operations that set it by
//! themselves. Where versions differ the row is the latest version's.

use super::{
    rules::{
        Occasion::{Always, Never, UntilAllocated, UntilReached, WhilePreActive},
        Search::{Column, Matched, Term},
        Setter::{Both, Client, Server},
    },
    structure::{
        AlternativeName, ApplicationSpecificInformation, CertificateIdentifier, CertificateIssuer,
        CertificateSubject, CryptographicDomainParameters, CryptographicParameters, Digest,
        KeyValueLocation, Link, Name, RevocationReason, RngParameters, RotateName, UsageLimits,
        X509CertificateIdentifier, X509CertificateIssuer, X509CertificateSubject,
    },
};
use crate::{
    date::{DateTime, Interval},
    enumeration::{
        CertificateType, CryptographicAlgorithm, CryptographicUsageMask, DigitalSignatureAlgorithm,
        KeyFormatType, NistKeyType, ObjectType, OpaqueDataType, Operation, ProtectionLevel,
        ProtectionStorageMask, State,
    },
    identifier::UniqueIdentifier,
};

const WITH_UNIQUE_IDENTIFIER: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];
const WITH_NAME: &[Operation] = &[Operation::ReKey, Operation::ReCertify, Operation::ReKeyKeyPair];
const WITH_CRYPTOGRAPHIC_ALGORITHM: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::ReKey,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKeyKeyPair,
];
const WITH_CRYPTOGRAPHIC_DOMAIN_PARAMETERS: &[Operation] =
    &[Operation::ReKey, Operation::ReKeyKeyPair];
const WITH_CERTIFICATE_TYPE: &[Operation] =
    &[Operation::Register, Operation::Certify, Operation::ReCertify];
const WITH_USAGE_LIMITS: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::ReKey,
    Operation::GetUsageAllocation,
    Operation::ReKeyKeyPair,
];
const WITH_STATE: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::Activate,
    Operation::Revoke,
    Operation::Destroy,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];
const WITH_ACTIVATION_DATE: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::Activate,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];
const WITH_DEACTIVATION_DATE: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::Revoke,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];
const WITH_PROCESS_START_DATE: &[Operation] =
    &[Operation::Create, Operation::Register, Operation::DeriveKey, Operation::ReKey];
const ON_DESTROY: &[Operation] = &[Operation::Destroy];
const ON_REVOKE: &[Operation] = &[Operation::Revoke];
const ON_ARCHIVE: &[Operation] = &[Operation::Archive];
const WITH_LINK: &[Operation] = &[
    Operation::CreateKeyPair,
    Operation::DeriveKey,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
    Operation::Register,
];
const WITH_LAST_CHANGE_DATE: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::Register,
    Operation::DeriveKey,
    Operation::Activate,
    Operation::Revoke,
    Operation::Destroy,
    Operation::Archive,
    Operation::Recover,
    Operation::Certify,
    Operation::ReCertify,
    Operation::ReKey,
    Operation::AddAttribute,
    Operation::ModifyAttribute,
    Operation::DeleteAttribute,
    Operation::GetUsageAllocation,
    Operation::ReKeyKeyPair,
];
const WITH_DIGITAL_SIGNATURE_ALGORITHM: &[Operation] =
    &[Operation::Certify, Operation::ReCertify, Operation::Register];
const NEVER: &[Operation] = &[];
const WITH_ORIGINAL_CREATION_DATE: &[Operation] = &[
    Operation::Create,
    Operation::CreateKeyPair,
    Operation::DeriveKey,
    Operation::ReKey,
    Operation::ReKeyKeyPair,
];
const ON_REGISTER: &[Operation] = &[Operation::Register];

super::attributes! {
    unique_identifier UniqueIdentifier(UniqueIdentifier), "Unique Identifier", (1, 0): always Server Never Never single ALL Column WITH_UNIQUE_IDENTIFIER;
    name Name(Name), "Name", (1, 0): maybe Client Always Always multiple ALL Term WITH_NAME;
    object_type ObjectType(ObjectType), "Object Type", (1, 0): always Server Never Never single ALL Column WITH_UNIQUE_IDENTIFIER;
    cryptographic_algorithm CryptographicAlgorithm(CryptographicAlgorithm), "Cryptographic Algorithm", (1, 0): always Server Never Never single ALL Column WITH_CRYPTOGRAPHIC_ALGORITHM;
    cryptographic_length CryptographicLength(i32), "Cryptographic Length", (1, 0): always Server Never Never single ALL Column WITH_CRYPTOGRAPHIC_ALGORITHM;
    cryptographic_parameters CryptographicParameters(Box<CryptographicParameters>), "Cryptographic Parameters", (1, 0): maybe Client Always Always multiple ALL Matched WITH_NAME;
    cryptographic_domain_parameters CryptographicDomainParameters(CryptographicDomainParameters), "Cryptographic Domain Parameters", (1, 0): maybe Client Never Never single KEY_PAIRS Matched WITH_CRYPTOGRAPHIC_DOMAIN_PARAMETERS;
    certificate_type CertificateType(CertificateType), "Certificate Type", (1, 0): always Server Never Never single CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_identifier CertificateIdentifier(CertificateIdentifier), "Certificate Identifier", (1, 0) until (2, 0): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    certificate_subject CertificateSubject(CertificateSubject), "Certificate Subject", (1, 0) until (2, 0): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    certificate_issuer CertificateIssuer(CertificateIssuer), "Certificate Issuer", (1, 0) until (2, 0): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    digest Digest(Digest), "Digest", (1, 0): always Server Never Never multiple ALL Matched WITH_UNIQUE_IDENTIFIER;
    operation_policy_name OperationPolicyName(String), "Operation Policy Name", (1, 0) until (2, 0): maybe Both Never Never single ALL Matched WITH_UNIQUE_IDENTIFIER;
    cryptographic_usage_mask CryptographicUsageMask(CryptographicUsageMask), "Cryptographic Usage Mask", (1, 0): always Both Never Never single ALL Column WITH_UNIQUE_IDENTIFIER;
    lease_time LeaseTime(Interval), "Lease Time", (1, 0): maybe Server Never Never single ALL Matched WITH_UNIQUE_IDENTIFIER;
    usage_limits UsageLimits(UsageLimits), "Usage Limits", (1, 0): maybe Both UntilAllocated UntilAllocated single ALL Matched WITH_USAGE_LIMITS;
    state State(State), "State", (1, 0): always Server Never Never single ALL Column WITH_STATE;
    initial_date InitialDate(DateTime), "Initial Date", (1, 0): always Server Never Never single ALL Column WITH_UNIQUE_IDENTIFIER;
    activation_date ActivationDate(DateTime), "Activation Date", (1, 0): maybe Both WhilePreActive Never single ALL Matched WITH_ACTIVATION_DATE;
    process_start_date ProcessStartDate(DateTime), "Process Start Date", (1, 0): maybe Both UntilReached Never single ALL Matched WITH_PROCESS_START_DATE;
    protect_stop_date ProtectStopDate(DateTime), "Protect Stop Date", (1, 0): maybe Both UntilReached Never single ALL Matched WITH_PROCESS_START_DATE;
    deactivation_date DeactivationDate(DateTime), "Deactivation Date", (1, 0): maybe Both UntilReached Never single ALL Matched WITH_DEACTIVATION_DATE;
    destroy_date DestroyDate(DateTime), "Destroy Date", (1, 0): maybe Server Never Never single ALL Matched ON_DESTROY;
    compromise_occurrence_date CompromiseOccurrenceDate(DateTime), "Compromise Occurrence Date", (1, 0): maybe Server Never Never single ALL Matched ON_REVOKE;
    compromise_date CompromiseDate(DateTime), "Compromise Date", (1, 0): maybe Server Never Never single ALL Matched ON_REVOKE;
    revocation_reason RevocationReason(RevocationReason), "Revocation Reason", (1, 0): maybe Server Never Never single ALL Matched ON_REVOKE;
    archive_date ArchiveDate(DateTime), "Archive Date", (1, 0): maybe Server Never Never single ALL Matched ON_ARCHIVE;
    object_group ObjectGroup(String), "Object Group", (1, 0): maybe Both Always Always multiple ALL Term WITH_UNIQUE_IDENTIFIER;
    link Link(Link), "Link", (1, 0): maybe Both Always Always multiple ALL Term WITH_LINK;
    application_specific_information ApplicationSpecificInformation(ApplicationSpecificInformation), "Application Specific Information", (1, 0): maybe Both Always Always multiple ALL Term WITH_NAME;
    contact_information ContactInformation(String), "Contact Information", (1, 0): maybe Both Always Always single ALL Term WITH_UNIQUE_IDENTIFIER;
    last_change_date LastChangeDate(DateTime), "Last Change Date", (1, 0): always Server Never Never single ALL Matched WITH_LAST_CHANGE_DATE;
    certificate_length CertificateLength(i32), "Certificate Length", (1, 1): always Server Never Never single CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    x509_certificate_identifier X509CertificateIdentifier(X509CertificateIdentifier), "X.509 Certificate Identifier", (1, 1): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    x509_certificate_subject X509CertificateSubject(X509CertificateSubject), "X.509 Certificate Subject", (1, 1): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    x509_certificate_issuer X509CertificateIssuer(X509CertificateIssuer), "X.509 Certificate Issuer", (1, 1): always Server Never Never single CERTIFICATES Term WITH_CERTIFICATE_TYPE;
    digital_signature_algorithm DigitalSignatureAlgorithm(DigitalSignatureAlgorithm), "Digital Signature Algorithm", (1, 1): always Server Never Never multiple CERTIFICATES_AND_PGP_KEYS Matched WITH_DIGITAL_SIGNATURE_ALGORITHM;
    fresh Fresh(bool), "Fresh", (1, 1): always Both Never Never single ALL Matched WITH_UNIQUE_IDENTIFIER;
    alternative_name AlternativeName(AlternativeName), "Alternative Name", (1, 2): maybe Client Always Always multiple ALL Term NEVER;
    key_value_present KeyValuePresent(bool), "Key Value Present", (1, 2): maybe Server Never Never single ALL Matched ON_REGISTER;
    key_value_location KeyValueLocation(KeyValueLocation), "Key Value Location", (1, 2): maybe Client Always Always multiple ALL Matched NEVER;
    original_creation_date OriginalCreationDate(DateTime), "Original Creation Date", (1, 2): maybe Both Never Never single ALL Matched WITH_ORIGINAL_CREATION_DATE;
    random_number_generator RandomNumberGenerator(RngParameters), "Random Number Generator", (1, 3): maybe Both Never Never single ALL Matched WITH_ORIGINAL_CREATION_DATE;
    pkcs12_friendly_name Pkcs12FriendlyName(String), "PKCS#12 Friendly Name", (1, 4): maybe Both Always Always single ALL Matched NEVER;
    description Description(String), "Description", (1, 4): maybe Both Always Always single ALL Matched NEVER;
    comment Comment(String), "Comment", (1, 4): maybe Both Always Always single ALL Matched NEVER;
    sensitive Sensitive(bool), "Sensitive", (1, 4): always Both Always Never single ALL Matched NEVER;
    always_sensitive AlwaysSensitive(bool), "Always Sensitive", (1, 4): always Server Never Never single ALL Matched NEVER;
    extractable Extractable(bool), "Extractable", (1, 4): always Both Always Never single ALL Matched NEVER;
    never_extractable NeverExtractable(bool), "Never Extractable", (1, 4): always Server Never Never single ALL Matched NEVER;
    certificate_subject_cn CertificateSubjectCn(String), "Certificate Subject CN", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_o CertificateSubjectO(String), "Certificate Subject O", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_ou CertificateSubjectOu(String), "Certificate Subject OU", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_email CertificateSubjectEmail(String), "Certificate Subject Email", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_c CertificateSubjectC(String), "Certificate Subject C", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_st CertificateSubjectSt(String), "Certificate Subject ST", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_l CertificateSubjectL(String), "Certificate Subject L", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_uid CertificateSubjectUid(String), "Certificate Subject UID", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_serial_number CertificateSubjectSerialNumber(String), "Certificate Subject Serial Number", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_title CertificateSubjectTitle(String), "Certificate Subject Title", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_dc CertificateSubjectDc(String), "Certificate Subject DC", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_subject_dn_qualifier CertificateSubjectDnQualifier(String), "Certificate Subject DN Qualifier", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_cn CertificateIssuerCn(String), "Certificate Issuer CN", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_o CertificateIssuerO(String), "Certificate Issuer O", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_ou CertificateIssuerOu(String), "Certificate Issuer OU", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_email CertificateIssuerEmail(String), "Certificate Issuer Email", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_c CertificateIssuerC(String), "Certificate Issuer C", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_st CertificateIssuerSt(String), "Certificate Issuer ST", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_l CertificateIssuerL(String), "Certificate Issuer L", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_uid CertificateIssuerUid(String), "Certificate Issuer UID", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_serial_number CertificateIssuerSerialNumber(String), "Certificate Issuer Serial Number", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_title CertificateIssuerTitle(String), "Certificate Issuer Title", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_dc CertificateIssuerDc(String), "Certificate Issuer DC", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    certificate_issuer_dn_qualifier CertificateIssuerDnQualifier(String), "Certificate Issuer DN Qualifier", (1, 4): maybe Server Never Never multiple CERTIFICATES Matched WITH_CERTIFICATE_TYPE;
    key_format_type KeyFormatType(KeyFormatType), "Key Format Type", (2, 0): always Server Never Never single ALL Matched NEVER;
    nist_key_type NistKeyType(NistKeyType), "NIST Key Type", (2, 0): maybe Client Never Never multiple ALL Matched NEVER;
    opaque_data_type OpaqueDataType(OpaqueDataType), "Opaque Data Type", (2, 0): always Server Never Never single OPAQUE_OBJECTS Matched ON_REGISTER;
    protection_level ProtectionLevel(ProtectionLevel), "Protection Level", (2, 0): maybe Client Always Always single ALL Matched NEVER;
    protection_period ProtectionPeriod(Interval), "Protection Period", (2, 0): maybe Client Always Always single ALL Matched NEVER;
    protection_storage_mask ProtectionStorageMask(ProtectionStorageMask), "Protection Storage Mask", (2, 0): always Server Never Never single ALL Matched NEVER;
    quantum_safe QuantumSafe(bool), "Quantum Safe", (2, 0): maybe Client Always Always single ALL Matched NEVER;
    short_unique_identifier ShortUniqueIdentifier(Vec<u8>), "Short Unique Identifier", (2, 0): always Server Never Never single ALL Term WITH_UNIQUE_IDENTIFIER;
    rotate_automatic RotateAutomatic(bool), "Rotate Automatic", (2, 1): maybe Both Never Never single ALL Matched NEVER;
    rotate_date RotateDate(DateTime), "Rotate Date", (2, 1): maybe Server Never Never single ALL Matched NEVER;
    rotate_generation RotateGeneration(i32), "Rotate Generation", (2, 1): maybe Server Never Never single ALL Matched NEVER;
    rotate_interval RotateInterval(Interval), "Rotate Interval", (2, 1): maybe Both Never Never single ALL Matched NEVER;
    rotate_latest RotateLatest(bool), "Rotate Latest", (2, 1): maybe Server Never Never single ALL Matched NEVER;
    rotate_name RotateName(RotateName), "Rotate Name", (2, 1): maybe Client Always Always single ALL Matched NEVER;
    rotate_offset RotateOffset(Interval), "Rotate Offset", (2, 1): maybe Both Never Never single ALL Matched NEVER;
}
