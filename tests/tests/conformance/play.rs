//! Plays cases: sends each request, compares each answer, stops at the first difference.

use kmip_model::enumeration::Operation;
use kmip_tests::connection::{Connection, ConnectionError, TlsVersions};

use crate::cleanup::Cleanup;
use crate::clock;
use crate::compare::knowledge::Knowledge;
use crate::compare::{Difference, compare};
use crate::subject::Subject;
use crate::tree::Item;
use crate::variables::{Unbound, fill};
use crate::xml::{Case, CaseError, operations_of};

/// Cases that begin with what another one leaves behind: that one is played first, unscored.
/// Which set-up OTP-3 to OTP-5 need is not published; theirs is the one that fits their answers.
const PREREQUISITES: &[(&str, &str)] = &[
    ("SASED-M-3", "SASED-M-2"),
    ("TC-CREG-2", "TC-CREG-1"),
    ("TC-CREG-3", "TC-CREG-1"),
    ("TC-OTP-1", "TC-OTP-SETUP-1"),
    ("TC-OTP-2", "TC-OTP-SETUP-1"),
    ("TC-OTP-3", "TC-OTP-SETUP-2"),
    ("TC-OTP-4", "TC-OTP-SETUP-1"),
    ("TC-OTP-5", "TC-OTP-SETUP-2"),
    ("TC-OTP-CLEANUP-1", "TC-OTP-SETUP-1"),
    ("TL-M-3", "TL-M-2"),
];

/// Why a case stops.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Different(#[from] Difference),
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error(transparent)]
    Unbound(#[from] Unbound),
    #[error(transparent)]
    Case(#[from] CaseError),
}

/// Why a case is not played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Skip {
    #[error("the server is the one that sends")]
    ServerToClient,
    #[error("the case needs an HTTPS endpoint")]
    Https,
    #[error("the case needs {0}, which is not there")]
    Prerequisite(&'static str),
}

/// How a case ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    Passed,
    /// An answer differs.
    Failed(String),
    /// There is no answer to compare.
    Broken(String),
    Skipped(Skip),
}

/// A request, the answer printed for it, and the answer received.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) request: Item,
    pub(crate) printed: Item,
    pub(crate) answer: Option<Item>,
}

/// A case and how it ended.
#[derive(Debug)]
pub(crate) struct Performance<'c> {
    pub(crate) case: &'c Case,
    pub(crate) outcome: Outcome,
    /// The messages of the case, for a verbose report.
    pub(crate) played: Vec<Played>,
}

/// Plays cases against one server.
pub(crate) struct Player<'s> {
    subject: &'s Subject,
    all: &'s [Case],
    cleanup: Cleanup,
}

impl<'s> Player<'s> {
    /// Prepares to play; `all` are the cases among which prerequisites are looked for.
    pub(crate) fn new(subject: &'s Subject, all: &'s [Case]) -> Self {
        Self { subject, all, cleanup: Cleanup::default() }
    }

    /// Counts the objects that the identity has before anything is played.
    pub(crate) fn objects_before(&mut self) -> usize {
        self.cleanup.count(self.subject)
    }

