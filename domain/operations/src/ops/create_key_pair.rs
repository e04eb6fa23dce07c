//! Create Key Pair (KMIP 2.1 §6.1.9, 1.4 §4.2).
//!
//! Makes a private and a public key that link to each other. The ID Placeholder names the private
//! one. Not repeatable.

use kmip_model::{
    Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, Link, RuleViolation},
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, LinkType, ObjectType,
        ProtectionStorageMask, RecommendedCurve, Tag,
    },
    object::{KeyBlock, KeyMaterial, Object},
};
use kmip_ports::crypto::{CryptoError, KeyPairSpecification};

use crate::{
    error::OperationError,
    processor::Item,
    shared::{
        create_object::{
            Origin, TemplateAttribute, build, check, check_protection_storage, check_quantum_safe,
            resolve, underlay,
        },
        creation_defaults::{
            ELLIPTIC_LENGTH, KEY_PAIR_ALGORITHM, PRIVATE_KEY_MASK, PUBLIC_KEY_MASK, RSA_LENGTH,
        },
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// The attributes of both.
    pub common_attributes: TemplateAttribute,
    /// The attributes of the private key.
    pub private_key_attributes: TemplateAttribute,
    /// The attributes of the public key.
    pub public_key_attributes: TemplateAttribute,
    /// Protection Storage Masks that the client accepts for both.
    pub common_protection_storage_masks: Vec<ProtectionStorageMask>,
    /// Protection Storage Masks that the client accepts for the private key.
    pub private_protection_storage_masks: Vec<ProtectionStorageMask>,
    /// Protection Storage Masks that the client accepts for the public key.
    pub public_protection_storage_masks: Vec<ProtectionStorageMask>,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The private key.
    pub private_key_unique_identifier: UniqueIdentifier,
    /// The public key.
    pub public_key_unique_identifier: UniqueIdentifier,
}

/// The curves and the lengths of their keys; a length alone means the first curve that has it.
const CURVES: [(RecommendedCurve, i32); 6] = [
    (RecommendedCurve::P192, 192),
    (RecommendedCurve::P224, 224),
    (RecommendedCurve::P256, 256),
    (RecommendedCurve::P384, 384),
    (RecommendedCurve::P521, 521),
    (RecommendedCurve::Secp256K1, 256),
];

/// Cryptographic Length of Ed25519 keys, in bits.
const ED25519_LENGTH: i32 = 256;

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    check_storage(request)?;
    let common = resolve(item, &request.common_attributes).await?;
    let mut private = resolve(item, &request.private_key_attributes).await?;
    let mut public = resolve(item, &request.public_key_attributes).await?;
    underlay(&mut private, &common);
    underlay(&mut public, &common);
    check(ObjectType::PrivateKey, Origin::Generated, &private)?;
    check(ObjectType::PublicKey, Origin::Generated, &public)?;
    let wanted = Wanted::of(item.dialect().creation_defaults, &private, &public)?;
    if item.dialect().creation_defaults {
        default_mask(&mut private, PRIVATE_KEY_MASK);
        default_mask(&mut public, PUBLIC_KEY_MASK);
    }
    // No key pair that is made here withstands a quantum computer.
    check_quantum_safe(&private, false)?;
    check_quantum_safe(&public, false)?;
    let pair = item.crypto().generate.key_pair(wanted.specification).await?;
    let private_key = Object::PrivateKey(wanted.key_block(
        item,
        ObjectType::PrivateKey,
        pair.private,
        private.key_format_type().copied(),
    )?);
    let public_key = Object::PublicKey(wanted.key_block(
        item,
        ObjectType::PublicKey,
        pair.public.into(),
        public.key_format_type().copied(),
    )?);
    let private_key_unique_identifier = item.new_identifier()?;
    let public_key_unique_identifier = item.new_identifier()?;
    //= KMIP-2.1 §6.1.9
    link(&mut private, LinkType::PublicKeyLink, &public_key_unique_identifier)?;
    link(&mut public, LinkType::PrivateKeyLink, &private_key_unique_identifier)?;
    // The private key comes last, so that the ID Placeholder names it.
    for (identifier, object, attributes) in [
        (&public_key_unique_identifier, public_key, public),
        (&private_key_unique_identifier, private_key, private),
    ] {
        let object = build(item, identifier.clone(), Origin::Generated, object, &attributes)?;
        item.claim_names(&object);
        item.create(object);
    }
    Ok(Response { private_key_unique_identifier, public_key_unique_identifier })
}

