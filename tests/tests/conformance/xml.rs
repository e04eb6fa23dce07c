//! The case files: XML messages to trees (Profiles 2.1 §5.4), and what is known to be wrong in them.
//!
//! A file alternates requests and responses; text between the messages is skipped. Element names
//! are tag names, a missing `type` means Structure, enumerations and bits are written by name.

use std::path::{Path, PathBuf};

use kmip_model::enumeration::{Enumeration, Tag};
use roxmltree::{Document, Node};

use crate::names::{self, Field, NameError};
use crate::tree::{BigInteger, Item, ItemType, Value};
use crate::variables::Symbol;

/// One case: what is sent, and what is expected in return.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// The name of the file without its ending; it is unique among all versions.
    pub(crate) name: String,
    /// The protocol version: major, minor.
    pub(crate) version: (i32, i32),
    /// The directory: `mandatory`, `optional` or `testcases-doc`.
    pub(crate) kind: String,
    path: PathBuf,
}

/// A request and the response that is printed for it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) request: Item,
    pub(crate) response: Item,
}

/// Why a case file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaseError {
    #[error("could not read {0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error("not well-formed XML: {0}")]
    Xml(#[from] roxmltree::Error),
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("{0} is no item type")]
    ItemType(String),
    #[error("{0} has no value")]
    NoValue(String),
    #[error("{value} is no {item_type} for {field}")]
    Value { field: String, item_type: &'static str, value: String },
    #[error("{0} requests but {1} responses")]
    Pairs(usize, usize),
}

impl Case {
    /// Makes a case without a file, for a test.
    #[cfg(test)]
    pub(crate) fn named(name: &str, version: (i32, i32)) -> Self {
        Self { name: name.to_owned(), version, kind: "mandatory".to_owned(), path: PathBuf::new() }
    }

    /// Returns the name without the version at its end.
    pub(crate) fn base(&self) -> &str {
        match self.name.rsplit_once('-') {
            Some((base, end)) if end.len() == 2 && is_number(end) => base,
            _ => &self.name,
        }
    }

    /// Returns the profile of the case: `SKLC` of `SKLC-M-1-14`, `TC-WRAP` of `TC-WRAP-1-12`.
    pub(crate) fn profile(&self) -> &str {
        let mandatory = self.name.find("-M-");
        let optional = self.name.find("-O-");
        let end = match (mandatory, optional) {
            (Some(m), Some(o)) => Some(m.min(o)),
            (m, o) => m.or(o),
        };
        let end = end.filter(|end| *end > 0).unwrap_or_else(|| {
            let rest = self.name.strip_prefix("TC-").unwrap_or(&self.name);
            let word = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            self.name.len().saturating_sub(rest.len()).saturating_add(word)
        });
        self.name.get(..end).unwrap_or(&self.name)
    }

    /// Returns the profile with its part: `CS-BC-GCM` of `CS-BC-M-GCM-1-14`.
    pub(crate) fn group(&self) -> String {
        let profile = self.profile();
        let part = self
            .name
            .strip_prefix(profile)
            .and_then(|rest| rest.strip_prefix("-M-"))
            .and_then(|rest| rest.split('-').next())
            .filter(|part| profile.starts_with("CS-") && !is_number(part));
        match part {
            Some(part) => format!("{profile}-{part}"),
            None => profile.to_owned(),
        }
    }

    /// Returns the version as it is written.
    pub(crate) fn version_name(&self) -> String {
        format!("{}.{}", self.version.0, self.version.1)
    }

    /// Reads the messages.
    pub(crate) fn exchanges(&self) -> Result<Vec<Exchange>, CaseError> {
        let text = std::fs::read_to_string(&self.path)
            .map_err(|error| CaseError::File(self.path.clone(), error))?;
        let mut exchanges = exchanges_in(&text, Spaces::of(self.version))?;
        for exchange in &mut exchanges {
            correct(&self.name, &mut exchange.request);
            correct(&self.name, &mut exchange.response);
        }
        Ok(exchanges)
    }

