//! A world for tests: the processor on in-memory fakes, and the shortest way to ask it something.

use std::sync::Arc;

use kmip_model::{
    DateTime, IdentifierRef, ManagedObject, Material, UniqueIdentifier, Value,
    attribute::{Attribute, AttributeReference, CryptographicParameters, Name},
    enumeration::{
        BatchErrorContinuationOption, BlockCipherMode, CryptographicAlgorithm,
        CryptographicUsageMask, KeyFormatType, ObjectType, Operation, PaddingMethod,
        SecretDataType, Tag,
    },
    object::{KeyBlock, KeyMaterial, Object},
    policy::Policies,
};
use kmip_ports::{
    crypto::{Ciphers, KeyPairSpecification},
    encoding::AttributeForm,
    transport::Peer,
};
use kmip_testkit::{
    FixedAuthenticator, FixedClock, FixedPolicies, MemoryStore, RememberedKeyValues,
    RememberingObserver, TextCertificates, fixture_key_pair, fixture_suite,
};

use crate::{
    error::OperationError,
    message::{
        Dialect, Measure, Outcome, ReasonColumn, RequestItem, RequestMessage, ResponseItem,
        UnaskedAttributes,
    },
    ops::{
        Request, Response, create, decrypt, encrypt, get, hash, mac, mac_verify, register, sign,
        signature_verify,
    },
    processor::{Ports, Processor, Settings, Streams},
    shared::{create_object::TemplateAttribute, cryptographic_parameters::none, stream::Streaming},
};

/// The rules of 1.4.
pub(crate) const ONE: Dialect = Dialect {
    names_unique: false,
    tombstones_visible: false,
    unasked_attributes: UnaskedAttributes::Conservative,
    creation_defaults: false,
    attributes_in_key_value: AttributeForm::Named,
    unknown_object_types: &[ObjectType::CertificateRequest],
    reasons: ReasonColumn::One,
};

/// The rules of 2.1.
pub(crate) const TWO: Dialect = Dialect {
    names_unique: true,
    tombstones_visible: true,
    unasked_attributes: UnaskedAttributes::All,
    creation_defaults: true,
    attributes_in_key_value: AttributeForm::Tagged,
    unknown_object_types: &[ObjectType::Template],
    reasons: ReasonColumn::TwoOne,
};

/// When a world begins.
pub(crate) const NOW: DateTime = DateTime(1_000_000);

/// One server with everything around it, asked by one user in one dialect.
#[derive(Clone)]
pub(crate) struct World {
    /// What is stored.
    pub(crate) store: Arc<MemoryStore>,
    /// What has been encoded.
    pub(crate) key_values: Arc<RememberedKeyValues>,
    /// The time.
    pub(crate) clock: Arc<FixedClock>,
    /// What the operator has set.
    pub(crate) settings: Settings,
    ports: Ports,
    streams: Arc<Streams>,
    dialect: Dialect,
    user: &'static str,
}

/// Answers need no room here.
struct NoSize;

impl Measure for NoSize {
    fn empty_size(&self) -> usize {
        0
    }
    fn item_size(&self, _: &ResponseItem) -> usize {
        0
    }
}

