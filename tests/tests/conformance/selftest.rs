//! The harness tested with the cases themselves: their messages survive the binary form, their
//! own answers are accepted, and altered answers are refused but for what a table permits.

use std::collections::{BTreeMap, HashMap};

use kmip_model::enumeration::{Operation, Tag};

use crate::clock;
use crate::compare::compare;
use crate::compare::knowledge::{Knowledge, PrintedDate};
use crate::display::{operation_name, tree};
use crate::names::Field;
use crate::report::say;
use crate::tree::{Item, ItemType, Value};
use crate::variables::{Symbol, date_value, fill};
use crate::xml::{Case, Cases, Exchange};

/// How many exchanges of a case are altered: the long cases repeat themselves.
const ALTERED_EXCHANGES: usize = 12;

/// Ten days, which no answer's date may be wrong by.
const TEN_DAYS: i64 = 864_000;

/// Fields whose value may be another one with the right type, by operation. A field is here
/// because the server chooses it: identifiers when they first appear, outputs of generated keys,
/// the free text of a refusal, and what Query says about the server.
const OPEN_FIELDS: &[(Operation, &[Tag])] = &[
    (Operation::Create, &[Tag::UniqueIdentifier]),
    (Operation::CreateKeyPair, &[Tag::PrivateKeyUniqueIdentifier, Tag::PublicKeyUniqueIdentifier]),
    (Operation::CreateSplitKey, &[Tag::UniqueIdentifier]),
    (Operation::Decrypt, &[Tag::Data, Tag::CorrelationValue]),
    (Operation::DeriveKey, &[Tag::UniqueIdentifier]),
    (Operation::Encrypt, &[Tag::Data, Tag::CorrelationValue, Tag::IvCounterNonce]),
    (Operation::Get, &[Tag::KeyFormatType, Tag::KeyMaterial, Tag::KeyValue]),
    (
        Operation::GetAttributes,
        &[
            Tag::DigestValue,
            Tag::KeyFormatType,
            Tag::RngAlgorithm,
            Tag::CryptographicAlgorithm,
            Tag::CryptographicLength,
            Tag::DrbgAlgorithm,
            Tag::PredictionResistance,
            Tag::ShortUniqueIdentifier,
            Tag::LinkedObjectIdentifier,
        ],
    ),
    (Operation::Hash, &[Tag::CorrelationValue]),
    (Operation::JoinSplitKey, &[Tag::UniqueIdentifier]),
    (Operation::Locate, &[Tag::UniqueIdentifier]),
    (Operation::Login, &[Tag::TicketValue]),
    (Operation::Mac, &[Tag::CorrelationValue]),
    (Operation::MacVerify, &[Tag::CorrelationValue]),
    (Operation::Pkcs11, &[Tag::CorrelationValue, Tag::Pkcs11OutputParameters]),
    (Operation::Register, &[Tag::UniqueIdentifier]),
    (Operation::RngRetrieve, &[Tag::Data]),
    (Operation::Sign, &[Tag::SignatureData, Tag::CorrelationValue]),
    (Operation::SignatureVerify, &[Tag::CorrelationValue]),
];

/// Returns the cases of the directory; without one the tests have nothing to say.
fn visible_cases() -> Vec<Case> {
    Cases::find(&crate::cases_directory()).cases
}

/// Reports what a self-test has seen, if there are any cases.
fn say_of(number: usize, line: &str) {
    if number > 0 {
        say(&format!("conformance self-test: {line}"));
    }
}

/// Makes a plausible value for a symbol.
fn sample(item_type: ItemType, symbol: &Symbol) -> Value {
    let text = format!("{:_<32}", symbol.name.to_lowercase());
    match item_type {
        _ if symbol.is_now() => date_value(item_type, clock::now().saturating_add(symbol.offset)),
        ItemType::ByteString => Value::ByteString(text.into_bytes()),
        _ => Value::TextString(text),
    }
}