    /// Sorts by version, kind and name, with the numbers in names as numbers.
    fn order(&self) -> ((i32, i32), u8, Vec<(String, u32)>) {
        let kind = match self.kind.as_str() {
            "mandatory" => 0,
            "optional" => 1,
            _ => 2,
        };
        let parts = self.name.split('-').map(|part| match part.parse() {
            Ok(number) => (String::new(), number),
            Err(_) => (part.to_owned(), 0),
        });
        (self.version, kind, parts.collect())
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_digit())
}

/// The cases of a directory, and how many there are of versions that this harness does not play.
#[derive(Debug, Default)]
pub(crate) struct Cases {
    pub(crate) cases: Vec<Case>,
    /// The number of cases of later versions.
    pub(crate) later: usize,
}

impl Cases {
    /// Finds the cases below `VERSION/KIND/NAME.xml`; a missing directory holds none.
    pub(crate) fn find(root: &Path) -> Self {
        let mut found = Self::default();
        for version_directory in directory(root) {
            let Some(version) = version_of(&version_directory) else { continue };
            for kind_directory in directory(&version_directory) {
                for path in directory(&kind_directory) {
                    let name = text_of(path.file_stem());
                    if path.extension().is_none_or(|extension| extension != "xml") {
                        continue;
                    }
                    if version > (2, 1) {
                        found.later = found.later.saturating_add(1);
                        continue;
                    }
                    let kind = text_of(kind_directory.file_name());
                    found.cases.push(Case { name, version, kind, path });
                }
            }
        }
        // One version lists its optional cases under mandatory as well: they count once.
        found.cases.sort_by_key(|case| (case.name.clone(), case.kind != "optional"));
        found.cases.dedup_by(|later, earlier| later.name == earlier.name);
        found.cases.sort_by_key(Case::order);
        found
    }
}

fn text_of(part: Option<&std::ffi::OsStr>) -> String {
    part.map(|part| part.to_string_lossy().into_owned()).unwrap_or_default()
}

