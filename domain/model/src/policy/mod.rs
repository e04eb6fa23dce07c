//! Operation policies (KMIP 1.4 §3.18): who may do what to which object.
//!
//! A policy gives, for each object type and operation, a permission; once for everybody
//! (`preset`), and once for each group. Evaluation is pure.

mod standard;

use std::collections::BTreeMap;

use crate::{
    enumeration::{ObjectType, Operation},
    identifier::Principal,
    object::Object,
};

/// What a policy says about one operation on one type of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Everybody may.
    AllowAll,
    /// The owner may.
    AllowOwner,
    /// Nobody may.
    DisallowAll,
}

/// The permissions of one section of a policy. What is missing is denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyRules(BTreeMap<(ObjectType, Operation), Permission>);

/// One policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// For principals without groups; and, with [`WithoutSection::Preset`], for everybody where the
    /// policy has no groups at all.
    pub preset: Option<PolicyRules>,
    /// For each group.
    pub groups: BTreeMap<String, PolicyRules>,
}

/// What a policy that speaks of no group says to principals who have groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WithoutSection {
    /// What it says to everybody else.
    #[default]
    Preset,
    /// Nothing, and that denies.
    Deny,
}

/// All policies, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policies {
    policies: BTreeMap<String, Policy>,
    without_section: WithoutSection,
}

/// What a decision is about.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Operation Policy Name of the object.
    pub policy: &'a str,
    /// Who owns the object.
    pub owner: &'a str,
    /// What the object is.
    pub object_type: ObjectType,
    /// What is to be done to it.
    pub operation: Operation,
}

/// What decided: for those who look into it later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// There is no policy of that name, and that denies.
    NoPolicy,
    /// The policy speaks neither of the principal's groups nor, for it, to everybody.
    NoSection,
    /// These sections were asked, and said that; `None` is the one for everybody.
    Sections(Vec<(Option<String>, Permission)>),
}

/// Which objects a principal may locate: part of every search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visibility {
    /// Who asks.
    pub user: String,
    /// Objects of these policies and types, whoever owns them.
    pub of_anybody: Vec<(String, ObjectType)>,
    /// Objects of these policies and types that the user owns.
    pub own: Vec<(String, ObjectType)>,
}

impl Visibility {
    /// Says whether an object of that policy, type and owner is visible.
    #[must_use]
    pub fn includes(&self, policy: &str, object_type: ObjectType, owner: &str) -> bool {
        let listed = |list: &[(String, ObjectType)]| {
            list.iter().any(|(name, listed)| name == policy && *listed == object_type)
        };
        listed(&self.of_anybody) || (owner == self.user && listed(&self.own))
    }
}

impl PolicyRules {
    /// Sets the permission of some operations on one type of object.
    #[must_use]
    pub fn with(
        mut self,
        object_type: ObjectType,
        operations: &[Operation],
        permission: Permission,
    ) -> Self {
        self.0.extend(operations.iter().map(|operation| ((object_type, *operation), permission)));
        self
    }

    /// Returns the permission; what is not mentioned is nobody's.
    #[must_use]
    pub fn permission(&self, object_type: ObjectType, operation: Operation) -> Permission {
        self.0.get(&(object_type, operation)).copied().unwrap_or(Permission::DisallowAll)
    }
}

impl Default for Policies {
    /// The two policies that always exist, `default` and `public`.
    fn default() -> Self {
        Self {
            policies: BTreeMap::from([
                ("default".to_owned(), standard::default_policy()),
                ("public".to_owned(), standard::public_policy()),
            ]),
            without_section: WithoutSection::default(),
        }
    }
}

impl Policies {
    /// Says whether `name` is one of the policies that always exist and cannot be replaced.
    #[must_use]
    pub fn is_reserved(name: &str) -> bool {
        matches!(name, "default" | "public")
    }

    /// Says what policies without groups say to principals who have groups.
    #[must_use]
    pub fn with_groups_without_section(self, without_section: WithoutSection) -> Self {
        Self { without_section, ..self }
    }

    /// Adds a policy; the reserved ones stay as they are. Says whether it was taken.
    pub fn insert(&mut self, name: impl Into<String>, policy: Policy) -> bool {
        let name = name.into();
        if Self::is_reserved(&name) {
            return false;
        }
        self.policies.insert(name, policy);
        true
    }

    /// Decides whether the principal may do it.
    #[must_use]
    pub fn allows(&self, principal: &Principal, question: &Question<'_>) -> bool {
        self.sections(principal, question.policy).any(|rules| {
            match rules.permission(question.object_type, question.operation) {
                Permission::AllowAll => true,
                Permission::AllowOwner => principal.user == question.owner,
                Permission::DisallowAll => false,
            }
        })
    }

