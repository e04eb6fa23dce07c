//! Derive Key (KMIP 2.1 §6.1.14 and §7.12, 1.4 §4.6).
//!
//! Makes a symmetric key or Secret Data of what the server has already. The first object that is
//! named is the key; Secret Data among the others stands for the Derivation Data. Not repeatable.
//!
//! The method HMAC means two things. In the official cases it is one HMAC of the Derivation Data
//! under the key (TC-DERIVEKEY-2); for PyKMIP it is HKDF. A request with Salt, for which an HMAC has
//! no use, or without Derivation Data, which an HMAC cannot go without, is PyKMIP's.

use std::sync::Arc;

use kmip_model::{
    IdentifierRef, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, CryptographicParameters, Link, RuleViolation},
    crypto_profile::SymmetricProfile,
    enumeration::{
        CryptographicAlgorithm, DerivationMethod, HashingAlgorithm, LinkType, ObjectType,
        SecretDataType, Tag,
    },
    object::{KeyInUse, KeyMaterial, Object, ProtectionKey},
};
use kmip_ports::{
    crypto::{CipherInput, CryptoError, Derivation},
    store::{Revision, Stored},
};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        create_object::{Origin, TemplateAttribute, build, check, check_quantum_safe, resolve},
        creation_defaults::SECRET_LENGTH,
        key_in_use::Counted,
        new_key::{self, LONGEST_SECRET},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// Object Type of the new object.
    pub object_type: ObjectType,
    /// What to derive from; the ID Placeholder cannot stand for any of them.
    pub unique_identifiers: Vec<IdentifierRef>,
    /// Derivation Method.
    pub derivation_method: DerivationMethod,
    /// Derivation Parameters.
    pub derivation_parameters: DerivationParameters,
    /// The attributes of the new object.
    pub attributes: TemplateAttribute,
}

/// Derivation Parameters.
#[derive(Debug, PartialEq)]
pub struct DerivationParameters {
    /// Cryptographic Parameters; the first ones of the key if there are none.
    pub cryptographic_parameters: Option<CryptographicParameters>,
    /// Initialization Vector.
    pub initialization_vector: Option<Vec<u8>>,
    /// Derivation Data.
    pub derivation_data: Vec<Material>,
    /// Salt.
    pub salt: Option<Vec<u8>>,
    /// Iteration Count.
    pub iteration_count: Option<i32>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The new object.
    pub unique_identifier: UniqueIdentifier,
}

/// How many objects a new one is derived from at most; the methods use two.
const MAXIMUM_BASES: usize = 16;

/// How many blocks PBKDF2 computes at most for one key: a request that takes minutes is an attack.
/// It is twice the greatest example of RFC 6070.
const MAXIMUM_ITERATIONS: u64 = 1 << 25;

/// The shortest block that a hash makes, in bytes.
const SHORTEST_HASH: usize = 16;

/// The HMAC of each hash.
const HMACS: [(HashingAlgorithm, CryptographicAlgorithm); 10] = [
    (HashingAlgorithm::Md5, CryptographicAlgorithm::HmacMd5),
    (HashingAlgorithm::Sha1, CryptographicAlgorithm::HmacSha1),
    (HashingAlgorithm::Sha224, CryptographicAlgorithm::HmacSha224),
    (HashingAlgorithm::Sha256, CryptographicAlgorithm::HmacSha256),
    (HashingAlgorithm::Sha384, CryptographicAlgorithm::HmacSha384),
    (HashingAlgorithm::Sha512, CryptographicAlgorithm::HmacSha512),
    (HashingAlgorithm::Sha3224, CryptographicAlgorithm::HmacSha3224),
    (HashingAlgorithm::Sha3256, CryptographicAlgorithm::HmacSha3256),
    (HashingAlgorithm::Sha3384, CryptographicAlgorithm::HmacSha3384),
    (HashingAlgorithm::Sha3512, CryptographicAlgorithm::HmacSha3512),
];

/// One object to derive from.
struct Base {
    object: Arc<ManagedObject>,
    revision: Revision,
    key: ProtectionKey,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let object_type = request.object_type;
    let mut attributes = resolve(item, &request.attributes).await?;
    if !matches!(object_type, ObjectType::SymmetricKey | ObjectType::SecretData) {
        return Err(OperationError::IllegalObjectType);
    }
    check(object_type, Origin::Generated, &attributes)?;
    let bases = fetch_bases(item, &request.unique_identifiers).await?;
    let bytes = length(&attributes)?;
    let algorithm = algorithm(item, object_type, &mut attributes)?;
    let derived = Inputs::of(request, &bases)?.derive(item, bytes).await?;
    let object = new_object(item, algorithm, &attributes, derived)?;
    link_to_bases(&bases, &mut attributes)?;
    let unique_identifier = item.new_identifier()?;
    let object = build(item, unique_identifier.clone(), Origin::Generated, object, &attributes)?;
    for base in bases {
        save_base(item, base, bytes, &unique_identifier)?;
    }
    item.claim_names(&object);
    item.create(object);
    Ok(Response { unique_identifier })
}

