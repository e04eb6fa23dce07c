//! How far it is: one line on standard error that is written over, if somebody looks at it.

use std::io::{IsTerminal as _, Write as _};

/// How many characters the bar has.
const WIDTH: u64 = 30;

/// A bar that fills.
pub(crate) struct Progress {
    shown: bool,
    /// What was written last; the same is not written twice.
    last: String,
}

impl Progress {
    /// Shows itself only on a terminal.
    pub(crate) fn on_terminal() -> Self {
        Self { shown: std::io::stderr().is_terminal(), last: String::new() }
    }

    /// Says how much of a part of the work is done.
    pub(crate) fn tell(&mut self, what: &str, done: u64, total: u64) {
        self.show(bar(what, done, total));
    }

    /// Says how much is done of a part of which nobody knows how much it is.
    pub(crate) fn count(&mut self, what: &str, done: u64) {
        self.show(format!("{what:<12} {done}"));
    }

    fn show(&mut self, line: String) {
        if self.shown && line != self.last {
            // Nobody is worse off for a bar that cannot be written.
            let room = self.last.chars().count();
            let _ = write!(std::io::stderr(), "\r{line:<room$}");
            self.last = line;
        }
    }

    /// Makes room for what is told next.
    pub(crate) fn end(&mut self) {
        if !self.last.is_empty() {
            let blank = " ".repeat(self.last.chars().count());
            let _ = write!(std::io::stderr(), "\r{blank}\r");
            self.last.clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}

fn bar(what: &str, done: u64, total: u64) -> String {
    let share = |whole: u64| done.min(total).saturating_mul(whole).checked_div(total);
    let filled = share(WIDTH).unwrap_or(WIDTH);
    let percent = share(100).unwrap_or(100);
    let count = |number: u64| usize::try_from(number).unwrap_or_default();
    let full = "#".repeat(count(filled));
    let empty = "-".repeat(count(WIDTH.saturating_sub(filled)));
    format!("{what:<9} [{full}{empty}] {percent:>3} %  {done} of {total}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_full_as_the_work_is_done() {
        let half = format!("reading   [{}{}]  50 %  1 of 2", "#".repeat(15), "-".repeat(15));
        assert_eq!(bar("reading", 1, 2), half);
        assert_eq!(bar("reading", 0, 0), format!("reading   [{}] 100 %  0 of 0", "#".repeat(30)));
    }
}
