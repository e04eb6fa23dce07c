//! Messages that are in order, and what can be done to them.

use kmip_model::enumeration::Tag;
use kmip_tests::tree::{Item, Value};

use kmip_tests::dice::Dice;

/// The longest request that the server reads, as it is configured by default.
const LONGEST: usize = 1 << 20;

/// The bytes of tag, type and length.
const HEADER: usize = 8;

/// What is done to messages, and how often in a thousand.
const KINDS: [(Kind, usize); 14] = [
    (Kind::Valid, 100),
    (Kind::Flip, 250),
    (Kind::InnerLength, 150),
    (Kind::TagOrType, 100),
    (Kind::Splice, 120),
    (Kind::Shortened, 100),
    (Kind::Repeated, 80),
    (Kind::Deep, 40),
    (Kind::RandomBody, 40),
    (Kind::ManyItems, 3),
    (Kind::Padded, 2),
    (Kind::OuterLength, 5),
    (Kind::CutOff, 5),
    (Kind::Random, 5),
];

#[derive(Clone, Copy)]
enum Kind {
    Valid,
    /// Some bits are others.
    Flip,
    /// An item claims another length: 0, some, or up to 4 GiB.
    InnerLength,
    TagOrType,
    /// The front of one message and the back of another.
    Splice,
    /// The end is missing, and the message's own length says so.
    Shortened,
    /// An item is there more than once.
    Repeated,
    /// Structures in structures.
    Deep,
    RandomBody,
    ManyItems,
    /// A long message of nothing.
    Padded,
    /// The message claims up to 4 GiB.
    OuterLength,
    /// The end is missing, and the message's own length does not say so.
    CutOff,
    /// Bytes.
    Random,
}

/// What the server must do about some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It answers and goes on.
    Answer,
    /// It answers, but cannot know where the next message begins.
    AnswerAndEnd,
    /// It says nothing: that is another protocol.
    End,
    /// It waits for the rest.
    Wait,
}

impl Expected {
    /// Says what the header of some bytes leads to.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let Some([tag, _, _, item_type, length @ ..]) = bytes.first_chunk::<HEADER>() else {
            return Self::Wait;
        };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        match length.saturating_add(HEADER) {
            _ if *tag != 0x42 => Self::End,
            _ if *item_type != 1 => Self::AnswerAndEnd,
            total if total > LONGEST => Self::AnswerAndEnd,
            total if total > bytes.len() => Self::Wait,
            _ => Self::Answer,
        }
    }
}

/// Messages that are in order.
pub(crate) struct Messages {
    bytes: Vec<Vec<u8>>,
    trees: Vec<Item>,
}

impl Messages {
    /// Reads lines of a name and hexadecimal. What holds `from` is made to hold `to`.
    ///
    /// Messages that make RSA keys are left out: what they cost is not a matter of hostile bytes.
    pub(crate) fn read(text: &str, from: &str, to: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let (from, to) = (hex::encode(from), hex::encode(to));
        let bytes: Vec<Vec<u8>> = lines
            .filter(|line| !line.starts_with("create-key-pair-1"))
            .filter_map(|line| line.split_once(' '))
            .map(|(_, hexadecimal)| hexadecimal.replace(&from, &to))
            .map(|hexadecimal| hex::decode(hexadecimal).expect("the file is hexadecimal"))
            .collect();
        let trees = bytes.iter().map(|bytes| Item::decode(bytes).expect("it is in order"));
        Self { trees: trees.collect(), bytes }
    }

    /// Returns one of them as it is.
    pub(crate) fn valid(&self, dice: &mut Dice) -> Vec<u8> {
        dice.of(&self.bytes).clone()
    }

    /// Makes the next message: what is sent, and nothing after the end that its length claims.
    pub(crate) fn next(&self, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.make(kind(dice), dice);
        if let Some([_, _, _, _, length @ ..]) = bytes.first_chunk::<HEADER>()
            && let Ok(length) = usize::try_from(u32::from_be_bytes(*length))
        {
            bytes.truncate(length.saturating_add(HEADER));
        }
        bytes
    }