fn check_storage(request: &Request) -> Result<(), OperationError> {
    for (object_type, masks) in [
        (ObjectType::PrivateKey, &request.common_protection_storage_masks),
        (ObjectType::PrivateKey, &request.private_protection_storage_masks),
        (ObjectType::PublicKey, &request.public_protection_storage_masks),
    ] {
        check_protection_storage(object_type, masks)?;
    }
    Ok(())
}

fn default_mask(attributes: &mut AttributeSet, mask: CryptographicUsageMask) {
    if attributes.cryptographic_usage_mask().is_none() {
        attributes.set(Attribute::CryptographicUsageMask(mask));
    }
}

fn link(
    attributes: &mut AttributeSet,
    link_type: LinkType,
    to: &UniqueIdentifier,
) -> Result<(), OperationError> {
    attributes.add(Attribute::Link(Link { link_type, linked_object_identifier: to.clone() }))?;
    Ok(())
}

/// The key pair that a request wants.
struct Wanted {
    algorithm: CryptographicAlgorithm,
    length: i32,
    specification: KeyPairSpecification,
}

impl Wanted {
    fn of(
        silent: bool,
        private: &AttributeSet,
        public: &AttributeSet,
    ) -> Result<Self, OperationError> {
        //= KMIP-2.1 §6.1.9 table 191
        let algorithm = agreed(
            Tag::CryptographicAlgorithm,
            private.cryptographic_algorithm(),
            public.cryptographic_algorithm(),
        )?;
        let length = agreed(
            Tag::CryptographicLength,
            private.cryptographic_length(),
            public.cryptographic_length(),
        )?;
        let domain = agreed(
            Tag::CryptographicDomainParameters,
            private.cryptographic_domain_parameters(),
            public.cryptographic_domain_parameters(),
        )?;
        let curve = domain.and_then(|domain| domain.recommended_curve);
        let algorithm = algorithm
            .or(silent.then_some(KEY_PAIR_ALGORITHM))
            .ok_or(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))?;
        let (length, specification) = match algorithm {
            CryptographicAlgorithm::Rsa => {
                let length = length
                    .or(silent.then_some(RSA_LENGTH))
                    .ok_or(OperationError::MissingAttribute(Tag::CryptographicLength))?;
                let bits = u32::try_from(length).map_err(|_| no_such_length())?;
                (length, KeyPairSpecification::Rsa { bits })
            }
            CryptographicAlgorithm::Ec
            | CryptographicAlgorithm::Ecdsa
            | CryptographicAlgorithm::Ecdh => elliptic(silent, curve, length)?,
            CryptographicAlgorithm::Ed25519 => {
                if length.is_some_and(|length| length != ED25519_LENGTH) {
                    return Err(no_such_length());
                }
                (ED25519_LENGTH, KeyPairSpecification::Ed25519)
            }
            other => return Err(CryptoError::Unsupported(format!("{other} key pairs")).into()),
        };
        Ok(Self { algorithm, length, specification })
    }

    /// Returns the form in which a key is kept where the client asks for none: one that clients
    /// of every version can read.
    fn default_format(&self, object_type: ObjectType) -> KeyFormatType {
        match (self.specification, object_type) {
            //= KMIP-2.1 §4.26 table 81
            (KeyPairSpecification::Rsa { .. }, _) => KeyFormatType::Pkcs1,
            (_, ObjectType::PublicKey) => KeyFormatType::X509,
            _ => KeyFormatType::Pkcs8,
        }
    }

    fn key_block(
        &self,
        item: &Item<'_>,
        object_type: ObjectType,
        key: Material,
        format: Option<KeyFormatType>,
    ) -> Result<KeyBlock, OperationError> {
        let key_format_type = format.unwrap_or_else(|| self.default_format(object_type));
        let made = if object_type == ObjectType::PublicKey {
            KeyFormatType::X509
        } else {
            KeyFormatType::Pkcs8
        };
        let key = KeyMaterial::Bytes(key);
        let key_material = if key_format_type == made {
            key
        } else {
            item.crypto().format.convert(object_type, &key, key_format_type)?
        };
        Ok(KeyBlock {
            cryptographic_algorithm: Some(self.algorithm),
            cryptographic_length: Some(self.length),
            ..KeyBlock::plain(key_format_type, key_material)
        })
    }
}

