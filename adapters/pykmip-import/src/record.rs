//! The tables of PyKMIP's server that say what an object is, and one object's columns of all of
//! them.

use std::collections::BTreeMap;

use kmip_model::Material;

use crate::mapping::Unreadable;

/// The tables with a row for each object, or for each object of some types: name, the column that
/// names the object, the other columns. The first one decides which objects there are.
pub(crate) const TABLES: [(&str, &[&str]); 7] = [
    (
        "managed_objects",
        &["object_type", "value", "operation_policy_name", "sensitive", "initial_date", "owner"],
    ),
    ("crypto_objects", &["cryptographic_usage_mask", "state"]),
    (
        "keys",
        &[
            "cryptographic_algorithm",
            "cryptographic_length",
            "key_format_type",
            "_kdw_wrapping_method",
            "_kdw_eki_unique_identifier",
            "_kdw_eki_cp_block_cipher_mode",
            "_kdw_eki_cp_padding_method",
            "_kdw_eki_cp_hashing_algorithm",
            "_kdw_eki_cp_key_role_type",
            "_kdw_eki_cp_digital_signature_algorithm",
            "_kdw_eki_cp_cryptographic_algorithm",
            "_kdw_eki_cp_random_iv",
            "_kdw_eki_cp_iv_length",
            "_kdw_eki_cp_tag_length",
            "_kdw_eki_cp_fixed_field_length",
            "_kdw_eki_cp_invocation_field_length",
            "_kdw_eki_cp_counter_length",
            "_kdw_eki_cp_initial_counter_value",
            "_kdw_mski_unique_identifier",
            "_kdw_mski_cp_block_cipher_mode",
            "_kdw_mski_cp_padding_method",
            "_kdw_mski_cp_hashing_algorithm",
            "_kdw_mski_cp_key_role_type",
            "_kdw_mski_cp_digital_signature_algorithm",
            "_kdw_mski_cp_cryptographic_algorithm",
            "_kdw_mski_cp_random_iv",
            "_kdw_mski_cp_iv_length",
            "_kdw_mski_cp_tag_length",
            "_kdw_mski_cp_fixed_field_length",
            "_kdw_mski_cp_invocation_field_length",
            "_kdw_mski_cp_counter_length",
            "_kdw_mski_cp_initial_counter_value",
            "_kdw_mac_signature",
            "_kdw_iv_counter_nonce",
            "_kdw_encoding_option",
        ],
    ),
    (
        "split_keys",
        &[
            "_split_key_parts",
            "_key_part_identifier",
            "_split_key_threshold",
            "_split_key_method",
            "_prime_field_size",
        ],
    ),
    ("certificates", &["certificate_type"]),
    ("secret_data_objects", &["data_type"]),
    ("opaque_objects", &["opaque_type"]),
];

/// What one column of one row holds: SQLite does not hold a column to its declared type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Material),
    /// A number with a fraction, or a text in no encoding: PyKMIP writes neither.
    Other,
}

/// Everything that the database says of one object.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// The number that is the object's identifier.
    pub(crate) uid: i64,
    /// The columns of [`TABLES`], by name; what is not there is null.
    pub(crate) cells: BTreeMap<&'static str, Cell>,
    /// Name Value and Name Type, in their order.
    pub(crate) names: Vec<[Cell; 2]>,
    /// Object Groups, in their order.
    pub(crate) object_groups: Vec<Cell>,
    /// Application Namespace and Application Data, in their order.
    pub(crate) information: Vec<[Cell; 2]>,
}

impl Cell {
    /// Returns a number, if there is anything.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<i64>, Unreadable> {
        match self {
            Self::Null => Ok(None),
            Self::Integer(number) => Ok(Some(*number)),
            _ => Err(Unreadable::NoNumber(column)),
        }
    }

    /// Returns a text, if there is anything.
    pub(crate) fn text(&self, column: &'static str) -> Result<Option<String>, Unreadable> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) => Ok(Some(text.clone())),
            _ => Err(Unreadable::NoText(column)),
        }
    }

    /// Returns bytes, if there is anything.
    pub(crate) fn bytes(&self, column: &'static str) -> Result<Option<Material>, Unreadable> {
        match self {
            Self::Null => Ok(None),
            Self::Blob(bytes) => Ok(Some(bytes.clone())),
            _ => Err(Unreadable::NoBytes(column)),
        }
    }

    /// Returns the value of an enumeration: PyKMIP writes -1 where there is none.
    pub(crate) fn enumeration(&self, column: &'static str) -> Result<Option<u32>, Unreadable> {
        match self.number(column)? {
            None | Some(-1) => Ok(None),
            Some(number) => narrow(column, number).map(Some),
        }
    }
}

impl Record {
    fn cell(&self, column: &'static str) -> &Cell {
        self.cells.get(column).unwrap_or(&Cell::Null)
    }

    /// Returns a number of 32 bits with a sign, if there is one.
    pub(crate) fn integer(&self, column: &'static str) -> Result<Option<i32>, Unreadable> {
        self.number(column)?.map(|number| narrow(column, number)).transpose()
    }

    /// Returns a number of 64 bits, if there is one.
    pub(crate) fn number(&self, column: &'static str) -> Result<Option<i64>, Unreadable> {
        self.cell(column).number(column)
    }

    /// Returns a text, if there is one.
    pub(crate) fn text(&self, column: &'static str) -> Result<Option<String>, Unreadable> {
        self.cell(column).text(column)
    }

    /// Returns bytes, if there are any.
    pub(crate) fn bytes(&self, column: &'static str) -> Result<Option<Material>, Unreadable> {
        self.cell(column).bytes(column)
    }

    /// Returns the value of an enumeration or a mask, if there is one.
    pub(crate) fn enumeration(&self, column: &'static str) -> Result<Option<u32>, Unreadable> {
        self.cell(column).enumeration(column)
    }
}

/// Returns what must be there.
pub(crate) fn required<T>(value: Option<T>, column: &'static str) -> Result<T, Unreadable> {
    value.ok_or(Unreadable::Missing(column))
}

fn narrow<T: TryFrom<i64>>(column: &'static str, number: i64) -> Result<T, Unreadable> {
    T::try_from(number).map_err(|_| Unreadable::OutOfRange(column, number))
}