fn directory(path: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn version_of(path: &Path) -> Option<(i32, i32)> {
    let name = text_of(path.file_name());
    let (major, minor) = name.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether runs of spaces in values mean one space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spaces {
    AsWritten,
    Collapsed,
}

impl Spaces {
    /// The cases of 1.0 to 1.2 were printed in documents whose line breaks became spaces.
    fn of(version: (i32, i32)) -> Self {
        if version <= (1, 2) { Self::Collapsed } else { Self::AsWritten }
    }
}

/// Reads the messages of a file and pairs them.
fn exchanges_in(text: &str, spaces: Spaces) -> Result<Vec<Exchange>, CaseError> {
    let mut requests = Vec::new();
    let mut responses = Vec::new();
    let mut rest = text;
    while let Some((kind, message, after)) = next_message(rest) {
        let item = message_from(message, spaces)?;
        if kind == "RequestMessage" {
            requests.push(item);
        } else {
            responses.push(item);
        }
        rest = after;
    }
    if requests.is_empty() || requests.len() != responses.len() {
        return Err(CaseError::Pairs(requests.len(), responses.len()));
    }
    let exchanges = requests.into_iter().map(|request| {
        // TC-DERIVEKEY-4-10 prints two answers in the wrong order: they go by their operations.
        let same = |response: &Item| operations(response) == operations(&request);
        let at = responses.iter().position(same).unwrap_or(0);
        Exchange { response: responses.remove(at), request }
    });
    Ok(exchanges.collect())
}

fn operations(message: &Item) -> Vec<Option<u32>> {
    message.all(Tag::BatchItem).map(|item| item.enumeration(Tag::Operation)).collect()
}

/// Finds the next message: its kind, its text, and what follows.
fn next_message(text: &str) -> Option<(&'static str, &str, &str)> {
    let kinds = [
        ("RequestMessage", "<RequestMessage>", "</RequestMessage>"),
        ("ResponseMessage", "<ResponseMessage>", "</ResponseMessage>"),
    ];
    let starts = kinds.into_iter().filter_map(|kind| Some((text.find(kind.1)?, kind)));
    let (start, (kind, _, end)) = starts.min_by_key(|(start, _)| *start)?;
    let from = text.get(start..)?;
    let length = from.find(end)?.checked_add(end.len())?;
    Some((kind, from.get(..length)?, from.get(length..)?))
}

/// Reads one message.
fn message_from(text: &str, spaces: Spaces) -> Result<Item, CaseError> {
    let document = Document::parse(text)?;
    item_from(document.root_element(), None, spaces)
}

/// Reads one message that is written in a test.
#[cfg(test)]
pub(crate) fn parse(text: &str) -> Item {
    message_from(text, Spaces::AsWritten).expect("a message in a test is well-formed")
}

fn item_from(
    node: Node<'_, '_>,
    attribute_name: Option<&str>,
    spaces: Spaces,
) -> Result<Item, CaseError> {
    let tag = names::tag(node.attribute("tag").unwrap_or(node.tag_name().name()))?;
    let type_name = node.attribute("type").unwrap_or("Structure");
    let item_type =
        ItemType::parse(type_name).ok_or_else(|| CaseError::ItemType(type_name.to_owned()))?;
    if item_type == ItemType::Structure {
        let mut children: Vec<Item> = Vec::new();
        for child in node.children().filter(Node::is_element) {
            let name = children.iter().find(|item| item.tag == Tag::AttributeName);
            let item = item_from(child, name.and_then(Item::as_text), spaces)?;
            children.push(item);
        }
        return Ok(Item::structure(tag, children));
    }
    let text = node.attribute("value").ok_or_else(|| CaseError::NoValue(tag.to_string()))?;
    let text = match spaces {
        Spaces::AsWritten => text.to_owned(),
        Spaces::Collapsed => collapsed(text),
    };
    let field = match attribute_name {
        Some(name) if tag == Tag::AttributeValue => Field::of_attribute(name),
        _ => Field::Standard(tag),
    };
    Ok(Item::new(tag, value_from(&field, item_type, &text)?))
}

/// Turns every run of white space into one space, and leaves a single one as it is.
fn collapsed(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let run = c.is_whitespace() && characters.next_if(|next| next.is_whitespace()).is_some();
        while run && characters.next_if(|next| next.is_whitespace()).is_some() {}
        kept.push(if run { ' ' } else { c });
    }
    kept
}

/// Reads the text form of a leaf.
fn value_from(field: &Field, item_type: ItemType, text: &str) -> Result<Value, CaseError> {
    if let Some(symbol) = Symbol::parse(text) {
        return Ok(Value::Symbol(item_type, symbol));
    }
    let wrong = || CaseError::Value {
        field: field.name(),
        item_type: item_type.name(),
        value: text.to_owned(),
    };
    Ok(match item_type {
        ItemType::Structure => Value::Structure(Vec::new()),
        ItemType::Integer => Value::Integer(names::integer(field, text)?),
        ItemType::Enumeration => Value::Enumeration(names::enumeration(field, text)?),
        ItemType::LongInteger => Value::LongInteger(text.parse().map_err(|_| wrong())?),
        ItemType::Interval => Value::Interval(text.parse().map_err(|_| wrong())?),
        ItemType::BigInteger => {
            let digits = text.trim_start_matches("0x");
            Value::BigInteger(BigInteger::from_bytes(&hex::decode(digits).map_err(|_| wrong())?))
        }
        ItemType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Value::Boolean(true),
            "false" | "0" => Value::Boolean(false),
            _ => return Err(wrong()),
        },
        ItemType::TextString => Value::TextString(text.to_owned()),
        ItemType::ByteString => Value::ByteString(hex::decode(text).map_err(|_| wrong())?),
        ItemType::DateTime => Value::DateTime(date(text).ok_or_else(wrong)?),
        ItemType::DateTimeExtended => Value::DateTimeExtended(
            date(text).and_then(|seconds| seconds.checked_mul(1_000_000)).ok_or_else(wrong)?,
        ),
    })
}

