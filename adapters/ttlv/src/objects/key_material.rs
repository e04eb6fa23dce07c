//! Key Material (KMIP 2.1 §3.2, 1.4 §2.1.4 and §2.1.7): bytes, or a structure of numbers for the
//! transparent formats.

use kmip_model::{
    Material,
    enumeration::{CryptographicAlgorithm, KeyFormatType, Tag},
    object::KeyMaterial,
};

use crate::{
    fault::Fault,
    reader::{Element, Fields},
    schema::{Context, Decode as _, Encode as _},
    values::BigInteger,
    version::Version,
    writer::Writer,
};

/// Reads Key Material of a Key Format Type.
pub(super) fn read(
    format: KeyFormatType,
    element: Element<'_>,
    context: &Context,
) -> Result<KeyMaterial, Fault> {
    use KeyFormatType as F;
    match format {
        F::TransparentSymmetricKey => {
            let fields = open(element, &[Tag::Key])?;
            Ok(KeyMaterial::TransparentSymmetricKey { key: fields.required(Tag::Key, context)? })
        }
        F::TransparentRsaPrivateKey => rsa_private_key(element, context),
        F::TransparentRsaPublicKey => {
            let fields = open(element, &[Tag::Modulus, Tag::PublicExponent])?;
            Ok(KeyMaterial::TransparentRsaPublicKey {
                modulus: number(&fields, Tag::Modulus, context)?,
                public_exponent: number(&fields, Tag::PublicExponent, context)?,
            })
        }
        F::TransparentDsaPrivateKey | F::TransparentDsaPublicKey => {
            dsa_key(format, element, context)
        }
        F::TransparentDhPrivateKey | F::TransparentDhPublicKey => dh_key(format, element, context),
        F::TransparentEcdsaPrivateKey
        | F::TransparentEcdhPrivateKey
        | F::TransparentEcmqvPrivateKey
        | F::TransparentEcPrivateKey => {
            let fields = open(element, &[Tag::RecommendedCurve, Tag::D])?;
            Ok(KeyMaterial::TransparentEcPrivateKey {
                recommended_curve: fields.required(Tag::RecommendedCurve, context)?,
                d: secret(&fields, Tag::D, context)?,
            })
        }
        F::TransparentEcdsaPublicKey
        | F::TransparentEcdhPublicKey
        | F::TransparentEcmqvPublicKey
        | F::TransparentEcPublicKey => {
            let fields = open(element, &[Tag::RecommendedCurve, Tag::QString])?;
            Ok(KeyMaterial::TransparentEcPublicKey {
                recommended_curve: fields.required(Tag::RecommendedCurve, context)?,
                q_string: fields.required(Tag::QString, context)?,
            })
        }
        _ => Material::decode(element, context).map(KeyMaterial::Bytes),
    }
}

fn open<'a>(element: Element<'a>, known: &[Tag]) -> Result<Fields<'a>, Fault> {
    let fields = element.fields()?;
    fields.close(|tag| known.contains(&tag))?;
    Ok(fields)
}

fn number(fields: &Fields<'_>, tag: Tag, context: &Context) -> Result<Vec<u8>, Fault> {
    fields.required::<BigInteger<Vec<u8>>>(tag, context).map(|number| number.0)
}

fn maybe_number(
    fields: &Fields<'_>,
    tag: Tag,
    context: &Context,
) -> Result<Option<Vec<u8>>, Fault> {
    Ok(fields.optional::<BigInteger<Vec<u8>>>(tag, context)?.map(|number| number.0))
}

fn secret(fields: &Fields<'_>, tag: Tag, context: &Context) -> Result<Material, Fault> {
    fields.required::<BigInteger<Material>>(tag, context).map(|number| number.0)
}

fn maybe_secret(
    fields: &Fields<'_>,
    tag: Tag,
    context: &Context,
) -> Result<Option<Material>, Fault> {
    Ok(fields.optional::<BigInteger<Material>>(tag, context)?.map(|number| number.0))
}

