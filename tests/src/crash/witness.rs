//! What one client has been told, and what it does next.
//!
//! A client changes only objects of its own, so it knows what each must be. A change that was asked
//! for and not acknowledged has happened wholly or not at all; which of the two, is found out later.

use kmip_model::enumeration::{
    BatchErrorContinuationOption, CryptographicAlgorithm, KeyFormatType, ObjectType, Operation,
    RecommendedCurve, RevocationReasonCode, State, Tag,
};

use crate::{
    answer::Answer,
    dice::Dice,
    request::{
        Request, attribute, bytes, enumeration, enumeration_attribute, identifier, integer, name,
        structure, template_attribute, text_attribute,
    },
    tree::{Item, Value},
};

/// Offset Items, Undo and everything else that is sent are there in 1.4.
pub const VERSION: (i32, i32) = (1, 4);

/// How many objects a client wants at least, and at most.
const FEW: usize = 12;
const ENOUGH: usize = 40;

/// The custom attribute that is changed again and again.
pub(super) const NOTE: &str = "x-note";

/// What a client knows of one of its objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Unique Identifier; empty until the server has told it.
    pub id: String,
    /// Name.
    pub name: String,
    /// The value of its custom attribute.
    pub note: String,
    /// State.
    pub state: State,
    /// The key, if the client made it.
    pub material: Option<Vec<u8>>,
}

impl Object {
    /// Says whether it is destroyed.
    pub fn is_destroyed(&self) -> bool {
        matches!(self.state, State::Destroyed | State::DestroyedCompromised)
    }
}

/// A change that happens wholly or not at all.
#[derive(Clone, Debug)]
pub enum Change {
    /// These are new.
    New(Vec<Object>),
    /// These, by their place, become this.
    Become(Vec<(usize, Object)>),
}

/// One client: what it knows, and what it has asked for without an answer.
#[derive(Debug)]
pub struct Client {
    number: u64,
    dice: Dice,
    next: u64,
    /// Every object that was acknowledged.
    pub objects: Vec<Object>,
    /// What nobody has acknowledged, nor said that it did not happen.
    pub pending: Option<Change>,
}

impl Client {
    /// Makes a client that has nothing yet.
    pub fn new(number: u64, seed: u64) -> Self {
        let dice = Dice::new(seed.wrapping_mul(1 << 20).wrapping_add(number));
        Self { number, dice, next: 0, objects: Vec::new(), pending: None }
    }

    /// Decides what to do next; until it is acknowledged it is pending.
    pub fn step(&mut self) -> Request {
        assert!(self.pending.is_none(), "what is pending is found out first");
        let (request, change) = self.choose();
        self.pending = Some(change);
        request
    }

    /// Hears that what was pending is done.
    pub fn acknowledged(&mut self, answer: &Answer) {
        match self.pending.take().expect("something was asked for") {
            Change::New(mut objects) => {
                let payload = answer.payload_of(0);
                let tags = [
                    Tag::UniqueIdentifier,
                    Tag::PrivateKeyUniqueIdentifier,
                    Tag::PublicKeyUniqueIdentifier,
                ];
                let ids = tags.iter().filter_map(|tag| payload.text_of(*tag));
                for (object, id) in objects.iter_mut().zip(ids) {
                    id.clone_into(&mut object.id);
                }
                assert!(objects.iter().all(|object| !object.id.is_empty()), "{payload:?}");
                self.objects.extend(objects);
            }
            Change::Become(changed) => {
                for (place, object) in changed {
                    *self.objects.get_mut(place).expect("objects stay where they are") = object;
                }
            }
        }
    }

    fn choose(&mut self) -> (Request, Change) {
        let live: Vec<usize> = (0..)
            .zip(&self.objects)
            .filter(|(_, object)| !object.is_destroyed())
            .map(|(place, _)| place)
            .collect();
        let roll = self.dice.below(100);
        if live.len() < FEW || (live.len() < ENOUGH && roll < 30) {
            return self.make();
        }
        let place = *self.dice.of(&live);
        let other = *self.dice.of(&live);
        match roll {
            0..65 if other == place => self.note(&[place]),
            0..45 => self.note(&[place]),
            45..65 => self.note(&[place, other]),
            _ => self.live(place),
        }
    }

    /// Makes one object, or a pair, or one that is Active at once.
    fn make(&mut self) -> (Request, Change) {
        let object = self.fresh();
        let named = |object: &Object| vec![name(&object.name), text_attribute(NOTE, &object.note)];
        match self.dice.below(20) {
            0..8 => {
                let request = Request::one(VERSION, Operation::Create, create(named(&object)));
                (request, Change::New(vec![object]))
            }
            8..15 => {
                let key = self.dice.bytes(32);
                let payload = register(&key, named(&object));
                let object = Object { material: Some(key), ..object };
                (Request::one(VERSION, Operation::Register, payload), Change::New(vec![object]))
            }
            15..18 => {
                let request = Request::new(VERSION)
                    .on_error(BatchErrorContinuationOption::Undo)
                    .item_as(b"1", Operation::Create, create(named(&object)))
                    .item_as(b"2", Operation::Activate, Vec::new());
                let object = Object { state: State::Active, ..object };
                (request, Change::New(vec![object]))
            }
            _ => {
                let public = self.fresh();
                let request =
                    Request::one(VERSION, Operation::CreateKeyPair, pair(&object, &public));
                (request, Change::New(vec![object, public]))
            }
        }
    }

