//! What an import has done, in words: nothing is left out without being named.

use std::{collections::BTreeMap, fmt};

use kmip_model::{
    ManagedObject, UniqueIdentifier,
    enumeration::{ObjectType, State},
};

use super::Effect;

/// What was taken over, what was there already and what was left out.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The file that was read.
    pub database: String,
    /// Whether anything was stored.
    pub effect: Effect,
    /// How many objects of each type are new.
    pub imported: BTreeMap<ObjectType, u64>,
    /// How many objects were there already, with the same content.
    pub already_there: u64,
    /// How many of the objects are in each state, whether new or not.
    pub states: BTreeMap<State, u64>,
    /// How many objects each operation policy governs, whether new or not.
    pub policies: BTreeMap<String, u64>,
    /// How many objects are Sensitive, whether new or not.
    pub sensitive: u64,
    /// Objects that were not taken over, and why.
    pub skipped: Vec<(UniqueIdentifier, String)>,
    /// What is not as it was.
    pub remarks: Vec<(UniqueIdentifier, String)>,
    /// How many destroyed objects have left rows behind, which are not taken over.
    pub destroyed: u64,
}

/// The policies that every server has.
const STANDARD_POLICIES: [&str; 2] = ["default", "public"];

impl Summary {
    pub(super) fn new(destroyed: u64) -> Self {
        Self {
            database: String::new(),
            effect: Effect::Tell,
            imported: BTreeMap::new(),
            already_there: 0,
            states: BTreeMap::new(),
            policies: BTreeMap::new(),
            sensitive: 0,
            skipped: Vec::new(),
            remarks: Vec::new(),
            destroyed,
        }
    }

    /// Counts an object of the database that the store has afterwards.
    pub(super) fn count(&mut self, object: &ManagedObject) {
        let one_more = |count: &mut u64| *count = count.saturating_add(1);
        if let Some(state) = object.state() {
            one_more(self.states.entry(state).or_default());
        }
        let policy = object.operation_policy_name().to_owned();
        one_more(self.policies.entry(policy).or_default());
        if object.attributes().sensitive() == Some(&true) {
            one_more(&mut self.sensitive);
        }
    }

    /// Counts an object that is new.
    pub(super) fn count_new(&mut self, object: &ManagedObject) {
        let count = self.imported.entry(object.object_type()).or_default();
        *count = count.saturating_add(1);
        self.count(object);
    }

    /// Returns how many objects are new.
    #[must_use]
    pub fn new_objects(&self) -> u64 {
        self.imported.values().fold(0, |sum, count| sum.saturating_add(*count))
    }

    fn in_state(&self, states: &[State]) -> u64 {
        states.iter().filter_map(|state| self.states.get(state)).sum()
    }

    fn write_notes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let note = |f: &mut fmt::Formatter<'_>, count: u64, what: &str| {
            if count == 0 { Ok(()) } else { writeln!(f, "note: {}: {what}", objects(count)) }
        };
        note(
            f,
            self.in_state(&[State::Active, State::Deactivated]),
            "activated; PyKMIP keeps no date of it, so Activation Date is the Initial Date",
        )?;
        note(
            f,
            self.in_state(&[State::Deactivated]),
            "deactivated; PyKMIP keeps neither date nor reason, so Deactivation Date is the \
             Initial Date and Revocation Reason is Unspecified",
        )?;
        note(
            f,
            self.in_state(&[State::Compromised, State::DestroyedCompromised]),
            "compromised; PyKMIP keeps neither dates nor reason, so Compromise Date and \
             Compromise Occurrence Date are the Initial Date and Revocation Reason is Key \
             Compromise",
        )?;
        note(
            f,
            self.in_state(&[State::Destroyed, State::DestroyedCompromised]),
            "destroyed; what they held is not taken over, and Destroy Date is the Initial Date",
        )?;
        note(f, self.sensitive, "sensitive; PyKMIP gave them out, here they leave only wrapped")?;
        for (policy, count) in &self.policies {
            if !STANDARD_POLICIES.contains(&policy.as_str()) {
                let what = format!(
                    "governed by the operation policy {policy:?}; nobody can use them unless the \
                     server has that policy"
                );
                note(f, *count, &what)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let new = self.new_objects();
        let database = &self.database;
        match (self.effect, new) {
            (_, 0) => writeln!(f, "nothing to import from {database}: no object of it is new")?,
            (Effect::Store, _) => writeln!(f, "imported {} from {database}", objects(new))?,
            (Effect::Tell, _) => writeln!(f, "would import {} from {database}", objects(new))?,
        }
        for (object_type, count) in &self.imported {
            writeln!(f, "  {object_type}: {count}")?;
        }
        if self.already_there > 0 {
            writeln!(f, "already there, and the same: {}", objects(self.already_there))?;
        }
        for (identifier, reason) in &self.skipped {
            writeln!(f, "left out: {identifier}: {reason}")?;
        }
        if self.destroyed > 0 {
            let what = objects(self.destroyed);
            writeln!(f, "left out: what {what} destroyed in PyKMIP left behind, no key among it")?;
        }
        for (identifier, remark) in &self.remarks {
            writeln!(f, "note: {identifier}: {remark}")?;
        }
        self.write_notes(f)?;
        writeln!(
            f,
            "note: {database} holds keys in clear; keep it as secret as they are, or erase it"
        )
    }
}

fn objects(count: u64) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}