fn rsa_private_key(element: Element<'_>, context: &Context) -> Result<KeyMaterial, Fault> {
    let fields = open(
        element,
        &[
            Tag::Modulus,
            Tag::PrivateExponent,
            Tag::PublicExponent,
            Tag::P,
            Tag::Q,
            Tag::PrimeExponentP,
            Tag::PrimeExponentQ,
            Tag::CrtCoefficient,
        ],
    )?;
    Ok(KeyMaterial::TransparentRsaPrivateKey {
        modulus: number(&fields, Tag::Modulus, context)?,
        private_exponent: maybe_secret(&fields, Tag::PrivateExponent, context)?,
        public_exponent: maybe_number(&fields, Tag::PublicExponent, context)?,
        p: maybe_secret(&fields, Tag::P, context)?,
        q: maybe_secret(&fields, Tag::Q, context)?,
        prime_exponent_p: maybe_secret(&fields, Tag::PrimeExponentP, context)?,
        prime_exponent_q: maybe_secret(&fields, Tag::PrimeExponentQ, context)?,
        crt_coefficient: maybe_secret(&fields, Tag::CrtCoefficient, context)?,
    })
}

fn dsa_key(
    format: KeyFormatType,
    element: Element<'_>,
    context: &Context,
) -> Result<KeyMaterial, Fault> {
    let private = format == KeyFormatType::TransparentDsaPrivateKey;
    let fields = open(element, &[Tag::P, Tag::Q, Tag::G, if private { Tag::X } else { Tag::Y }])?;
    let p = number(&fields, Tag::P, context)?;
    let q = number(&fields, Tag::Q, context)?;
    let g = number(&fields, Tag::G, context)?;
    Ok(if private {
        let x = secret(&fields, Tag::X, context)?;
        KeyMaterial::TransparentDsaPrivateKey { p, q, g, x }
    } else {
        let y = number(&fields, Tag::Y, context)?;
        KeyMaterial::TransparentDsaPublicKey { p, q, g, y }
    })
}

fn dh_key(
    format: KeyFormatType,
    element: Element<'_>,
    context: &Context,
) -> Result<KeyMaterial, Fault> {
    let private = format == KeyFormatType::TransparentDhPrivateKey;
    let own = if private { Tag::X } else { Tag::Y };
    let fields = open(element, &[Tag::P, Tag::Q, Tag::G, Tag::J, own])?;
    let number = |tag| number(&fields, tag, context);
    let maybe_number = |tag| maybe_number(&fields, tag, context);
    Ok(if private {
        KeyMaterial::TransparentDhPrivateKey {
            p: number(Tag::P)?,
            q: maybe_number(Tag::Q)?,
            g: number(Tag::G)?,
            j: maybe_number(Tag::J)?,
            x: secret(&fields, Tag::X, context)?,
        }
    } else {
        KeyMaterial::TransparentDhPublicKey {
            p: number(Tag::P)?,
            q: maybe_number(Tag::Q)?,
            g: number(Tag::G)?,
            j: maybe_number(Tag::J)?,
            y: number(Tag::Y)?,
        }
    })
}

/// Writes Key Material.
pub(super) fn write(key_material: &KeyMaterial, writer: &mut Writer) {
    let KeyMaterial::Bytes(bytes) = key_material else {
        return writer.structure(Tag::KeyMaterial, |writer| {
            write_transparent(key_material, writer);
        });
    };
    bytes.encode(Tag::KeyMaterial, writer);
}

