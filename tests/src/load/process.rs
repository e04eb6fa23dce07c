//! What a process has used up, as Linux shows it under `/proc`.

use std::{fs, io, time::Duration};

/// How many microseconds a tick of `/proc/PID/stat` is: USER_HZ is 100 wherever the server runs.
const TICK_MICROS: u64 = 10_000;

/// Returns the time that a process has spent on processors, in its own code and in the kernel.
pub fn cpu(process: u32) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let ticks = ticks(&stat).ok_or_else(|| io::Error::other("stat has another form"))?;
    Ok(Duration::from_micros(ticks.saturating_mul(TICK_MICROS)))
}

/// Reads the fields 14 and 15; the second, the name in brackets, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after) = stat.rsplit_once(") ")?;
    let mut fields = after.split(' ').skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    user.checked_add(system)
}

/// Returns how much memory a process has now, in KiB.
pub fn memory(process: u32) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .ok_or_else(|| io::Error::other("the process does not say how much memory it has"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 1 0 0 0 31 11 0 0 20 0 1 0 5";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(memory(std::process::id()).unwrap() > 100);
        cpu(std::process::id()).unwrap();
    }
}