/// Returns what both keys say, if they do not contradict each other.
fn agreed<T: Clone + PartialEq>(
    tag: Tag,
    private: Option<&T>,
    public: Option<&T>,
) -> Result<Option<T>, OperationError> {
    match (private, public) {
        (Some(private), Some(public)) if private != public => {
            Err(RuleViolation::Contradiction(tag).into())
        }
        (one, other) => Ok(one.or(other).cloned()),
    }
}

/// Finds the curve: the one that is named, or the one of that length.
fn elliptic(
    silent: bool,
    curve: Option<RecommendedCurve>,
    length: Option<i32>,
) -> Result<(i32, KeyPairSpecification), OperationError> {
    let length_of =
        |curve| CURVES.iter().find(|(known, _)| *known == curve).map(|(_, length)| *length);
    let Some(curve) = curve else {
        let length = length
            .or(silent.then_some(ELLIPTIC_LENGTH))
            .ok_or(OperationError::MissingAttribute(Tag::CryptographicLength))?;
        let (curve, _) =
            CURVES.iter().find(|(_, known)| *known == length).ok_or_else(no_such_length)?;
        return Ok((length, KeyPairSpecification::EllipticCurve { curve: *curve }));
    };
    let known = length_of(curve)
        .ok_or_else(|| CryptoError::Unsupported(format!("key pairs on curve {curve}")))?;
    if length.is_some_and(|length| length != known) {
        return Err(RuleViolation::Contradiction(Tag::CryptographicLength).into());
    }
    Ok((known, KeyPairSpecification::EllipticCurve { curve }))
}