fn write_transparent(key_material: &KeyMaterial, writer: &mut Writer) {
    use KeyMaterial as K;
    match key_material {
        K::Bytes(_) => {}
        K::TransparentSymmetricKey { key } => key.encode(Tag::Key, writer),
        K::TransparentRsaPrivateKey {
            modulus,
            private_exponent,
            public_exponent,
            p,
            q,
            prime_exponent_p,
            prime_exponent_q,
            crt_coefficient,
        } => {
            writer.big_integer(Tag::Modulus, modulus);
            write_secret(Tag::PrivateExponent, private_exponent.as_ref(), writer);
            write_number(Tag::PublicExponent, public_exponent.as_ref(), writer);
            write_secret(Tag::P, p.as_ref(), writer);
            write_secret(Tag::Q, q.as_ref(), writer);
            write_secret(Tag::PrimeExponentP, prime_exponent_p.as_ref(), writer);
            write_secret(Tag::PrimeExponentQ, prime_exponent_q.as_ref(), writer);
            write_secret(Tag::CrtCoefficient, crt_coefficient.as_ref(), writer);
        }
        K::TransparentRsaPublicKey { modulus, public_exponent } => {
            writer.big_integer(Tag::Modulus, modulus);
            writer.big_integer(Tag::PublicExponent, public_exponent);
        }
        K::TransparentDsaPrivateKey { p, q, g, x } => {
            write_group(p, Some(q), g, None, writer);
            write_secret(Tag::X, Some(x), writer);
        }
        K::TransparentDsaPublicKey { p, q, g, y } => {
            write_group(p, Some(q), g, None, writer);
            writer.big_integer(Tag::Y, y);
        }
        K::TransparentDhPrivateKey { p, q, g, j, x } => {
            write_group(p, q.as_ref(), g, j.as_ref(), writer);
            write_secret(Tag::X, Some(x), writer);
        }
        K::TransparentDhPublicKey { p, q, g, j, y } => {
            write_group(p, q.as_ref(), g, j.as_ref(), writer);
            writer.big_integer(Tag::Y, y);
        }
        K::TransparentEcPrivateKey { recommended_curve, d } => {
            recommended_curve.encode(Tag::RecommendedCurve, writer);
            write_secret(Tag::D, Some(d), writer);
        }
        K::TransparentEcPublicKey { recommended_curve, q_string } => {
            recommended_curve.encode(Tag::RecommendedCurve, writer);
            q_string.encode(Tag::QString, writer);
        }
    }
}

fn write_group(p: &[u8], q: Option<&Vec<u8>>, g: &[u8], j: Option<&Vec<u8>>, writer: &mut Writer) {
    writer.big_integer(Tag::P, p);
    write_number(Tag::Q, q, writer);
    writer.big_integer(Tag::G, g);
    write_number(Tag::J, j, writer);
}

fn write_number(tag: Tag, number: Option<&Vec<u8>>, writer: &mut Writer) {
    if let Some(number) = number {
        writer.big_integer(tag, number);
    }
}

fn write_secret(tag: Tag, number: Option<&Material>, writer: &mut Writer) {
    if let Some(number) = number {
        writer.big_integer(tag, number.expose());
    }
}

/// Returns the Key Format Type that a version uses for transparent elliptic-curve keys: one for
/// each algorithm before 1.3, one for all of them since.
pub(super) fn format_in(
    version: Version,
    format: KeyFormatType,
    algorithm: Option<CryptographicAlgorithm>,
) -> KeyFormatType {
    use KeyFormatType as F;
    if version == Version::STORED {
        return format;
    }
    match format {
        F::TransparentEcPrivateKey if version < Version::V1_3 => match algorithm {
            Some(CryptographicAlgorithm::Ecdh) => F::TransparentEcdhPrivateKey,
            Some(CryptographicAlgorithm::Ecmqv) => F::TransparentEcmqvPrivateKey,
            _ => F::TransparentEcdsaPrivateKey,
        },
        F::TransparentEcPublicKey if version < Version::V1_3 => match algorithm {
            Some(CryptographicAlgorithm::Ecdh) => F::TransparentEcdhPublicKey,
            Some(CryptographicAlgorithm::Ecmqv) => F::TransparentEcmqvPublicKey,
            _ => F::TransparentEcdsaPublicKey,
        },
        F::TransparentEcdsaPrivateKey
        | F::TransparentEcdhPrivateKey
        | F::TransparentEcmqvPrivateKey
            if version >= Version::V1_3 =>
        {
            F::TransparentEcPrivateKey
        }
        F::TransparentEcdsaPublicKey
        | F::TransparentEcdhPublicKey
        | F::TransparentEcmqvPublicKey
            if version >= Version::V1_3 =>
        {
            F::TransparentEcPublicKey
        }
        other => other,
    }
}
