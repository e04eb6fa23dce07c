//! Enumerations of messages and operations (KMIP 2.1 §11, 1.4 §9.1.3.2): names, not meaning.
//!
//! One row per member: name, value, name in the text encodings, first version, and the
//! version that removed it.

use super::enumeration;

enumeration! {
    /// Operation.
    Operation {
        Create = 0x01, "Create", (1, 0);
        CreateKeyPair = 0x02, "CreateKeyPair", (1, 0);
        Register = 0x03, "Register", (1, 0);
        ReKey = 0x04, "ReKey", (1, 0);
        DeriveKey = 0x05, "DeriveKey", (1, 0);
        Certify = 0x06, "Certify", (1, 0);
        ReCertify = 0x07, "ReCertify", (1, 0);
        Locate = 0x08, "Locate", (1, 0);
        Check = 0x09, "Check", (1, 0);
        Get = 0x0A, "Get", (1, 0);
        GetAttributes = 0x0B, "GetAttributes", (1, 0);
        GetAttributeList = 0x0C, "GetAttributeList", (1, 0);
        AddAttribute = 0x0D, "AddAttribute", (1, 0);
        ModifyAttribute = 0x0E, "ModifyAttribute", (1, 0);
        DeleteAttribute = 0x0F, "DeleteAttribute", (1, 0);
        ObtainLease = 0x10, "ObtainLease", (1, 0);
        GetUsageAllocation = 0x11, "GetUsageAllocation", (1, 0);
        Activate = 0x12, "Activate", (1, 0);
        Revoke = 0x13, "Revoke", (1, 0);
        Destroy = 0x14, "Destroy", (1, 0);
        Archive = 0x15, "Archive", (1, 0);
        Recover = 0x16, "Recover", (1, 0);
        Validate = 0x17, "Validate", (1, 0);
        Query = 0x18, "Query", (1, 0);
        Cancel = 0x19, "Cancel", (1, 0);
        Poll = 0x1A, "Poll", (1, 0);
        Notify = 0x1B, "Notify", (1, 0);
        Put = 0x1C, "Put", (1, 0);
        ReKeyKeyPair = 0x1D, "ReKeyKeyPair", (1, 1);
        DiscoverVersions = 0x1E, "DiscoverVersions", (1, 1);
        Encrypt = 0x1F, "Encrypt", (1, 2);
        Decrypt = 0x20, "Decrypt", (1, 2);
        Sign = 0x21, "Sign", (1, 2);
        SignatureVerify = 0x22, "SignatureVerify", (1, 2);
        Mac = 0x23, "MAC", (1, 2);
        MacVerify = 0x24, "MACVerify", (1, 2);
        RngRetrieve = 0x25, "RNGRetrieve", (1, 2);
        RngSeed = 0x26, "RNGSeed", (1, 2);
        Hash = 0x27, "Hash", (1, 2);
        CreateSplitKey = 0x28, "CreateSplitKey", (1, 2);
        JoinSplitKey = 0x29, "JoinSplitKey", (1, 2);
        Import = 0x2A, "Import", (1, 4);
        Export = 0x2B, "Export", (1, 4);
        Log = 0x2C, "Log", (2, 0);
        Login = 0x2D, "Login", (2, 0);
        Logout = 0x2E, "Logout", (2, 0);
        DelegatedLogin = 0x2F, "DelegatedLogin", (2, 0);
        AdjustAttribute = 0x30, "AdjustAttribute", (2, 0);
        SetAttribute = 0x31, "SetAttribute", (2, 0);
        SetEndpointRole = 0x32, "SetEndpointRole", (2, 0);
        Pkcs11 = 0x33, "PKCS_11", (2, 0);
        Interop = 0x34, "Interop", (2, 0);
        ReProvision = 0x35, "ReProvision", (2, 0);
        SetDefaults = 0x36, "SetDefaults", (2, 1);
        SetConstraints = 0x37, "SetConstraints", (2, 1);
        GetConstraints = 0x38, "GetConstraints", (2, 1);
        QueryAsynchronousRequests = 0x39, "QueryAsynchronousRequests", (2, 1);
        Process = 0x3A, "Process", (2, 1);
        Ping = 0x3B, "Ping", (2, 1);
    }
}

