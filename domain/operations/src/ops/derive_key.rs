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
    IdentifierRef, ManagedObject, Material, UniqueIdentifier, Value,
    attribute::{Attribute, AttributeSet, CryptographicParameters, Link, RuleViolation},
    crypto_profile::SymmetricProfile,
    enumeration::{
        CryptographicAlgorithm, DerivationMethod, HashingAlgorithm, LinkType, ObjectType,
        SecretDataType, Tag,
    },
    object::{KeyInUse, KeyMaterial, Object, ProtectionKey},
    value::Valued,
};
use kmip_ports::{
    crypto::{CipherInput, CryptoError, Derivation},
    store::Revision,
};

use crate::{
    error::OperationError,
    message::PayloadFault,
    processor::Item,
    shared::{
        create_object::{Origin, TemplateAttribute, build, check, check_quantum_safe, resolve},
        creation_defaults::SECRET_LENGTH,
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
    let mut object = Arc::unwrap_or_clone(base.object);
    let mut changed = object.use_up(bytes)?;
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
        item.save(object, base.revision);
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
        let own = base.object.attributes().cryptographic_parameters();
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
            ..no_parameters()
        };
        leftmost(item.crypto().mac.generate(self.key, &parameters, data.expose())?, length)
    }

    async fn encrypt(&self, item: &Item<'_>, length: usize) -> Result<Material, OperationError> {
        let own = self.key.key().algorithm;
        let mut parameters = self.cryptographic.cloned().unwrap_or_else(no_parameters);
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

fn no_parameters() -> CryptographicParameters {
    CryptographicParameters::from_value(Tag::CryptographicParameters, Value::Structure(Vec::new()))
        .expect("every field of Cryptographic Parameters may be absent")
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