    /// Plays one case between two cleanups.
    pub(crate) fn perform<'c>(&mut self, case: &'c Case) -> Performance<'c> {
        let mut played = Vec::new();
        let outcome = match skip(case, self.all) {
            Ok(Some(skip)) => Outcome::Skipped(skip),
            Ok(None) => self.attempt(case, &mut played),
            Err(error) => Outcome::Broken(error.to_string()),
        };
        Performance { case, outcome, played }
    }

    fn attempt(&mut self, case: &Case, played: &mut Vec<Played>) -> Outcome {
        self.cleanup.run(self.subject, case.version, []);
        let mut knowledge = Knowledge::new(case.profile(), &case.name, case.version, clock::now());
        let note = prerequisites(case, self.all)
            .flatten()
            .map(|earlier| self.prepare(earlier, &mut knowledge))
            .collect::<String>();
        knowledge.started = clock::now();
        let ended = self.play(case, &mut knowledge, played, Tolerance::None);
        self.cleanup.run(self.subject, case.version, knowledge.objects.keys());
        let Err(trouble) = ended else { return Outcome::Passed };
        let text = format!("message {}: {trouble}{note}", played.len().saturating_sub(1));
        match trouble {
            Trouble::Different(_) => Outcome::Failed(text),
            _ => Outcome::Broken(text),
        }
    }

    /// Plays a prerequisite; what goes wrong there is a note to the case that needs it.
    fn prepare(&self, earlier: &Case, knowledge: &mut Knowledge) -> String {
        let mut own =
            Knowledge::new(earlier.profile(), &earlier.name, earlier.version, clock::now());
        let ended = self.play(earlier, &mut own, &mut Vec::new(), Tolerance::Differences);
        knowledge.inherit(own);
        match ended {
            Ok(()) => String::new(),
            Err(trouble) => format!(" [its prerequisite {} failed: {trouble}]", earlier.name),
        }
    }

    /// Plays the messages of a case over one connection, which must stay open.
    fn play(
        &self,
        case: &Case,
        knowledge: &mut Knowledge,
        played: &mut Vec<Played>,
        tolerance: Tolerance,
    ) -> Result<(), Trouble> {
        let versions =
            if case.profile() == "QS" { TlsVersions::OnlyTls13 } else { TlsVersions::Any };
        let mut connection = Connection::open(&self.subject.target, versions)?;
        let mut first: Option<Difference> = None;
        for exchange in case.exchanges()? {
            let request = match fill(&exchange.request, knowledge, clock::now()) {
                Ok(request) => request,
                // The value is missing because of the earlier difference.
                Err(_) if first.is_some() => break,
                Err(unbound) => {
                    played.push(Played {
                        request: exchange.request,
                        printed: exchange.response,
                        answer: None,
                    });
                    return Err(unbound.into());
                }
            };
            played.push(Played { request, printed: exchange.response, answer: None });
            let Some(current) = played.last_mut() else { break };
            let answer = current.answer.insert(connection.exchange(&current.request)?);
            match compare(knowledge, &current.request, &current.printed, answer) {
                Err(difference) if tolerance == Tolerance::Differences => {
                    first.get_or_insert(difference);
                }
                verdict => verdict?,
            }
        }
        first.map_or(Ok(()), |difference| Err(difference.into()))
    }
}

/// Whether a case goes on after a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tolerance {
    None,
    Differences,
}

/// Finds the cases to play first, each of the same version or else of the nearest earlier one.
fn prerequisites<'c>(
    case: &'c Case,
    all: &'c [Case],
) -> impl Iterator<Item = Result<&'c Case, Skip>> {
    PREREQUISITES.iter().filter(|row| row.0 == case.base()).map(move |(_, needed)| {
        all.iter()
            .filter(|other| other.base() == *needed && other.version <= case.version)
            .max_by_key(|other| other.version)
            .ok_or(Skip::Prerequisite(needed))
    })
}

/// Says why a case cannot be played at all.
fn skip(case: &Case, all: &[Case]) -> Result<Option<Skip>, CaseError> {
    if case.name.starts_with("MSGENC-") {
        return Ok(Some(Skip::Https));
    }
    let operations = operations_of(&case.exchanges()?);
    let sends = [Operation::Notify, Operation::Put].iter().any(|one| operations.contains(one));
    if sends || case.name.contains("S2C") {
        return Ok(Some(Skip::ServerToClient));
    }
    Ok(prerequisites(case, all).find_map(Result::err))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prerequisite_is_of_the_same_version_or_the_nearest_earlier_one() {
        let all = [
            Case::named("TL-M-2-10", (1, 0)),
            Case::named("TL-M-2-12", (1, 2)),
            Case::named("TL-M-2-14", (1, 4)),
            Case::named("TL-M-3-13", (1, 3)),
        ];
        let [_, nearest, _, case] = &all;
        let found: Vec<_> =
            prerequisites(case, &all).map(|one| one.unwrap().name.as_str()).collect();
        assert_eq!(found, [nearest.name.as_str()]);
        let alone = Case::named("TC-CREG-2-14", (1, 4));
        let missing = prerequisites(&alone, &all).find_map(Result::err);
        assert_eq!(missing, Some(Skip::Prerequisite("TC-CREG-1")));
        assert_eq!(prerequisites(nearest, &all).count(), 0);
    }

    #[test]
    fn encodings_over_https_are_not_played() {
        let case = Case::named("MSGENC-XML-M-1-14", (1, 4));
        assert_eq!(skip(&case, &[]).unwrap(), Some(Skip::Https));
    }
}