    /// Tells what [`Policies::allows`] went by.
    #[must_use]
    pub fn judgement(&self, principal: &Principal, question: &Question<'_>) -> Judgement {
        if !self.policies.contains_key(question.policy) {
            return Judgement::NoPolicy;
        }
        let said = |(name, rules): (Option<&str>, &PolicyRules)| {
            let permission = rules.permission(question.object_type, question.operation);
            (name.map(str::to_owned), permission)
        };
        let sections: Vec<_> = self.named_sections(principal, question.policy).map(said).collect();
        if sections.is_empty() { Judgement::NoSection } else { Judgement::Sections(sections) }
    }

    /// Works out which objects a principal may locate.
    #[must_use]
    pub fn visible(&self, principal: &Principal) -> Visibility {
        let mut visibility = Visibility { user: principal.user.clone(), ..Visibility::default() };
        for name in self.policies.keys() {
            for object_type in Object::TYPES {
                let permissions: Vec<Permission> = self
                    .sections(principal, name)
                    .map(|rules| rules.permission(object_type, Operation::Locate))
                    .collect();
                if permissions.contains(&Permission::AllowAll) {
                    visibility.of_anybody.push((name.clone(), object_type));
                } else if permissions.contains(&Permission::AllowOwner) {
                    visibility.own.push((name.clone(), object_type));
                }
            }
        }
        visibility
    }