/// Copies a template with a sample for each symbol, the same one each time.
fn filled(template: &Item, samples: &mut HashMap<String, Value>) -> Item {
    let value = match &template.value {
        Value::Structure(children) => {
            Value::Structure(children.iter().map(|child| filled(child, samples)).collect())
        }
        Value::Symbol(item_type, symbol) if symbol.is_now() => sample(*item_type, symbol),
        Value::Symbol(item_type, symbol) => {
            samples.entry(symbol.name.clone()).or_insert_with(|| sample(*item_type, symbol)).clone()
        }
        other => other.clone(),
    };
    Item::new(template.tag, value)
}

/// A case that is played against itself.
struct OwnPlay {
    knowledge: Knowledge,
    samples: HashMap<String, Value>,
}

impl OwnPlay {
    fn new(case: &Case) -> Self {
        let knowledge = Knowledge::new(case.profile(), &case.name, case.version, clock::now());
        Self { knowledge, samples: HashMap::new() }
    }

    fn request(&mut self, template: &Item) -> Item {
        loop {
            match fill(template, &mut self.knowledge, clock::now()) {
                Ok(request) => return request,
                Err(unbound) => {
                    // Only the set-up of the case gives it a value.
                    let value = sample(ItemType::TextString, &unbound.0);
                    self.knowledge.symbols.insert(unbound.0.name.clone(), value);
                }
            }
        }
    }

    /// Makes the answer that is printed, as if it were given now to this request.
    fn answer(&mut self, printed: &Item, request: &Item) -> Item {
        let mut answer = filled(printed, &mut self.samples);
        self.move_dates(printed, &mut answer, None);
        let version = request.get(Tag::RequestHeader).and_then(|h| h.get(Tag::ProtocolVersion));
        let header = answer.children_mut().and_then(|children| children.first_mut());
        let echo = header
            .and_then(Item::children_mut)
            .and_then(|items| items.iter_mut().find(|item| item.tag == Tag::ProtocolVersion));
        if let (Some(version), Some(echo)) = (version, echo) {
            echo.clone_from(version);
        }
        answer
    }

    /// Moves the dates that stand for "when it happened" to now.
    fn move_dates(&self, printed: &Item, answer: &mut Item, parent: Option<&Item>) {
        if let Value::DateTime(date) = printed.value {
            let field = Field::of(printed, parent);
            let sent = self.knowledge.sent_dates(&field);
            let fixed = sent.is_some_and(|sent| sent.contains_key(&PrintedDate::Literal(date)));
            let custom = matches!(field, Field::Named(_));
            if !fixed && !custom {
                answer.value = Value::DateTime(clock::now());
            }
        }
        if let Some(children) = answer.children_mut() {
            for (child, own) in printed.children().iter().zip(children) {
                self.move_dates(child, own, Some(printed));
            }
        }
    }

    /// Says whether an answer is accepted, without learning from it.
    fn accepts(&self, request: &Item, printed: &Item, answer: &Item) -> bool {
        compare(&mut self.knowledge.clone(), request, printed, answer).is_ok()
    }
}

/// Runs `check` on every exchange of every case, with its own request and answer.
fn each_exchange(
    cases: &[Case],
    mut check: impl FnMut(&Case, usize, &OwnPlay, &Item, &Exchange, &Item),
) -> usize {
    let mut number = 0_usize;
    for case in cases {
        let exchanges = case.exchanges().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let mut play = OwnPlay::new(case);
        for (step, exchange) in exchanges.iter().enumerate() {
            let request = play.request(&exchange.request);
            let answer = play.answer(&exchange.response, &request);
            check(case, step, &play, &request, exchange, &answer);
            let verdict = compare(&mut play.knowledge, &request, &exchange.response, &answer);
            if let Err(difference) = verdict {
                panic!("{} refuses its own answer {step}: {difference}", case.name);
            }
            number = number.saturating_add(1);
        }
    }
    number
}

/// Calls `visit` with the way to each leaf below an item: the positions of the items on it.
fn leaves(item: &Item) -> Vec<Vec<usize>> {
    if !item.is_structure() {
        return vec![Vec::new()];
    }
    let children = item.children().iter().enumerate();
    let ways = children
        .flat_map(|(at, child)| leaves(child).into_iter().map(move |way| [vec![at], way].concat()));
    ways.collect()
}

