//! A store full of objects, the same every time: what the bulk loader writes and what the benchmark
//! of searches then looks for.
//!
//! Object number `n` of `count` follows from the two numbers alone. Half of all objects are those of
//! [`MANY`]; ten, spread over the whole, are those of [`FEW`]; the others have one of 500 owners.
//! Nine in ten are AES keys. What everybody sees (public keys, certificates) is two in a hundred.

use kmip_model::{
    DateTime, ManagedObject, Material, UniqueIdentifier,
    attribute::{Attribute, AttributeSet, Name, RevocationReason, VendorAttribute},
    enumeration::{
        CertificateType, CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType,
        OpaqueDataType, RevocationReasonCode,
    },
    object::{KeyBlock, KeyMaterial, Object},
    value::Value,
};

/// Who owns half of all objects.
pub const MANY: &str = "client";

/// Who owns ten objects, however many there are.
pub const FEW: &str = "alice";

/// How many objects [`FEW`] has.
pub const FEW_OBJECTS: u64 = 10;

/// How many others there are.
const OTHERS: u64 = 500;

/// When the first object was made, and how long it took to make all: ten years before 2026.
const BEGINNING: i64 = 1_451_606_400;
const YEARS: u64 = 315_360_000;

/// One object in so many is of a rare kind that only old stores have: Triple-DES, for MACs.
const RARE_AMONG: u64 = 200;

/// How many objects of the rare kind there are at most.
const RARE: u64 = 5;

/// Encrypt and Decrypt.
const ENCRYPT_DECRYPT: u32 = 12;

/// MAC Generate and MAC Verify.
const MAC: u32 = 0x180;

/// Returns the identifier of an object.
pub fn identifier(number: u64) -> String {
    // The first half looks as random as those that the server makes.
    let mixed = mix(number);
    format!("{mixed:016x}-0000-4000-8000-{number:012x}")
}

/// Returns the Name of an object.
pub fn name(number: u64) -> String {
    format!("key-{number:08}")
}

/// Returns the value of the custom attribute `x-batch`, which ten objects of one owner share.
pub fn batch(number: u64) -> String {
    format!("batch-{}", number / 20)
}

/// Returns when an object was made.
pub fn initial_date(number: u64, count: u64) -> i64 {
    let passed = u128::from(number).saturating_mul(u128::from(YEARS));
    let passed = passed.checked_div(u128::from(count)).unwrap_or_default();
    BEGINNING.saturating_add(i64::try_from(passed).unwrap_or_default())
}

/// Returns who owns an object.
pub fn owner(number: u64, count: u64) -> String {
    let between = (count / FEW_OBJECTS).max(1);
    let is_early = number < between.saturating_mul(FEW_OBJECTS);
    if is_early && number.checked_rem(between) == Some(between / 2) {
        FEW.to_owned()
    } else if number.is_multiple_of(2) {
        MANY.to_owned()
    } else {
        format!("owner-{}", mix(number).checked_rem(OTHERS).unwrap_or_default())
    }
}

/// Makes an object. `now` is the time of loading: some keys are to expire an hour later, and one in
/// fifty has expired already without anybody having touched it.
pub fn object(number: u64, count: u64, now: i64) -> ManagedObject {
    let dice = mix(number.wrapping_add(1 << 40));
    let kind = dice % 100;
    let made = initial_date(number, count);
    let (held, mut attributes) = content(number, kind);
    let mut set = |attribute| attributes.set(attribute);
    set(Attribute::Name(Name::text(name(number))));
    set(Attribute::InitialDate(DateTime(made)));
    set(Attribute::LastChangeDate(DateTime(made)));
    for (attribute_name, text) in
        [("batch", batch(number)), ("application", format!("application-{}", (dice >> 8) % 20))]
    {
        set(Attribute::Vendor(VendorAttribute {
            vendor_identification: "x".to_owned(),
            attribute_name: attribute_name.to_owned(),
            attribute_value: Value::TextString(text),
        }));
    }
    let life = (dice >> 16) % 100;
    if (2..4).contains(&life) {
        set(Attribute::DeactivationDate(DateTime(now.saturating_add(3_600))));
    } else if life < 2 {
        set(Attribute::DeactivationDate(DateTime(now.saturating_sub(3_600))));
    }
    let identifier = UniqueIdentifier::new(identifier(number));
    let object = ManagedObject::new(identifier, owner(number, count), held, attributes);
    live(object, life, DateTime(made.saturating_add(1)))
}

