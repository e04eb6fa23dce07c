//! The rules of comparison, each with a small answer of its own.

use super::*;
use crate::clock;
use crate::variables::fill;
use crate::xml;

const KEY: &str = "<UniqueIdentifier type=\"TextString\" value=\"$UNIQUE_IDENTIFIER_0\"/>";

fn text(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"TextString\" value=\"{value}\"/>")
}

fn number(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"Integer\" value=\"{value}\"/>")
}

fn named(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"Enumeration\" value=\"{value}\"/>")
}

fn date(tag: &str, value: &str) -> String {
    format!("<{tag} type=\"DateTime\" value=\"{value}\"/>")
}

fn attribute(name: &str, value: &str) -> String {
    format!("<Attribute>{}{value}</Attribute>", text("AttributeName", name))
}

fn header(kind: &str, (major, minor): (i32, i32), rest: &str) -> String {
    format!(
        "<{kind}Header><ProtocolVersion>{}{}</ProtocolVersion>{rest}</{kind}Header>",
        number("ProtocolVersionMajor", &major.to_string()),
        number("ProtocolVersionMinor", &minor.to_string()),
    )
}

/// A case of one profile in one version, whose messages are written as the inside of a payload.
struct Scene {
    knowledge: Knowledge,
    limit: String,
}

impl Scene {
    fn new(profile: &str, version: (i32, i32)) -> Self {
        let case = format!("{profile}-M-1");
        let knowledge = Knowledge::new(profile, &case, version, clock::now());
        Self { knowledge, limit: String::new() }
    }

    fn request(&mut self, operation: &str, payload: &str) -> Item {
        let header = header("Request", self.knowledge.version, &self.limit);
        let template = xml::parse(&format!(
            "<RequestMessage>{header}<BatchItem>{}<RequestPayload>{payload}</RequestPayload>\
             </BatchItem></RequestMessage>",
            named("Operation", operation)
        ));
        fill(&template, &mut self.knowledge, clock::now()).unwrap()
    }

    fn answer(&self, item: &str) -> Item {
        let header = header("Response", self.knowledge.version, &date("TimeStamp", "$NOW"));
        xml::parse(&format!(
            "<ResponseMessage>{header}<BatchItem>{item}</BatchItem></ResponseMessage>"
        ))
    }

    /// Compares two successful answers, given as the inside of their payloads.
    fn compare(
        &mut self,
        operation: &str,
        asked: &str,
        expected: &str,
        actual: &str,
    ) -> Result<(), Difference> {
        let item = |payload: &str| {
            format!(
                "{}{}<ResponsePayload>{payload}</ResponsePayload>",
                named("Operation", operation),
                named("ResultStatus", "Success")
            )
        };
        self.compare_items((operation, asked), &item(expected), &item(actual))
    }

    fn compare_items(
        &mut self,
        (operation, asked): (&str, &str),
        expected: &str,
        actual: &str,
    ) -> Result<(), Difference> {
        let request = self.request(operation, asked);
        let expected = self.answer(expected);
        let actual = now_filled(&self.answer(actual));
        compare(&mut self.knowledge, &request, &expected, &actual)
    }

    /// Creates or registers the object whose symbol is `$UNIQUE_IDENTIFIER_0`.
    fn make(&mut self, operation: &str) {
        let kind = named("ObjectType", "SymmetricKey");
        self.compare(operation, &kind, KEY, &text("UniqueIdentifier", "a")).unwrap();
    }
}

/// Copies an answer with the time of day in place of `$NOW`.
fn now_filled(item: &Item) -> Item {
    match &item.value {
        Value::Structure(children) => {
            Item::structure(item.tag, children.iter().map(now_filled).collect())
        }
        Value::Symbol(_, symbol) if symbol.is_now() => {
            Item::new(item.tag, Value::DateTime(clock::now().saturating_add(symbol.offset)))
        }
        _ => item.clone(),
    }
}

