//! What a case has sent and learnt so far: values of symbols, dates, and facts about objects.

use std::collections::{BTreeSet, HashMap, HashSet};

use kmip_model::enumeration::{
    CryptographicAlgorithm, Enumeration as _, ObjectType, Operation, PaddingMethod, Tag,
};

use crate::names::Field;
use crate::tree::{Item, Value};

use super::permitted::{GENERATING, NEW_OBJECT};

/// How a case writes a date that it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PrintedDate {
    /// As it is.
    Literal(i64),
    /// As `$NOW` with an offset in seconds.
    Now(i64),
}

/// What is known about an object from the request that made it.
#[derive(Clone, Debug, Default)]
pub(crate) struct ObjectFacts {
    pub(crate) object_type: Option<ObjectType>,
    pub(crate) algorithm: Option<CryptographicAlgorithm>,
    pub(crate) padding: Option<PaddingMethod>,
    pub(crate) random_iv: bool,
    /// For a split key: the key that was split.
    pub(crate) origin: Option<String>,
}

/// Everything a case has sent and received that later comparisons need.
#[derive(Clone, Debug)]
pub(crate) struct Knowledge {
    pub(crate) profile: String,
    pub(crate) case: String,
    pub(crate) version: (i32, i32),
    /// When the case began.
    pub(crate) started: i64,
    /// Symbols and the values they have taken.
    pub(crate) symbols: HashMap<String, Value>,
    /// The last value received under each tag.
    pub(crate) recent: HashMap<Tag, Value>,
    /// Identifiers of objects whose content the server chose.
    pub(crate) generated: HashSet<String>,
    /// Objects by identifier.
    pub(crate) objects: HashMap<String, ObjectFacts>,
    /// Outputs made with generated keys: the printed one and this server's.
    pub(crate) outputs: HashMap<(Tag, Vec<u8>), Vec<u8>>,
    /// Parts of generated objects: object, field and printed value, and this server's value.
    pub(crate) aliases: HashMap<(Option<String>, Field, Value), Value>,
    sent_dates: HashMap<Field, HashMap<PrintedDate, BTreeSet<i64>>>,
}

impl Knowledge {
    /// Begins a case.
    pub(crate) fn new(profile: &str, case: &str, version: (i32, i32), started: i64) -> Self {
        Self {
            profile: profile.to_owned(),
            case: case.to_owned(),
            version,
            started,
            symbols: HashMap::new(),
            recent: HashMap::new(),
            generated: HashSet::new(),
            objects: HashMap::new(),
            outputs: HashMap::new(),
            aliases: HashMap::new(),
            sent_dates: HashMap::new(),
        }
    }

    /// Takes over what an earlier case knows about the objects that it leaves behind.
    pub(crate) fn inherit(&mut self, earlier: Self) {
        self.generated.extend(earlier.generated);
        self.objects.extend(earlier.objects);
        self.aliases.extend(earlier.aliases);
    }

    /// Notes a date that a request sends.
    pub(crate) fn note_date(&mut self, field: Field, printed: PrintedDate, date: i64) {
        self.sent_dates.entry(field).or_default().entry(printed).or_default().insert(date);
    }

    /// Returns the dates sent in a field, by how the case writes them.
    pub(crate) fn sent_dates(&self, field: &Field) -> Option<&HashMap<PrintedDate, BTreeSet<i64>>> {
        self.sent_dates.get(field)
    }

    /// Remembers the values of an answer.
    pub(crate) fn remember(&mut self, answer: &Item) {
        for item in answer.walk().into_iter().filter(|item| !item.is_structure()) {
            self.recent.insert(item.tag, item.value.clone());
        }
    }

    /// Notes the objects that an accepted batch item has made.
    pub(crate) fn track(&mut self, operation: Operation, request: Option<&Item>, answer: &Item) {
        if !NEW_OBJECT.contains(&operation) && !GENERATING.contains(&operation) {
            return;
        }
        let sources: Vec<String> = request
            .into_iter()
            .flat_map(|payload| payload.all(Tag::UniqueIdentifier))
            .filter_map(|item| item.as_text().map(str::to_owned))
            .collect();
        let mut facts = request.map(facts_in).unwrap_or_default();
        if operation == Operation::CreateSplitKey {
            facts.origin = sources.first().cloned();
        }
        let generated = self.chosen_by_server(operation, &sources);
        for item in identifiers_in(answer) {
            let Some(identifier) = item.as_text() else { continue };
            let mut own = facts.clone();
            if operation == Operation::CreateKeyPair {
                let private = item.tag == Tag::PrivateKeyUniqueIdentifier;
                own.object_type =
                    Some(if private { ObjectType::PrivateKey } else { ObjectType::PublicKey });
            }
            self.objects.insert(identifier.to_owned(), own);
            if generated {
                self.generated.insert(identifier.to_owned());
            }
        }
    }

    /// Says whether the server chose the content of what an operation made.
    fn chosen_by_server(&self, operation: Operation, sources: &[String]) -> bool {
        match operation {
            Operation::DeriveKey => sources.iter().any(|source| self.generated.contains(source)),
            // A joined key is known only if the key that was split had been registered.
            Operation::JoinSplitKey => {
                let origins: HashSet<Option<&String>> = sources
                    .iter()
                    .map(|source| self.objects.get(source).and_then(|own| own.origin.as_ref()))
                    .collect();
                let mut single = origins.iter();
                match (single.next(), single.next()) {
                    (Some(Some(origin)), None) => self.generated.contains(*origin),
                    _ => true,
                }
            }
            Operation::CreateSplitKey => true,
            other => GENERATING.contains(&other),
        }
    }
}