/// Makes what an object holds, and what follows from it.
fn content(number: u64, kind: u64) -> (Object, AttributeSet) {
    let rare = number.is_multiple_of(RARE_AMONG) && number / RARE_AMONG < RARE;
    let (object, algorithm, bits, mask) = match kind {
        _ if rare => (
            Object::SymmetricKey(key_block(number, KeyFormatType::Raw, 24)),
            Some(CryptographicAlgorithm::Des3),
            Some(192),
            MAC,
        ),
        0 => (
            Object::PublicKey(key_block(number, KeyFormatType::X509, 294)),
            Some(CryptographicAlgorithm::Rsa),
            Some(2048),
            2,
        ),
        1 => (
            Object::Certificate {
                certificate_type: CertificateType::X509,
                certificate_value: bytes(number, 800),
            },
            None,
            None,
            2,
        ),
        2 => (
            Object::PrivateKey(key_block(number, KeyFormatType::Pkcs8, 1_218)),
            Some(CryptographicAlgorithm::Rsa),
            Some(2048),
            1,
        ),
        3..7 => (
            Object::OpaqueObject {
                opaque_data_type: OpaqueDataType(1),
                opaque_data_value: Material::new(bytes(number, 120)),
            },
            None,
            None,
            0,
        ),
        7..10 => (
            Object::SymmetricKey(key_block(number, KeyFormatType::Raw, 32)),
            Some(CryptographicAlgorithm::HmacSha256),
            Some(256),
            MAC,
        ),
        _ => (
            Object::SymmetricKey(key_block(number, KeyFormatType::Raw, 32)),
            Some(CryptographicAlgorithm::Aes),
            Some(256),
            ENCRYPT_DECRYPT,
        ),
    };
    let mut attributes = AttributeSet::default();
    if let Some(algorithm) = algorithm {
        attributes.set(Attribute::CryptographicAlgorithm(algorithm));
    }
    if let Some(bits) = bits {
        attributes.set(Attribute::CryptographicLength(bits));
    }
    attributes.set(Attribute::CryptographicUsageMask(CryptographicUsageMask(mask)));
    (object, attributes)
}

/// Brings an object to where it is in its life: seven in ten are Active.
fn live(object: ManagedObject, life: u64, at: DateTime) -> ManagedObject {
    let reason = |code| RevocationReason { revocation_reason_code: code, revocation_message: None };
    let active = |object: ManagedObject| object.activate(at).expect("it is Pre-Active");
    let revoked = |object: ManagedObject, code| {
        object.revoke(reason(code), None, at).expect("this state can be revoked")
    };
    match life {
        0..72 => active(object),
        72..82 => object,
        82..92 => revoked(active(object), RevocationReasonCode::CessationOfOperation),
        92..97 => revoked(active(object), RevocationReasonCode::KeyCompromise),
        _ => object.destroy(at).expect("a Pre-Active object can be destroyed"),
    }
}

fn key_block(number: u64, format: KeyFormatType, length: usize) -> KeyBlock {
    KeyBlock::plain(format, KeyMaterial::Bytes(Material::new(bytes(number, length))))
}

fn bytes(number: u64, length: usize) -> Vec<u8> {
    (0_u64..).flat_map(|part| mix(number ^ (part << 48)).to_le_bytes()).take(length).collect()
}

/// Turns a number into one that looks like chance: the end of SplitMix64.
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_few_are_ten_in_every_store() {
        for count in [10, 1_000, 100_000] {
            let few = (0..count).filter(|number| owner(*number, count) == FEW).count();
            assert_eq!(few as u64, FEW_OBJECTS, "{count}");
        }
    }

    #[test]
    fn objects_can_be_made_whatever_their_number() {
        for number in 0..2_000 {
            let object = object(number, 2_000, 1_700_000_000);
            assert_eq!(object.identifier().as_str(), identifier(number));
            assert_eq!(object.owner(), owner(number, 2_000));
        }
    }
}