enumeration! {
    /// Result Status.
    ResultStatus {
        Success = 0x00, "Success", (1, 0);
        OperationFailed = 0x01, "OperationFailed", (1, 0);
        OperationPending = 0x02, "OperationPending", (1, 0);
        OperationUndone = 0x03, "OperationUndone", (1, 0);
    }
}

enumeration! {
    /// Result Reason.
    ResultReason {
        ItemNotFound = 0x01, "ItemNotFound", (1, 0);
        ResponseTooLarge = 0x02, "ResponseTooLarge", (1, 0);
        AuthenticationNotSuccessful = 0x03, "AuthenticationNotSuccessful", (1, 0);
        InvalidMessage = 0x04, "InvalidMessage", (1, 0);
        OperationNotSupported = 0x05, "OperationNotSupported", (1, 0);
        MissingData = 0x06, "MissingData", (1, 0);
        InvalidField = 0x07, "InvalidField", (1, 0);
        FeatureNotSupported = 0x08, "FeatureNotSupported", (1, 0);
        OperationCanceledByRequester = 0x09, "OperationCanceledByRequester", (1, 0);
        CryptographicFailure = 0x0A, "CryptographicFailure", (1, 0);
        IllegalOperation = 0x0B, "IllegalOperation", (1, 0) until (2, 0);
        PermissionDenied = 0x0C, "PermissionDenied", (1, 0);
        ObjectArchived = 0x0D, "ObjectArchived", (1, 0);
        IndexOutOfBounds = 0x0E, "IndexOutOfBounds", (1, 0) until (2, 0);
        ApplicationNamespaceNotSupported = 0x0F, "ApplicationNamespaceNotSupported", (1, 0);
        KeyFormatTypeNotSupported = 0x10, "KeyFormatTypeNotSupported", (1, 0);
        KeyCompressionTypeNotSupported = 0x11, "KeyCompressionTypeNotSupported", (1, 0);
        EncodingOptionError = 0x12, "EncodingOptionError", (1, 1);
        KeyValueNotPresent = 0x13, "KeyValueNotPresent", (1, 2);
        AttestationRequired = 0x14, "AttestationRequired", (1, 2);
        AttestationFailed = 0x15, "AttestationFailed", (1, 2);
        Sensitive = 0x16, "Sensitive", (1, 4);
        NotExtractable = 0x17, "NotExtractable", (1, 4);
        ObjectAlreadyExists = 0x18, "ObjectAlreadyExists", (1, 4);
        InvalidTicket = 0x19, "InvalidTicket", (2, 0);
        UsageLimitExceeded = 0x1A, "UsageLimitExceeded", (2, 0);
        NumericRange = 0x1B, "NumericRange", (2, 0);
        InvalidDataType = 0x1C, "InvalidDataType", (2, 0);
        ReadOnlyAttribute = 0x1D, "ReadOnlyAttribute", (2, 0);
        MultiValuedAttribute = 0x1E, "MultiValuedAttribute", (2, 0);
        UnsupportedAttribute = 0x1F, "UnsupportedAttribute", (2, 0);
        AttributeInstanceNotFound = 0x20, "AttributeInstanceNotFound", (2, 0);
        AttributeNotFound = 0x21, "AttributeNotFound", (2, 0);
        AttributeReadOnly = 0x22, "AttributeReadOnly", (2, 0);
        AttributeSingleValued = 0x23, "AttributeSingleValued", (2, 0);
        BadCryptographicParameters = 0x24, "BadCryptographicParameters", (2, 0);
        BadPassword = 0x25, "BadPassword", (2, 0);
        CodecError = 0x26, "CodecError", (2, 0);
        IllegalObjectType = 0x28, "IllegalObjectType", (2, 0);
        IncompatibleCryptographicUsageMask = 0x29, "IncompatibleCryptographicUsageMask", (2, 0);
        InternalServerError = 0x2A, "InternalServerError", (2, 0);
        InvalidAsynchronousCorrelationValue = 0x2B, "InvalidAsynchronousCorrelationValue", (2, 0);
        InvalidAttribute = 0x2C, "InvalidAttribute", (2, 0);
        InvalidAttributeValue = 0x2D, "InvalidAttributeValue", (2, 0);
        InvalidCorrelationValue = 0x2E, "InvalidCorrelationValue", (2, 0);
        InvalidCsr = 0x2F, "InvalidCSR", (2, 0);
        InvalidObjectType = 0x30, "InvalidObjectType", (2, 0);
        KeyWrapTypeNotSupported = 0x32, "KeyWrapTypeNotSupported", (2, 0);
        MissingInitializationVector = 0x34, "MissingInitializationVector", (2, 0);
        NonUniqueNameAttribute = 0x35, "NonUniqueNameAttribute", (2, 0);
        ObjectDestroyed = 0x36, "ObjectDestroyed", (2, 0);
        ObjectNotFound = 0x37, "ObjectNotFound", (2, 0);
        NotAuthorized = 0x39, "NotAuthorized", (2, 0);
        ServerLimitExceeded = 0x3A, "ServerLimitExceeded", (2, 0);
        UnknownEnumeration = 0x3B, "UnknownEnumeration", (2, 0);
        UnknownMessageExtension = 0x3C, "UnknownMessageExtension", (2, 0);
        UnknownTag = 0x3D, "UnknownTag", (2, 0);
        UnsupportedCryptographicParameters = 0x3E, "UnsupportedCryptographicParameters", (2, 0);
        UnsupportedProtocolVersion = 0x3F, "UnsupportedProtocolVersion", (2, 0);
        WrappingObjectArchived = 0x40, "WrappingObjectArchived", (2, 0);
        WrappingObjectDestroyed = 0x41, "WrappingObjectDestroyed", (2, 0);
        WrappingObjectNotFound = 0x42, "WrappingObjectNotFound", (2, 0);
        WrongKeyLifecycleState = 0x43, "WrongKeyLifecycleState", (2, 0);
        ProtectionStorageUnavailable = 0x44, "ProtectionStorageUnavailable", (2, 0);
        Pkcs11CodecError = 0x45, "PKCS_11CodecError", (2, 0);
        Pkcs11InvalidFunction = 0x46, "PKCS_11InvalidFunction", (2, 0);
        Pkcs11InvalidInterface = 0x47, "PKCS_11InvalidInterface", (2, 0);
        PrivateProtectionStorageUnavailable = 0x48, "PrivateProtectionStorageUnavailable", (2, 0);
        PublicProtectionStorageUnavailable = 0x49, "PublicProtectionStorageUnavailable", (2, 0);
        UnknownObjectGroup = 0x4A, "UnknownObjectGroup", (2, 1);
        ConstraintViolation = 0x4B, "ConstraintViolation", (2, 1);
        DuplicateProcessRequest = 0x4C, "DuplicateProcessRequest", (2, 1);
        GeneralFailure = 0x100, "GeneralFailure", (1, 0);
    }
}