impl World {
    /// Begins an empty world; alice asks in the dialect of 2.1.
    pub(crate) fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let clock = Arc::new(FixedClock::new(NOW));
        let key_values = Arc::new(RememberedKeyValues::default());
        let ports = Ports {
            store: store.clone(),
            clock: clock.clone(),
            crypto: fixture_suite(7),
            key_values: key_values.clone(),
            certificates: Arc::new(TextCertificates),
            authenticator: Arc::new(FixedAuthenticator::default()),
            policies: Arc::new(FixedPolicies::default()),
            audit: store.clone(),
            observer: Arc::new(RememberingObserver::default()),
        };
        let settings = Settings::default();
        let streams = Arc::default();
        Self { store, key_values, clock, settings, ports, streams, dialect: TWO, user: "alice" }
    }

    /// Returns the same world, asked in another dialect.
    pub(crate) fn speaking(&self, dialect: Dialect) -> Self {
        Self { dialect, ..self.clone() }
    }

    /// Returns the same world under other policies.
    pub(crate) fn under(&self, policies: Policies) -> Self {
        let policies = Arc::new(FixedPolicies::new(policies));
        Self { ports: Ports { policies, ..self.ports.clone() }, ..self.clone() }
    }

    /// Returns the same world, asked by another user.
    pub(crate) fn asked_by(&self, user: &'static str) -> Self {
        Self { user, ..self.clone() }
    }

    /// Returns the same world with other ciphers.
    pub(crate) fn with_ciphers(&self, cipher: Arc<dyn Ciphers>) -> Self {
        let mut world = self.clone();
        world.ports.crypto.cipher = cipher;
        world
    }

    /// Asks for one thing.
    pub(crate) fn run(&self, request: Request) -> Result<Response, OperationError> {
        self.batch(vec![request], BatchErrorContinuationOption::Stop).remove(0)
    }

    /// Asks for several things in one message.
    pub(crate) fn batch(
        &self,
        requests: Vec<Request>,
        option: BatchErrorContinuationOption,
    ) -> Vec<Result<Response, OperationError>> {
        let items = requests.into_iter().enumerate().map(|(number, request)| RequestItem {
            operation: operation_of(&request),
            unique_batch_item_id: Some(number.to_string().into_bytes()),
            critical_extension: false,
            payload: Ok(request),
        });
        let message = RequestMessage {
            dialect: self.dialect,
            maximum_response_size: None,
            client_correlation_value: None,
            server_correlation_value: None,
            asynchronous_only: false,
            credentials: Vec::new(),
            batch_error_continuation_option: option,
            time_stamp: None,
            items: items.collect(),
        };
        let certificates = vec![self.user.as_bytes().to_vec()];
        let peer = Peer { connection: 1, address: None, certificates };
        let (ports, settings) = (self.ports.clone(), self.settings.clone());
        let processor = Processor::with_streams(ports, settings, self.streams.clone());
        let answer = pollster::block_on(processor.execute(&peer, message, &NoSize));
        let results = answer.items.into_iter().map(|item| match item.outcome {
            Outcome::Success(response) => Ok(*response),
            Outcome::Failed(error) => Err(error),
            Outcome::Undone(_) => panic!("an item was undone"),
        });
        results.collect()
    }

    /// Returns an object as it is stored.
    pub(crate) fn object(&self, identifier: &UniqueIdentifier) -> Arc<ManagedObject> {
        self.store.object(identifier).expect("the object is stored")
    }

    /// Returns the values of one attribute of a stored object.
    pub(crate) fn values(&self, identifier: &UniqueIdentifier, tag: Tag) -> Vec<Value> {
        let instances = self.object(identifier).attribute(&AttributeReference::Standard(tag));
        instances.into_iter().map(|instance| instance.attribute.to_value()).collect()
    }

    /// Creates a symmetric key.
    pub(crate) fn create(
        &self,
        attributes: Vec<Attribute>,
    ) -> Result<UniqueIdentifier, OperationError> {
        match self.run(create_request(attributes))? {
            Response::Create(response) => Ok(response.unique_identifier),
            other => panic!("not an answer to Create: {other:?}"),
        }
    }

    /// Registers an object.
    pub(crate) fn register(
        &self,
        object: Object,
        attributes: Vec<Attribute>,
    ) -> Result<UniqueIdentifier, OperationError> {
        let attributes = TemplateAttribute { attributes, ..TemplateAttribute::default() };
        self.register_from(object, attributes)
    }

    /// Registers an object with the help of Templates.
    pub(crate) fn register_from(
        &self,
        object: Object,
        attributes: TemplateAttribute,
    ) -> Result<UniqueIdentifier, OperationError> {
        let request = Request::Register(register::Request {
            object_type: object.object_type(),
            attributes,
            object: Some(object),
            protection_storage_masks: Vec::new(),
        });
        match self.run(request)? {
            Response::Register(response) => Ok(response.unique_identifier),
            other => panic!("not an answer to Register: {other:?}"),
        }
    }

    /// Registers an object that is Active and may be used like that.
    pub(crate) fn register_active(
        &self,
        object: Object,
        usage: CryptographicUsageMask,
        mut attributes: Vec<Attribute>,
    ) -> UniqueIdentifier {
        attributes.push(Attribute::CryptographicUsageMask(usage));
        attributes.push(Attribute::ActivationDate(NOW));
        self.register(object, attributes).expect("the fixture can be registered")
    }

    /// Encrypts.
    pub(crate) fn encrypt(
        &self,
        request: encrypt::Request,
    ) -> Result<encrypt::Response, OperationError> {
        match self.run(Request::Encrypt(request))? {
            Response::Encrypt(response) => Ok(response),
            other => panic!("not an answer to Encrypt: {other:?}"),
        }
    }

    /// Decrypts.
    pub(crate) fn decrypt(
        &self,
        request: decrypt::Request,
    ) -> Result<decrypt::Response, OperationError> {
        match self.run(Request::Decrypt(request))? {
            Response::Decrypt(response) => Ok(response),
            other => panic!("not an answer to Decrypt: {other:?}"),
        }
    }

    /// Gets an object as it was registered.
    pub(crate) fn get(&self, identifier: &UniqueIdentifier) -> Result<Object, OperationError> {
        self.get_as(identifier, None)
    }

    /// Gets an object in some form.
    pub(crate) fn get_as(
        &self,
        identifier: &UniqueIdentifier,
        key_format_type: Option<KeyFormatType>,
    ) -> Result<Object, OperationError> {
        let request = get::Request { key_format_type, ..get_request(identifier.clone().into()) };
        match self.run(Request::Get(request))? {
            Response::Get(response) => Ok(response.object),
            other => panic!("not an answer to Get: {other:?}"),
        }
    }
}

