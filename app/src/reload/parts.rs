//! How each part is read, judged and put in force.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use kmip_model::DateTime;
use kmip_tls::Dates;

use super::{
    Targets,
    counts::{Counts, Outcome, Part},
    differences::needing_a_start,
    files::{self, Fingerprints},
};
use crate::{config::Config, log::LogLevel, report::Report, wire::admin};

/// What is asked for at one time.
#[derive(Default)]
pub(super) struct Asked {
    /// Says whether parts are read whose files seem to be the same.
    pub(super) is_everything: bool,
    /// A configuration, or why there is none.
    pub(super) configuration: Option<Result<Config, Report>>,
    /// What logs by it.
    pub(super) level: Option<LogLevel>,
}

/// All parts, with what is in force of them.
pub(super) struct Parts {
    targets: Targets,
    counts: Arc<Counts>,
    prints: Fingerprints,
    seen: Seen,
    /// What the server was started with.
    started: Config,
    /// What was last read, whether or not everything in it is in force.
    wanted: Config,
    /// What of it was last tried; of parts that have no file, what was last taken.
    in_force: Config,
}

/// What is in the files of a configuration before anything reads them: whatever changes from then on
/// is noticed.
pub(crate) struct Beginning {
    prints: Fingerprints,
    seen: Seen,
}

impl Beginning {
    /// Looks at the files.
    pub(crate) fn of(config: &Config) -> Self {
        let prints = Fingerprints::default();
        let seen = Seen {
            configuration: 0,
            certificate: prints.of(&files::certificate(config)),
            trust: prints.of(&files::trust(config)),
            access: prints.of(&files::access(config)),
            admin: prints.of(&files::admin(config)),
        };
        Self { prints, seen }
    }
}

/// The fingerprints of files when they were last read, good or bad.
struct Seen {
    configuration: u64,
    certificate: u64,
    trust: u64,
    access: u64,
    admin: u64,
}

impl Parts {
    pub(super) fn new(
        config: &Config,
        beginning: Beginning,
        targets: Targets,
        counts: Arc<Counts>,
    ) -> Self {
        let Beginning { prints, seen } = beginning;
        let [started, wanted, in_force] = [config.clone(), config.clone(), config.clone()];
        Self { targets, counts, prints, seen, started, wanted, in_force }
    }

    pub(super) fn now(&self) -> DateTime {
        self.targets.clock.now()
    }

    /// Returns the dates of what is in force; revocation lists are those of both ports.
    pub(super) fn dates(&self) -> Dates {
        let dates = self.targets.transport.dates();
        let admin = self.targets.admin.as_ref().and_then(|tls| tls.config.dates().lists_due);
        Dates { lists_due: [dates.lists_due, admin].into_iter().flatten().min(), ..dates }
    }

