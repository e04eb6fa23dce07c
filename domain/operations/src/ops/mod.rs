//! The registry: the only list of operations in the code base.
//!
//! To add an operation: write its file here (payloads, handler, tests), add its `mod` line, its row
//! and the identifiers it returns, and write its two tables in the codec's `payloads`. Without one of
//! these it does not compile.

pub mod activate;
pub mod add_attribute;
pub mod check;
pub mod create;
pub mod create_key_pair;
pub mod decrypt;
pub mod delete_attribute;
pub mod derive_key;
pub mod destroy;
pub mod discover_versions;
pub mod encrypt;
pub mod get;
pub mod get_attribute_list;
pub mod get_attributes;
pub mod hash;
pub mod interop;
pub mod locate;
pub mod log;
pub mod mac;
pub mod mac_verify;
pub mod modify_attribute;
pub mod query;
pub mod re_key;
pub mod register;
pub mod revoke;
pub mod set_attribute;
pub mod sign;
pub mod signature_verify;

use kmip_model::UniqueIdentifier;

/// Calls `$callback!` with one row per operation: its name in the enumeration, its module.
#[macro_export]
macro_rules! for_each_operation {
    ($callback:ident) => {
        $callback! {
            Activate => activate;
            AddAttribute => add_attribute;
            Check => check;
            Create => create;
            CreateKeyPair => create_key_pair;
            Decrypt => decrypt;
            DeleteAttribute => delete_attribute;
            DeriveKey => derive_key;
            Destroy => destroy;
            DiscoverVersions => discover_versions;
            Encrypt => encrypt;
            Get => get;
            GetAttributeList => get_attribute_list;
            GetAttributes => get_attributes;
            Hash => hash;
            Interop => interop;
            Locate => locate;
            Log => log;
            Mac => mac;
            MacVerify => mac_verify;
            ModifyAttribute => modify_attribute;
            Query => query;
            ReKey => re_key;
            Register => register;
            Revoke => revoke;
            SetAttribute => set_attribute;
            Sign => sign;
            SignatureVerify => signature_verify;
        }
    };
}

macro_rules! define {
    ($($name:ident => $module:ident;)*) => {
        /// A decoded request payload.
        #[derive(Debug, PartialEq)]
        pub enum Request {
            $(#[doc = stringify!($name)] $name($module::Request),)*
        }

        /// A response payload to encode.
        #[derive(Debug, PartialEq)]
        pub enum Response {
            $(#[doc = stringify!($name)] $name($module::Response),)*
        }

        /// Every operation that is implemented.
        pub const IMPLEMENTED: &[kmip_model::enumeration::Operation] =
            &[$(kmip_model::enumeration::Operation::$name,)*];

        pub(crate) async fn run(
            item: &mut $crate::processor::Item<'_>,
            request: &Request,
        ) -> Result<Box<Response>, $crate::error::OperationError> {
            Ok(Box::new(match request {
                $(Request::$name(request) => {
                    Response::$name(Box::pin($module::run(item, request)).await?)
                })*
            }))
        }
    };
}
for_each_operation!(define);

impl Response {
    /// Lists the identifiers in the payload, in their order: later items of the batch may count
    /// them.
    //= KMIP-2.1 §4.58
    #[must_use]
    pub fn unique_identifiers(&self) -> Vec<&UniqueIdentifier> {
        match self {
            Self::Activate(response) => vec![&response.unique_identifier],
            Self::AddAttribute(response) => vec![&response.unique_identifier],
            Self::Check(response) => vec![&response.unique_identifier],
            Self::Create(response) => vec![&response.unique_identifier],
            Self::CreateKeyPair(response) => vec![
                &response.private_key_unique_identifier,
                &response.public_key_unique_identifier,
            ],
            Self::Decrypt(response) => vec![&response.unique_identifier],
            Self::DeleteAttribute(response) => vec![&response.unique_identifier],
            Self::DeriveKey(response) => vec![&response.unique_identifier],
            Self::Destroy(response) => vec![&response.unique_identifier],
            Self::Encrypt(response) => vec![&response.unique_identifier],
            Self::Get(response) => vec![&response.unique_identifier],
            Self::GetAttributeList(response) => vec![&response.unique_identifier],
            Self::GetAttributes(response) => vec![&response.unique_identifier],
            Self::Locate(response) => response.unique_identifiers.iter().collect(),
            Self::Mac(response) => vec![&response.unique_identifier],
            Self::MacVerify(response) => vec![&response.unique_identifier],
            Self::ModifyAttribute(response) => vec![&response.unique_identifier],
            Self::ReKey(response) => vec![&response.unique_identifier],
            Self::Register(response) => vec![&response.unique_identifier],
            Self::Revoke(response) => vec![&response.unique_identifier],
            Self::SetAttribute(response) => vec![&response.unique_identifier],
            Self::Sign(response) => vec![&response.unique_identifier],
            Self::SignatureVerify(response) => vec![&response.unique_identifier],
            Self::DiscoverVersions(_)
            | Self::Hash(_)
            | Self::Interop(_)
            | Self::Log(_)
            | Self::Query(_) => Vec::new(),
        }
    }
}
