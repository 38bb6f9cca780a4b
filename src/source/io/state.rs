//! What a file was when it was opened, and whether it is the same one still.

use arrow::temporal_conversions::timestamp_ns_to_datetime;
use std::fs::Metadata;
use std::time::{Duration, SystemTime};

/// Size, times and inode of a file, at the moment it was looked at.
#[derive(Clone, Debug)]
pub(in crate::source) struct FileState {
    pub(in crate::source) size: u64,
    modified: SystemTime,
    version: Version,
    seen: SystemTime,
}

/// What tells contents of the same size and time of modification apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Version {
    /// The system does not tell.
    #[cfg_attr(unix, allow(dead_code, reason = "every Unix tells"))]
    Unknown,
    #[cfg_attr(not(unix), allow(dead_code, reason = "Unix alone tells"))]
    Inode(Inode),
    #[cfg(feature = "testing")]
    Tag(Option<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Inode {
    device: u64,
    number: u64,
    rights: Rights,
    /// The time of change, in nanoseconds since 1970. It is the system's own, and no program can set it back.
    changed: i128,
}

/// What the time of change follows as it follows contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rights {
    links: u64,
    mode: u32,
    user: u32,
    group: u32,
}

impl FileState {
    /// The state of the file that `metadata` is of.
    pub(in crate::source) fn of(metadata: &Metadata) -> std::io::Result<Self> {
        Ok(Self {
            size: metadata.len(),
            modified: metadata.modified()?,
            version: Version::of(metadata),
            seen: SystemTime::now(),
        })
    }

    /// The state of an object in a store.
    #[cfg(feature = "testing")]
    pub(in crate::source) fn of_object(object: object_store::ObjectMeta) -> Self {
        Self {
            size: object.size,
            modified: object.last_modified.into(),
            version: Version::Tag(object.e_tag),
            seen: SystemTime::now(),
        }
    }

    /// Whether `now` is a state of the same contents. `was_gone` says that the file was not there for a while: what comes back
    /// by its old name has another time of change.
    pub(in crate::source) fn is_same(&self, now: &Self, was_gone: bool) -> bool {
        let same = (self.size, self.modified) == (now.size, now.modified);
        same && match (&self.version, &now.version) {
            // Owners, rights and links change the time of change as well as contents do.
            (Version::Inode(then), Version::Inode(now)) => {
                let explained = was_gone || then.rights != now.rights;
                then.number == now.number && (then.changed == now.changed || explained)
            }
            (then, now) => then == now,
        }
    }

    /// Size, times of modification and of change, device and inode in words: no file can be another one by its bytes and have
    /// the same. None where the system does not tell, or where the last change was so shortly before that the next one may
    /// bear the same time.
    pub(in crate::source) fn identity(&self) -> Option<String> {
        /// Longer than a tick of any file system's clock (FAT's are two seconds).
        const TICK: Duration = Duration::from_millis(2500);
        let Version::Inode(inode) = &self.version else {
            return None;
        };
        let settled = inode.changed + (TICK.as_nanos() as i128) < nanos(self.seen);
        settled.then(|| {
            let (size, modified) = (self.size, nanos(self.modified));
            let Inode {
                changed,
                device,
                number,
                ..
            } = inode;
            format!("{size} {modified} {changed} {device} {number}")
        })
    }
}

/// As messages have it: `300 bytes of 2026-01-31 12:00:00 UTC`.
impl std::fmt::Display for FileState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes", self.size)?;
        let time = i64::try_from(nanos(self.modified)).ok();
        match time.and_then(timestamp_ns_to_datetime) {
            Some(time) => write!(f, " of {time} UTC"),
            None => Ok(()),
        }
    }
}

impl Version {
    #[cfg(unix)]
    fn of(metadata: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt;
        Self::Inode(Inode {
            device: metadata.dev(),
            number: metadata.ino(),
            rights: Rights {
                links: metadata.nlink(),
                mode: metadata.mode(),
                user: metadata.uid(),
                group: metadata.gid(),
            },
            changed: i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec()),
        })
    }

    #[cfg(not(unix))]
    fn of(_: &Metadata) -> Self {
        Self::Unknown
    }
}

/// Nanoseconds since 1970, below zero before.
fn nanos(time: SystemTime) -> i128 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_the_same_where_contents_are() {
        let inode = Inode {
            device: 1,
            number: 7,
            rights: Rights {
                links: 1,
                mode: 0o644,
                user: 0,
                group: 0,
            },
            changed: 5_000_000_000,
        };
        let time = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let state = |inode: Inode| FileState {
            size: 300,
            modified: time(5),
            version: Version::Inode(inode),
            seen: time(7),
        };
        let then = state(inode);
        let later = state(Inode {
            changed: 6_000_000_000,
            ..inode
        });
        let linked = state(Inode {
            rights: Rights {
                links: 2,
                ..inode.rights
            },
            changed: 6_000_000_000,
            ..inode
        });
        let other = state(Inode { number: 8, ..inode });
        assert!(then.is_same(&then, false));
        assert!(!then.is_same(&later, false) && then.is_same(&later, true));
        assert!(then.is_same(&linked, false));
        assert!(!then.is_same(&other, true));
        assert!(!then.is_same(
            &FileState {
                size: 301,
                ..then.clone()
            },
            true
        ));
        assert_eq!(then.to_string(), "300 bytes of 1970-01-01 00:00:05 UTC");
        // The next change may bear the same time as the last.
        assert_eq!(then.identity(), None);
        let settled = FileState { seen: time(8), ..then };
        assert_eq!(settled.identity().as_deref(), Some("300 5000000000 5000000000 1 7"));
    }
}