fn path(verdict: Result<(), Difference>) -> String {
    verdict.unwrap_err().path
}

#[test]
fn an_identifier_is_bound_and_must_come_back() {
    let mut scene = Scene::new("SKLC", (1, 4));
    scene.make("Create");
    let same = text("UniqueIdentifier", "a");
    assert_eq!(scene.compare("Activate", KEY, KEY, &same), Ok(()));
    let other = text("UniqueIdentifier", "b");
    let verdict = scene.compare("Activate", KEY, KEY, &other);
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/UniqueIdentifier");
}

#[test]
fn a_new_object_needs_a_new_identifier() {
    let mut scene = Scene::new("SKLC", (1, 4));
    scene.make("Create");
    let second = "<UniqueIdentifier type=\"TextString\" value=\"$UNIQUE_IDENTIFIER_1\"/>";
    let verdict = scene.compare("Create", "", second, &text("UniqueIdentifier", "a"));
    assert_eq!(verdict.unwrap_err().expected, "a new identifier");
    let verdict = scene.compare("Create", "", second, &text("UniqueIdentifier", ""));
    assert_eq!(verdict.unwrap_err().got, "an empty value");
}

#[test]
fn a_wrong_status_explains_itself() {
    let mut scene = Scene::new("SKLC", (1, 4));
    let expected = format!("{}{}", named("Operation", "Get"), named("ResultStatus", "Success"));
    let actual = format!(
        "{}{}{}{}",
        named("Operation", "Get"),
        named("ResultStatus", "OperationFailed"),
        named("ResultReason", "ItemNotFound"),
        text("ResultMessage", "no such object")
    );
    let difference = scene.compare_items(("Get", ""), &expected, &actual).unwrap_err();
    assert_eq!(difference.path, "BatchItem[0]/ResultStatus of Get");
    assert_eq!(difference.got, "OperationFailed (ItemNotFound: no such object)");
}

#[test]
fn the_reason_of_a_refusal_is_compared_and_its_text_is_not() {
    let mut scene = Scene::new("SKLC", (1, 4));
    let refusal = |reason: &str, message: &str| {
        format!(
            "{}{}{}{message}",
            named("Operation", "Get"),
            named("ResultStatus", "OperationFailed"),
            named("ResultReason", reason)
        )
    };
    let expected = refusal("ItemNotFound", &text("ResultMessage", "NOT_FOUND"));
    let silent = refusal("ItemNotFound", "");
    assert_eq!(scene.compare_items(("Get", ""), &expected, &silent), Ok(()));
    let wrong = refusal("PermissionDenied", "");
    let verdict = scene.compare_items(("Get", ""), &expected, &wrong);
    assert_eq!(path(verdict), "BatchItem[0]/ResultReason");
}

#[test]
fn a_date_set_by_the_server_lies_near_and_one_set_by_the_client_is_exact() {
    let mut scene = Scene::new("SKLC", (1, 4));
    let answer = |value: &str| format!("{}{}", text("UniqueIdentifier", "a"), value);
    let of = |name: &str, value: &str| attribute(name, &date("AttributeValue", value));
    let initial = answer(&of("Initial Date", "2012-04-27T08:12:24+00:00"));
    let now = answer(&of("Initial Date", "$NOW"));
    assert_eq!(scene.compare("GetAttributes", "", &initial, &now), Ok(()));
    let verdict = scene.compare("GetAttributes", "", &initial, &initial);
    assert!(path(verdict).ends_with("Attribute(Initial Date)/AttributeValue"));

    let past = answer(&of("Activation Date", "$NOW-3600"));
    let asked = attribute("Activation Date", &date("AttributeValue", "$NOW-3600"));
    scene.request("Register", &asked);
    let sent = scene.knowledge.sent_dates(&Field::Standard(Tag::ActivationDate)).unwrap();
    let exact = sent.values().flatten().next().unwrap().to_string();
    let given = answer(&of("Activation Date", &exact));
    assert_eq!(scene.compare("GetAttributes", "", &past, &given), Ok(()));
    let given = answer(&of("Activation Date", "$NOW-3590"));
    assert!(scene.compare("GetAttributes", "", &past, &given).is_err());
}

