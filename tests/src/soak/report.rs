//! What came of it: a table by minute, the failures, the memory, and whether all is as asked.

use std::{fmt, time::Duration};

use super::{
    Plan, Set,
    client::Settled,
    drive::Tally,
    memory::{self, Comparison, Course},
    minutes,
};

/// How many lines of the logs are shown.
const SHOWN: usize = 10;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Report {
    set: Set,
    time: Duration,
    clients: usize,
    cache: u64,
    seed: u64,
    peak: f64,
    pace: f64,
    /// What became of the requests.
    pub tally: Tally,
    /// What was found out about changes without an answer.
    pub settled: Settled,
    /// What has happened, and when.
    pub events: Vec<(Duration, String)>,
    /// How many SIGHUPs were sent.
    pub hang_ups: usize,
    /// How many changes have come into force on every node that lived.
    pub changes: usize,
    /// What was to happen and did not.
    pub faults: Vec<String>,
    /// Lines of the nodes' logs that tell of errors.
    pub errors: Vec<String>,
    /// The memory of every life.
    pub memory: Vec<Course>,
}

impl Report {
    /// Begins a report.
    pub fn new(plan: &Plan, peak: f64, pace: f64) -> Self {
        Self {
            set: plan.set,
            time: plan.time,
            clients: plan.clients,
            cache: plan.cache,
            seed: plan.seed,
            peak,
            pace,
            tally: Tally::new(),
            settled: Settled::default(),
            events: Vec::new(),
            hang_ups: 0,
            changes: 0,
            faults: Vec::new(),
            errors: Vec::new(),
            memory: Vec::new(),
        }
    }

    /// Says whether everything is as asked: no failed request but those of killed connections,
    /// memory flat, every change in force, no error.
    pub fn is_good(&self) -> bool {
        let compared = self.compared();
        let flat = compared.iter().filter(|it| it.counts()).all(Comparison::is_flat);
        self.tally.wrong == 0 && self.faults.is_empty() && self.errors.is_empty() && flat
    }

    fn compared(&self) -> Vec<Comparison> {
        self.memory.iter().filter_map(Course::compare).collect()
    }

    fn by_minute(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes = self.memory.iter().map(|course| course.node).max().unwrap_or_default();
        write!(f, "| Minute | Answers | p50, µs | p99, µs |")?;
        for node in 1..=nodes {
            write!(f, " node {node}, MiB |")?;
        }
        writeln!(f, " What happened |")?;
        writeln!(f, "|---|---|---|---|{}---|", "---|".repeat(nodes))?;
        for (minute, latencies) in self.tally.minutes.iter().enumerate() {
            let seconds = u64::try_from(minute).unwrap_or_default().saturating_mul(60);
            let begin = Duration::from_secs(seconds);
            let time = begin..begin.saturating_add(Duration::from_mins(1));
            let (p50, p99) = (latencies.of_thousand(500), latencies.of_thousand(990));
            write!(f, "| {minute} | {} | {p50} | {p99} |", latencies.count())?;
            for node in 1..=nodes {
                // The life that was there at the end of the minute.
                let lives = self.memory.iter().filter(|course| course.node == node);
                let mean = lives.rev().find_map(|course| course.mean(&time));
                write!(f, " {} |", mean.map_or_else(|| "-".to_owned(), mebibytes))?;
            }
            let events = self.events.iter().filter(|(at, _)| time.contains(at));
            let events: Vec<&str> = events.map(|(_, event)| event.as_str()).collect();
            writeln!(f, " {} |", events.join("; "))?;
        }
        Ok(())
    }

    fn requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { killed, crossed, wrong, connections, read_back, .. } = &self.tally;
        let all = self.tally.latencies();
        let lost = killed.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
        let kills = self.events.iter().filter(|(_, event)| event.ends_with("killed")).count();
        writeln!(f, "answers                                {:>10}", all.count())?;
        writeln!(f, "  p50, µs                              {:>10}", all.of_thousand(500))?;
        writeln!(f, "  p99, µs                              {:>10}", all.of_thousand(990))?;
        writeln!(f, "  longest, µs                          {:>10}", all.longest())?;
        writeln!(f, "connections opened                     {connections:>10}")?;
        writeln!(f, "failed: connection was on a killed node{lost:>10}  in {kills} kills")?;
        writeln!(f, "  of them changes that had happened    {:>10}", self.settled.happened)?;
        writeln!(f, "  and changes that had not             {:>10}", self.settled.not)?;
        writeln!(f, "crossed a stopped node's good-bye      {crossed:>10}  asked again, answered")?;
        writeln!(f, "failed otherwise                       {wrong:>10}  (0)")?;
        writeln!(f, "read back in the end                   {read_back:>10}")?;
        writeln!(f, "SIGHUPs                                {:>10}", self.hang_ups)?;
        writeln!(f, "changes in force on every node         {:>10}", self.changes)?;
        writeln!(f, "not done as planned                    {:>10}  (0)", self.faults.len())?;
        writeln!(f, "errors in the nodes' logs              {:>10}  (0)", self.errors.len())?;
        let told = self.tally.complaints.iter().chain(&self.faults);
        for line in told.chain(self.errors.iter().take(SHOWN)) {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }

    fn memory(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let compared = self.compared();
        writeln!(
            f,
            "memory (RSS, mean of a window); asked of windows of {} minutes: at most {} % more",
            memory::WINDOW.as_secs() / 60,
            memory::ALLOWED
        )?;
        writeln!(f, "| Node | Life | First window | MiB | Last window | MiB | Flat |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for it in &compared {
            let flat = match (it.counts(), it.is_flat()) {
                (true, true) => "yes",
                (true, false) => "no",
                (false, _) => "too short to say",
            };
            writeln!(
                f,
                "| {} | {} | {}–{} | {} | {}–{} | {} | {flat} |",
                it.node,
                it.life,
                minutes(it.first.start),
                minutes(it.first.end),
                mebibytes(it.before),
                minutes(it.last.start),
                minutes(it.last.end),
                mebibytes(it.after)
            )?;
        }
        if !compared.iter().any(Comparison::counts) {
            writeln!(f, "no life was long enough: memory is not judged")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set = match self.set {
            Set::Postgres => "two nodes on one PostgreSQL",
            Set::Sqlite => "one node on SQLite",
        };
        writeln!(
            f,
            "{set}, {} minutes, {} clients, cache of {} KiB, seed {}; peak {:.0} a second, paced at \
             {:.0}\n",
            minutes(self.time),
            self.clients,
            self.cache / 1_024,
            self.seed,
            self.peak,
            self.pace
        )?;
        self.by_minute(f)?;
        writeln!(f)?;
        self.requests(f)?;
        writeln!(f)?;
        self.memory(f)?;
        write!(f, "\n{}", if self.is_good() { "all as asked" } else { "NOT as asked" })
    }
}

/// Writes KiB as MiB.
fn mebibytes(kib: u64) -> String {
    format!("{}.{}", kib / 1_024, (kib % 1_024).saturating_mul(10) / 1_024)
}