    fn make(&self, kind: Kind, dice: &mut Dice) -> Vec<u8> {
        let mut bytes = self.valid(dice);
        match kind {
            Kind::Valid => {}
            Kind::Flip => {
                for _ in 0..dice.size(4) {
                    let bit = 1_u8.rotate_left(u32::from(dice.byte()));
                    change(&mut bytes, HEADER, dice, |byte, _| *byte ^= bit);
                }
            }
            Kind::InnerLength => inner_length(&mut bytes, dice),
            Kind::TagOrType => {
                let header = *dice.of(&headers(&bytes));
                let position = header.saturating_add(dice.below(4)).max(HEADER);
                let value = if dice.below(2) == 0 { dice.byte() } else { dice.byte() & 0x0F };
                if let Some(byte) = bytes.get_mut(position) {
                    *byte = value;
                }
            }
            Kind::Splice => {
                let other = self.valid(dice);
                let front = *dice.of(&headers(&bytes));
                let back = *dice.of(&headers(&other));
                bytes.truncate(front.max(HEADER));
                bytes.extend(other.get(back..).unwrap_or_default());
                fix_length(&mut bytes);
            }
            Kind::Shortened => {
                let end = HEADER.saturating_add(dice.below(bytes.len().saturating_sub(HEADER)));
                bytes.truncate(end);
                fix_length(&mut bytes);
            }
            Kind::Repeated => return encode(&repeated(dice.of(&self.trees).clone(), dice)),
            Kind::Deep if dice.below(16) == 0 => {
                bytes.extend(bottomless(dice.size(16)));
                fix_length(&mut bytes);
            }
            Kind::Deep => return encode(&deep(dice.of(&self.trees).clone(), dice)),
            Kind::RandomBody => {
                bytes.truncate(HEADER);
                bytes.extend(dice.bytes(1 << 8));
                fix_length(&mut bytes);
            }
            Kind::ManyItems => return encode(&many_items(dice.of(&self.trees).clone(), dice)),
            Kind::Padded => {
                let room = LONGEST.saturating_sub(bytes.len());
                bytes.resize(bytes.len().saturating_add(dice.below(room)), 0);
                fix_length(&mut bytes);
            }
            Kind::OuterLength => {
                let length = (u32::MAX >> dice.below(12)).to_be_bytes();
                for (byte, new) in bytes.iter_mut().skip(4).zip(length) {
                    *byte = new;
                }
            }
            Kind::CutOff => bytes.truncate(dice.below(bytes.len())),
            Kind::Random => bytes = dice.bytes(1 << 6),
        }
        bytes
    }
}

fn kind(dice: &mut Dice) -> Kind {
    let mut number = dice.below(1000);
    for (kind, share) in KINDS {
        match number.checked_sub(share) {
            Some(rest) => number = rest,
            None => return kind,
        }
    }
    Kind::Valid
}

fn change(bytes: &mut [u8], from: usize, dice: &mut Dice, how: impl Fn(&mut u8, &mut Dice)) {
    let position = from.saturating_add(dice.below(bytes.len().saturating_sub(from)));
    if let Some(byte) = bytes.get_mut(position) {
        how(byte, dice);
    }
}

/// Lists where items begin.
fn headers(bytes: &[u8]) -> Vec<usize> {
    let mut headers = Vec::new();
    let mut position = 0_usize;
    while let Some([_, _, _, item_type, length @ ..]) =
        bytes.get(position..).and_then(|rest| rest.first_chunk::<HEADER>())
    {
        headers.push(position);
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        // A structure's first item follows its header.
        let value = if *item_type == 1 { 0 } else { length.next_multiple_of(8) };
        position = position.saturating_add(HEADER).saturating_add(value);
    }
    headers
}