fn at<'i>(item: &'i mut Item, way: &[usize]) -> &'i mut Item {
    way.iter().fold(item, |item, at| {
        let children = item.children_mut().expect("the way leads through structures");
        children.get_mut(*at).expect("the way was found in this tree")
    })
}

/// What the leaf at the end of a way means.
fn field_at(item: &Item, way: &[usize]) -> Field {
    let mut parent = None;
    let mut current = item;
    for position in way {
        parent = Some(current);
        current = current.children().get(*position).expect("the way was found in this tree");
    }
    Field::of(current, parent)
}

/// Says whether a way leads through an item with a tag.
fn passes(item: &Item, way: &[usize], tag: Tag) -> bool {
    let below = way.split_first().and_then(|(at, rest)| Some((item.children().get(*at)?, rest)));
    item.tag == tag || below.is_some_and(|(child, rest)| passes(child, rest, tag))
}

/// Changes the value of a leaf, and nothing else.
fn alter(value: &mut Value) {
    match value {
        Value::Structure(_) | Value::Symbol(..) => {}
        Value::Integer(number) => *number = number.wrapping_add(1),
        Value::LongInteger(number) => *number = number.wrapping_add(1),
        Value::Enumeration(number) | Value::Interval(number) => *number = number.wrapping_add(1),
        Value::Boolean(boolean) => *boolean = !*boolean,
        Value::TextString(text) => text.push('x'),
        Value::ByteString(bytes) => match bytes.first_mut() {
            Some(first) => *first ^= 1,
            None => bytes.push(b'x'),
        },
        Value::BigInteger(number) => {
            let mut bytes = number.bytes().to_vec();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            *number = crate::tree::BigInteger::from_bytes(&bytes);
        }
        Value::DateTime(date) => *date = date.saturating_add(TEN_DAYS),
        Value::DateTimeExtended(date) => {
            *date = date.saturating_add(TEN_DAYS.saturating_mul(1_000_000));
        }
    }
}

/// Gives a leaf another item type.
fn retype(value: &mut Value) {
    *value = match value {
        Value::TextString(text) => Value::ByteString(text.clone().into_bytes()),
        Value::ByteString(_) => Value::TextString("text".to_owned()),
        Value::LongInteger(_) => Value::Integer(1),
        _ => Value::LongInteger(1),
    };
}

/// The leaves of the batch items of a message.
fn leaves_of_items(message: &Item) -> Vec<Vec<usize>> {
    let items = message.children().iter().enumerate();
    let items = items.filter(|(_, item)| item.tag == Tag::BatchItem);
    items
        .flat_map(|(at, item)| leaves(item).into_iter().map(move |way| [vec![at], way].concat()))
        .collect()
}

/// The operation that a way leads into.
fn operation_at(message: &Item, way: &[usize]) -> Option<u32> {
    message.children().get(*way.first()?)?.enumeration(Tag::Operation)
}

fn is_open(operation: Option<u32>, field: &Field) -> bool {
    field.is(Tag::ResultMessage)
        || operation == Some(Operation::Query.0)
        || OPEN_FIELDS
            .iter()
            .any(|(open, tags)| Some(open.0) == operation && tags.iter().any(|tag| field.is(*tag)))
}

#[test]
fn every_message_survives_the_binary_form() {
    let mut messages = 0_usize;
    for case in visible_cases() {
        let exchanges = case.exchanges().unwrap_or_else(|error| panic!("{}: {error}", case.name));
        for template in exchanges.iter().flat_map(|one| [&one.request, &one.response]) {
            let message = filled(template, &mut HashMap::new());
            let bytes = message.encode().unwrap();
            assert_eq!(Item::decode(&bytes).unwrap(), message, "{}", case.name);
            messages = messages.saturating_add(1);
        }
    }
    say_of(messages, &format!("{messages} messages survive the binary form"));
}