/// Returns the identifiers of objects directly inside a payload.
pub(crate) fn identifiers_in(payload: &Item) -> impl Iterator<Item = &Item> {
    payload.children().iter().filter(|item| is_identifier(item.tag))
}

/// Says whether a tag is that of some Unique Identifier.
pub(crate) fn is_identifier(tag: Tag) -> bool {
    tag.name().is_some_and(|name| name.ends_with("UniqueIdentifier"))
}

/// Reads from a request what is worth knowing about the object that it makes.
fn facts_in(payload: &Item) -> ObjectFacts {
    let mut facts = ObjectFacts {
        object_type: payload.enumeration(Tag::ObjectType).map(ObjectType::from_value),
        ..ObjectFacts::default()
    };
    for item in payload.walk() {
        match (item.tag, &item.value) {
            (Tag::RandomIv, Value::Boolean(true)) => facts.random_iv = true,
            (Tag::PaddingMethod, Value::Enumeration(value)) => {
                facts.padding = Some(PaddingMethod::from_value(*value));
            }
            (Tag::CryptographicAlgorithm, Value::Enumeration(value)) => {
                let algorithm = CryptographicAlgorithm::from_value(*value);
                facts.algorithm.get_or_insert(algorithm);
            }
            (Tag::Attribute, _)
                if item.text_of(Tag::AttributeName) == Some("Cryptographic Algorithm") =>
            {
                facts.algorithm =
                    item.enumeration(Tag::AttributeValue).map(CryptographicAlgorithm::from_value);
            }
            _ => {}
        }
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    fn answer(identifiers: &[(&str, &str)]) -> Item {
        let items = identifiers.iter().map(|(tag, identifier)| {
            format!("<{tag} type=\"TextString\" value=\"{identifier}\"/>")
        });
        xml::parse(&format!("<ResponsePayload>{}</ResponsePayload>", items.collect::<String>()))
    }

    fn request(text: &str) -> Item {
        xml::parse(&format!("<RequestPayload>{text}</RequestPayload>"))
    }

    fn knowledge() -> Knowledge {
        Knowledge::new("SKLC", "SKLC-M-1-14", (1, 4), 0)
    }

    #[test]
    fn a_created_object_is_generated_and_a_registered_one_is_not() {
        let mut knowledge = knowledge();
        let made = request(
            "<ObjectType type=\"Enumeration\" value=\"SymmetricKey\"/><TemplateAttribute>\
             <Attribute><AttributeName type=\"TextString\" value=\"Cryptographic Algorithm\"/>\
             <AttributeValue type=\"Enumeration\" value=\"AES\"/></Attribute></TemplateAttribute>",
        );
        let one = answer(&[("UniqueIdentifier", "1")]);
        let two = answer(&[("UniqueIdentifier", "2")]);
        knowledge.track(Operation::Create, Some(&made), &one);
        knowledge.track(Operation::Register, Some(&made), &two);
        assert!(knowledge.generated.contains("1"));
        assert!(!knowledge.generated.contains("2"));
        let facts = knowledge.objects.get("2").unwrap();
        assert_eq!(facts.algorithm, Some(CryptographicAlgorithm::Aes));
        assert_eq!(facts.object_type, Some(ObjectType::SymmetricKey));
    }

    #[test]
    fn the_halves_of_a_key_pair_are_told_apart() {
        let mut knowledge = knowledge();
        let pair =
            answer(&[("PrivateKeyUniqueIdentifier", "1"), ("PublicKeyUniqueIdentifier", "2")]);
        knowledge.track(Operation::CreateKeyPair, Some(&request("")), &pair);
        let kind = |identifier: &str| knowledge.objects.get(identifier).unwrap().object_type;
        assert_eq!(kind("1"), Some(ObjectType::PrivateKey));
        assert_eq!(kind("2"), Some(ObjectType::PublicKey));
    }

    #[test]
    fn a_joined_key_is_known_if_the_split_one_was_registered() {
        for (origin, generated) in [(Operation::Create, true), (Operation::Register, false)] {
            let mut knowledge = knowledge();
            let whole = request("<UniqueIdentifier type=\"TextString\" value=\"1\"/>");
            let parts = answer(&[("UniqueIdentifier", "2"), ("UniqueIdentifier", "3")]);
            knowledge.track(origin, None, &answer(&[("UniqueIdentifier", "1")]));
            knowledge.track(Operation::CreateSplitKey, Some(&whole), &parts);
            let join = request(
                "<UniqueIdentifier type=\"TextString\" value=\"2\"/>\
                 <UniqueIdentifier type=\"TextString\" value=\"3\"/>",
            );
            let joined = answer(&[("UniqueIdentifier", "4")]);
            knowledge.track(Operation::JoinSplitKey, Some(&join), &joined);
            assert_eq!(knowledge.generated.contains("4"), generated, "{origin}");
        }
    }
}