    /// Returns all files, those of the configuration that is wanted.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let config = &self.wanted;
        [
            files::certificate(config),
            files::trust(config),
            files::access(config),
            files::admin(config),
        ]
        .concat()
    }

    /// Says whether a configuration is the one that was last read.
    pub(super) fn is_wanted(&self, config: &Config) -> bool {
        self.wanted == *config
    }

    /// Notes what is in the configuration file, and says whether it is something else than before.
    pub(super) fn note_configuration(&mut self, file: Option<&Path>) -> bool {
        let file: Vec<PathBuf> = file.into_iter().map(Path::to_owned).collect();
        let print = self.prints.of(&file);
        std::mem::replace(&mut self.seen.configuration, print) != print
    }

    /// Takes whatever is new, or everything.
    pub(super) fn take(&mut self, asked: Asked) {
        if asked.is_everything {
            tracing::info!("reading the configuration and its files again");
        }
        match asked.configuration {
            Some(Ok(config)) => self.want(config),
            Some(Err(report)) => self.note(Part::Configuration, &Err(report)),
            None => {}
        }
        self.log_level(asked.level.as_ref());
        self.limits();
        self.policies(asked.is_everything);
        self.access(asked.is_everything);
        // Whom the server trusts comes first: a revocation is what may be urgent.
        self.trust(asked.is_everything);
        self.certificate(asked.is_everything);
        self.admin(asked.is_everything);
    }

    fn want(&mut self, config: Config) {
        self.wanted = config;
        let keys = needing_a_start(&self.started, &self.wanted);
        if !keys.is_empty() {
            tracing::warn!(?keys, "these keys have changed and take force only at a start");
        }
        self.note(Part::Configuration, &Ok(()));
    }

    fn log_level(&mut self, level: Option<&LogLevel>) {
        if self.wanted.log.level == self.in_force.log.level {
            return;
        }
        let Some(level) = level else { return };
        let result = level.exchange(&self.wanted.log);
        if result.is_ok() {
            self.in_force.log.level.clone_from(&self.wanted.log.level);
        } else {
            // It is told once, and tried again when it is another.
            self.wanted.log.level.clone_from(&self.in_force.log.level);
        }
        self.note(Part::LogLevel, &result);
    }

    fn limits(&mut self) {
        if self.wanted.limits == self.in_force.limits {
            return;
        }
        let result = self.targets.transport.limits(&self.wanted.limits);
        if result.is_ok() {
            self.in_force.limits.clone_from(&self.wanted.limits);
            self.targets.answering.exchange(&self.in_force);
        } else {
            self.wanted.limits.clone_from(&self.in_force.limits);
        }
        self.note(Part::Limits, &result);
    }

    fn policies(&mut self, is_everything: bool) {
        if self.wanted.policy != self.in_force.policy {
            let result = self.targets.policies.exchange(&self.wanted.policy);
            if result.is_ok() {
                self.in_force.policy.clone_from(&self.wanted.policy);
                self.targets.answering.exchange(&self.in_force);
            } else {
                self.wanted.policy.clone_from(&self.in_force.policy);
            }
            self.note(Part::Policies, &result);
        } else if is_everything {
            self.targets.policies.read_again();
        }
    }

    fn access(&mut self, is_everything: bool) {
        let print = self.prints.of(&files::access(&self.wanted));
        let is_other = self.wanted.auth != self.in_force.auth;
        if is_everything || is_other || print != self.seen.access {
            self.seen.access = print;
            let result = self.targets.authenticator.exchange(&self.wanted.auth);
            // What is of no use is tried again when its files change.
            self.in_force.auth.clone_from(&self.wanted.auth);
            self.note(Part::Access, &result);
        }
    }

    fn certificate(&mut self, is_everything: bool) {
        let print = self.prints.of(&files::certificate(&self.wanted));
        if is_everything || print != self.seen.certificate {
            self.seen.certificate = print;
            let now = self.now();
            let result = self.targets.transport.identity(&self.wanted.listen.kmip, now);
            self.note(Part::Certificate, &result);
        }
    }

    fn trust(&mut self, is_everything: bool) {
        let print = self.prints.of(&files::trust(&self.wanted));
        if is_everything || print != self.seen.trust {
            self.seen.trust = print;
            let result = self.targets.transport.trust(&self.wanted.listen.kmip, self.now());
            self.note_trust(Part::Trust, result);
        }
    }

    fn admin(&mut self, is_everything: bool) {
        let Some(tls) = &self.targets.admin else { return };
        let print = self.prints.of(&files::admin(&self.wanted));
        if !is_everything && print == self.seen.admin {
            return;
        }
        self.seen.admin = print;
        let now = self.targets.clock.now();
        let files = match admin::files(&self.wanted.listen.admin) {
            Ok(Some(files)) => files,
            // Without files it would be in the clear: that needs a start, and is told so.
            Ok(None) => return,
            Err(report) => return self.note(Part::Admin, &Err(report)),
        };
        let trust = tls.trust(&files, now);
        let identity = tls.identity(&files, now);
        self.note_trust(Part::Admin, trust);
        self.note(Part::Admin, &identity);
    }

    /// Tells and counts what became of authorities and lists: each that is of no use is told.
    fn note_trust(&self, part: Part, result: Result<Vec<Report>, Report>) {
        match result {
            Ok(bad) if bad.is_empty() => self.note(part, &Ok(())),
            Ok(bad) => {
                tracing::info!(part = part.name(), "taken, but for what follows");
                for report in bad {
                    self.note(part, &Err(report));
                }
            }
            Err(report) => self.note(part, &Err(report)),
        }
    }

    /// Tells and counts what became of a part.
    fn note(&self, part: Part, result: &Result<(), Report>) {
        let name = part.name();
        match result {
            Ok(()) => {
                tracing::info!(part = name, "taken");
                self.counts.add(part, Outcome::Taken);
            }
            Err(error) => {
                tracing::error!(part = name, %error, "of no use; what was in force stays");
                self.counts.add(part, Outcome::Kept);
            }
        }
    }
}
