//! Sign (KMIP 2.1 §6.1.55, 1.4 §4.31).
//!
//! Signs data, or the digest of data, with a private key. Counts against the Usage Limits.

use kmip_model::{
    IdentifierRef, Material, UniqueIdentifier, attribute::CryptographicParameters,
    enumeration::PaddingMethod, object::ProtectionKey,
};
use kmip_ports::crypto::SignatureInput;

use crate::{
    error::OperationError,
    processor::{Item, PssSalt},
    shared::{
        cryptographic_parameters::{check_fit, for_signature, given_or_own},
        key_in_use::{Counted, Use, protection_key},
        stream::{Part, Streaming},
    },
};

/// Request payload.
#[derive(Debug, PartialEq)]
pub struct Request {
    /// The key.
    pub unique_identifier: IdentifierRef,
    /// Cryptographic Parameters; none asks for those of the key.
    pub cryptographic_parameters: Option<CryptographicParameters>,
    /// Data, or a part of it.
    pub data: Option<Material>,
    /// Digested Data, in the place of the data.
    pub digested_data: Option<Vec<u8>>,
    /// Which part of the operation this is.
    pub streaming: Streaming,
}

/// Response payload.
#[derive(Debug, PartialEq)]
pub struct Response {
    /// The key that was used.
    pub unique_identifier: UniqueIdentifier,
    /// Signature Data, after the last part.
    pub signature_data: Option<Vec<u8>>,
    /// Correlation Value, if there are more parts to come.
    pub correlation_value: Option<Vec<u8>>,
}

pub(crate) async fn run(
    item: &mut Item<'_>,
    request: &Request,
) -> Result<Response, OperationError> {
    let fetched = item.fetch(&request.unique_identifier).await?;
    let key = protection_key(item, &fetched.value, Use::Sign)?;
    let unique_identifier = fetched.value.identifier().clone();
    let given = request.cryptographic_parameters.as_ref();
    let settle = || {
        let digested = request.digested_data.is_some();
        let parameters = given_or_own(given, &fetched.value);
        let parameters = for_signature(item, key.key(), digested, parameters)?;
        check_fit(key.key(), &parameters)?;
        Ok(parameters)
    };
    let mut part = Part::open(item, &request.streaming, Some(&unique_identifier), given, settle)?;
    part.take_digested_data(request.digested_data.as_ref())?;
    part.add(request.data.as_ref())?;
    let bytes = request.data.as_ref().map_or(0, Material::len);
    let counted = Counted::new(&fetched, bytes, part.first)?;
    let signature_data = if part.last {
        let data = part.stream.data.whole();
        let input = match &part.stream.digested_data {
            Some(digest) => SignatureInput::Digest(digest),
            None => SignatureInput::Message(data.expose()),
        };
        let parameters = with_salt(item, &key, &part.stream.parameters)?;
        let signatures = item.crypto().sign.clone();
        Some(signatures.sign(&key, &parameters, input).await?)
    } else {
        None
    };
    counted.save(item);
    Ok(Response { unique_identifier, signature_data, correlation_value: part.close(item) })
}

