//! What a file system has room for, and whether it is one of another computer.

use std::{io, path::Path};

use rustix::fs::{statfs, statvfs};

/// A file system, as it is where a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that a user may still write.
    pub free_bytes: u64,
    /// Files that can still be made; `None` where the file system makes room for them as needed.
    pub free_files: Option<u64>,
    /// The name of the network file system that it is, if it is one.
    pub network: Option<&'static str>,
}

/// File systems of other computers, by the numbers that Linux gives them.
const NETWORK: [(u32, &str); 8] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB2"),
    (0x517B, "SMB"),
    (0x00C3_6400, "CephFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x5346_414F, "AFS"),
    (0x0102_1997, "9P"),
];

/// Looks at the file system that a path is on.
///
/// # Errors
///
/// Reports what the operating system says.
pub fn inspect(path: &Path) -> io::Result<Disk> {
    let room = statvfs(path)?;
    Ok(Disk {
        free_bytes: room.f_bavail.saturating_mul(room.f_frsize),
        free_files: (room.f_files > 0).then_some(room.f_favail),
        network: network(i128::from(statfs(path)?.f_type)),
    })
}

/// Names a network file system; of the number, which may have a sign, 32 bits count.
fn network(kind: i128) -> Option<&'static str> {
    let kind = u32::try_from(kind & i128::from(u32::MAX)).ok()?;
    NETWORK.iter().find(|row| row.0 == kind).map(|row| row.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_by_their_numbers() {
        for (kind, name) in [
            (0x6969, Some("NFS")),
            (0xFF53_4D42, Some("CIFS")),
            (i128::from(0xFF53_4D42_u32.cast_signed()), Some("CIFS")),
            (0xEF53, None),
            (0x0102_1994, None),
        ] {
            assert_eq!(network(kind), name, "{kind:x}");
        }
    }

    #[test]
    fn a_directory_has_room_and_what_is_not_there_is_told() {
        let place = tempfile::tempdir().unwrap();
        assert!(inspect(place.path()).unwrap().free_bytes > 0);
        assert!(inspect(&place.path().join("nothing")).is_err());
    }
}