async fn fetch_bases(
    item: &mut Item<'_>,
    identifiers: &[IdentifierRef],
) -> Result<Vec<Base>, OperationError> {
    //= KMIP-2.1 §6.1.14
    if identifiers.is_empty() || identifiers.contains(&IdentifierRef::Placeholder) {
        return Err(PayloadFault::Missing(Tag::UniqueIdentifier).into());
    }
    if identifiers.len() > MAXIMUM_BASES {
        let why = "the methods use fewer objects";
        return Err(OperationError::InvalidValue(Tag::UniqueIdentifier, why));
    }
    let mut bases: Vec<Base> = Vec::with_capacity(identifiers.len());
    for identifier in identifiers {
        let fetched = item.fetch_to_compute(identifier).await?;
        if bases.iter().any(|base| base.object.identifier() == fetched.value.identifier()) {
            let why = "it names an object twice";
            return Err(OperationError::InvalidValue(Tag::UniqueIdentifier, why));
        }
        let key = fetched.value.derivation_key(item.now())?;
        bases.push(Base { object: fetched.value, revision: fetched.revision, key });
    }
    Ok(bases)
}

/// Returns the length of the new object in bytes. It need not suit the algorithm: what is derived
/// may be more than one key.
fn length(attributes: &AttributeSet) -> Result<usize, OperationError> {
    let bits = attributes
        .cryptographic_length()
        .copied()
        .ok_or(OperationError::MissingAttribute(Tag::CryptographicLength))?;
    if bits <= 0 || bits & 7 != 0 {
        let why = "it is not a number of whole bytes";
        return Err(OperationError::InvalidValue(Tag::CryptographicLength, why));
    }
    if bits > LONGEST_SECRET {
        return Err(CryptoError::TooLong.into());
    }
    Ok(usize::try_from(bits >> 3).unwrap_or_default())
}

/// Checks the algorithm of the new object, which a key must have and a secret cannot.
fn algorithm(
    item: &Item<'_>,
    object_type: ObjectType,
    attributes: &mut AttributeSet,
) -> Result<Option<CryptographicAlgorithm>, OperationError> {
    let algorithm = attributes.cryptographic_algorithm().copied();
    let length = attributes.cryptographic_length().copied().unwrap_or_default();
    if object_type == ObjectType::SecretData {
        check_quantum_safe(attributes, length >= SECRET_LENGTH)?;
        return match algorithm {
            Some(_) => Err(RuleViolation::NotApplicable(Tag::CryptographicAlgorithm).into()),
            None => Ok(None),
        };
    }
    let algorithm =
        algorithm.ok_or(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))?;
    let profile = SymmetricProfile::of(algorithm).ok_or(OperationError::InvalidValue(
        Tag::CryptographicAlgorithm,
        "it is not an algorithm of symmetric keys",
    ))?;
    check_quantum_safe(attributes, profile.is_quantum_safe(length))?;
    if item.dialect().creation_defaults && attributes.cryptographic_usage_mask().is_none() {
        attributes.set(Attribute::CryptographicUsageMask(profile.default_mask));
    }
    Ok(Some(algorithm))
}

fn new_object(
    item: &Item<'_>,
    algorithm: Option<CryptographicAlgorithm>,
    attributes: &AttributeSet,
    derived: Material,
) -> Result<Object, OperationError> {
    let format = attributes.key_format_type().copied();
    match algorithm {
        None => new_key::secret_data(SecretDataType::Seed, format, derived),
        Some(algorithm) => {
            let length = attributes.cryptographic_length().copied().unwrap_or_default();
            new_key::symmetric_key(item, format, algorithm, length, derived)
        }
    }
}

fn link_to_bases(bases: &[Base], attributes: &mut AttributeSet) -> Result<(), OperationError> {
    for base in bases {
        let link = Attribute::Link(Link {
            link_type: LinkType::DerivationBaseObjectLink,
            linked_object_identifier: base.object.identifier().clone(),
        });
        match attributes.add(link) {
            // The client may have said so itself.
            Ok(_) | Err(RuleViolation::DuplicateValue(_)) => {}
            Err(violation) => return Err(violation.into()),
        }
    }
    Ok(())
}

/// Counts the use of a base object and links it to what has come of it.
fn save_base(
    item: &mut Item<'_>,
    base: Base,
    bytes: usize,
    derived: &UniqueIdentifier,
) -> Result<(), OperationError> {
    let stored = Stored { value: base.object, revision: base.revision };
    Counted::new(&stored, bytes, true)?.save(item);
    let mut object = Arc::unwrap_or_clone(stored.value);
    let mut changed = false;
    // Whoever may only get an object leaves no trace in it.
    if item.may_link(&object) {
        let link = Attribute::Link(Link {
            link_type: LinkType::DerivedKeyLink,
            linked_object_identifier: derived.clone(),
        });
        // An object that is full of links is no worse a key: the new object has the other link.
        changed |= object.attributes_mut().add(link).is_ok();
    }
    if changed {
        object.attributes_mut().set(Attribute::LastChangeDate(item.now()));
        item.save(object, stored.revision);
    }
    Ok(())
}

