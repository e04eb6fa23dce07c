//! What came of a request, as a table for people or as JSON for programs.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use kmip_host::secret_file;
use kmip_model::{
    ManagedObject, Material, UniqueIdentifier, Value,
    attribute::Instance,
    enumeration::Tag,
    object::{KeyBlock, KeyMaterial, KeyValue, Object},
    value::Valued,
};
use kmip_operations::ops::{Response, create, create_key_pair, get, get_attributes, locate, query};
use serde_json::{Map, Value as Json, json};

use super::{names, value};
use crate::report::Report;

/// Named values in the order in which they are shown.
#[derive(Debug, Default)]
pub(super) struct Output {
    fields: Vec<(&'static str, Json)>,
    /// Name, Attribute Index and value.
    attributes: Option<Vec<(String, u32, Json)>>,
}

impl Output {
    fn field(&mut self, name: &'static str, value: impl Into<Json>) {
        self.fields.push((name, value.into()));
    }

    fn optional(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.field(name, value.to_string());
        }
    }

    /// Adds a list that is shown only if something is in it.
    fn list<T: ToString>(&mut self, name: &'static str, values: &[T]) {
        if !values.is_empty() {
            self.field(name, values.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }

    fn attributes(&mut self, instances: &[Instance]) {
        let shown = instances.iter().map(|instance| {
            let attribute = &instance.attribute;
            let name = names::of_attribute(&attribute.reference());
            (name, instance.index, value::of(attribute.tag(), &attribute.to_value()))
        });
        self.attributes = Some(shown.collect());
    }

    /// Writes one object of JSON.
    pub(super) fn to_json(&self) -> String {
        let mut map: Map<String, Json> =
            self.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        if let Some(attributes) = &self.attributes {
            let attributes: Vec<Json> = attributes
                .iter()
                .map(|(name, index, value)| {
                    json!({"AttributeName": name, "AttributeIndex": index, "AttributeValue": value})
                })
                .collect();
            map.insert("Attributes".to_owned(), attributes.into());
        }
        format!("{:#}\n", Json::Object(map))
    }

    /// Writes a line for each value, names on the left.
    pub(super) fn to_table(&self) -> String {
        let fields = self.fields.iter().map(|(name, value)| (*name, value));
        let attributes = self.attributes.iter().flatten();
        let rows: Vec<(&str, &Json)> =
            fields.chain(attributes.map(|(name, _, value)| (name.as_str(), value))).collect();
        let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
        if rows.is_empty() {
            return "(nothing)\n".to_owned();
        }
        let mut table = String::new();
        for (name, value) in rows {
            let mut label = printable(name);
            for line in lines(value) {
                let _ = writeln!(table, "{label:width$}  {line}");
                label.clear();
            }
        }
        table
    }
}

/// Shows an object to an operator: its owner and its attributes, never what it holds.
pub(crate) fn object_in_words(object: &ManagedObject, json: bool) -> String {
    let mut output = Output::default();
    identified(&mut output, object.identifier());
    output.field("Owner", object.owner());
    let mut instances = object.all_attributes();
    instances.retain(|instance| instance.attribute.tag() != Tag::UniqueIdentifier);
    output.attributes(&instances);
    if json { output.to_json() } else { output.to_table() }
}

/// Shows the answer to a request.
pub(super) fn of(response: &Response) -> Output {
    let mut output = Output::default();
    match response {
        Response::Create(create::Response { object_type, unique_identifier, .. }) => {
            output.field("ObjectType", object_type.to_string());
            output.field("UniqueIdentifier", unique_identifier.as_str());
        }
        Response::CreateKeyPair(create_key_pair::Response {
            private_key_unique_identifier,
            public_key_unique_identifier,
        }) => {
            output.field("PrivateKeyUniqueIdentifier", private_key_unique_identifier.as_str());
            output.field("PublicKeyUniqueIdentifier", public_key_unique_identifier.as_str());
        }
        Response::Register(response) => identified(&mut output, &response.unique_identifier),
        Response::Activate(response) => identified(&mut output, &response.unique_identifier),
        Response::Revoke(response) => identified(&mut output, &response.unique_identifier),
        Response::Destroy(response) => identified(&mut output, &response.unique_identifier),
        Response::Get(response) => got(&mut output, response),
        Response::GetAttributes(get_attributes::Response { unique_identifier, attributes }) => {
            // Asked for all, a server says its identifier twice; once is enough.
            if !attributes.iter().any(|instance| instance.attribute.tag() == Tag::UniqueIdentifier)
            {
                identified(&mut output, unique_identifier);
            }
            output.attributes(attributes);
        }
        Response::Locate(locate::Response { located_items, unique_identifiers }) => {
            output.optional("LocatedItems", *located_items);
            let identifiers: Vec<&str> =
                unique_identifiers.iter().map(UniqueIdentifier::as_str).collect();
            output.field("UniqueIdentifiers", identifiers);
        }
        Response::Query(response) => queried(&mut output, response),
        Response::DiscoverVersions(response) => {
            let versions = response.protocol_versions.iter();
            let versions: Vec<_> =
                versions.map(|(major, minor)| format!("{major}.{minor}")).collect();
            output.field("ProtocolVersions", versions);
        }
        // The client has no commands for these.
        Response::AddAttribute(_)
        | Response::Check(_)
        | Response::Decrypt(_)
        | Response::DeleteAttribute(_)
        | Response::DeriveKey(_)
        | Response::Encrypt(_)
        | Response::GetAttributeList(_)
        | Response::Hash(_)
        | Response::Interop(_)
        | Response::Log(_)
        | Response::Mac(_)
        | Response::MacVerify(_)
        | Response::ModifyAttribute(_)
        | Response::ReKey(_)
        | Response::SetAttribute(_)
        | Response::Sign(_)
        | Response::SignatureVerify(_) => {}
    }
    output
}

fn identified(output: &mut Output, unique_identifier: &UniqueIdentifier) {
    output.field("UniqueIdentifier", unique_identifier.as_str());
}

fn queried(output: &mut Output, response: &query::Response) {
    output.optional("VendorIdentification", response.vendor_identification.as_ref());
    let structures = |fields: &[Vec<(Tag, Value)>]| -> Vec<Json> {
        fields.iter().map(|fields| value::structure(fields)).collect()
    };
    if let Some(fields) = response.server_information.as_ref().filter(|fields| !fields.is_empty()) {
        output.field("ServerInformation", value::structure(fields));
    }
    output.list("Operations", &response.operations);
    output.list("ObjectTypes", &response.object_types);
    output.list("ApplicationNamespaces", &response.application_namespaces);
    for (name, fields) in [
        ("ExtensionInformation", &response.extension_information),
        ("ValidationInformation", &response.validation_information),
    ] {
        if !fields.is_empty() {
            output.field(name, structures(fields));
        }
    }
    output.list("AttestationTypes", &response.attestation_types);
    if !response.rng_parameters.is_empty() {
        let generators: Vec<Json> = response
            .rng_parameters
            .iter()
            .map(|generator| value::of(Tag::RngParameters, &generator.to_value()))
            .collect();
        output.field("RNGParameters", generators);
    }
    output.list("Profiles", &response.profiles);
    if let Some(fields) =
        response.capability_information.as_ref().filter(|fields| !fields.is_empty())
    {
        output.field("CapabilityInformation", value::structure(fields));
    }
    output.list("ClientRegistrationMethods", &response.client_registration_methods);
    defaults(output, response);
    output.list("ProtectionStorageMasks", &response.protection_storage_masks);
}

/// Shows which attributes new objects of each type get.
fn defaults(output: &mut Output, response: &query::Response) {
    let by_type: BTreeMap<String, Json> = response
        .defaults_information
        .iter()
        .map(|(object_type, attributes)| {
            let fields: Vec<_> = attributes
                .iter()
                .map(|attribute| (attribute.tag(), attribute.to_value()))
                .collect();
            (object_type.to_string(), value::structure(&fields))
        })
        .collect();
    if !by_type.is_empty() {
        output.field("DefaultsInformation", json!(by_type));
    }
}

fn got(output: &mut Output, response: &get::Response) {
    described(output, response);
    match &response.object {
        Object::Certificate { certificate_value, .. } => {
            output.field("CertificateValue", value::hex(certificate_value));
        }
        Object::CertificateRequest { certificate_request_value, .. } => {
            output.field("CertificateRequestValue", value::hex(certificate_request_value));
        }
        Object::OpaqueObject { opaque_data_value, .. } => {
            output.field("OpaqueDataValue", value::hex(opaque_data_value.expose()));
        }
        Object::Template { attributes } => output.attributes(attributes),
        object => match object.key_block().and_then(|key_block| key_block.key_value.as_ref()) {
            Some(KeyValue::Plain { key_material, attributes }) => {
                output.field("KeyMaterial", value::key_material(key_material));
                if !attributes.is_empty() {
                    output.attributes(attributes);
                }
            }
            Some(KeyValue::Wrapped(bytes)) => {
                output.field("WrappedKeyValue", value::hex(bytes.expose()));
            }
            None => {}
        },
    }
}

/// Shows what an object is, without what it holds.
fn described(output: &mut Output, response: &get::Response) {
    identified(output, &response.unique_identifier);
    output.field("ObjectType", response.object_type.to_string());
    match &response.object {
        Object::Certificate { certificate_type, .. } => {
            output.field("CertificateType", certificate_type.to_string());
        }
        Object::CertificateRequest { certificate_request_type, .. } => {
            output.field("CertificateRequestType", certificate_request_type.to_string());
        }
        Object::OpaqueObject { opaque_data_type, .. } => {
            output.field("OpaqueDataType", opaque_data_type.to_string());
        }
        Object::PgpKey { pgp_key_version, .. } => {
            output.field("PGPKeyVersion", *pgp_key_version);
        }
        Object::SecretData { secret_data_type, .. } => {
            output.field("SecretDataType", secret_data_type.to_string());
        }
        Object::SplitKey {
            split_key_parts,
            key_part_identifier,
            split_key_threshold,
            split_key_method,
            ..
        } => {
            output.field("SplitKeyParts", *split_key_parts);
            output.field("KeyPartIdentifier", *key_part_identifier);
            output.field("SplitKeyThreshold", *split_key_threshold);
            output.field("SplitKeyMethod", split_key_method.to_string());
        }
        Object::PrivateKey(_)
        | Object::PublicKey(_)
        | Object::SymmetricKey(_)
        | Object::Template { .. } => {}
    }
    if let Some(key_block) = response.object.key_block() {
        key_block_described(output, key_block);
    }
}

fn key_block_described(output: &mut Output, key_block: &KeyBlock) {
    output.field("KeyFormatType", key_block.key_format_type.to_string());
    output.optional("KeyCompressionType", key_block.key_compression_type);
    output.optional("CryptographicAlgorithm", key_block.cryptographic_algorithm);
    if let Some(length) = key_block.cryptographic_length {
        output.field("CryptographicLength", length);
    }
    if let Some(wrapping) = &key_block.key_wrapping_data {
        output.field("WrappingMethod", wrapping.wrapping_method.to_string());
        if let Some(key) = &wrapping.encryption_key_information {
            output.field("EncryptionKey", key.unique_identifier.as_str());
        }
    }
}

/// Returns what an object holds, if that is bytes.
pub(super) fn bytes_of(object: &Object) -> Option<&[u8]> {
    match object {
        Object::Certificate { certificate_value, .. } => Some(certificate_value),
        Object::CertificateRequest { certificate_request_value, .. } => {
            Some(certificate_request_value)
        }
        Object::OpaqueObject { opaque_data_value, .. } => Some(opaque_data_value.expose()),
        Object::Template { .. } => None,
        object => match object.key_block()?.key_value.as_ref()? {
            KeyValue::Wrapped(bytes) => Some(bytes.expose()),
            KeyValue::Plain {
                key_material: KeyMaterial::TransparentSymmetricKey { key }, ..
            } => Some(key.expose()),
            KeyValue::Plain { key_material, .. } => key_material.as_bytes().map(Material::expose),
        },
    }
}

/// Writes what an object holds to a new file and shows the rest.
pub(super) fn save(response: &get::Response, file: &Path) -> Result<Output, Report> {
    let bytes = bytes_of(&response.object).ok_or_else(|| {
        Report::new("what came back is not bytes, but several numbers; leave --output out, or give --format pkcs8, x509 or raw")
    })?;
    secret_file::create(file, &bytes.into())?;
    let mut output = Output::default();
    described(&mut output, response);
    output.field("WrittenTo", file.display().to_string());
    output.field("WrittenBytes", bytes.len());
    Ok(output)
}

/// How long the value of a structure may be before it gets a line for each field.
const WIDTH: usize = 80;

/// Returns the lines that a value fills in a table.
fn lines(value: &Json) -> Vec<String> {
    match value {
        Json::Array(values) if values.is_empty() => vec!["(none)".to_owned()],
        Json::Array(values) if values.iter().any(Json::is_object) => {
            values.iter().flat_map(lines).collect()
        }
        Json::Array(values) => values.iter().map(line).collect(),
        Json::Object(fields) if line(value).len() > WIDTH => fields
            .iter()
            .map(|(name, value)| format!("{} {}", printable(name), line(value)))
            .collect(),
        value => vec![line(value)],
    }
}

fn line(value: &Json) -> String {
    match value {
        Json::String(text) => printable(text),
        Json::Array(values) => values.iter().map(line).collect::<Vec<_>>().join(" "),
        Json::Object(fields) => fields
            .iter()
            .map(|(name, value)| format!("{} {}", printable(name), line(value)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// Replaces what a terminal would obey instead of show: the text is another program's.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use kmip_model::{
        attribute::{Attribute, Name},
        enumeration::{CryptographicAlgorithm, KeyFormatType, ObjectType, Operation, State},
    };

    use super::*;

    fn symmetric_key(key_material: KeyMaterial) -> get::Response {
        get::Response {
            object_type: ObjectType::SymmetricKey,
            unique_identifier: UniqueIdentifier::new("id"),
            object: Object::SymmetricKey(KeyBlock {
                cryptographic_algorithm: Some(CryptographicAlgorithm::Aes),
                cryptographic_length: Some(16),
                ..KeyBlock::plain(KeyFormatType::Raw, key_material)
            }),
        }
    }

    #[test]
    fn a_key_is_a_table_with_its_material_in_hexadecimal() {
        let response = symmetric_key(KeyMaterial::Bytes(vec![0x0A, 0xFF].into()));
        assert_eq!(
            of(&Response::Get(response)).to_table(),
            concat!(
                "UniqueIdentifier        id\n",
                "ObjectType              SymmetricKey\n",
                "KeyFormatType           Raw\n",
                "CryptographicAlgorithm  AES\n",
                "CryptographicLength     16\n",
                "KeyMaterial             0aff\n",
            )
        );
    }

    #[test]
    fn attributes_are_shown_by_name() {
        let instance = |index, attribute| Instance { index, attribute };
        let response = get_attributes::Response {
            unique_identifier: UniqueIdentifier::new("id"),
            attributes: vec![
                instance(0, Attribute::State(State::Active)),
                instance(0, Attribute::Name(Name::text("a"))),
                instance(3, Attribute::Name(Name::text("b"))),
            ],
        };
        let output = of(&Response::GetAttributes(response));
        assert_eq!(
            output.to_table(),
            concat!(
                "UniqueIdentifier  id\n",
                "State             Active\n",
                "Name              NameType UninterpretedTextString, NameValue a\n",
                "Name              NameType UninterpretedTextString, NameValue b\n",
            )
        );
        let json: Json = serde_json::from_str(&output.to_json()).unwrap();
        assert_eq!(json["UniqueIdentifier"], "id");
        assert_eq!(json["Attributes"][2]["AttributeName"], "Name");
        assert_eq!(json["Attributes"][2]["AttributeIndex"], 3);
        assert_eq!(json["Attributes"][2]["AttributeValue"]["NameValue"], "b");
    }

    #[test]
    fn lists_have_a_line_for_each() {
        let response = query::Response {
            operations: vec![Operation::Create, Operation::Get],
            ..query::Response::default()
        };
        let output = of(&Response::Query(response));
        assert_eq!(output.to_table(), "Operations  Create\n            Get\n");
        assert_eq!(
            serde_json::from_str::<Json>(&output.to_json()).unwrap(),
            json!({"Operations": ["Create", "Get"]})
        );
    }

    #[test]
    fn finding_nothing_is_said() {
        let response = locate::Response { located_items: None, unique_identifiers: Vec::new() };
        let output = of(&Response::Locate(response));
        assert_eq!(output.to_table(), "UniqueIdentifiers  (none)\n");
        assert_eq!(of(&Response::Query(query::Response::default())).to_table(), "(nothing)\n");
        assert_eq!(
            serde_json::from_str::<Json>(&output.to_json()).unwrap(),
            json!({"UniqueIdentifiers": []})
        );
    }

    #[test]
    fn a_terminal_obeys_nothing_that_a_server_says() {
        let response = get_attributes::Response {
            unique_identifier: UniqueIdentifier::new("\u{1b}[2Jid\n"),
            attributes: Vec::new(),
        };
        let table = of(&Response::GetAttributes(response)).to_table();
        assert_eq!(table, "UniqueIdentifier  \\u{1b}[2Jid\\n\n");
    }

    #[test]
    fn saved_bytes_are_not_shown() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        let response = symmetric_key(KeyMaterial::Bytes(vec![0x0A, 0xFF].into()));
        let output = save(&response, &file).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), [0x0A, 0xFF]);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!output.to_table().contains("0aff"));
        assert!(output.to_table().contains(&file.display().to_string()));
        assert!(save(&response, &file).is_err(), "a file is never replaced");
    }

    #[test]
    fn numbers_are_not_saved_as_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("key");
        let response = symmetric_key(KeyMaterial::TransparentRsaPublicKey {
            modulus: vec![1],
            public_exponent: vec![3],
        });
        assert!(save(&response, &file).is_err());
        assert!(!file.exists());
    }
}