#[test]
fn attributes_have_no_order_and_more_are_permitted_unless_they_contradict() {
    let mut scene = Scene::new("SKLC", (1, 4));
    let state = attribute("State", &named("AttributeValue", "PreActive"));
    let length = attribute("Cryptographic Length", &number("AttributeValue", "256"));
    let group = attribute("Object Group", &text("AttributeValue", "shelf"));
    let deactivation = attribute("Deactivation Date", &date("AttributeValue", "$NOW"));
    let expected = format!("{state}{length}");
    let turned = format!("{length}{group}{state}");
    assert_eq!(scene.compare("GetAttributes", "", &expected, &turned), Ok(()));

    let asked = format!(
        "{}{}",
        text("AttributeName", "State"),
        text("AttributeName", "Cryptographic Length")
    );
    let verdict = scene.compare("GetAttributes", &asked, &expected, &turned);
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/ObjectGroup");

    let contradiction = format!("{expected}{deactivation}");
    let verdict = scene.compare("GetAttributes", "", &expected, &contradiction);
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/DeactivationDate");
    let verdict = scene.compare("GetAttributes", "", &expected, &state);
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/CryptographicLength");
    let twice = format!("{expected}{length}");
    assert!(scene.compare("GetAttributes", "", &expected, &twice).is_err());
}

#[test]
fn an_attribute_index_of_zero_may_come_and_go_since_1_1() {
    let with_index = format!(
        "<Attribute>{}{}{}</Attribute>",
        text("AttributeName", "State"),
        number("AttributeIndex", "0"),
        named("AttributeValue", "Active")
    );
    let without = attribute("State", &named("AttributeValue", "Active"));
    for (version, permitted) in [((1, 0), false), ((1, 1), true), ((1, 4), true)] {
        let mut scene = Scene::new("SKLC", version);
        let verdict = scene.compare("GetAttributes", "", &without, &with_index);
        assert_eq!(verdict.is_ok(), permitted, "{version:?}");
        let verdict = scene.compare("GetAttributes", "", &with_index, &without);
        assert_eq!(verdict.is_ok(), permitted, "{version:?}");
    }
}

#[test]
fn vendor_attributes_of_2_1_go_by_vendor_and_name() {
    let mut scene = Scene::new("AX", (2, 1));
    let vendor = |vendor: &str| {
        format!(
            "<Attributes>{}<Attribute>{}{}{}</Attribute></Attributes>",
            named("State", "Active"),
            text("VendorIdentification", vendor),
            text("AttributeName", "ID"),
            text("AttributeValue", "1")
        )
    };
    let expected = vendor("x");
    assert_eq!(scene.compare("GetAttributes", "", &expected, &expected), Ok(()));
    let verdict = scene.compare("GetAttributes", "", &expected, &vendor("y"));
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/Attributes/x/ID");
}

#[test]
fn material_varies_for_generated_objects_only_and_stays_the_same() {
    let block = |material: &str| {
        format!(
            "{KEY}<SymmetricKey><KeyBlock>{}<KeyValue>\
             <KeyMaterial type=\"ByteString\" value=\"{material}\"/></KeyValue></KeyBlock>\
             </SymmetricKey>",
            named("KeyFormatType", "Raw")
        )
        .replace("$UNIQUE_IDENTIFIER_0", "a")
    };
    for (operation, permitted) in [("Create", true), ("Register", false)] {
        let mut scene = Scene::new("SKLC", (1, 4));
        scene.make(operation);
        let verdict = scene.compare("Get", KEY, &block("00112233"), &block("44556677"));
        assert_eq!(verdict.is_ok(), permitted, "{operation}");
        if permitted {
            let changed = scene.compare("Get", KEY, &block("00112233"), &block("8899aabb"));
            assert_eq!(changed.unwrap_err().expected, "the same value as before");
            let short = scene.compare("Get", KEY, &block("44556677"), &block("8899aa"));
            assert_eq!(short.unwrap_err().got, "3 bytes");
        }
    }
}

