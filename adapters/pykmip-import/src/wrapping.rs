//! Key Wrapping Data, which PyKMIP keeps in a column for each field.

use kmip_model::{
    UniqueIdentifier,
    attribute::CryptographicParameters,
    enumeration::{
        BlockCipherMode, CryptographicAlgorithm, DigitalSignatureAlgorithm, EncodingOption,
        HashingAlgorithm, KeyRoleType, PaddingMethod, WrappingMethod,
    },
    object::{KeyInformation, KeyWrappingData},
};

use crate::{
    mapping::Unreadable,
    record::{Record, required},
};

/// The columns of one Encryption Key Information or MAC/Signature Key Information.
struct Columns {
    unique_identifier: &'static str,
    block_cipher_mode: &'static str,
    padding_method: &'static str,
    hashing_algorithm: &'static str,
    key_role_type: &'static str,
    digital_signature_algorithm: &'static str,
    cryptographic_algorithm: &'static str,
    random_iv: &'static str,
    iv_length: &'static str,
    tag_length: &'static str,
    fixed_field_length: &'static str,
    invocation_field_length: &'static str,
    counter_length: &'static str,
    initial_counter_value: &'static str,
}

const ENCRYPTION_KEY: Columns = Columns {
    unique_identifier: "_kdw_eki_unique_identifier",
    block_cipher_mode: "_kdw_eki_cp_block_cipher_mode",
    padding_method: "_kdw_eki_cp_padding_method",
    hashing_algorithm: "_kdw_eki_cp_hashing_algorithm",
    key_role_type: "_kdw_eki_cp_key_role_type",
    digital_signature_algorithm: "_kdw_eki_cp_digital_signature_algorithm",
    cryptographic_algorithm: "_kdw_eki_cp_cryptographic_algorithm",
    random_iv: "_kdw_eki_cp_random_iv",
    iv_length: "_kdw_eki_cp_iv_length",
    tag_length: "_kdw_eki_cp_tag_length",
    fixed_field_length: "_kdw_eki_cp_fixed_field_length",
    invocation_field_length: "_kdw_eki_cp_invocation_field_length",
    counter_length: "_kdw_eki_cp_counter_length",
    initial_counter_value: "_kdw_eki_cp_initial_counter_value",
};

const MAC_SIGNATURE_KEY: Columns = Columns {
    unique_identifier: "_kdw_mski_unique_identifier",
    block_cipher_mode: "_kdw_mski_cp_block_cipher_mode",
    padding_method: "_kdw_mski_cp_padding_method",
    hashing_algorithm: "_kdw_mski_cp_hashing_algorithm",
    key_role_type: "_kdw_mski_cp_key_role_type",
    digital_signature_algorithm: "_kdw_mski_cp_digital_signature_algorithm",
    cryptographic_algorithm: "_kdw_mski_cp_cryptographic_algorithm",
    random_iv: "_kdw_mski_cp_random_iv",
    iv_length: "_kdw_mski_cp_iv_length",
    tag_length: "_kdw_mski_cp_tag_length",
    fixed_field_length: "_kdw_mski_cp_fixed_field_length",
    invocation_field_length: "_kdw_mski_cp_invocation_field_length",
    counter_length: "_kdw_mski_cp_counter_length",
    initial_counter_value: "_kdw_mski_cp_initial_counter_value",
};

/// Reads how the key is wrapped, if it is.
pub(crate) fn data(record: &Record) -> Result<Option<Box<KeyWrappingData>>, Unreadable> {
    let method = "_kdw_wrapping_method";
    let wrapping_method = record.enumeration(method)?.filter(|value| *value != 0);
    let encryption_key_information = key_information(record, &ENCRYPTION_KEY)?;
    let mac_signature_key_information = key_information(record, &MAC_SIGNATURE_KEY)?;
    let bytes = |column| -> Result<Option<Vec<u8>>, Unreadable> {
        let bytes = record.bytes(column)?.filter(|bytes| !bytes.is_empty());
        Ok(bytes.map(|bytes| bytes.expose().to_vec()))
    };
    let mac_signature = bytes("_kdw_mac_signature")?;
    let iv_counter_nonce = bytes("_kdw_iv_counter_nonce")?;
    let encoding_option = record.enumeration("_kdw_encoding_option")?.map(EncodingOption);
    let nothing = wrapping_method.is_none()
        && encryption_key_information.is_none()
        && mac_signature_key_information.is_none()
        && mac_signature.is_none()
        && iv_counter_nonce.is_none()
        && encoding_option.is_none();
    if nothing {
        return Ok(None);
    }
    Ok(Some(Box::new(KeyWrappingData {
        wrapping_method: WrappingMethod(required(wrapping_method, method)?),
        encryption_key_information,
        mac_signature_key_information,
        mac_signature,
        iv_counter_nonce,
        encoding_option,
    })))
}

fn key_information(
    record: &Record,
    columns: &Columns,
) -> Result<Option<KeyInformation>, Unreadable> {
    let identifier = record.text(columns.unique_identifier)?.filter(|text| !text.is_empty());
    let cryptographic_parameters = parameters(record, columns)?;
    if identifier.is_none() && cryptographic_parameters.is_none() {
        return Ok(None);
    }
    Ok(Some(KeyInformation {
        unique_identifier: UniqueIdentifier::new(required(identifier, columns.unique_identifier)?),
        cryptographic_parameters,
    }))
}

/// Reads Cryptographic Parameters; PyKMIP returns none if every field is absent, zero or false.
fn parameters(
    record: &Record,
    columns: &Columns,
) -> Result<Option<CryptographicParameters>, Unreadable> {
    let random_iv = record.integer(columns.random_iv)?.map(|number| number != 0);
    let lengths = [
        record.integer(columns.iv_length)?,
        record.integer(columns.tag_length)?,
        record.integer(columns.fixed_field_length)?,
        record.integer(columns.invocation_field_length)?,
        record.integer(columns.counter_length)?,
        record.integer(columns.initial_counter_value)?,
    ];
    let enumerations = [
        record.enumeration(columns.block_cipher_mode)?,
        record.enumeration(columns.padding_method)?,
        record.enumeration(columns.hashing_algorithm)?,
        record.enumeration(columns.key_role_type)?,
        record.enumeration(columns.digital_signature_algorithm)?,
        record.enumeration(columns.cryptographic_algorithm)?,
    ];
    let says_something = random_iv == Some(true)
        || lengths.iter().flatten().any(|length| *length != 0)
        || enumerations.iter().any(Option::is_some);
    if !says_something {
        return Ok(None);
    }
    let [iv_length, tag_length, fixed_field_length, invocation_field_length, rest @ ..] = lengths;
    let [counter_length, initial_counter_value] = rest;
    let [mode, padding, hashing, role, signature, algorithm] = enumerations;
    Ok(Some(CryptographicParameters {
        block_cipher_mode: mode.map(BlockCipherMode),
        padding_method: padding.map(PaddingMethod),
        hashing_algorithm: hashing.map(HashingAlgorithm),
        key_role_type: role.map(KeyRoleType),
        digital_signature_algorithm: signature.map(DigitalSignatureAlgorithm),
        cryptographic_algorithm: algorithm.map(CryptographicAlgorithm),
        random_iv,
        iv_length,
        tag_length,
        fixed_field_length,
        invocation_field_length,
        counter_length,
        initial_counter_value,
        // PyKMIP has no others.
        ..CryptographicParameters::EMPTY
    }))
}