#[test]
fn altered_leaves_are_refused_unless_the_server_chooses_them() {
    let cases = visible_cases();
    let mut refused = 0_usize;
    let mut open: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    let answers = each_exchange(&cases, |case, step, play, request, exchange, answer| {
        if step >= ALTERED_EXCHANGES {
            return;
        }
        let printed = &exchange.response;
        for way in leaves_of_items(answer) {
            let mut altered = answer.clone();
            alter(&mut at(&mut altered, &way).value);
            if !play.accepts(request, printed, &altered) {
                refused = refused.saturating_add(1);
                continue;
            }
            let operation = operation_at(answer, &way);
            let field = field_at(answer, &way);
            let name = (operation_name(operation), field.name());
            if !is_open(operation, &field) {
                wrong.push(format!("{} answer {step}: {} {}", case.name, name.0, name.1));
            }
            let number = open.entry(name).or_default();
            *number = number.saturating_add(1);
        }
    });
    let accepted: usize = open.values().sum();
    say_of(
        answers,
        &format!(
            "{answers} printed answers accepted; of their leaves, altered one by one, {refused} \
             refused and {accepted} accepted as the server's choice"
        ),
    );
    if crate::switched_on("KMIP_CONFORMANCE_VERBOSE") {
        for ((operation, field), number) in &open {
            say(&format!("  {operation:18} {field:34} {number}"));
        }
    }
    assert!(wrong.is_empty(), "accepted although altered:\n{}", wrong.join("\n"));
}

#[test]
fn leaves_of_another_type_are_refused() {
    let cases = visible_cases();
    each_exchange(&cases, |case, step, play, request, exchange, answer| {
        if step >= ALTERED_EXCHANGES {
            return;
        }
        for way in leaves_of_items(answer) {
            let mut altered = answer.clone();
            retype(&mut at(&mut altered, &way).value);
            // What Server Information holds is the vendor's.
            let hidden = passes(answer, &way, Tag::ServerInformation);
            assert!(
                hidden || !play.accepts(request, &exchange.response, &altered),
                "{} answer {step}: {} of another type is accepted:\n{}",
                case.name,
                field_at(answer, &way).name(),
                tree(&altered)
            );
        }
    });
}

#[test]
fn missing_and_surplus_items_are_refused() {
    let cases = visible_cases();
    each_exchange(&cases, |case, step, play, request, exchange, answer| {
        let mut number = 0_usize;
        for altered in amputations(answer) {
            number = number.saturating_add(1);
            assert!(
                !play.accepts(request, &exchange.response, &altered),
                "{} answer {step}: accepted although altered:\n{}",
                case.name,
                tree(&altered)
            );
        }
        assert!(number > 0, "{} answer {step} can be altered", case.name);
    });
}

#[test]
fn permitted_variations_are_accepted() {
    let cases = visible_cases();
    each_exchange(&cases, |case, step, play, request, exchange, answer| {
        for varied in variations(case, answer) {
            let mut knowledge = play.knowledge.clone();
            let verdict = compare(&mut knowledge, request, &exchange.response, &varied);
            if let Err(difference) = verdict {
                panic!("{} answer {step}: {difference}\n{}", case.name, tree(&varied));
            }
        }
    });
}

/// Says whether an item lists or is an attribute.
fn is_attribute(item: &Item, parent: Tag) -> bool {
    parent == Tag::Attributes
        || [Tag::Attribute, Tag::AttributeName, Tag::AttributeReference].contains(&item.tag)
}

/// The payloads of a message, and the Attributes in them.
fn holders(message: &Item) -> Vec<Vec<usize>> {
    let mut ways = Vec::new();
    for (at, item) in message.children().iter().enumerate() {
        for (inside, payload) in item.children().iter().enumerate() {
            if payload.tag != Tag::ResponsePayload {
                continue;
            }
            ways.push(vec![at, inside]);
            let attributes = payload.children().iter().position(|one| one.tag == Tag::Attributes);
            ways.extend(attributes.map(|below| vec![at, inside, below]));
        }
    }
    ways
}

