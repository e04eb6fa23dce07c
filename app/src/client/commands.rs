//! The commands and their options.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use kmip_model::{
    attribute::AttributeReference,
    enumeration::{
        CryptographicAlgorithm, CryptographicUsageMask, KeyFormatType, ObjectType, QueryFunction,
        RecommendedCurve, RevocationReasonCode, SecretDataType, State,
    },
};

use super::names;

/// One operation. Names of the specification may be written in any case, with hyphens or without.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Ask what the server offers.
    Query(Query),
    /// Ask which protocol versions the server speaks.
    DiscoverVersions,
    /// Have the server make a symmetric key.
    Create(Create),
    /// Have the server make a private key and its public key.
    CreateKeyPair(CreateKeyPair),
    /// Give the server an object from a file.
    Register(Register),
    /// Get an object, with its key material.
    Get(Get),
    /// Find objects, newest first.
    Locate(Locate),
    /// Show the attributes of an object.
    Attributes(Attributes),
    /// Make an object Active.
    Activate(Identified),
    /// Deactivate an object, or mark it as compromised.
    Revoke(Revoke),
    /// Destroy an object: its key material is gone for good.
    Destroy(Identified),
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Query {
    /// What to ask for, such as operations or profiles [default: what the version has].
    #[arg(value_name = "FUNCTION", value_parser = query_function)]
    pub(super) functions: Vec<QueryFunction>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Create {
    /// Cryptographic Algorithm.
    #[arg(long, default_value = "AES", value_parser = names::enumeration::<CryptographicAlgorithm>)]
    pub(super) algorithm: CryptographicAlgorithm,
    /// Cryptographic Length, in bits.
    #[arg(long, value_name = "BITS", default_value = "256")]
    pub(super) length: i32,
    /// Name; may be repeated.
    #[arg(long)]
    pub(super) name: Vec<String>,
    /// Cryptographic Usage Mask, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "encrypt,decrypt", value_parser = names::usage)]
    pub(super) usage: Vec<CryptographicUsageMask>,
    /// Object Group.
    #[arg(long, value_name = "GROUP")]
    pub(super) object_group: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct CreateKeyPair {
    /// Cryptographic Algorithm: RSA, EC or Ed25519 (2.0 and later).
    #[arg(long, default_value = "RSA", value_parser = names::enumeration::<CryptographicAlgorithm>)]
    pub(super) algorithm: CryptographicAlgorithm,
    /// Cryptographic Length, in bits [default for RSA: 3072].
    #[arg(long, value_name = "BITS")]
    pub(super) length: Option<i32>,
    /// Recommended Curve, such as P-256 [default for EC: P-256].
    #[arg(long, value_parser = names::enumeration::<RecommendedCurve>)]
    pub(super) curve: Option<RecommendedCurve>,
    /// Name; the private key gets NAME-private, the public key NAME-public.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Cryptographic Usage Mask of the private key, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "sign", value_parser = names::usage)]
    pub(super) private_usage: Vec<CryptographicUsageMask>,
    /// Cryptographic Usage Mask of the public key, separated by commas.
    #[arg(long, value_delimiter = ',', default_value = "verify", value_parser = names::usage)]
    pub(super) public_usage: Vec<CryptographicUsageMask>,
    /// Object Group of both.
    #[arg(long, value_name = "GROUP")]
    pub(super) object_group: Option<String>,
}

/// What can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RegisterType {
    /// The bytes of the file.
    SymmetricKey,
    /// The bytes of the file.
    SecretData,
    /// The bytes of the file.
    Opaque,
    /// X.509, PEM or DER.
    Certificate,
    /// PEM (RSA, EC or PKCS#8) or DER.
    PrivateKey,
    /// PEM (SubjectPublicKeyInfo) or DER.
    PublicKey,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Register {
    /// Object Type.
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) object_type: RegisterType,
    /// The file that holds the object.
    #[arg(long)]
    pub(super) file: PathBuf,
    /// Name; may be repeated.
    #[arg(long)]
    pub(super) name: Vec<String>,
    /// Cryptographic Algorithm [default: AES for symmetric keys; of others what the file says].
    #[arg(long, value_parser = names::enumeration::<CryptographicAlgorithm>)]
    pub(super) algorithm: Option<CryptographicAlgorithm>,
    /// Cryptographic Length, in bits [default for symmetric keys: that of the file].
    #[arg(long, value_name = "BITS")]
    pub(super) length: Option<i32>,
    /// Key Format Type [default: what PEM says; raw, pkcs8 or x509 as the type is].
    #[arg(long, value_parser = names::enumeration::<KeyFormatType>)]
    pub(super) format: Option<KeyFormatType>,
    /// Secret Data Type: password or seed.
    #[arg(long, default_value = "password", value_parser = names::enumeration::<SecretDataType>)]
    pub(super) secret_data_type: SecretDataType,
    /// Cryptographic Usage Mask, separated by commas [default: as the type is].
    #[arg(long, value_delimiter = ',', value_parser = names::usage)]
    pub(super) usage: Vec<CryptographicUsageMask>,
    /// Object Group.
    #[arg(long, value_name = "GROUP")]
    pub(super) object_group: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Get {
    /// Unique Identifier.
    pub(super) identifier: String,
    /// Key Format Type: raw, pkcs1, pkcs8, x509, ec-private-key, transparent-rsa-private-key and so
    /// on [default: the one it was registered in].
    #[arg(long, value_parser = names::enumeration::<KeyFormatType>)]
    pub(super) format: Option<KeyFormatType>,
    /// Write the bytes to this new file, mode 0600, instead of printing them.
    #[arg(long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

#[derive(Args, Clone, Debug, Default)]
pub(super) struct Locate {
    /// Name.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// Object Type, such as symmetric-key.
    #[arg(long = "type", value_name = "TYPE", value_parser = names::enumeration::<ObjectType>)]
    pub(super) object_type: Option<ObjectType>,
    /// State, such as active.
    #[arg(long, value_parser = names::enumeration::<State>)]
    pub(super) state: Option<State>,
    /// Cryptographic Algorithm.
    #[arg(long, value_parser = names::enumeration::<CryptographicAlgorithm>)]
    pub(super) algorithm: Option<CryptographicAlgorithm>,
    /// Object Group.
    #[arg(long, value_name = "GROUP")]
    pub(super) object_group: Option<String>,
    /// Show at most this many.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    pub(super) maximum: Option<u32>,
    /// Leave out this many [servers of 1.3 and later].
    #[arg(long, value_name = "COUNT", default_value = "0", value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX)))]
    pub(super) offset: u32,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Attributes {
    /// Unique Identifier.
    pub(super) identifier: String,
    /// Which attributes, such as State or "Cryptographic Length" [default: all].
    #[arg(value_name = "NAME", value_parser = names::attribute)]
    pub(super) names: Vec<AttributeReference>,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Identified {
    /// Unique Identifier.
    pub(super) identifier: String,
}

#[derive(Args, Clone, Debug)]
pub(super) struct Revoke {
    /// Unique Identifier.
    pub(super) identifier: String,
    /// Revocation Reason Code, such as key-compromise.
    #[arg(long, default_value = "unspecified", value_parser = names::enumeration::<RevocationReasonCode>)]
    pub(super) reason: RevocationReasonCode,
    /// Revocation Message.
    #[arg(long)]
    pub(super) message: Option<String>,
}

/// Finds a Query Function; the word Query may be left out.
fn query_function(text: &str) -> Result<QueryFunction, names::UnknownName> {
    names::enumeration(&format!("Query{text}")).or_else(|_| names::enumeration(text))
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use kmip_model::enumeration::Tag;

    use super::*;
    use crate::client::Arguments;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn parse(line: &str) -> Result<Arguments, String> {
        Program::try_parse_from(std::iter::once("client").chain(line.split(' ')))
            .map(|program| program.arguments)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_holds_together() {
        use clap::CommandFactory as _;
        Program::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_or_after_the_command() {
        for line in [
            "--address h:1 --json --kmip-version 2.1 query",
            "query --address h:1 --json --kmip-version 2.1",
        ] {
            let arguments = parse(line).unwrap();
            assert!(arguments.json);
            assert_eq!(arguments.server.address.as_deref(), Some("h:1"));
            assert_eq!(arguments.server.kmip_version.unwrap().to_string(), "2.1");
        }
    }

    #[test]
    fn create_has_defaults() {
        let Command::Create(create) = parse("create").unwrap().command else {
            panic!("not Create");
        };
        assert_eq!(create.algorithm, CryptographicAlgorithm::Aes);
        assert_eq!(create.length, 256);
        assert_eq!(
            create.usage,
            [CryptographicUsageMask::ENCRYPT, CryptographicUsageMask::DECRYPT]
        );
    }

    #[test]
    fn options_take_names_of_the_specification() {
        let line =
            "create --algorithm des3 --length 168 --usage wrap-key,UnwrapKey --name a --name b";
        let Command::Create(create) = parse(line).unwrap().command else {
            panic!("not Create");
        };
        assert_eq!(create.algorithm, CryptographicAlgorithm::Des3);
        assert_eq!(create.name, ["a", "b"]);
        assert_eq!(
            create.usage,
            [CryptographicUsageMask::WRAP_KEY, CryptographicUsageMask::UNWRAP_KEY]
        );
        let Command::Attributes(attributes) =
            parse("attributes id State cryptographic-length").unwrap().command
        else {
            panic!("not Get Attributes");
        };
        assert_eq!(
            attributes.names,
            [Tag::State, Tag::CryptographicLength].map(AttributeReference::Standard)
        );
        let Command::Query(query) = parse("query operations QueryProfiles").unwrap().command else {
            panic!("not Query");
        };
        assert_eq!(query.functions, [QueryFunction::QueryOperations, QueryFunction::QueryProfiles]);
    }

    #[test]
    fn wrong_values_are_refused_with_the_known_ones() {
        for (line, part) in [
            ("locate --state actve", "did you mean Active?"),
            ("create --algorithm zzzzzzzzzzzzzzzzzz", "known: DES, DES3"),
            ("query --kmip-version 1.5", "versions are 1.0, 1.1, 1.2"),
            ("register --type key --file f", "symmetric-key"),
            ("query --timeout 0", "--timeout"),
            ("locate --maximum 4294967295", "--maximum"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