const fn no_such_length() -> OperationError {
    OperationError::InvalidValue(
        Tag::CryptographicLength,
        "the algorithm has no keys of that length",
    )
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        IdentifierRef, Value, attribute::CryptographicDomainParameters,
        enumeration::BatchErrorContinuationOption,
    };

    use super::*;
    use crate::{
        ops,
        testing::{ONE, World, get_request, key_bytes, name},
    };

    fn request(common: Vec<Attribute>, private: Vec<Attribute>, public: Vec<Attribute>) -> Request {
        let given = |attributes| TemplateAttribute { attributes, ..TemplateAttribute::default() };
        Request {
            common_attributes: given(common),
            private_key_attributes: given(private),
            public_key_attributes: given(public),
            common_protection_storage_masks: Vec::new(),
            private_protection_storage_masks: Vec::new(),
            public_protection_storage_masks: Vec::new(),
        }
    }

    fn ask(world: &World, request: Request) -> Result<Response, OperationError> {
        match world.run(ops::Request::CreateKeyPair(request))? {
            ops::Response::CreateKeyPair(response) => Ok(response),
            other => panic!("not an answer to Create Key Pair: {other:?}"),
        }
    }

    fn of(algorithm: CryptographicAlgorithm, length: i32) -> Vec<Attribute> {
        vec![Attribute::CryptographicAlgorithm(algorithm), Attribute::CryptographicLength(length)]
    }

    fn rsa() -> Vec<Attribute> {
        of(CryptographicAlgorithm::Rsa, 2_048)
    }

    fn curve(curve: RecommendedCurve) -> Attribute {
        Attribute::CryptographicDomainParameters(CryptographicDomainParameters {
            qlength: None,
            recommended_curve: Some(curve),
        })
    }

    #[test]
    fn the_keys_link_to_each_other() {
        let world = World::new();
        let made = ask(&world, request(rsa(), vec![name("a")], vec![name("b")])).unwrap();
        for (identifier, link_type, other) in [
            (
                &made.private_key_unique_identifier,
                LinkType::PublicKeyLink,
                &made.public_key_unique_identifier,
            ),
            (
                &made.public_key_unique_identifier,
                LinkType::PrivateKeyLink,
                &made.private_key_unique_identifier,
            ),
        ] {
            let object = world.object(identifier);
            let link = Link { link_type, linked_object_identifier: other.clone() };
            assert_eq!(object.attributes().link(), Some(&link));
        }
    }

    #[test]
    fn rsa_keys_are_pkcs_1_with_one_digest() {
        let world = World::new();
        let made = ask(&world, request(rsa(), Vec::new(), Vec::new())).unwrap();
        for (identifier, bytes) in [
            (&made.private_key_unique_identifier, "PrivateKey PKCS_1 RSA 2048 "),
            (&made.public_key_unique_identifier, "PublicKey PKCS_1 RSA 2048 "),
        ] {
            let object = world.object(identifier);
            let held = object.object().unwrap();
            assert_eq!(held.key_format_type(), Some(KeyFormatType::Pkcs1));
            assert_eq!(key_bytes(held), bytes.as_bytes());
            let digest = object.attributes().digest().unwrap();
            assert_eq!(digest.key_format_type, Some(KeyFormatType::Pkcs1));
            assert_eq!(world.values(identifier, Tag::Digest).len(), 1);
        }
    }

    #[test]
    fn a_form_is_made_on_request_and_digested_in_the_default_form_too() {
        let world = World::new();
        let form = |format| vec![Attribute::KeyFormatType(format)];
        let made = ask(&world, request(rsa(), form(KeyFormatType::Pkcs8), Vec::new())).unwrap();
        let identifier = &made.private_key_unique_identifier;
        let object = world.object(identifier);
        assert_eq!(object.object().unwrap().key_format_type(), Some(KeyFormatType::Pkcs8));
        assert_eq!(world.values(identifier, Tag::Digest).len(), 2);
        let refused = ask(&world, request(rsa(), form(KeyFormatType::EcPrivateKey), Vec::new()));
        assert_eq!(refused, Err(CryptoError::NoSuchForm.into()));
    }

    #[test]
    fn common_attributes_are_under_those_of_each_key() {
        let world = World::new();
        let mask = Attribute::CryptographicUsageMask;
        let mut common = rsa();
        common.push(mask(CryptographicUsageMask::SIGN));
        common.push(Attribute::ObjectGroup("both".into()));
        let public =
            vec![mask(CryptographicUsageMask::VERIFY), Attribute::ObjectGroup("public".into())];
        let made = ask(&world, request(common, Vec::new(), public)).unwrap();
        let text = |text: &str| Value::TextString(text.into());
        let private = &made.private_key_unique_identifier;
        let public = &made.public_key_unique_identifier;
        assert_eq!(world.values(private, Tag::CryptographicUsageMask), [Value::Integer(1)]);
        assert_eq!(world.values(public, Tag::CryptographicUsageMask), [Value::Integer(2)]);
        assert_eq!(world.values(private, Tag::ObjectGroup), [text("both")]);
        assert_eq!(world.values(public, Tag::ObjectGroup), [text("public"), text("both")]);
    }

    #[test]
    fn both_keys_are_of_one_kind() {
        let world = World::new();
        let refused =
            ask(&world, request(Vec::new(), rsa(), of(CryptographicAlgorithm::Rsa, 3_072)));
        assert_eq!(refused, Err(RuleViolation::Contradiction(Tag::CryptographicLength).into()));
        // It is enough if one of them says which.
        assert!(ask(&world, request(Vec::new(), rsa(), Vec::new())).is_ok());
    }

    #[test]
    fn a_curve_is_named_or_known_by_its_length() {
        use CryptographicAlgorithm as A;
        let world = World::new();
        let mut named = vec![Attribute::CryptographicAlgorithm(A::Ec)];
        named.push(curve(RecommendedCurve::P384));
        for (attributes, algorithm, length) in [
            (of(A::Ecdsa, 256), A::Ecdsa, 256),
            (of(A::Ecdh, 521), A::Ecdh, 521),
            (named, A::Ec, 384),
            (vec![Attribute::CryptographicAlgorithm(A::Ed25519)], A::Ed25519, 256),
        ] {
            let made = ask(&world, request(attributes, Vec::new(), Vec::new())).unwrap();
            for (identifier, format) in [
                (&made.private_key_unique_identifier, KeyFormatType::Pkcs8),
                (&made.public_key_unique_identifier, KeyFormatType::X509),
            ] {
                let object = world.object(identifier);
                let attributes = object.attributes();
                assert_eq!(attributes.cryptographic_algorithm(), Some(&algorithm));
                assert_eq!(attributes.cryptographic_length(), Some(&length));
                assert_eq!(object.object().unwrap().key_format_type(), Some(format));
            }
        }
    }

    #[test]
    fn key_pairs_that_are_not_offered_are_refused() {
        use CryptographicAlgorithm as A;
        let world = World::new();
        let make = |attributes| ask(&world, request(attributes, Vec::new(), Vec::new()));
        for attributes in [
            of(A::Rsa, 1_024),
            of(A::Dsa, 2_048),
            of(A::Aes, 256),
            of(A::Ec, 224),
            vec![Attribute::CryptographicAlgorithm(A::Ec), curve(RecommendedCurve::K163)],
        ] {
            let refused = make(attributes);
            assert!(
                matches!(refused, Err(OperationError::Crypto(CryptoError::Unsupported(_)))),
                "{refused:?}"
            );
        }
        for attributes in [of(A::Rsa, -1), of(A::Ec, 255), of(A::Ed25519, 448)] {
            let refused = make(attributes);
            assert!(matches!(
                refused,
                Err(OperationError::InvalidValue(Tag::CryptographicLength, _))
            ));
        }
        let mut contradiction = of(A::Ec, 256);
        contradiction.push(curve(RecommendedCurve::P384));
        assert_eq!(
            make(contradiction),
            Err(RuleViolation::Contradiction(Tag::CryptographicLength).into())
        );
        assert!(world.store.objects().is_empty());
    }

    #[test]
    fn clients_of_one_say_what_they_want_but_need_no_masks() {
        let world = World::new();
        let made = ask(&world, request(Vec::new(), Vec::new(), Vec::new())).unwrap();
        let object = world.object(&made.public_key_unique_identifier);
        assert_eq!(object.attributes().cryptographic_length(), Some(&RSA_LENGTH));
        assert_eq!(object.attributes().cryptographic_usage_mask(), Some(&PUBLIC_KEY_MASK));

        let old = world.speaking(ONE);
        assert_eq!(
            ask(&old, request(Vec::new(), Vec::new(), Vec::new())),
            Err(OperationError::MissingAttribute(Tag::CryptographicAlgorithm))
        );
        let made = ask(&old, request(rsa(), Vec::new(), Vec::new())).unwrap();
        let object = world.object(&made.private_key_unique_identifier);
        assert_eq!(object.attributes().cryptographic_usage_mask(), None);
    }

    #[test]
    fn no_key_pair_is_quantum_safe() {
        let world = World::new();
        let mut common = rsa();
        common.push(Attribute::QuantumSafe(true));
        let refused = ask(&world, request(common, Vec::new(), Vec::new()));
        assert_eq!(refused, Err(OperationError::NotQuantumSafe));
    }

    #[test]
    fn each_key_says_which_storage_is_missing() {
        let world = World::new();
        let masks = vec![ProtectionStorageMask::HARDWARE];
        let base = || request(rsa(), Vec::new(), Vec::new());
        let public = Request { public_protection_storage_masks: masks.clone(), ..base() };
        let common = Request { common_protection_storage_masks: masks, ..base() };
        for (request, object_type) in
            [(public, ObjectType::PublicKey), (common, ObjectType::PrivateKey)]
        {
            assert_eq!(
                ask(&world, request),
                Err(OperationError::ProtectionStorageUnavailable(object_type))
            );
        }
    }

    #[test]
    fn the_placeholder_names_the_private_key() {
        let world = World::new();
        let answers = world.batch(
            vec![
                ops::Request::CreateKeyPair(request(rsa(), Vec::new(), Vec::new())),
                ops::Request::Get(get_request(IdentifierRef::Placeholder)),
            ],
            BatchErrorContinuationOption::Stop,
        );
        let [Ok(ops::Response::CreateKeyPair(made)), Ok(ops::Response::Get(got))] = &answers[..]
        else {
            panic!("{answers:?}")
        };
        assert_eq!(got.unique_identifier, made.private_key_unique_identifier);
    }
}
