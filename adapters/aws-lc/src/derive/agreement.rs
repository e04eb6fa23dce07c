//! Diffie-Hellman: on the NIST curves (SP 800-56A §5.7.1.2) and X25519 (RFC 7748).

use aws_lc_rs::agreement::{
    Algorithm, ECDH_P256, ECDH_P384, ECDH_P521, PrivateKey, UnparsedPublicKey, X25519, agree as run,
};
use kmip_model::{
    enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType, RecommendedCurve},
    object::{KeyInUse, KeyMaterial},
};
use kmip_ports::crypto::{CryptoError, KeyDescription};
use zeroize::Zeroizing;

use super::Derived;
use crate::{format::DerKeyFormats, key};

const BAD_KEY: CryptoError = CryptoError::BadKey("its private value does not fit its curve");

/// Which curve, and in which form its keys are taken.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Curve {
    algorithm: &'static Algorithm,
    private_form: KeyFormatType,
    public_form: KeyFormatType,
}

impl Curve {
    fn of(description: &KeyDescription) -> Result<Self, CryptoError> {
        let (private_form, public_form) =
            (KeyFormatType::EcPrivateKey, KeyFormatType::TransparentEcPublicKey);
        let nist = |algorithm| Ok(Self { algorithm, private_form, public_form });
        match (description.algorithm, description.curve) {
            (CryptographicAlgorithm::Ed25519, _) => {
                Err(CryptoError::BadKey("it is for signatures only"))
            }
            (_, Some(RecommendedCurve::P256)) => nist(&ECDH_P256),
            (_, Some(RecommendedCurve::P384)) => nist(&ECDH_P384),
            (_, Some(RecommendedCurve::P521)) => nist(&ECDH_P521),
            (_, Some(RecommendedCurve::Curve25519)) => Ok(Self {
                algorithm: &X25519,
                private_form: KeyFormatType::Raw,
                public_form: KeyFormatType::Raw,
            }),
            (_, Some(other)) => {
                Err(CryptoError::Unsupported(format!("Diffie-Hellman on the curve {other}")))
            }
            (algorithm, None) => {
                Err(CryptoError::Unsupported(format!("Diffie-Hellman with {algorithm} keys")))
            }
        }
    }
}

/// Computes the shared secret and returns its first bytes.
pub(super) fn agree(
    key: &KeyInUse,
    public_key: &KeyMaterial,
    length: usize,
) -> Result<Derived, CryptoError> {
    let (description, private) =
        key::private(key, |description| Curve::of(description).map(|curve| curve.private_form))?;
    let curve = Curve::of(&description)?;
    let private = key::encoded(private)?;
    let private = if curve.algorithm == &X25519 {
        PrivateKey::from_private_key(curve.algorithm, private.expose())
    } else {
        PrivateKey::from_private_key_der(curve.algorithm, private.expose())
    }
    .map_err(|_| BAD_KEY)?;

    let public = public_bytes(public_key, curve)?;
    let shared = run(
        &private,
        UnparsedPublicKey::new(curve.algorithm, public),
        CryptoError::Failed,
        |secret| Ok(Zeroizing::new(secret.to_vec())),
    );
    let mut shared: Derived = shared?;
    if length > shared.len() {
        return Err(CryptoError::TooLong);
    }
    shared.truncate(length);
    Ok(shared)
}

/// Reads the other side's key, which must be on the same curve.
fn public_bytes(key: &KeyMaterial, curve: Curve) -> Result<Vec<u8>, CryptoError> {
    let (_, public) =
        DerKeyFormats::read(ObjectType::PublicKey, key, |description| {
            match Curve::of(description) {
                Ok(other) if other == curve => Ok(curve.public_form),
                Ok(_) => Err(CryptoError::BadKey("the two keys are on different curves")),
                Err(error) => Err(error),
            }
        })?;
    match public {
        KeyMaterial::TransparentEcPublicKey { q_string, .. } => Ok(q_string),
        other => key::encoded(other).map(|bytes| bytes.expose().to_vec()),
    }
}
