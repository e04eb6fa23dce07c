//! What the operating system knows of the process (Linux, `/proc`). What cannot be read is left out.

use std::fs;

/// Ticks of a second in `/proc`; Linux gives programs 100, whatever it counts with itself.
const TICKS: f64 = 100.0;

/// Returns the memory that is in use, in bytes.
pub(crate) fn memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Returns the processor time that was used, in seconds.
pub(crate) fn processor_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program stands in brackets and may have spaces.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / TICKS)
}

/// Counts open files and sockets.
pub(crate) fn open_files() -> Option<u64> {
    // The directory itself is open while it is read.
    u64::try_from(fs::read_dir("/proc/self/fd").ok()?.count()).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_has_memory_time_and_files() {
        assert!(memory().is_some_and(|bytes| bytes > 1 << 20));
        assert!(processor_seconds().is_some_and(|seconds| seconds >= 0.0));
        let before = open_files().unwrap();
        let file = fs::File::open("/proc/self/stat").unwrap();
        assert!(open_files().unwrap() > before.saturating_sub(3));
        drop(file);
    }
}