macro_rules! define {
    ($($name:ident => $module:ident;)*) => {
        fn operation_of(request: &Request) -> Operation {
            match request {
                $(Request::$name(_) => Operation::$name,)*
            }
        }
    };
}
crate::for_each_operation!(define);

/// A request to create a symmetric key.
pub(crate) fn create_request(attributes: Vec<Attribute>) -> Request {
    Request::Create(create::Request {
        object_type: ObjectType::SymmetricKey,
        attributes: TemplateAttribute { attributes, ..TemplateAttribute::default() },
        protection_storage_masks: Vec::new(),
    })
}

/// A request to get an object as it was registered.
pub(crate) fn get_request(unique_identifier: IdentifierRef) -> get::Request {
    get::Request {
        unique_identifier,
        key_format_type: None,
        key_wrap_type: None,
        key_compression_type: None,
        key_wrapping_specification: None,
    }
}

/// A request to encrypt.
pub(crate) fn encrypt_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
) -> encrypt::Request {
    encrypt::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        iv_counter_nonce: None,
        streaming: Streaming::default(),
        authenticated_encryption_additional_data: None,
    }
}

/// A request to decrypt.
pub(crate) fn decrypt_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
) -> decrypt::Request {
    decrypt::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        iv_counter_nonce: None,
        streaming: Streaming::default(),
        authenticated_encryption_additional_data: None,
        authenticated_encryption_tag: None,
    }
}

/// A request to sign.
pub(crate) fn sign_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
) -> sign::Request {
    sign::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        digested_data: None,
        streaming: Streaming::default(),
    }
}

/// A request to verify a signature.
pub(crate) fn signature_verify_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
    signature: &[u8],
) -> signature_verify::Request {
    signature_verify::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        digested_data: None,
        signature_data: Some(signature.to_vec()),
        streaming: Streaming::default(),
    }
}