/// Reads `2012-04-27T08:12:24+00:00`, or a number of seconds.
#[expect(clippy::arithmetic_side_effects, reason = "the year has four digits, the rest two")]
fn date(text: &str) -> Option<i64> {
    if let Some(seconds) = names::hexadecimal(text) {
        return Some(i64::from(seconds));
    }
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let part = |from: usize, to: usize| {
        text.get(from..to).filter(|digits| is_number(digits)).and_then(|d| d.parse::<i64>().ok())
    };
    let (year, month, day) = (part(0, 4)?, part(5, 7)?, part(8, 10)?);
    let (hour, minute, second) = (part(11, 13)?, part(14, 16)?, part(17, 19)?);
    let offset = match text.get(19..20) {
        None | Some("" | "Z") => 0,
        Some(sign) => {
            let size = (part(20, 22)? * 60 + part(23, 25)?) * 60;
            if sign == "-" { -size } else { size }
        }
    };
    // Days by the Gregorian calendar, with years that begin in March.
    let shifted = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    Some(days * 86_400 + hour * 3_600 + minute * 60 + second - offset)
}

/// Mends what is known to be wrong in a published case.
fn correct(case: &str, message: &mut Item) {
    match case {
        // An attribute with Cryptographic Parameters has lost its name; the next version has it.
        "CS-AC-M-3-12" | "CS-AC-M-8-12" => name_parameters(message),
        // The ciphertext belongs to another key: 1.4 prints that of the key in the case.
        "CS-BC-M-6-12" | "CS-BC-M-6-13" => replace_bytes(
            message,
            "fd912d102dbb482f6f6e91bd57119095",
            "d9bcce11b0b437b90239552df3a360c9",
        ),
        _ => {}
    }
}

fn name_parameters(item: &mut Item) {
    let nameless = item.tag == Tag::Attribute
        && item.children().first().is_some_and(|first| {
            first.tag == Tag::AttributeValue && first.get(Tag::PaddingMethod).is_some()
        });
    let Some(children) = item.children_mut() else { return };
    if nameless {
        children.insert(0, Item::text(Tag::AttributeName, "Cryptographic Parameters"));
    }
    for child in children {
        name_parameters(child);
    }
}

fn replace_bytes(item: &mut Item, wrong: &str, right: &str) {
    match &mut item.value {
        Value::Structure(children) => {
            for child in children {
                replace_bytes(child, wrong, right);
            }
        }
        Value::ByteString(bytes) if hex::encode(&*bytes) == wrong => {
            *bytes = hex::decode(right).expect("the correction is hexadecimal");
        }
        _ => {}
    }
}