/// Makes an item within the message claim another length.
fn inner_length(bytes: &mut [u8], dice: &mut Dice) {
    let header = (*dice.of(&headers(bytes))).max(HEADER);
    let length = match dice.below(5) {
        0 => u32::MAX >> dice.below(32),
        1 => 0xFFFF_FFF8,
        2 => 0,
        3 => u32::try_from(dice.size(20)).unwrap_or_default(),
        _ => u32::try_from(dice.below(64)).unwrap_or_default(),
    };
    let field = bytes.iter_mut().skip(header.saturating_add(4));
    for (byte, new) in field.zip(length.to_be_bytes()) {
        *byte = new;
    }
}

/// Makes the message claim the length that it has, padded to whole items.
fn fix_length(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(8).max(HEADER), 0);
    let length = u32::try_from(bytes.len().saturating_sub(HEADER)).unwrap_or_default();
    for (byte, new) in bytes.iter_mut().skip(4).zip(length.to_be_bytes()) {
        *byte = new;
    }
}

/// Finds some structure in a tree.
fn structure<'a>(item: &'a mut Item, dice: &mut Dice) -> &'a mut Vec<Item> {
    let inner: Vec<usize> = item
        .children()
        .iter()
        .enumerate()
        .filter(|(_, child)| child.is_structure())
        .map(|(position, _)| position)
        .collect();
    let down = !inner.is_empty() && dice.below(4) != 0;
    let chosen = if down { *dice.of(&inner) } else { 0 };
    let children = item.children_mut().expect("it is a structure");
    if down { structure(children.get_mut(chosen).expect("it was listed"), dice) } else { children }
}

fn repeated(mut message: Item, dice: &mut Dice) -> Item {
    let times = dice.size(8);
    let children = structure(&mut message, dice);
    if !children.is_empty() {
        let position = dice.below(children.len());
        let copy = children.get(position).expect("it is below the length").clone();
        children.splice(position..position, core::iter::repeat_n(copy, times));
    }
    message
}

fn deep(mut message: Item, dice: &mut Dice) -> Item {
    let depth = dice.size(10);
    let tag = if dice.below(2) == 0 { Tag::Attributes } else { Tag(0x54_0001) };
    let mut bomb = Item::structure(tag, Vec::new());
    for _ in 0..depth {
        bomb = Item::structure(tag, vec![bomb]);
    }
    structure(&mut message, dice).push(bomb);
    message
}

/// Writes structures in structures, without a tree that would have to be dropped.
fn bottomless(depth: usize) -> Vec<u8> {
    let headers = (0..depth).rev().map(|below| {
        let length = u32::try_from(below.saturating_mul(HEADER)).unwrap_or_default();
        [&[0x54, 0x00, 0x01, 0x01], &length.to_be_bytes()[..]].concat()
    });
    headers.flatten().collect()
}

/// Repeats a batch item, with an identifier of its own for each and a count that is right.
fn many_items(mut message: Item, dice: &mut Dice) -> Item {
    let Some(item) = message.get(Tag::BatchItem).cloned() else { return message };
    let count = dice.size(14);
    let size = item.encode().map_or(LONGEST, |bytes| bytes.len().saturating_add(24));
    let count = count.min(LONGEST.checked_div(size).unwrap_or_default());
    let items = (0..count).map(|number| {
        let mut item = item.clone();
        if let Some(fields) = item.children_mut() {
            fields.retain(|field| field.tag != Tag::UniqueBatchItemId);
            let id = Value::ByteString(number.to_be_bytes().to_vec());
            fields.insert(1.min(fields.len()), Item::new(Tag::UniqueBatchItemId, id));
        }
        item
    });
    let items: Vec<Item> = items.collect();
    let count = Value::Integer(i32::try_from(items.len()).unwrap_or_default());
    if let Some(children) = message.children_mut() {
        children.retain(|child| child.tag != Tag::BatchItem);
        if let Some(header) = children.first_mut().and_then(Item::children_mut) {
            header.retain(|field| field.tag != Tag::BatchCount);
            header.push(Item::new(Tag::BatchCount, count));
        }
        children.extend(items);
    }
    message
}

fn encode(message: &Item) -> Vec<u8> {
    message.encode().expect("a tree without symbols has a binary form")
}