/// What a new object is derived from.
struct Inputs<'a> {
    method: DerivationMethod,
    key: &'a ProtectionKey,
    bases: &'a [Base],
    parameters: &'a DerivationParameters,
    /// Those of the request, or else of the key.
    cryptographic: Option<&'a CryptographicParameters>,
}

impl<'a> Inputs<'a> {
    fn of(request: &'a Request, bases: &'a [Base]) -> Result<Self, OperationError> {
        let base = bases.first().ok_or(PayloadFault::Missing(Tag::UniqueIdentifier))?;
        let parameters = &request.derivation_parameters;
        let own = base.object.attributes().cryptographic_parameters().map(Box::as_ref);
        Ok(Self {
            method: request.derivation_method,
            key: &base.key,
            bases,
            parameters,
            cryptographic: parameters.cryptographic_parameters.as_ref().or(own),
        })
    }

    async fn derive(&self, item: &Item<'_>, length: usize) -> Result<Material, OperationError> {
        let parameters = self.parameters;
        let salt = parameters.salt.as_deref();
        let derivation = match self.method {
            DerivationMethod::Pbkdf2 => Derivation::Pbkdf2 {
                // The PRF that PKCS#5 names if nobody names one.
                hash: self.named_hash().unwrap_or(HashingAlgorithm::Sha1),
                salt: salt.ok_or(OperationError::MissingAttribute(Tag::Salt))?,
                iterations: iterations(parameters.iteration_count, length)?,
            },
            DerivationMethod::Hash => return self.hash_of_the_key(item, length),
            DerivationMethod::Hmac => match (salt, self.data()?) {
                (None, Some(data)) => return self.hmac(item, data, length),
                (salt, info) => Derivation::Hkdf {
                    hash: self.hash()?,
                    salt: salt.unwrap_or_default(),
                    info: info.map(Material::expose).unwrap_or_default(),
                },
            },
            DerivationMethod::Hkdf => Derivation::Hkdf {
                hash: self.named_hash().unwrap_or(HashingAlgorithm::Sha256),
                salt: salt.unwrap_or_default(),
                info: self.data()?.map(Material::expose).unwrap_or_default(),
            },
            DerivationMethod::Encrypt => return self.encrypt(item, length).await,
            DerivationMethod::Nist800108C => {
                Derivation::CounterMode { hash: self.hash()?, fixed: self.required_data()? }
            }
            DerivationMethod::Nist800108F => Derivation::FeedbackMode {
                hash: self.hash()?,
                iv: parameters.initialization_vector.as_deref().unwrap_or_default(),
                fixed: self.required_data()?,
            },
            DerivationMethod::Nist800108Dpi => {
                Derivation::DoublePipelineMode { hash: self.hash()?, fixed: self.required_data()? }
            }
            DerivationMethod::AsymmetricKey => return self.agree(item, length).await,
            _ => {
                let why = "the server does not have that method";
                return Err(OperationError::InvalidValue(Tag::DerivationMethod, why));
            }
        };
        Ok(item.crypto().derive.derive(self.key, derivation, length).await?)
    }

    /// Returns the Hashing Algorithm that the parameters name.
    fn named_hash(&self) -> Option<HashingAlgorithm> {
        self.cryptographic.and_then(|parameters| parameters.hashing_algorithm)
    }

    /// Returns the Hashing Algorithm: that of the key, if it is one for HMAC, or a named one.
    //= KMIP-2.1 §7.12
    fn hash(&self) -> Result<HashingAlgorithm, OperationError> {
        let of_the_key = HMACS
            .iter()
            .find(|(_, hmac)| Some(*hmac) == self.key.key().algorithm)
            .map(|(hash, _)| *hash);
        of_the_key
            .or_else(|| self.named_hash())
            .ok_or(OperationError::CryptographicParameters("a Hashing Algorithm must be given"))
    }