/// Answers that lack something or have something too much.
fn amputations(answer: &Item) -> Vec<Item> {
    let mut altered = Vec::new();
    for (position, item) in answer.children().iter().enumerate() {
        if item.tag != Tag::BatchItem {
            continue;
        }
        let mut other_status = answer.clone();
        for leaf in at(&mut other_status, &[position]).children_mut().into_iter().flatten() {
            if let (Tag::ResultStatus, Value::Enumeration(status)) = (leaf.tag, &mut leaf.value) {
                *status ^= 1;
            }
        }
        altered.push(other_status);
        let mut lost = answer.clone();
        lost.children_mut().expect("a message is a structure").remove(position);
        altered.push(lost);
    }
    for way in holders(answer) {
        let mut surplus = answer.clone();
        let holder = at(&mut surplus, &way);
        let tag = holder.tag;
        let children = holder.children_mut().expect("a payload is a structure");
        let attributes: Vec<usize> = (0..children.len())
            .filter(|at| children.get(*at).is_some_and(|child| is_attribute(child, tag)))
            .collect();
        if tag == Tag::ResponsePayload {
            children.push(Item::text(Tag::Username, "surplus"));
            altered.push(surplus);
            let mut lost = answer.clone();
            let (inside, above) = way.split_last().expect("a payload lies in an item");
            at(&mut lost, above).children_mut().expect("an item is a structure").remove(*inside);
            altered.push(lost);
        }
        for position in attributes {
            let mut lost = answer.clone();
            at(&mut lost, &way).children_mut().expect("it has attributes").remove(position);
            altered.push(lost);
        }
    }
    altered
}

/// Answers that differ from the printed one only as they may.
fn variations(case: &Case, answer: &Item) -> Vec<Item> {
    let mut varied = Vec::new();
    let mut other_message = answer.clone();
    let mut no_message = answer.clone();
    for item in other_message.children_mut().into_iter().flatten() {
        for leaf in item.children_mut().into_iter().flatten() {
            if leaf.tag == Tag::ResultMessage {
                leaf.value = Value::TextString("said otherwise".to_owned());
            }
        }
    }
    for item in no_message.children_mut().into_iter().flatten() {
        if let Some(children) = item.children_mut() {
            children.retain(|leaf| leaf.tag != Tag::ResultMessage);
        }
    }
    varied.extend([other_message, no_message]);
    for way in holders(answer) {
        let mut reversed = answer.clone();
        let holder = at(&mut reversed, &way);
        let tag = holder.tag;
        let children = holder.children_mut().expect("a payload is a structure");
        let (mut attributes, mut rest): (Vec<Item>, Vec<Item>) =
            children.drain(..).partition(|child| is_attribute(child, tag));
        attributes.reverse();
        rest.extend(attributes);
        *children = rest;
        varied.push(reversed);
    }
    if case.version >= (1, 1) {
        let mut indexed = answer.clone();
        index_attributes(&mut indexed);
        varied.push(indexed);
    }
    if case.version >= (1, 4) {
        varied.push(with_correlation(answer));
    }
    varied
}

/// Writes the Attribute Index zero wherever it may be omitted.
fn index_attributes(item: &mut Item) {
    let nameless = item.tag != Tag::Attribute || item.get(Tag::AttributeIndex).is_some();
    let Some(children) = item.children_mut() else { return };
    if !nameless {
        children.insert(1, Item::new(Tag::AttributeIndex, Value::Integer(0)));
    }
    for child in children {
        index_attributes(child);
    }
}

/// Adds a Server Correlation Value to the header.
fn with_correlation(answer: &Item) -> Item {
    let mut answer = answer.clone();
    let header = answer.children_mut().and_then(|children| children.first_mut());
    if let Some(children) = header.and_then(Item::children_mut)
        && !children.iter().any(|item| item.tag == Tag::ServerCorrelationValue)
    {
        let count = children.iter().position(|item| item.tag == Tag::BatchCount);
        let value = Item::text(Tag::ServerCorrelationValue, "abc-1");
        children.insert(count.unwrap_or(children.len()), value);
    }
    answer
}