enumeration! {
    /// Batch Error Continuation Option.
    BatchErrorContinuationOption {
        Continue = 0x01, "Continue", (1, 0);
        Stop = 0x02, "Stop", (1, 0);
        Undo = 0x03, "Undo", (1, 0);
    }
}

enumeration! {
    /// Query Function.
    QueryFunction {
        QueryOperations = 0x01, "QueryOperations", (1, 0);
        QueryObjects = 0x02, "QueryObjects", (1, 0);
        QueryServerInformation = 0x03, "QueryServerInformation", (1, 0);
        QueryApplicationNamespaces = 0x04, "QueryApplicationNamespaces", (1, 0);
        QueryExtensionList = 0x05, "QueryExtensionList", (1, 1);
        QueryExtensionMap = 0x06, "QueryExtensionMap", (1, 1);
        QueryAttestationTypes = 0x07, "QueryAttestationTypes", (1, 2);
        QueryRnGs = 0x08, "QueryRNGs", (1, 3);
        QueryValidations = 0x09, "QueryValidations", (1, 3);
        QueryProfiles = 0x0A, "QueryProfiles", (1, 3);
        QueryCapabilities = 0x0B, "QueryCapabilities", (1, 3);
        QueryClientRegistrationMethods = 0x0C, "QueryClientRegistrationMethods", (1, 3);
        QueryDefaultsInformation = 0x0D, "QueryDefaultsInformation", (2, 0);
        QueryStorageProtectionMasks = 0x0E, "QueryStorageProtectionMasks", (2, 0);
    }
}