/// Names the longest salt of PSS that the key has room for, where the operator wants that and the
/// client names none.
fn with_salt(
    item: &Item<'_>,
    key: &ProtectionKey,
    parameters: &CryptographicParameters,
) -> Result<CryptographicParameters, OperationError> {
    let mut parameters = parameters.clone();
    let open =
        parameters.padding_method == Some(PaddingMethod::Pss) && parameters.salt_length.is_none();
    if open
        && item.settings().pss_salt == PssSalt::Longest
        && let (Some(bits), Some(hash)) = (key.key().length, parameters.hashing_algorithm)
    {
        let digest = item.crypto().digest.digest(hash, &[])?;
        // The encoded message has one bit less than the modulus, and two bytes of its own.
        let room = usize::try_from(bits).unwrap_or_default().saturating_sub(1).div_ceil(8);
        let salt = room.saturating_sub(digest.len()).saturating_sub(2);
        parameters.salt_length = i32::try_from(salt).ok();
    }
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::Attribute,
        enumeration::{
            CryptographicAlgorithm as A, CryptographicUsageMask, DigitalSignatureAlgorithm,
            HashingAlgorithm, KeyFormatType, PaddingMethod, RecommendedCurve, Tag,
        },
        object::Object,
    };
    use kmip_ports::crypto::{CryptoError, KeyPairSpecification};
    use kmip_testkit::fixture_key_pair;

    use super::*;
    use crate::{
        message::PayloadFault,
        ops,
        testing::{
            World, algorithm, first_part, key_block, last_part, next_part, rsa_keys, sign_request,
        },
    };

    fn ask(world: &World, request: Request) -> Result<Response, OperationError> {
        match world.run(ops::Request::Sign(request))? {
            ops::Response::Sign(response) => Ok(response),
            other => panic!("not an answer to Sign: {other:?}"),
        }
    }

    fn rsa(world: &World, attributes: Vec<Attribute>) -> UniqueIdentifier {
        world.register_active(rsa_keys().0, CryptographicUsageMask::SIGN, attributes)
    }

    fn pss(named: A) -> CryptographicParameters {
        CryptographicParameters {
            padding_method: Some(PaddingMethod::Pss),
            hashing_algorithm: Some(HashingAlgorithm::Sha256),
            ..algorithm(named)
        }
    }

    #[test]
    fn a_digital_signature_algorithm_names_algorithm_hash_and_padding() {
        let world = World::new();
        let key = rsa(&world, Vec::new());
        let named = |digital_signature_algorithm| CryptographicParameters {
            digital_signature_algorithm: Some(digital_signature_algorithm),
            ..crate::shared::cryptographic_parameters::none()
        };
        let of = |parameters| ask(&world, sign_request(&key, Some(parameters), b"text")).map(drop);
        assert_eq!(of(named(DigitalSignatureAlgorithm::Sha256WithRsaEncryption)), Ok(()));
        assert_eq!(
            of(named(DigitalSignatureAlgorithm::RsassaPss)),
            Err(OperationError::CryptographicParameters("there is no Hashing Algorithm"))
        );
        let with_hash = CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::Sha384),
            ..named(DigitalSignatureAlgorithm::RsassaPss)
        };
        assert_eq!(of(with_hash), Ok(()));
        let contradiction = CryptographicParameters {
            hashing_algorithm: Some(HashingAlgorithm::Sha384),
            ..named(DigitalSignatureAlgorithm::Sha256WithRsaEncryption)
        };
        assert!(matches!(of(contradiction), Err(OperationError::CryptographicParameters(_))));
    }

    #[test]
    fn an_algorithm_that_is_not_offered_is_refused() {
        let world = World::new();
        let key = rsa(&world, Vec::new());
        for named in [A::Aes, A::Dsa, A::HmacSha256] {
            assert_eq!(
                ask(&world, sign_request(&key, Some(pss(named)), b"text")),
                Err(OperationError::UnsupportedCryptographicParameters)
            );
        }
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() {
        let world = World::new();
        let key = rsa(&world, Vec::new());
        assert_eq!(
            ask(&world, sign_request(&key, Some(pss(A::Ecdsa)), b"text")),
            Err(CryptoError::BadKey("it is a key for another algorithm").into())
        );
    }

    #[test]
    fn hash_and_padding_are_required() {
        let world = World::new();
        let key = rsa(&world, Vec::new());
        let of = |parameters| ask(&world, sign_request(&key, parameters, b"text")).unwrap_err();
        let no_padding = OperationError::CryptographicParameters("there is no Padding Method");
        let no_hash = OperationError::CryptographicParameters("there is no Hashing Algorithm");
        assert_eq!(of(None), no_padding);
        assert_eq!(
            of(Some(CryptographicParameters { padding_method: None, ..pss(A::Rsa) })),
            no_padding
        );
        assert_eq!(
            of(Some(CryptographicParameters { hashing_algorithm: None, ..pss(A::Rsa) })),
            no_hash
        );
    }

    #[test]
    fn an_elliptic_curve_key_signs_without_a_padding() {
        let world = World::new();
        let curve = RecommendedCurve::P256;
        let pair = fixture_key_pair(KeyPairSpecification::EllipticCurve { curve });
        let key = Object::PrivateKey(key_block(KeyFormatType::Pkcs8, pair.private.expose()));
        let key = world.register_active(key, CryptographicUsageMask::SIGN, Vec::new());
        for named in [A::Ec, A::Ecdsa] {
            let answer = ask(&world, sign_request(&key, Some(pss(named)), b"text"));
            assert!(answer.is_ok(), "{answer:?}");
        }
        let digest = Request {
            data: None,
            digested_data: Some(vec![1; 16]),
            ..sign_request(&key, None, b"")
        };
        assert!(ask(&world, digest).is_ok());
    }

    #[test]
    fn a_digest_stands_for_the_data() {
        let world = World::new();
        let own = Attribute::CryptographicParameters(Box::new(algorithm(A::Rsa)));
        let key = rsa(&world, vec![own]);
        let of = |data: Option<&[u8]>, digest: Option<&[u8]>| {
            ask(
                &world,
                Request {
                    data: data.map(Material::from),
                    digested_data: digest.map(<[u8]>::to_vec),
                    ..sign_request(&key, None, b"")
                },
            )
            .map(|answer| answer.signature_data.is_some())
        };
        assert_eq!(of(None, Some(&[1; 16])), Ok(true));
        assert!(matches!(
            of(Some(b"text"), Some(&[1; 16])),
            Err(OperationError::InvalidValue(Tag::DigestedData, _))
        ));
        let key = rsa(&world, vec![Attribute::CryptographicParameters(Box::new(pss(A::Rsa)))]);
        let request = Request { data: None, ..sign_request(&key, None, b"") };
        assert_eq!(ask(&world, request), Err(PayloadFault::Missing(Tag::Data).into()));
    }

    #[test]
    fn parts_are_signed_as_the_whole() {
        let world = World::new();
        let key = rsa(&world, vec![Attribute::CryptographicParameters(Box::new(pss(A::Rsa)))]);
        let whole = ask(&world, sign_request(&key, None, b"some text")).unwrap();
        assert_eq!(whole.correlation_value, None);
        let part = |data: &[u8], streaming| {
            ask(&world, Request { streaming, ..sign_request(&key, None, data) }).unwrap()
        };
        let first = part(b"so", first_part());
        assert_eq!(first.signature_data, None);
        let second = part(b"me te", next_part(first.correlation_value.as_ref()));
        assert_eq!(second.correlation_value, first.correlation_value);
        let last = part(b"xt", last_part(first.correlation_value.as_ref()));
        assert_eq!(last, whole);
    }
}