#[test]
fn located_objects_have_an_order_since_2_0() {
    let identifiers = |list: &[&str]| -> String {
        list.iter().map(|one| text("UniqueIdentifier", one)).collect::<Vec<_>>().concat()
    };
    let printed = identifiers(&["$UNIQUE_IDENTIFIER_1", "$UNIQUE_IDENTIFIER_0"]);
    for (version, permitted) in [((1, 4), true), ((2, 1), false)] {
        let mut scene = Scene::new("SKLC", version);
        for (name, identifier) in [("UNIQUE_IDENTIFIER_0", "a"), ("UNIQUE_IDENTIFIER_1", "b")] {
            let value = Value::TextString(identifier.to_owned());
            scene.knowledge.symbols.insert(name.to_owned(), value);
        }
        let newest_first = identifiers(&["b", "a"]);
        assert_eq!(scene.compare("Locate", "", &printed, &newest_first), Ok(()));
        let oldest_first = identifiers(&["a", "b"]);
        let verdict = scene.compare("Locate", "", &printed, &oldest_first);
        assert_eq!(verdict.is_ok(), permitted, "{version:?}");
        let counted = format!("{}{newest_first}", number("LocatedItems", "2"));
        assert_eq!(scene.compare("Locate", "", &printed, &counted), Ok(()));
        assert!(scene.compare("Locate", "", &printed, &identifiers(&["b"])).is_err());
    }
}

#[test]
fn query_must_report_what_the_profile_requires() {
    let operations = |list: &[&str]| -> String {
        list.iter().map(|one| named("Operation", one)).collect::<Vec<_>>().concat()
    };
    let printed = operations(&["Get", "Create", "Archive"]);
    let mut scene = Scene::new("SKLC", (1, 4));
    let more = operations(&["Create", "Certify", "Get"]);
    assert_eq!(scene.compare("Query", "", &printed, &more), Ok(()));
    let verdict = scene.compare("Query", "", &printed, &operations(&["Get", "Archive"]));
    assert_eq!(path(verdict), "BatchItem[0]/ResponsePayload/Operation");
    // Create is not required of every server.
    let mut scene = Scene::new("TC-Q", (1, 4));
    assert_eq!(scene.compare("Query", "", &printed, &operations(&["Get"])), Ok(()));
}

#[test]
fn query_facts_must_be_present_but_are_the_servers_own() {
    let mut scene = Scene::new("TC-Q", (1, 4));
    let vendor = text("VendorIdentification", "IBM");
    let other = text("VendorIdentification", "another");
    assert_eq!(scene.compare("Query", "", &vendor, &other), Ok(()));
    assert!(scene.compare("Query", "", &vendor, "").is_err());
    let facts = |name: &str| {
        format!("<ProfileInformation>{}</ProfileInformation>", named("ProfileName", name))
    };
    let printed = facts("BaselineServerBasicKMIPV1_2");
    assert_eq!(scene.compare("Query", "", &printed, &facts("0x00000001")), Ok(()));
    assert_eq!(scene.compare("Query", "", &printed, "").unwrap_err().expected, "at least one");
}

#[test]
fn versions_beyond_those_asked_for_are_a_difference() {
    let version = |minor: &str| {
        format!(
            "<ProtocolVersion>{}{}</ProtocolVersion>",
            number("ProtocolVersionMajor", "1"),
            number("ProtocolVersionMinor", minor)
        )
    };
    let mut scene = Scene::new("TC-Q", (1, 4));
    let (printed, more) = (version("4"), format!("{}{}", version("4"), version("3")));
    assert_eq!(scene.compare("DiscoverVersions", "", &printed, &more), Ok(()));
    let verdict = scene.compare("DiscoverVersions", &printed, &printed, &more);
    assert_eq!(verdict.unwrap_err().got, "1.4, 1.3");
}