    fn fresh(&mut self) -> Object {
        self.next = self.next.saturating_add(1);
        Object {
            id: String::new(),
            name: format!("witness-{}-{}", self.number, self.next),
            note: format!("{}", self.next),
            state: State::PreActive,
            material: None,
        }
    }

    /// Writes a new note on objects, all of them or none.
    fn note(&mut self, places: &[usize]) -> (Request, Change) {
        self.next = self.next.saturating_add(1);
        let note = format!("{}-{}", self.number, self.next);
        let mut request = Request::new(VERSION).on_error(BatchErrorContinuationOption::Undo);
        let mut changed = Vec::new();
        for place in places {
            let object = self.at(*place);
            let payload = vec![identifier(&object.id), text_attribute(NOTE, &note)];
            let place_bytes = place.to_be_bytes();
            request = request.item_as(&place_bytes, Operation::ModifyAttribute, payload);
            changed.push((*place, Object { note: note.clone(), ..object }));
        }
        (request, Change::Become(changed))
    }

    /// Takes an object one step further in its life.
    fn live(&mut self, place: usize) -> (Request, Change) {
        let object = self.at(place);
        let roll = self.dice.below(10);
        let (operation, code, state) = match (object.state, roll) {
            (State::PreActive, 0..7) => (Operation::Activate, None, State::Active),
            (State::PreActive, 7..9) | (State::Deactivated, 0..8) => {
                (Operation::Destroy, None, State::Destroyed)
            }
            (State::Active, 0..8) => {
                let code = RevocationReasonCode::CessationOfOperation;
                (Operation::Revoke, Some(code), State::Deactivated)
            }
            (State::Compromised, _) => (Operation::Destroy, None, State::DestroyedCompromised),
            _ => {
                let code = RevocationReasonCode::KeyCompromise;
                (Operation::Revoke, Some(code), State::Compromised)
            }
        };
        let mut payload = vec![identifier(&object.id)];
        payload.extend(code.map(|code| {
            structure(Tag::RevocationReason, vec![enumeration(Tag::RevocationReasonCode, code)])
        }));
        let request = Request::one(VERSION, operation, payload);
        (request, Change::Become(vec![(place, Object { state, ..object })]))
    }

    fn at(&self, place: usize) -> Object {
        self.objects.get(place).expect("objects stay where they are").clone()
    }
}

fn aes(bits: i32) -> Vec<Item> {
    vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Aes),
        attribute("Cryptographic Length", Value::Integer(bits)),
        attribute("Cryptographic Usage Mask", Value::Integer(12)),
    ]
}

fn create(more: Vec<Item>) -> Vec<Item> {
    let attributes = aes(256).into_iter().chain(more).collect();
    vec![enumeration(Tag::ObjectType, ObjectType::SymmetricKey), template_attribute(attributes)]
}

fn register(key: &[u8], more: Vec<Item>) -> Vec<Item> {
    let key_block = vec![
        enumeration(Tag::KeyFormatType, KeyFormatType::Raw),
        structure(Tag::KeyValue, vec![bytes(Tag::KeyMaterial, key)]),
        enumeration(Tag::CryptographicAlgorithm, CryptographicAlgorithm::Aes),
        integer(Tag::CryptographicLength, 256),
    ];
    let mut payload = create(more);
    payload.push(structure(Tag::SymmetricKey, vec![structure(Tag::KeyBlock, key_block)]));
    payload
}

fn pair(private: &Object, public: &Object) -> Vec<Item> {
    let domain = structure(
        Tag::AttributeValue,
        vec![enumeration(Tag::RecommendedCurve, RecommendedCurve::P256)],
    );
    let domain = structure(
        Tag::Attribute,
        vec![crate::request::text(Tag::AttributeName, "Cryptographic Domain Parameters"), domain],
    );
    let common = vec![
        enumeration_attribute("Cryptographic Algorithm", CryptographicAlgorithm::Ecdsa),
        domain,
    ];
    let of = |tag, object: &Object, mask| {
        let attributes = vec![
            attribute("Cryptographic Usage Mask", Value::Integer(mask)),
            name(&object.name),
            text_attribute(NOTE, &object.note),
        ];
        structure(tag, attributes)
    };
    vec![
        structure(Tag::CommonTemplateAttribute, common),
        of(Tag::PrivateKeyTemplateAttribute, private, 1),
        of(Tag::PublicKeyTemplateAttribute, public, 2),
    ]
}
