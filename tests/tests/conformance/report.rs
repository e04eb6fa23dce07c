//! The report: one line per case that did not pass, a table by version and profile, the totals.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};

use crate::display::tree;
use crate::play::{Outcome, Performance};

/// Writes a line that the test harness does not hold back.
pub(crate) fn say(line: &str) {
    // Nothing depends on the report being read.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Numbers of cases by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    /// Answers that differ, and no answers at all.
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    fn add(&mut self, outcome: &Outcome) {
        let number = match outcome {
            Outcome::Passed => &mut self.passed,
            Outcome::Failed(_) | Outcome::Broken(_) => &mut self.failed,
            Outcome::Skipped(_) => &mut self.skipped,
        };
        *number = number.saturating_add(1);
    }

    fn cell(self) -> String {
        let played = self.passed.saturating_add(self.failed);
        match (played, self.skipped) {
            (0, 0) => String::new(),
            (0, skipped) => format!("({skipped})"),
            (played, 0) => format!("{}/{played}", self.passed),
            (played, skipped) => format!("{}/{played} ({skipped})", self.passed),
        }
    }

    /// Returns the totals as one line.
    pub(crate) fn line(self) -> String {
        let Self { passed, failed, skipped } = self;
        format!("conformance: {passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Returns the line of one case; a case that passed needs none.
pub(crate) fn line(performance: &Performance<'_>) -> Option<String> {
    let (word, detail) = match &performance.outcome {
        Outcome::Passed => return None,
        Outcome::Failed(detail) => ("FAIL", detail.clone()),
        Outcome::Broken(detail) => ("ERROR", detail.clone()),
        Outcome::Skipped(reason) => ("SKIP", reason.to_string()),
    };
    let case = performance.case;
    Some(format!("{word:5} {} {}: {detail}", case.version_name(), case.name))
}

/// Returns the messages of a case that failed, as indented trees.
pub(crate) fn transcript(performance: &Performance<'_>) -> String {
    let name = &performance.case.name;
    let last = performance.played.len().saturating_sub(1);
    let mut parts = Vec::new();
    for (step, played) in performance.played.iter().enumerate() {
        let mut part = |what: &str, shown: String| {
            parts.push(format!("--- {name} message {step}: {what}\n{shown}"));
        };
        part("request", tree(&played.request));
        if step == last {
            part("expected", tree(&played.printed));
        }
        part("received", played.answer.as_ref().map_or_else(|| "nothing\n".to_owned(), tree));
    }
    parts.concat()
}

/// Returns the totals of all cases.
pub(crate) fn totals(performances: &[Performance<'_>]) -> Tally {
    let mut all = Tally::default();
    for performance in performances {
        all.add(&performance.outcome);
    }
    all
}

/// Returns the table: a row for each profile, a column for each version, each with the cases
/// passed of those played, and in brackets those skipped.
pub(crate) fn table(performances: &[Performance<'_>]) -> String {
    let mut tallies: BTreeMap<(bool, String), BTreeMap<String, Tally>> = BTreeMap::new();
    let mut versions = BTreeSet::new();
    for performance in performances {
        let case = performance.case;
        let group = case.group();
        // The profiles first, then the cases that belong to none.
        let row = tallies.entry((group.starts_with("TC-"), group)).or_default();
        for column in [case.version_name(), "all".to_owned()] {
            row.entry(column).or_default().add(&performance.outcome);
        }
        versions.insert(case.version_name());
    }
    let mut sums: BTreeMap<String, Tally> = BTreeMap::new();
    for performance in performances {
        for column in [performance.case.version_name(), "all".to_owned()] {
            sums.entry(column).or_default().add(&performance.outcome);
        }
    }
    let columns: Vec<String> = versions.into_iter().chain(["all".to_owned()]).collect();
    let row = |name: &str, cells: &dyn Fn(&String) -> String| {
        let cells: Vec<String> =
            columns.iter().map(|column| format!("{:>13}", cells(column))).collect();
        format!("{name:22}{}", cells.concat()).trim_end().to_owned()
    };
    let cell = |row: &BTreeMap<String, Tally>, column: &String| {
        row.get(column).copied().unwrap_or_default().cell()
    };
    let mut lines = vec![row("profile", &|column: &String| column.clone())];
    for ((_, group), tallies) in &tallies {
        lines.push(row(group, &|column: &String| cell(tallies, column)));
    }
    lines.push(row("all", &|column: &String| cell(&sums, column)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::Skip;
    use crate::xml::Case;

    fn performance(case: &Case, outcome: Outcome) -> Performance<'_> {
        Performance { case, outcome, played: Vec::new() }
    }

    #[test]
    fn the_table_counts_by_profile_and_version() {
        let one = Case::named("SKLC-M-1-10", (1, 0));
        let two = Case::named("SKLC-M-1-14", (1, 4));
        let three = Case::named("TC-Q-S2C-1-14", (1, 4));
        let performances = [
            performance(&one, Outcome::Passed),
            performance(&two, Outcome::Failed("message 0: differs".to_owned())),
            performance(&three, Outcome::Skipped(Skip::ServerToClient)),
        ];
        let expected = [
            "profile                         1.0          1.4          all",
            "SKLC                            1/1          0/1          1/2",
            "TC-Q                                         (1)          (1)",
            "all                             1/1      0/1 (1)      1/2 (1)",
        ];
        assert_eq!(table(&performances), expected.join("\n"));
        let line = totals(&performances).line();
        assert_eq!(line, "conformance: 1 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_case_that_did_not_pass_has_a_line() {
        let case = Case::named("SKLC-M-1-14", (1, 4));
        assert_eq!(line(&performance(&case, Outcome::Passed)), None);
        let failed = performance(&case, Outcome::Failed("message 0: differs".to_owned()));
        assert_eq!(line(&failed).unwrap(), "FAIL  1.4 SKLC-M-1-14: message 0: differs");
    }
}
