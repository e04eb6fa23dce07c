//! Values as JSON, with the names of the specification.

use std::fmt::Write as _;

use kmip_model::{
    Material, Value,
    enumeration::{Tag, Vocabulary},
    object::KeyMaterial,
};
use serde_json::{Map, Value as Json, json};

use super::names;

/// Writes bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Shows the value that stands under a tag.
pub(super) fn of(tag: Tag, value: &Value) -> Json {
    match value {
        Value::Structure(fields) => structure(fields),
        Value::Integer(number) => match tag.vocabulary() {
            Some(Vocabulary::Mask(members)) => {
                json!(names::of_mask(members, number.cast_unsigned()))
            }
            _ => json!(number),
        },
        Value::LongInteger(number) => json!(number),
        Value::Enumeration(number) => match tag.vocabulary() {
            Some(Vocabulary::Enumeration(members)) => json!(names::of_value(members, *number)),
            _ => json!(format!("0x{number:08X}")),
        },
        Value::Boolean(truth) => json!(truth),
        Value::TextString(text) => json!(text),
        Value::BigInteger(bytes) | Value::ByteString(bytes) => json!(hex(bytes)),
        Value::DateTime(date) => json!(date.to_string()),
        Value::Interval(interval) => json!(interval.0),
        Value::DateTimeExtended(microseconds) => json!(microseconds),
    }
}

/// Shows fields by their tags; what is repeated becomes a list.
pub(super) fn structure(fields: &[(Tag, Value)]) -> Json {
    let mut map = Map::new();
    for (tag, value) in fields {
        let shown = of(*tag, value);
        match map.get_mut(&tag.to_string()) {
            None => {
                map.insert(tag.to_string(), shown);
            }
            Some(Json::Array(list)) => list.push(shown),
            Some(first) => *first = json!([first.clone(), shown]),
        }
    }
    Json::Object(map)
}

/// Shows a key in one of its forms: one number, or several by name.
pub(super) fn key_material(material: &KeyMaterial) -> Json {
    let parts = match material {
        KeyMaterial::Bytes(bytes) => return json!(hex(bytes.expose())),
        KeyMaterial::TransparentSymmetricKey { key } => vec![("Key", Some(key.expose()))],
        KeyMaterial::TransparentRsaPrivateKey {
            modulus,
            private_exponent,
            public_exponent,
            p,
            q,
            prime_exponent_p,
            prime_exponent_q,
            crt_coefficient,
        } => vec![
            ("Modulus", Some(modulus.as_slice())),
            ("PrivateExponent", private_exponent.as_ref().map(Material::expose)),
            ("PublicExponent", public_exponent.as_deref()),
            ("P", p.as_ref().map(Material::expose)),
            ("Q", q.as_ref().map(Material::expose)),
            ("PrimeExponentP", prime_exponent_p.as_ref().map(Material::expose)),
            ("PrimeExponentQ", prime_exponent_q.as_ref().map(Material::expose)),
            ("CRTCoefficient", crt_coefficient.as_ref().map(Material::expose)),
        ],
        KeyMaterial::TransparentRsaPublicKey { modulus, public_exponent } => {
            vec![("Modulus", Some(modulus.as_slice())), ("PublicExponent", Some(public_exponent))]
        }
        KeyMaterial::TransparentDsaPrivateKey { p, q, g, x } => {
            vec![("P", Some(p.as_slice())), ("Q", Some(q)), ("G", Some(g)), ("X", Some(x.expose()))]
        }
        KeyMaterial::TransparentDsaPublicKey { p, q, g, y } => {
            vec![("P", Some(p.as_slice())), ("Q", Some(q)), ("G", Some(g)), ("Y", Some(y))]
        }
        KeyMaterial::TransparentDhPrivateKey { p, q, g, j, x } => vec![
            ("P", Some(p.as_slice())),
            ("Q", q.as_deref()),
            ("G", Some(g)),
            ("J", j.as_deref()),
            ("X", Some(x.expose())),
        ],
        KeyMaterial::TransparentDhPublicKey { p, q, g, j, y } => vec![
            ("P", Some(p.as_slice())),
            ("Q", q.as_deref()),
            ("G", Some(g)),
            ("J", j.as_deref()),
            ("Y", Some(y)),
        ],
        KeyMaterial::TransparentEcPrivateKey { recommended_curve, d } => {
            return json!({"RecommendedCurve": recommended_curve.to_string(), "D": hex(d.expose())});
        }
        KeyMaterial::TransparentEcPublicKey { recommended_curve, q_string } => {
            return json!({"RecommendedCurve": recommended_curve.to_string(), "QString": hex(q_string)});
        }
    };
    let parts = parts.into_iter().filter_map(|(name, bytes)| Some((name, bytes?)));
    Json::Object(parts.map(|(name, bytes)| (name.to_owned(), json!(hex(bytes)))).collect())
}

#[cfg(test)]
mod tests {
    use kmip_model::{DateTime, Interval, enumeration::RecommendedCurve};

    use super::*;

    #[test]
    fn values_have_the_names_of_their_tags() {
        for (tag, value, shown) in [
            (Tag::State, Value::Enumeration(2), json!("Active")),
            (Tag::State, Value::Enumeration(0x8000_0001), json!("0x80000001")),
            (Tag::CryptographicUsageMask, Value::Integer(12), json!(["Encrypt", "Decrypt"])),
            (Tag::CryptographicLength, Value::Integer(256), json!(256)),
            (Tag::InitialDate, Value::DateTime(DateTime(0)), json!("1970-01-01T00:00:00Z")),
            (Tag::LeaseTime, Value::Interval(Interval(9)), json!(9)),
            (Tag::DigestValue, Value::ByteString(vec![1, 0xAB]), json!("01ab")),
        ] {
            assert_eq!(of(tag, &value), shown, "{tag}");
        }
    }

    #[test]
    fn repeated_fields_become_a_list() {
        let text = |text: &str| Value::TextString(text.to_owned());
        let fields = ["a", "b", "c"].map(|name| (Tag::ServerName, text(name)));
        assert_eq!(structure(&fields), json!({"ServerName": ["a", "b", "c"]}));
    }

    #[test]
    fn transparent_keys_show_what_they_have() {
        let key = KeyMaterial::TransparentRsaPrivateKey {
            modulus: vec![0x0C],
            private_exponent: Some(vec![0x0D].into()),
            public_exponent: None,
            p: None,
            q: None,
            prime_exponent_p: None,
            prime_exponent_q: None,
            crt_coefficient: None,
        };
        assert_eq!(key_material(&key), json!({"Modulus": "0c", "PrivateExponent": "0d"}));
        let key = KeyMaterial::TransparentEcPrivateKey {
            recommended_curve: RecommendedCurve::P256,
            d: vec![1].into(),
        };
        assert_eq!(key_material(&key), json!({"RecommendedCurve": "P_256", "D": "01"}));
    }
}