    /// Lists the sections of a policy that speak of this principal.
    fn sections<'a>(
        &'a self,
        principal: &'a Principal,
        name: &str,
    ) -> impl Iterator<Item = &'a PolicyRules> {
        self.named_sections(principal, name).map(|(_, rules)| rules)
    }

    /// Lists these sections, each with its group.
    fn named_sections<'a>(
        &'a self,
        principal: &'a Principal,
        name: &str,
    ) -> impl Iterator<Item = (Option<&'a str>, &'a PolicyRules)> {
        let policy = self.policies.get(name);
        let falls_back = self.without_section == WithoutSection::Preset;
        let preset = policy
            .filter(|policy| principal.groups.is_none() || (falls_back && policy.groups.is_empty()))
            .and_then(|policy| policy.preset.as_ref());
        let groups = policy.into_iter().flat_map(move |policy| {
            let named = principal.groups.iter().flatten();
            named.filter_map(|group| Some((Some(group.as_str()), policy.groups.get(group)?)))
        });
        preset.map(|rules| (None, rules)).into_iter().chain(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(user: &str, object_type: ObjectType, operation: Operation) -> bool {
        let question = Question { policy: "default", owner: "alice", object_type, operation };
        Policies::default().allows(&Principal::user(user), &question)
    }

    #[test]
    fn default_lets_owners_use_keys_and_everybody_read_certificates() {
        for (user, object_type, operation, expected) in [
            ("alice", ObjectType::SymmetricKey, Operation::Get, true),
            ("bob", ObjectType::SymmetricKey, Operation::Get, false),
            ("bob", ObjectType::SymmetricKey, Operation::Locate, false),
            ("bob", ObjectType::Certificate, Operation::Get, true),
            ("bob", ObjectType::PublicKey, Operation::Locate, true),
            ("bob", ObjectType::PublicKey, Operation::Destroy, false),
            ("alice", ObjectType::PublicKey, Operation::Destroy, true),
            ("alice", ObjectType::Template, Operation::Activate, false),
        ] {
            assert_eq!(allowed(user, object_type, operation), expected, "{user} {operation}");
        }
    }

    #[test]
    fn public_opens_templates_and_nothing_else() {
        let ask = |object_type, operation| {
            let question = Question { policy: "public", owner: "alice", object_type, operation };
            Policies::default().allows(&Principal::user("alice"), &question)
        };
        assert!(ask(ObjectType::Template, Operation::Get));
        assert!(!ask(ObjectType::Template, Operation::Destroy));
        assert!(!ask(ObjectType::SymmetricKey, Operation::Get));
    }

    #[test]
    fn an_unknown_policy_denies_everybody() {
        let question = Question {
            policy: "none",
            owner: "alice",
            object_type: ObjectType::SymmetricKey,
            operation: Operation::Get,
        };
        assert!(!Policies::default().allows(&Principal::user("alice"), &question));
    }

    #[test]
    fn any_group_that_allows_suffices() {
        let rules = |permission| {
            PolicyRules::default().with(ObjectType::SymmetricKey, &[Operation::Get], permission)
        };
        let policy = Policy {
            preset: Some(rules(Permission::DisallowAll)),
            groups: BTreeMap::from([
                ("a".to_owned(), rules(Permission::DisallowAll)),
                ("b".to_owned(), rules(Permission::AllowAll)),
            ]),
        };
        let mut policies = Policies::default();
        assert!(policies.insert("p", policy));
        let question = Question {
            policy: "p",
            owner: "alice",
            object_type: ObjectType::SymmetricKey,
            operation: Operation::Get,
        };
        let in_groups = |groups: &[&str]| Principal {
            user: "bob".into(),
            groups: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
        };
        assert!(policies.allows(&in_groups(&["a", "b"]), &question));
        assert!(!policies.allows(&in_groups(&["a"]), &question));
        assert!(!policies.allows(&in_groups(&[]), &question));
        assert!(!policies.allows(&Principal::user("bob"), &question));
    }

    fn to_all(permission: Permission) -> PolicyRules {
        let both = [Operation::Get, Operation::Locate];
        PolicyRules::default().with(ObjectType::SymmetricKey, &both, permission)
    }

    /// One policy of each shape.
    fn every_shape(without_section: WithoutSection) -> Policies {
        let mut policies = Policies::default().with_groups_without_section(without_section);
        let group = BTreeMap::from([("a".to_owned(), to_all(Permission::AllowAll))]);
        for (name, preset, groups) in [
            ("preset", Some(to_all(Permission::AllowAll)), BTreeMap::new()),
            ("groups", None, group.clone()),
            ("both", Some(to_all(Permission::AllowOwner)), group),
            ("neither", None, BTreeMap::new()),
        ] {
            assert!(policies.insert(name, Policy { preset, groups }));
        }
        policies
    }

    fn bob(groups: Option<&[&str]>) -> Principal {
        let groups = groups.map(|groups| groups.iter().map(|group| (*group).to_owned()).collect());
        Principal { user: "bob".into(), groups }
    }

    #[test]
    fn groups_and_sections_decide_as_the_table_says() {
        use WithoutSection::{Deny, Preset};
        let cases: [(WithoutSection, Option<&[&str]>, &str); 8] = [
            (Preset, None, "preset"),
            (Preset, Some(&[]), "preset"),
            (Preset, Some(&["a"]), "both groups preset"),
            (Preset, Some(&["b"]), "preset"),
            (Deny, None, "preset"),
            (Deny, Some(&[]), ""),
            (Deny, Some(&["a"]), "both groups"),
            (Deny, Some(&["b"]), ""),
        ];
        for (without_section, groups, expected) in cases {
            let policies = every_shape(without_section);
            let question = |policy| Question {
                policy,
                owner: "alice",
                object_type: ObjectType::SymmetricKey,
                operation: Operation::Get,
            };
            let allowed: Vec<&str> = ["both", "groups", "neither", "preset"]
                .into_iter()
                .filter(|policy| policies.allows(&bob(groups), &question(policy)))
                .collect();
            assert_eq!(allowed.join(" "), expected, "{without_section:?} {groups:?}");
        }
    }

    #[test]
    fn a_judgement_names_the_sections_that_were_asked() {
        use Permission::{AllowAll, AllowOwner, DisallowAll};
        let section = |group: Option<&str>, permission| (group.map(str::to_owned), permission);
        let policies = every_shape(WithoutSection::Preset);
        let asked = |policy, groups, operation| {
            let object_type = ObjectType::SymmetricKey;
            let question = Question { policy, owner: "alice", object_type, operation };
            policies.judgement(&bob(groups), &question)
        };
        let sections = |one| Judgement::Sections(vec![one]);
        for (policy, groups, operation, expected) in [
            ("none", None, Operation::Get, Judgement::NoPolicy),
            ("groups", None, Operation::Get, Judgement::NoSection),
            ("both", Some(&["b"][..]), Operation::Get, Judgement::NoSection),
            ("both", None, Operation::Get, sections(section(None, AllowOwner))),
            ("both", Some(&["a"][..]), Operation::Get, sections(section(Some("a"), AllowAll))),
            (
                "both",
                Some(&["a"][..]),
                Operation::Destroy,
                sections(section(Some("a"), DisallowAll)),
            ),
        ] {
            assert_eq!(asked(policy, groups, operation), expected, "{policy} {groups:?}");
        }
    }

    #[test]
    fn who_has_groups_has_nothing_of_the_default_policy_where_presets_do_not_count() {
        let policies = Policies::default().with_groups_without_section(WithoutSection::Deny);
        let question = Question {
            policy: "default",
            owner: "bob",
            object_type: ObjectType::SymmetricKey,
            operation: Operation::Get,
        };
        assert!(policies.allows(&bob(None), &question));
        assert!(!policies.allows(&bob(Some(&["a"])), &question));
    }

    #[test]
    fn visibility_agrees_with_the_decision() {
        for without_section in [WithoutSection::Preset, WithoutSection::Deny] {
            let policies = every_shape(without_section);
            for groups in [None, Some(&[][..]), Some(&["a"][..]), Some(&["b"][..])] {
                let principal = bob(groups);
                let visible = policies.visible(&principal);
                for policy in ["default", "public", "preset", "groups", "both", "neither", "none"] {
                    for (object_type, owner) in Object::TYPES
                        .into_iter()
                        .flat_map(|object_type| [(object_type, "alice"), (object_type, "bob")])
                    {
                        let operation = Operation::Locate;
                        let question = Question { policy, owner, object_type, operation };
                        assert_eq!(
                            visible.includes(policy, object_type, owner),
                            policies.allows(&principal, &question),
                            "{without_section:?} {groups:?} {policy} {object_type} {owner}"
                        );
                    }
                }
            }
        }
    }
}