enumeration! {
    /// Credential Type.
    CredentialType {
        UsernameAndPassword = 0x01, "UsernameAndPassword", (1, 0);
        Device = 0x02, "Device", (1, 1);
        Attestation = 0x03, "Attestation", (1, 2);
        OneTimePassword = 0x04, "OneTimePassword", (2, 0);
        HashedPassword = 0x05, "HashedPassword", (2, 0);
        Ticket = 0x06, "Ticket", (2, 0);
    }
}

enumeration! {
    /// Attestation Type.
    AttestationType {
        TpmQuote = 0x01, "TPMQuote", (1, 2);
        TcgIntegrityReport = 0x02, "TCGIntegrityReport", (1, 2);
        SamlAssertion = 0x03, "SAMLAssertion", (1, 2);
    }
}

enumeration! {
    /// Asynchronous Indicator.
    AsynchronousIndicator {
        Mandatory = 0x01, "Mandatory", (2, 0);
        Optional = 0x02, "Optional", (2, 0);
        Prohibited = 0x03, "Prohibited", (2, 0);
    }
}

enumeration! {
    /// Cancellation Result.
    CancellationResult {
        Canceled = 0x01, "Canceled", (1, 0);
        UnableToCancel = 0x02, "UnableToCancel", (1, 0);
        Completed = 0x03, "Completed", (1, 0);
        Failed = 0x04, "Failed", (1, 0);
        Unavailable = 0x05, "Unavailable", (1, 0);
    }
}

enumeration! {
    /// Put Function.
    PutFunction {
        New = 0x01, "New", (1, 0);
        Replace = 0x02, "Replace", (1, 0);
    }
}

enumeration! {
    /// Validity Indicator.
    ValidityIndicator {
        Valid = 0x01, "Valid", (1, 0);
        Invalid = 0x02, "Invalid", (1, 0);
        Unknown = 0x03, "Unknown", (1, 0);
    }
}

enumeration! {
    /// Adjustment Type.
    AdjustmentType {
        Increment = 0x01, "Increment", (2, 0);
        Decrement = 0x02, "Decrement", (2, 0);
        Negate = 0x03, "Negate", (2, 0);
    }
}

enumeration! {
    /// Data.
    DataEnumeration {
        Decrypt = 0x01, "Decrypt", (2, 0);
        Encrypt = 0x02, "Encrypt", (2, 0);
        Hash = 0x03, "Hash", (2, 0);
        MacmacData = 0x04, "MACMACData", (2, 0);
        RngRetrieve = 0x05, "RNGRetrieve", (2, 0);
        SignSignatureData = 0x06, "SignSignatureData", (2, 0);
        SignatureVerify = 0x07, "SignatureVerify", (2, 0);
    }
}

enumeration! {
    /// Endpoint Role.
    EndpointRole {
        Client = 0x01, "Client", (2, 0);
        Server = 0x02, "Server", (2, 0);
    }
}

enumeration! {
    /// Interop Function.
    InteropFunction {
        Begin = 0x01, "Begin", (2, 0);
        End = 0x02, "End", (2, 0);
        Reset = 0x03, "Reset", (2, 0);
    }
}