/// Returns the operations that a case asks for.
pub(crate) fn operations_of(exchanges: &[Exchange]) -> Vec<kmip_model::enumeration::Operation> {
    let values = exchanges.iter().flat_map(|exchange| operations(&exchange.request)).flatten();
    values.map(Enumeration::from_value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_belongs_to_a_profile_and_a_group() {
        let names = [
            ("SKLC-M-1-14", "SKLC-M-1", "SKLC", "SKLC"),
            ("SKFF-O-2-10", "SKFF-O-2", "SKFF", "SKFF"),
            ("CS-BC-M-GCM-1-14", "CS-BC-M-GCM-1", "CS-BC", "CS-BC-GCM"),
            ("CS-BC-M-7-12", "CS-BC-M-7", "CS-BC", "CS-BC"),
            ("TC-Q-S2C-1-14", "TC-Q-S2C-1", "TC-Q", "TC-Q"),
            ("SUITEB_128-M-1-10", "SUITEB_128-M-1", "SUITEB_128", "SUITEB_128"),
            ("MSGENC-XML-M-1-10", "MSGENC-XML-M-1", "MSGENC-XML", "MSGENC-XML"),
        ];
        for (name, base, profile, group) in names {
            let case = Case::named(name, (1, 4));
            assert_eq!((case.base(), case.profile()), (base, profile));
            assert_eq!(case.group(), group);
        }
    }

    #[test]
    fn dates_are_read_with_their_zone() {
        assert_eq!(date("2008-03-14T11:56:40+00:00"), Some(0x47DA_67F8));
        assert_eq!(date("2000-02-01T00:00:00+10:00"), Some(949_327_200));
        assert_eq!(date("1970-01-01T00:00:06Z"), Some(6));
        assert_eq!(date("6"), Some(6));
        assert_eq!(date("2000-0x-01T00:00:00"), None);
    }

    #[test]
    fn only_runs_of_spaces_are_collapsed() {
        assert_eq!(collapsed("Encrypt   Decrypt"), "Encrypt Decrypt");
        assert_eq!(collapsed("a b  c "), "a b c ");
    }

    #[test]
    fn text_around_the_messages_is_skipped_and_answers_go_by_operation() {
        let message = |kind: &str, operation: &str| {
            format!(
                "# TIME 0\n<{kind}Message><BatchItem><Operation type=\"Enumeration\" \
                 value=\"{operation}\"/></BatchItem></{kind}Message>"
            )
        };
        let text = [
            "<KMIP>".to_owned(),
            message("Request", "Get"),
            message("Response", "Destroy"),
            message("Request", "Destroy"),
            message("Response", "Get"),
        ];
        let exchanges = exchanges_in(&text.join("\n"), Spaces::AsWritten).unwrap();
        assert_eq!(exchanges.len(), 2);
        for exchange in &exchanges {
            assert_eq!(operations(&exchange.request), operations(&exchange.response));
        }
        let half = message("Request", "Get");
        assert!(matches!(exchanges_in(&half, Spaces::AsWritten), Err(CaseError::Pairs(1, 0))));
    }

    #[test]
    fn leaves_are_read_by_their_type() {
        let item = parse(
            "<Attribute><AttributeName type=\"TextString\" value=\"State\"/>\
             <AttributeValue type=\"Enumeration\" value=\"Active\"/>\
             <D type=\"BigInteger\" value=\"ff\"/><Data type=\"ByteString\" value=\"$DATA_0\"/>\
             <Fresh type=\"Boolean\" value=\"true\"/></Attribute>",
        );
        assert_eq!(item.enumeration(Tag::AttributeValue), Some(2));
        assert_eq!(item.get(Tag::Fresh).unwrap().value, Value::Boolean(true));
        let data = item.get(Tag::Data).unwrap();
        assert_eq!(data.item_type(), ItemType::ByteString);
        assert!(matches!(&data.value, Value::Symbol(_, symbol) if symbol.name == "DATA_0"));
    }

    #[test]
    fn a_nameless_parameters_attribute_gets_its_name() {
        let text = "<TemplateAttribute><Attribute><AttributeValue>\
                    <PaddingMethod type=\"Enumeration\" value=\"PKCS5\"/>\
                    </AttributeValue></Attribute></TemplateAttribute>";
        let mut item = parse(text);
        correct("SKLC-M-1-12", &mut item);
        assert_eq!(item, parse(text));
        correct("CS-AC-M-3-12", &mut item);
        let attribute = item.get(Tag::Attribute).unwrap();
        assert_eq!(attribute.text_of(Tag::AttributeName), Some("Cryptographic Parameters"));
    }

    #[test]
    fn a_missing_directory_holds_no_cases() {
        let found = Cases::find(Path::new("/nonexistent/cases"));
        assert_eq!((found.cases.len(), found.later), (0, 0));
    }
}
