//! What clients may do, and how that is exchanged while the server runs.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use kmip_model::policy::{self, Policies};
use kmip_policy_files::PolicyFiles;
use kmip_ports::policy::PolicySource;

use crate::{
    config::{Policy, WithoutSection},
    report::Report,
};

/// The operation policies of the place that the configuration names.
pub(crate) struct CurrentPolicies {
    current: ArcSwap<Place>,
    /// What places that were left had counted.
    left: Mutex<(u64, u64)>,
}

/// Where policies come from.
enum Place {
    /// Files, which are read again when they change.
    Files(PolicyFiles),
    /// The two policies that always exist.
    Standard(Arc<Policies>),
}

impl CurrentPolicies {
    /// Reads the policies.
    pub(crate) fn new(policy: &Policy) -> Result<Self, Report> {
        let place = place(policy)?;
        Ok(Self { current: ArcSwap::from_pointee(place), left: Mutex::default() })
    }

    /// Goes to another place, which must be there.
    pub(crate) fn exchange(&self, policy: &Policy) -> Result<(), Report> {
        if let Some(path) = policy.path.as_ref().filter(|path| !path.exists()) {
            return Err(Report::new(format!("policy.path: there is no {}", path.display())));
        }
        let place = place(policy)?;
        let counts = self.counts();
        self.current.store(Arc::new(place));
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        Ok(())
    }

    /// Reads the files again, whether or not the system says that they have changed.
    pub(crate) fn read_again(&self) {
        if let Place::Files(files) = self.current.load().as_ref() {
            files.read_again();
        }
    }

    /// Returns how many files were taken and how many were not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let (taken, kept) = *self.left.lock().unwrap_or_else(PoisonError::into_inner);
        match self.current.load().as_ref() {
            Place::Files(files) => {
                let (more, kept_more) = files.counts();
                (taken.saturating_add(more), kept.saturating_add(kept_more))
            }
            Place::Standard(_) => (taken, kept),
        }
    }
}

impl PolicySource for CurrentPolicies {
    fn policies(&self) -> Arc<Policies> {
        match self.current.load().as_ref() {
            Place::Files(files) => files.policies(),
            Place::Standard(policies) => Arc::clone(policies),
        }
    }
}

fn place(policy: &Policy) -> Result<Place, Report> {
    let without_section = match policy.groups_without_section {
        WithoutSection::Preset => policy::WithoutSection::Preset,
        WithoutSection::Deny => policy::WithoutSection::Deny,
    };
    if let Some(path) = &policy.path {
        return Ok(Place::Files(PolicyFiles::watch(path, without_section)?));
    }
    let policies = Policies::default().with_groups_without_section(without_section);
    Ok(Place::Standard(Arc::new(policies)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_is_not_there_is_not_gone_to() {
        let place = tempfile::tempdir().unwrap();
        let deny = Policy { groups_without_section: WithoutSection::Deny, ..Policy::default() };
        let policies = CurrentPolicies::new(&deny).unwrap();
        let before = policies.policies();
        let missing = Policy { path: Some(place.path().join("missing")), ..Policy::default() };
        let error = policies.exchange(&missing).unwrap_err().to_string();
        assert!(error.contains("missing"), "{error}");
        assert!(Arc::ptr_eq(&before, &policies.policies()));
        policies
            .exchange(&Policy { path: Some(place.path().into()), ..Policy::default() })
            .unwrap();
        assert!(!Arc::ptr_eq(&before, &policies.policies()));
    }
}
