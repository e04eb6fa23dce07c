//! What the process may do: no core dumps, which would hold keys, and enough open files.

use std::io;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};

/// Keeps the process's memory out of core dumps and from other processes of the same user.
///
/// # Errors
///
/// Reports that the operating system refuses.
pub fn forbid_core_dumps() -> io::Result<()> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Lets the process open as many files, and so connections, as it is allowed to.
pub fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    // If it may not, it goes on with what it has; connections beyond that wait.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

/// Returns how many files the process may have open, as far as it may say so itself; `None` is
/// without limit.
#[must_use]
pub fn open_files() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_core_dump_has_no_room() {
        forbid_core_dumps().unwrap();
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }

    #[test]
    fn as_many_files_as_allowed_can_be_open() {
        allow_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