    /// Returns the Derivation Data, or the Secret Data that stands for it.
    //= KMIP-2.1 §7.12
    fn data(&self) -> Result<Option<&'a Material>, OperationError> {
        let named = self
            .bases
            .iter()
            .skip(1)
            .find(|base| base.object.object_type() == ObjectType::SecretData);
        match (self.parameters.derivation_data.as_slice(), named) {
            ([], None) => Ok(None),
            ([], Some(base)) => secret(base.key.key()).map(Some),
            ([data], None) => Ok(Some(data)),
            ([_], Some(_)) => Err(OperationError::DerivationDataTwice),
            (_, _) => {
                Err(OperationError::InvalidValue(Tag::DerivationData, "the method takes it once"))
            }
        }
    }

    fn required_data(&self) -> Result<&'a [u8], OperationError> {
        let data = self.data()?.ok_or(OperationError::MissingAttribute(Tag::DerivationData))?;
        Ok(data.expose())
    }

    fn hash_of_the_key(&self, item: &Item<'_>, length: usize) -> Result<Material, OperationError> {
        //= KMIP-2.1 §7.12
        // There is a key in every request, so there cannot be data.
        if self.data()?.is_some() {
            let why = "a hash is of the key or of data, not of both";
            return Err(OperationError::InvalidValue(Tag::DerivationData, why));
        }
        let hash = self
            .named_hash()
            .ok_or(OperationError::CryptographicParameters("a Hashing Algorithm must be given"))?;
        let digest = item.crypto().digest.digest(hash, secret(self.key.key())?.expose())?;
        leftmost(digest, length)
    }

    fn hmac(
        &self,
        item: &Item<'_>,
        data: &Material,
        length: usize,
    ) -> Result<Material, OperationError> {
        let hash = self.hash()?;
        let (_, hmac) = HMACS
            .iter()
            .find(|(of, _)| *of == hash)
            .ok_or(OperationError::CryptographicParameters("the hash has no HMAC"))?;
        let parameters = CryptographicParameters {
            hashing_algorithm: Some(hash),
            cryptographic_algorithm: Some(*hmac),
            ..CryptographicParameters::EMPTY
        };
        leftmost(item.crypto().mac.generate(self.key, &parameters, data.expose())?, length)
    }

    async fn encrypt(&self, item: &Item<'_>, length: usize) -> Result<Material, OperationError> {
        let own = self.key.key().algorithm;
        let mut parameters = self.cryptographic.cloned().unwrap_or(CryptographicParameters::EMPTY);
        let algorithm = parameters.cryptographic_algorithm.or(own);
        if algorithm.is_none() || own.is_some_and(|own| Some(own) != algorithm) {
            return Err(OperationError::CryptographicParameters(
                "the key is not of that Cryptographic Algorithm",
            ));
        }
        parameters.cryptographic_algorithm = algorithm;
        let input = CipherInput {
            data: self.required_data()?,
            iv_counter_nonce: self.parameters.initialization_vector.as_deref(),
            additional_data: &[],
            tag: None,
        };
        let output = item.crypto().cipher.encrypt(self.key, &parameters, input).await?;
        leftmost(output.data, length)
    }

    /// Agrees on a secret with the owner of the other half of a public key.
    async fn agree(&self, item: &Item<'_>, length: usize) -> Result<Material, OperationError> {
        let of_type =
            |object_type| self.bases.iter().find(|base| base.object.object_type() == object_type);
        let halves = of_type(ObjectType::PrivateKey).zip(of_type(ObjectType::PublicKey));
        let (Some((private, public)), 2) = (halves, self.bases.len()) else {
            let why = "the method takes a private and a public key";
            return Err(OperationError::InvalidValue(Tag::UniqueIdentifier, why));
        };
        let derivation = Derivation::Agreement { public_key: &public.key.key().material };
        Ok(item.crypto().derive.derive(&private.key, derivation, length).await?)
    }
}

/// Returns the bytes of a symmetric key or secret; only these are hashed or stand for data.
fn secret(key: &KeyInUse) -> Result<&Material, OperationError> {
    match &key.material {
        KeyMaterial::Bytes(bytes) | KeyMaterial::TransparentSymmetricKey { key: bytes } => {
            Ok(bytes)
        }
        _ => Err(CryptoError::BadKey("it is not one byte string").into()),
    }
}

/// Takes as many bytes as the new object has.
fn leftmost(made: Vec<u8>, length: usize) -> Result<Material, OperationError> {
    let made = Material::new(made);
    let taken = made.expose().get(..length).ok_or(CryptoError::TooLong)?;
    Ok(Material::from(taken))
}