enumeration! {
    /// Item Type.
    ItemType {
        Structure = 0x01, "Structure", (2, 0);
        Integer = 0x02, "Integer", (2, 0);
        LongInteger = 0x03, "LongInteger", (2, 0);
        BigInteger = 0x04, "BigInteger", (2, 0);
        Enumeration = 0x05, "Enumeration", (2, 0);
        Boolean = 0x06, "Boolean", (2, 0);
        TextString = 0x07, "TextString", (2, 0);
        ByteString = 0x08, "ByteString", (2, 0);
        DateTime = 0x09, "DateTime", (2, 0);
        Interval = 0x0A, "Interval", (2, 0);
        DateTimeExtended = 0x0B, "DateTimeExtended", (2, 0);
    }
}

enumeration! {
    /// Ticket Type.
    TicketType {
        Login = 0x01, "Login", (2, 0);
    }
}

enumeration! {
    /// Unique Identifier.
    UniqueIdentifierEnumeration {
        IdPlaceholder = 0x01, "IDPlaceholder", (2, 0);
        Certify = 0x02, "Certify", (2, 0);
        Create = 0x03, "Create", (2, 0);
        CreateKeyPair = 0x04, "CreateKeyPair", (2, 0);
        CreateKeyPairPrivateKey = 0x05, "CreateKeyPairPrivateKey", (2, 0);
        CreateKeyPairPublicKey = 0x06, "CreateKeyPairPublicKey", (2, 0);
        CreateSplitKey = 0x07, "CreateSplitKey", (2, 0);
        DeriveKey = 0x08, "DeriveKey", (2, 0);
        Import = 0x09, "Import", (2, 0);
        JoinSplitKey = 0x0A, "JoinSplitKey", (2, 0);
        Locate = 0x0B, "Locate", (2, 0);
        Register = 0x0C, "Register", (2, 0);
        ReKey = 0x0D, "ReKey", (2, 0);
        ReCertify = 0x0E, "ReCertify", (2, 0);
        ReKeyKeyPair = 0x0F, "ReKeyKeyPair", (2, 0);
        ReKeyKeyPairPrivateKey = 0x10, "ReKeyKeyPairPrivateKey", (2, 0);
        ReKeyKeyPairPublicKey = 0x11, "ReKeyKeyPairPublicKey", (2, 0);
    }
}

enumeration! {
    /// Processing Stage.
    ProcessingStage {
        Submitted = 0x01, "Submitted", (2, 1);
        InProcess = 0x02, "InProcess", (2, 1);
        Completed = 0x03, "Completed", (2, 1);
    }
}

enumeration! {
    /// Validation Authority Type.
    ValidationAuthorityType {
        Unspecified = 0x01, "Unspecified", (1, 3);
        Nistcmvp = 0x02, "NISTCMVP", (1, 3);
        CommonCriteria = 0x03, "CommonCriteria", (1, 3);
    }
}

enumeration! {
    /// Validation Type.
    ValidationType {
        Unspecified = 0x01, "Unspecified", (1, 3);
        Hardware = 0x02, "Hardware", (1, 3);
        Software = 0x03, "Software", (1, 3);
        Firmware = 0x04, "Firmware", (1, 3);
        Hybrid = 0x05, "Hybrid", (1, 3);
    }
}

enumeration! {
    /// Unwrap Mode.
    UnwrapMode {
        Unspecified = 0x01, "Unspecified", (1, 3);
        Processed = 0x02, "Processed", (1, 3);
        NotProcessed = 0x03, "NotProcessed", (1, 3);
    }
}

enumeration! {
    /// RNG Mode.
    RngMode {
        Unspecified = 0x01, "Unspecified", (1, 3);
        SharedInstantiation = 0x02, "SharedInstantiation", (1, 3);
        NonSharedInstantiation = 0x03, "NonSharedInstantiation", (1, 3);
    }
}

enumeration! {
    /// Client Registration Method.
    ClientRegistrationMethod {
        Unspecified = 0x01, "Unspecified", (1, 3);
        ServerPreGenerated = 0x02, "ServerPreGenerated", (1, 3);
        ServerOnDemand = 0x03, "ServerOnDemand", (1, 3);
        ClientGenerated = 0x04, "ClientGenerated", (1, 3);
        ClientRegistered = 0x05, "ClientRegistered", (1, 3);
    }
}