#[test]
fn an_answer_longer_than_the_client_admits_is_a_difference() {
    let mut scene = Scene::new("TC-Q", (1, 4));
    scene.limit = number("MaximumResponseSize", "64");
    let verdict = scene.compare("Query", "", "", "");
    assert!(verdict.unwrap_err().expected.starts_with("at most 64 bytes"));
}

#[test]
fn outputs_of_a_generated_key_vary_and_are_used_later() {
    let data = |value: &str| format!("<Data type=\"ByteString\" value=\"{value}\"/>");
    let answer = |value: &str| format!("{}{}", text("UniqueIdentifier", "a"), data(value));
    for (operation, permitted) in [("Create", true), ("Register", false)] {
        let mut scene = Scene::new("CS-BC", (1, 4));
        scene.make(operation);
        let asked = format!("{KEY}{}", data("00ff"));
        let verdict = scene.compare("Encrypt", &asked, &answer("0a0b"), &answer("0c0d"));
        assert_eq!(verdict.is_ok(), permitted, "{operation}");
        if permitted {
            let request = scene.request("Decrypt", &data("0a0b"));
            let payload = request.get(Tag::BatchItem).unwrap().get(Tag::RequestPayload).unwrap();
            assert_eq!(payload.get(Tag::Data).unwrap().value, Value::ByteString(vec![12, 13]));
        }
    }
}

#[test]
fn a_digest_of_a_registered_object_is_compared_unless_the_algorithm_is_another() {
    let digest = |algorithm: &str, value: &str| {
        attribute(
            "Digest",
            &format!(
                "<AttributeValue>{}<DigestValue type=\"ByteString\" value=\"{value}\"/>{}\
                 </AttributeValue>",
                named("HashingAlgorithm", algorithm),
                named("KeyFormatType", "Raw")
            ),
        )
    };
    let key = text("UniqueIdentifier", "a");
    let mut scene = Scene::new("SKLC", (1, 4));
    scene.make("Register");
    let printed = format!("{key}{}", digest("SHA_256", &"ab".repeat(32)));
    let mut verdict = |algorithm: &str, value: &str| {
        let given = format!("{key}{}", digest(algorithm, value));
        scene.compare("GetAttributes", KEY, &printed, &given)
    };
    assert_eq!(verdict("SHA_256", &"ab".repeat(32)), Ok(()));
    assert!(verdict("SHA_256", &"cd".repeat(32)).is_err());
    assert_eq!(verdict("SHA_512", &"cd".repeat(64)), Ok(()));
    assert_eq!(verdict("SHA_512", "cd").unwrap_err().expected, "64 bytes");
}

#[test]
fn the_version_of_the_request_is_echoed_and_every_batch_item_is_answered() {
    let mut scene = Scene::new("SKLC", (1, 4));
    let request = scene.request("Query", "");
    let item = format!("{}{}", named("Operation", "Query"), named("ResultStatus", "Success"));
    let printed = scene.answer(&item);
    scene.knowledge.version = (1, 3);
    let other_version = now_filled(&scene.answer(&item));
    scene.knowledge.version = (1, 4);
    let verdict = compare(&mut scene.knowledge, &request, &printed, &other_version);
    assert_eq!(path(verdict), "ResponseHeader/ProtocolVersion/ProtocolVersionMinor");
    let mut twice = now_filled(&printed);
    let again = twice.get(Tag::BatchItem).unwrap().clone();
    twice.children_mut().unwrap().push(again);
    let verdict = compare(&mut scene.knowledge, &request, &printed, &twice);
    assert_eq!(verdict.unwrap_err().got, "2");
}