/// A request to make a MAC.
pub(crate) fn mac_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
) -> mac::Request {
    mac::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        streaming: Streaming::default(),
    }
}

/// A request to verify a MAC.
pub(crate) fn mac_verify_request(
    key: &UniqueIdentifier,
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
    mac: &[u8],
) -> mac_verify::Request {
    mac_verify::Request {
        unique_identifier: key.clone().into(),
        cryptographic_parameters,
        data: Some(data.into()),
        mac_data: Some(mac.to_vec()),
        streaming: Streaming::default(),
    }
}

/// A request to hash.
pub(crate) fn hash_request(
    cryptographic_parameters: Option<CryptographicParameters>,
    data: &[u8],
) -> hash::Request {
    hash::Request {
        cryptographic_parameters,
        data: Some(data.into()),
        streaming: Streaming::default(),
    }
}

/// Says that this is the first part.
pub(crate) fn first_part() -> Streaming {
    Streaming { init_indicator: Some(true), ..Streaming::default() }
}

/// Says that this is another part.
pub(crate) fn next_part(correlation_value: Option<&Vec<u8>>) -> Streaming {
    assert!(correlation_value.is_some(), "there is a part to come");
    Streaming { correlation_value: correlation_value.cloned(), ..Streaming::default() }
}

/// Says that this is the last part.
pub(crate) fn last_part(correlation_value: Option<&Vec<u8>>) -> Streaming {
    Streaming { final_indicator: Some(true), ..next_part(correlation_value) }
}

/// Parameters that name a mode and a padding.
pub(crate) fn mode(
    block_cipher_mode: BlockCipherMode,
    padding_method: Option<PaddingMethod>,
) -> CryptographicParameters {
    CryptographicParameters { block_cipher_mode: Some(block_cipher_mode), padding_method, ..none() }
}

/// Parameters that name an algorithm.
pub(crate) fn algorithm(algorithm: CryptographicAlgorithm) -> CryptographicParameters {
    CryptographicParameters { cryptographic_algorithm: Some(algorithm), ..none() }
}

/// The two keys of the fixture of an RSA key pair.
pub(crate) fn rsa_keys() -> (Object, Object) {
    let pair = fixture_key_pair(KeyPairSpecification::Rsa { bits: 2048 });
    (
        Object::PrivateKey(key_block(KeyFormatType::Pkcs8, pair.private.expose())),
        Object::PublicKey(key_block(KeyFormatType::X509, &pair.public)),
    )
}

/// The attributes of an AES key of that length.
pub(crate) fn aes(length: i32) -> Vec<Attribute> {
    vec![
        Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes),
        Attribute::CryptographicLength(length),
    ]
}

/// A Name.
pub(crate) fn name(text: &str) -> Attribute {
    Attribute::Name(Name::text(text))
}

/// A key block with these bytes and nothing else.
pub(crate) fn key_block(key_format_type: KeyFormatType, bytes: &[u8]) -> KeyBlock {
    KeyBlock::plain(key_format_type, KeyMaterial::Bytes(Material::from(bytes)))
}

/// An AES key with these bytes.
pub(crate) fn aes_key(bytes: &[u8]) -> Object {
    Object::SymmetricKey(KeyBlock {
        cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
        cryptographic_length: i32::try_from(bytes.len().saturating_mul(8)).ok(),
        ..key_block(KeyFormatType::Raw, bytes)
    })
}

/// A secret with these bytes.
pub(crate) fn secret(bytes: &[u8]) -> Object {
    Object::SecretData {
        secret_data_type: SecretDataType::Seed,
        key_block: key_block(KeyFormatType::Opaque, bytes),
    }
}

/// The bytes of an object's plain key.
pub(crate) fn key_bytes(object: &Object) -> Vec<u8> {
    let material = object.key_material().and_then(KeyMaterial::as_bytes);
    material.expect("the object has a key of bytes").expose().to_vec()
}
