//! What each check found, in one line for people or as JSON for machines.

use std::{fmt, io::Write as _, process::ExitCode};

use serde::Serialize;
use serde_json::json;

use crate::client::printable;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// It is as it should be.
    Ok,
    /// It works, and will or may not for long.
    Warning,
    /// It does not work, or a key is in danger.
    Failed,
    /// It could not be looked at, or there is nothing to look at.
    Skipped,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// How it ended.
    pub(super) status: Status,
    /// What was looked at.
    pub(super) check: String,
    /// What was found, and what to do about it.
    pub(super) detail: String,
}

impl fmt::Display for Finding {
    /// One line, whatever a file or a server had in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (check, detail) = (printable(&self.check), printable(&self.detail));
        write!(f, "{:<7}  {check:<36}  {detail}", self.status.word())
    }
}

/// How findings are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// Each as a line, as soon as it is known.
    Lines,
    /// All together in the end.
    Json,
    /// Not at all.
    #[cfg(test)]
    Quiet,
}

/// What all checks found.
#[derive(Debug)]
pub(super) struct Findings {
    list: Vec<Finding>,
    manner: Manner,
}

impl Findings {
    /// Starts with none.
    pub(super) fn new(manner: Manner) -> Self {
        Self { list: Vec::new(), manner }
    }

    /// Notes that something is as it should be.
    pub(super) fn ok(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.note(Status::Ok, check, detail);
    }

    /// Notes that something works, and will or may not for long.
    pub(super) fn warning(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.note(Status::Warning, check, detail);
    }

    /// Notes that something does not work.
    pub(super) fn failed(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.note(Status::Failed, check, detail);
    }

    /// Notes that something was not looked at.
    pub(super) fn skipped(&mut self, check: impl Into<String>, detail: impl Into<String>) {
        self.note(Status::Skipped, check, detail);
    }

    /// Notes how a check ended.
    pub(super) fn note(
        &mut self,
        status: Status,
        check: impl Into<String>,
        detail: impl Into<String>,
    ) {
        let finding = Finding { status, check: check.into(), detail: detail.into() };
        if self.manner == Manner::Lines {
            // Who has gone away does not want to know; the exit code still says it.
            let _ = writeln!(std::io::stdout(), "{finding}");
        }
        self.list.push(finding);
    }

    fn count(&self, status: Status) -> usize {
        self.list.iter().filter(|finding| finding.status == status).count()
    }

    /// Tells what is left to be told, and how the program ends.
    pub(super) fn end(&self) -> ExitCode {
        let [failed, warnings] = [Status::Failed, Status::Warning].map(|it| self.count(it));
        // As above.
        let _ = match self.manner {
            Manner::Lines => {
                writeln!(std::io::stdout(), "\n{failed} failed, {warnings} to be looked at")
            }
            Manner::Json => writeln!(std::io::stdout(), "{}", self.to_json()),
            #[cfg(test)]
            Manner::Quiet => Ok(()),
        };
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "program": concat!("kmip-app ", env!("CARGO_PKG_VERSION")),
            "sound": self.count(Status::Failed) == 0,
            "checks": self.list,
        })
    }

    /// Returns what was found.
    #[cfg(test)]
    pub(super) fn list(&self) -> &[Finding] {
        &self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let mut findings = Findings::new(Manner::Quiet);
        findings.warning("store", "one\nline");
        let line = findings.list().first().unwrap().to_string();
        assert_eq!(line, format!("warning  {:<36}  one\\nline", "store"));
    }

    #[test]
    fn only_a_failure_is_one() {
        let mut findings = Findings::new(Manner::Quiet);
        findings.ok("a", "");
        findings.warning("b", "");
        findings.skipped("c", "");
        assert_eq!(findings.to_json()["sound"], true);
        findings.failed("d", "why");
        let json = findings.to_json();
        assert_eq!(json["sound"], false);
        assert_eq!(json["checks"][3], json!({"status": "failed", "check": "d", "detail": "why"}));
    }
}