fn iterations(count: Option<i32>, length: usize) -> Result<u32, OperationError> {
    let count = count.ok_or(OperationError::MissingAttribute(Tag::IterationCount))?;
    let iterations = u32::try_from(count).ok().filter(|count| *count > 0);
    let blocks = u64::try_from(length.div_ceil(SHORTEST_HASH)).unwrap_or(u64::MAX);
    iterations
        .filter(|iterations| u64::from(*iterations).saturating_mul(blocks) <= MAXIMUM_ITERATIONS)
        .ok_or(OperationError::InvalidValue(
            Tag::IterationCount,
            "it is less than one, or more than is computed",
        ))
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        DateTime,
        attribute::UsageLimits,
        enumeration::{
            BatchErrorContinuationOption, BlockCipherMode, CryptographicUsageMask, KeyFormatType,
            State, UsageLimitsUnit,
        },
        object::UsageDenied,
    };
    use kmip_ports::crypto::{Ciphers as _, KeyDerivation as _, KeyPairSpecification, Macs as _};
    use kmip_testkit::{
        PlainCiphers, PlainDerivation, PlainMacs, fixture_certificate, fixture_key_pair,
        sha256::sha256,
    };

    use super::*;
    use crate::{
        ops,
        testing::{NOW, ONE, World, aes, aes_key, get_request, key_block, key_bytes, name, secret},
    };

    /// The key of TC-DERIVEKEY-1 and 2.
    const KEY: [u8; 16] = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE,
        0xFF,
    ];

    fn derivable() -> Attribute {
        Attribute::CryptographicUsageMask(CryptographicUsageMask::DERIVE_KEY)
    }

    fn base(world: &World, object: Object) -> UniqueIdentifier {
        world.register(object, vec![derivable()]).unwrap()
    }

    fn hashing(hash: HashingAlgorithm) -> CryptographicParameters {
        CryptographicParameters { hashing_algorithm: Some(hash), ..CryptographicParameters::EMPTY }
    }

    fn with_sha256() -> DerivationParameters {
        DerivationParameters {
            cryptographic_parameters: Some(hashing(HashingAlgorithm::Sha256)),
            ..nothing()
        }
    }

    fn nothing() -> DerivationParameters {
        DerivationParameters {
            cryptographic_parameters: None,
            initialization_vector: None,
            derivation_data: Vec::new(),
            salt: None,
            iteration_count: None,
        }
    }

    fn data(bytes: &[u8]) -> Vec<Material> {
        vec![Material::from(bytes)]
    }

    fn request(
        bases: &[&UniqueIdentifier],
        method: DerivationMethod,
        parameters: DerivationParameters,
        attributes: Vec<Attribute>,
    ) -> Request {
        Request {
            object_type: ObjectType::SymmetricKey,
            unique_identifiers: bases.iter().map(|base| (*base).clone().into()).collect(),
            derivation_method: method,
            derivation_parameters: parameters,
            attributes: TemplateAttribute { attributes, ..TemplateAttribute::default() },
        }
    }

    fn ask(world: &World, request: Request) -> Result<UniqueIdentifier, OperationError> {
        match world.run(ops::Request::DeriveKey(request))? {
            ops::Response::DeriveKey(response) => Ok(response.unique_identifier),
            other => panic!("not an answer to Derive Key: {other:?}"),
        }
    }

    /// Derives an AES key of 128 bits and returns its bytes.
    fn derived(
        world: &World,
        bases: &[&UniqueIdentifier],
        method: DerivationMethod,
        parameters: DerivationParameters,
    ) -> Result<Vec<u8>, OperationError> {
        let identifier = ask(world, request(bases, method, parameters, aes(128)))?;
        Ok(key_bytes(&world.get(&identifier).unwrap()))
    }

    /// What the port makes of the key.
    fn by_port(world: &World, base: &UniqueIdentifier, derivation: Derivation<'_>) -> Vec<u8> {
        let key = world.object(base).derivation_key(NOW).unwrap();
        let made = pollster::block_on(PlainDerivation.derive(&key, derivation, 16)).unwrap();
        made.expose().to_vec()
    }

    #[test]
    fn a_hash_of_a_key_is_a_key() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let bytes = derived(&world, &[&base], DerivationMethod::Hash, with_sha256()).unwrap();
        // The result of TC-DERIVEKEY-1.
        assert_eq!(bytes[..4], [0xA8, 0xFA, 0xED, 0x6A]);
        assert_eq!(bytes, sha256(&KEY)[..16]);
        let both = DerivationParameters { derivation_data: data(b"d"), ..with_sha256() };
        assert!(matches!(
            derived(&world, &[&base], DerivationMethod::Hash, both),
            Err(OperationError::InvalidValue(Tag::DerivationData, _))
        ));
        assert!(matches!(
            derived(&world, &[&base], DerivationMethod::Hash, nothing()),
            Err(OperationError::CryptographicParameters(_))
        ));
    }

    #[test]
    fn secret_data_is_derived_too() {
        let world = World::new().speaking(ONE);
        let base = base(&world, secret(b"password"));
        let length = Attribute::CryptographicLength(160);
        let ask_for = |attributes| {
            let request = request(&[&base], DerivationMethod::Hash, with_sha256(), attributes);
            ask(&world, Request { object_type: ObjectType::SecretData, ..request })
        };
        let identifier = ask_for(vec![length.clone()]).unwrap();
        let object = world.get(&identifier).unwrap();
        let Object::SecretData { secret_data_type, key_block } = &object else {
            panic!("not Secret Data")
        };
        assert_eq!(*secret_data_type, SecretDataType::Seed);
        assert_eq!(key_block.key_format_type, KeyFormatType::Opaque);
        assert_eq!(key_bytes(&object), sha256(b"password")[..20]);
        let algorithm = Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes);
        assert_eq!(
            ask_for(vec![length, algorithm]),
            Err(RuleViolation::NotApplicable(Tag::CryptographicAlgorithm).into())
        );
    }

    #[test]
    fn the_leftmost_bytes_are_taken_whatever_lengths_the_algorithm_has() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        for length in [8, 160, 256] {
            let request = request(&[&base], DerivationMethod::Hash, with_sha256(), aes(length));
            let identifier = ask(&world, request).unwrap();
            let bytes = usize::try_from(length / 8).unwrap();
            assert_eq!(key_bytes(&world.get(&identifier).unwrap()), sha256(&KEY)[..bytes]);
        }
    }

    #[test]
    fn a_new_key_has_the_attributes_of_a_created_one() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let mut attributes = aes(128);
        attributes.push(name("derived"));
        attributes.push(Attribute::CryptographicUsageMask(CryptographicUsageMask::ENCRYPT));
        attributes.push(Attribute::ActivationDate(NOW));
        let request = request(&[&base], DerivationMethod::Hash, with_sha256(), attributes);
        let identifier = ask(&world, request).unwrap();
        let object = world.object(&identifier);
        assert_eq!(object.owner(), "alice");
        assert_eq!(object.state(), Some(State::Active));
        assert_eq!(object.operation_policy_name(), "default");
        let attributes = object.attributes();
        assert_eq!(attributes.initial_date(), Some(&NOW));
        assert_eq!(attributes.original_creation_date(), Some(&NOW));
        assert_eq!(attributes.cryptographic_algorithm(), Some(&CryptographicAlgorithm::Aes));
        assert_eq!(attributes.cryptographic_length(), Some(&128));
        let mask = CryptographicUsageMask::ENCRYPT;
        assert_eq!(attributes.cryptographic_usage_mask(), Some(&mask));
        assert!(attributes.digest().is_some());
        assert_eq!(attributes.name().map(|name| name.name_value.as_str()), Some("derived"));
        assert_eq!(
            attributes.link(),
            Some(&Link {
                link_type: LinkType::DerivationBaseObjectLink,
                linked_object_identifier: base.clone(),
            })
        );
        assert_eq!(
            world.object(&base).attributes().link(),
            Some(&Link {
                link_type: LinkType::DerivedKeyLink,
                linked_object_identifier: identifier,
            })
        );
    }

    #[test]
    fn one_hmac_or_hkdf_tells_the_salt() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let hash = HashingAlgorithm::Sha256;
        let with = |salt: Option<&[u8]>, derivation_data| DerivationParameters {
            salt: salt.map(<[u8]>::to_vec),
            derivation_data,
            ..with_sha256()
        };
        let made = |parameters| derived(&world, &[&base], DerivationMethod::Hmac, parameters);
        let key = world.object(&base).derivation_key(NOW).unwrap();
        let hmac = CryptographicParameters {
            cryptographic_algorithm: Some(CryptographicAlgorithm::HmacSha256),
            ..hashing(hash)
        };
        let mac = PlainMacs.generate(&key, &hmac, &[1, 2]).unwrap();
        assert_eq!(made(with(None, data(&[1, 2]))).unwrap(), mac[..16]);
        let hkdf = |salt, info| by_port(&world, &base, Derivation::Hkdf { hash, salt, info });
        assert_eq!(made(with(Some(&[]), data(&[]))).unwrap(), hkdf(&[], &[]));
        assert_eq!(made(with(Some(b"s"), data(&[1, 2]))).unwrap(), hkdf(b"s", &[1, 2]));
        assert_eq!(made(with(None, Vec::new())).unwrap(), hkdf(&[], &[]));
    }

    #[test]
    fn the_key_says_which_hmac_it_is_for() {
        let world = World::new();
        let hmac = vec![
            derivable(),
            Attribute::CryptographicAlgorithm(CryptographicAlgorithm::HmacSha384),
        ];
        let bytes = Object::SymmetricKey(key_block(KeyFormatType::Raw, &KEY));
        let base = world.register(bytes, hmac).unwrap();
        let parameters = DerivationParameters { derivation_data: data(b"d"), ..nothing() };
        assert_eq!(
            derived(&world, &[&base], DerivationMethod::Nist800108C, parameters),
            Ok(by_port(
                &world,
                &base,
                Derivation::CounterMode { hash: HashingAlgorithm::Sha384, fixed: b"d" }
            ))
        );
    }

    #[test]
    fn passwords_are_stretched() {
        let world = World::new();
        let base = base(&world, secret(b"password"));
        let with = |salt: Option<&[u8]>, iteration_count, parameters| DerivationParameters {
            salt: salt.map(<[u8]>::to_vec),
            iteration_count,
            cryptographic_parameters: parameters,
            ..nothing()
        };
        let made = |parameters| derived(&world, &[&base], DerivationMethod::Pbkdf2, parameters);
        let port = |hash| {
            let derivation = Derivation::Pbkdf2 { hash, salt: b"salt", iterations: 4_096 };
            Ok(by_port(&world, &base, derivation))
        };
        let sha256 = Some(hashing(HashingAlgorithm::Sha256));
        assert_eq!(made(with(Some(b"salt"), Some(4_096), None)), port(HashingAlgorithm::Sha1));
        assert_eq!(made(with(Some(b"salt"), Some(4_096), sha256)), port(HashingAlgorithm::Sha256));
        let missing = |tag| Err(OperationError::MissingAttribute(tag));
        assert_eq!(made(with(None, Some(1), None)), missing(Tag::Salt));
        assert_eq!(made(with(Some(b"salt"), None, None)), missing(Tag::IterationCount));
        for count in [0, -1, i32::MAX] {
            assert!(matches!(
                made(with(Some(b"salt"), Some(count), None)),
                Err(OperationError::InvalidValue(Tag::IterationCount, _))
            ));
        }
        // The longest example of RFC 6070.
        assert_eq!(iterations(Some(16_777_216), 20), Ok(16_777_216));
    }

    #[test]
    fn every_other_method_gets_what_it_needs() {
        use DerivationMethod as Method;
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let hash = HashingAlgorithm::Sha256;
        let parameters = || DerivationParameters {
            derivation_data: data(b"d"),
            salt: Some(b"s".to_vec()),
            initialization_vector: Some(b"i".to_vec()),
            ..with_sha256()
        };
        for (method, derivation) in [
            (Method::Nist800108C, Derivation::CounterMode { hash, fixed: b"d" }),
            (Method::Nist800108F, Derivation::FeedbackMode { hash, iv: b"i", fixed: b"d" }),
            (Method::Nist800108Dpi, Derivation::DoublePipelineMode { hash, fixed: b"d" }),
            (Method::Hkdf, Derivation::Hkdf { hash, salt: b"s", info: b"d" }),
        ] {
            let expected = by_port(&world, &base, derivation);
            assert_eq!(derived(&world, &[&base], method, parameters()), Ok(expected), "{method}");
            if method != Method::Hkdf {
                assert_eq!(
                    derived(&world, &[&base], method, with_sha256()),
                    Err(OperationError::MissingAttribute(Tag::DerivationData))
                );
            }
        }
        let hkdf = by_port(&world, &base, Derivation::Hkdf { hash, salt: &[], info: &[] });
        assert_eq!(derived(&world, &[&base], Method::Hkdf, nothing()), Ok(hkdf));
        assert!(matches!(
            derived(&world, &[&base], Method::AwsSignatureVersion4, parameters()),
            Err(OperationError::InvalidValue(Tag::DerivationMethod, _))
        ));
    }

    #[test]
    fn what_is_encrypted_is_a_key() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let cbc = CryptographicParameters {
            block_cipher_mode: Some(BlockCipherMode::Cbc),
            ..CryptographicParameters::EMPTY
        };
        let with = |parameters: CryptographicParameters, bytes: &[u8]| DerivationParameters {
            cryptographic_parameters: Some(parameters),
            derivation_data: data(bytes),
            initialization_vector: Some(vec![7; 16]),
            ..nothing()
        };
        let made = |parameters| derived(&world, &[&base], DerivationMethod::Encrypt, parameters);
        let key = world.object(&base).derivation_key(NOW).unwrap();
        let aes_cbc = CryptographicParameters {
            cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
            ..cbc.clone()
        };
        let input = CipherInput {
            data: &[1; 32],
            iv_counter_nonce: Some(&[7; 16]),
            additional_data: &[],
            tag: None,
        };
        let output = pollster::block_on(PlainCiphers.encrypt(&key, &aes_cbc, input)).unwrap();
        assert_eq!(made(with(cbc.clone(), &[1; 32])).unwrap(), output.data[..16]);
        assert!(matches!(
            made(with(cbc, &[1; 5])),
            Err(OperationError::Crypto(CryptoError::BadInput(_)))
        ));
        let other = CryptographicParameters {
            cryptographic_algorithm: Some(CryptographicAlgorithm::Camellia),
            ..aes_cbc
        };
        assert!(matches!(
            made(with(other, &[1; 32])),
            Err(OperationError::CryptographicParameters(_))
        ));
    }

    #[test]
    fn a_private_and_a_public_key_agree() {
        let world = World::new();
        let pair = fixture_key_pair(KeyPairSpecification::EllipticCurve {
            curve: kmip_model::enumeration::RecommendedCurve::P256,
        });
        let private = base(
            &world,
            Object::PrivateKey(key_block(KeyFormatType::Pkcs8, pair.private.expose())),
        );
        let public = base(&world, Object::PublicKey(key_block(KeyFormatType::X509, &pair.public)));
        let method = DerivationMethod::AsymmetricKey;
        let public_key = &KeyMaterial::Bytes(Material::new(pair.public));
        let expected = by_port(&world, &private, Derivation::Agreement { public_key });
        for bases in [[&private, &public], [&public, &private]] {
            assert_eq!(derived(&world, &bases, method, nothing()), Ok(expected.clone()));
        }
        // Each half knows of every key.
        assert_eq!(world.values(&public, Tag::Link).len(), 2);
        assert!(matches!(
            derived(&world, &[&private], method, nothing()),
            Err(OperationError::InvalidValue(Tag::UniqueIdentifier, _))
        ));
    }

    #[test]
    fn secret_data_stands_for_derivation_data() {
        let world = World::new();
        let (key, named) = (base(&world, aes_key(&KEY)), base(&world, secret(b"d")));
        let fixed = b"d";
        let hash = HashingAlgorithm::Sha256;
        let expected = by_port(&world, &key, Derivation::CounterMode { hash, fixed });
        let method = DerivationMethod::Nist800108C;
        assert_eq!(derived(&world, &[&key, &named], method, with_sha256()), Ok(expected));
        let twice = DerivationParameters { derivation_data: data(b"d"), ..with_sha256() };
        assert_eq!(
            derived(&world, &[&key, &named], method, twice),
            Err(OperationError::DerivationDataTwice)
        );
    }

    #[test]
    fn nobody_derives_from_what_they_may_not_get() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let method = DerivationMethod::Hash;
        let bob = world.asked_by("bob");
        assert_eq!(derived(&bob, &[&base], method, with_sha256()), Err(OperationError::NotFound));
        let unknown = UniqueIdentifier::new("none");
        let refused = derived(&world, &[&base, &unknown], method, with_sha256());
        assert_eq!(refused, Err(OperationError::NotFound));
        assert!(world.object(&base).attributes().link().is_none());
    }

    #[test]
    fn only_keys_and_secrets_with_the_bit_are_derived_from() {
        let world = World::new();
        let method = DerivationMethod::Hash;
        let certificate = Object::Certificate {
            certificate_type: kmip_model::enumeration::CertificateType::X509,
            certificate_value: fixture_certificate("ee"),
        };
        let certificate = base(&world, certificate);
        assert_eq!(
            derived(&world, &[&certificate], method, with_sha256()),
            Err(UsageDenied::NotAKey(ObjectType::Certificate).into())
        );
        let without = world.register(aes_key(&KEY), Vec::new()).unwrap();
        let mask = CryptographicUsageMask::DERIVE_KEY;
        assert_eq!(
            derived(&world, &[&without], method, with_sha256()),
            Err(UsageDenied::Mask(mask).into())
        );
        let past = vec![
            derivable(),
            Attribute::ActivationDate(DateTime(1)),
            Attribute::DeactivationDate(DateTime(2)),
        ];
        let deactivated = world.register(aes_key(&KEY), past).unwrap();
        assert_eq!(
            derived(&world, &[&deactivated], method, with_sha256()),
            Err(UsageDenied::NotActive(State::Deactivated).into())
        );
    }

    #[test]
    fn the_length_is_given_and_whole_and_no_longer_than_the_result() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let ask_for = |attributes: Vec<Attribute>| {
            ask(&world, request(&[&base], DerivationMethod::Hash, with_sha256(), attributes))
        };
        let algorithm = Attribute::CryptographicAlgorithm(CryptographicAlgorithm::Aes);
        let missing = |tag| Err(OperationError::MissingAttribute(tag));
        assert_eq!(ask_for(vec![algorithm]), missing(Tag::CryptographicLength));
        assert_eq!(
            ask_for(vec![Attribute::CryptographicLength(128)]),
            missing(Tag::CryptographicAlgorithm)
        );
        for length in [0, -8, 7, 129] {
            assert!(matches!(
                ask_for(aes(length)),
                Err(OperationError::InvalidValue(Tag::CryptographicLength, _))
            ));
        }
        for length in [264, LONGEST_SECRET, LONGEST_SECRET + 8] {
            assert_eq!(ask_for(aes(length)), Err(CryptoError::TooLong.into()));
        }
        let request = request(&[&base], DerivationMethod::Hash, with_sha256(), aes(128));
        let refused = ask(&world, Request { object_type: ObjectType::PublicKey, ..request });
        assert_eq!(refused, Err(OperationError::IllegalObjectType));
    }

    #[test]
    fn the_placeholder_is_set_but_never_read() {
        let world = World::new();
        let base = base(&world, aes_key(&KEY));
        let hash = |bases: &[&UniqueIdentifier]| {
            request(bases, DerivationMethod::Hash, with_sha256(), aes(128))
        };
        let missing = OperationError::from(PayloadFault::Missing(Tag::UniqueIdentifier));
        assert_eq!(ask(&world, hash(&[])), Err(missing.clone()));
        let placeholder =
            Request { unique_identifiers: vec![IdentifierRef::Placeholder], ..hash(&[]) };
        let get = ops::Request::Get(get_request(IdentifierRef::Placeholder));
        let answers = world.batch(
            vec![
                ops::Request::DeriveKey(hash(&[&base])),
                get,
                ops::Request::DeriveKey(placeholder),
            ],
            BatchErrorContinuationOption::Continue,
        );
        let [Ok(ops::Response::DeriveKey(made)), Ok(ops::Response::Get(got)), Err(refused)] =
            &answers[..]
        else {
            panic!("{answers:?}")
        };
        assert_eq!(made.unique_identifier, got.unique_identifier);
        assert_eq!(*refused, missing);
    }

    #[test]
    fn derivation_uses_a_key_up() {
        let world = World::new();
        let limits = Attribute::UsageLimits(UsageLimits {
            usage_limits_total: 1,
            usage_limits_count: None,
            usage_limits_unit: UsageLimitsUnit::Object,
        });
        let base = world.register(aes_key(&KEY), vec![derivable(), limits]).unwrap();
        let again = || derived(&world, &[&base], DerivationMethod::Hash, with_sha256());
        assert!(again().is_ok());
        assert_eq!(again(), Err(UsageDenied::LimitReached.into()));
    }
}
