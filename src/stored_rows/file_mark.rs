//! What tells the content of a file, whatever the file is called by and wherever it lies.

use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::str::FromStr;
use xxhash_rust::xxh3::Xxh3;

/// Bytes at either end that are looked at.
const END: u64 = 64 << 10;
/// Parts between the ends that are looked at, and the bytes of each.
const PARTS: (u64, u64) = (16, 4 << 10);

/// The size of a file and a hash of its ends and of parts between them: of a file of up to 192 KiB all of it. So a file of any size costs a quarter of
/// a megabyte, and a copy is told by it.
///
/// A row of a list of pictures is called by the list and its picture, and no file is called so: two lists with the same text may stand for other pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileMark {
    kind: Kind,
    bytes: u64,
    hash: u128,
}

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Parquet,
    Picture,
    /// A table in text: CSV or JSON lines.
    Text,
}

/// How tables in text end.
const TEXTS: [&str; 4] = ["csv", "tsv", "jsonl", "ndjson"];

impl Kind {
    const ALL: [Self; 3] = [Self::Parquet, Self::Picture, Self::Text];

    fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Picture => "picture",
            Self::Text => "text",
        }
    }

    /// That of the file at `path`, which begins with `head`.
    fn of(path: &str, head: &[u8]) -> Option<Self> {
        let ending = Path::new(path).extension();
        let ending = ending.map(|ending| ending.to_string_lossy().to_lowercase());
        let is_text = ending.is_some_and(|ending| TEXTS.contains(&&*ending));
        match head.starts_with(b"PAR1") {
            true => Some(Self::Parquet),
            false if is_text => Some(Self::Text),
            false => image::guess_format(head).ok().map(|_| Self::Picture),
        }
    }
}

impl FileMark {
    /// That of the file at `path`; none where there is no file, or one that is neither a table nor a picture.
    pub(super) fn of(path: &str) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let found = file.metadata().ok()?;
        let size = found.is_file().then_some(found.len())?;
        Self::read(path, &mut file, size).ok().flatten()
    }

    fn read(path: &str, file: &mut File, size: u64) -> io::Result<Option<Self>> {
        let mut head = vec![0; size.min(END) as usize];
        file.read_exact(&mut head)?;
        let Some(kind) = Kind::of(path, &head) else {
            return Ok(None);
        };
        let mut hash = Xxh3::new();
        hash.update(&head);
        let mut part = Vec::new();
        let mut add = |from: u64, bytes: u64| -> io::Result<()> {
            file.seek(SeekFrom::Start(from))?;
            part.resize(bytes as usize, 0);
            file.read_exact(&mut part)?;
            hash.update(&part);
            Ok(())
        };
        let (between, (parts, bytes)) = (size.saturating_sub(2 * END), PARTS);
        if between <= parts * bytes {
            add(size.min(END), between)?;
        } else {
            (0..parts).try_for_each(|at| add(END + (between - bytes) * at / (parts - 1), bytes))?;
        }
        let end = size.saturating_sub(END).min(END);
        add(size - end, end)?;
        Ok(Some(Self {
            kind,
            bytes: size,
            hash: hash.digest128(),
        }))
    }

    /// Whether a file of any name with the same mark is the same one. Of pictures it has to be called so as well: some may be equal by chance.
    pub(super) fn is_of_any_name(self) -> bool {
        self.kind != Kind::Picture
    }

    /// Whether the file at `path` has this mark. No more than its size is read where that differs.
    pub(super) fn is_of(self, path: &str) -> bool {
        let has_size = Path::new(path).metadata().is_ok_and(|found| found.len() == self.bytes);
        has_size && Self::of(path) == Some(self)
    }
}

/// `parquet 1234 0123456789abcdef0123456789abcdef`.
impl fmt::Display for FileMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {:032x}", self.kind.name(), self.bytes, self.hash)
    }
}

impl FromStr for FileMark {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.split(' ');
        let name = parts.next();
        let kind = Kind::ALL.into_iter().find(|kind| Some(kind.name()) == name).ok_or(())?;
        let bytes = parts.next().and_then(|bytes| bytes.parse().ok()).ok_or(())?;
        let hash = parts.next().and_then(|hash| u128::from_str_radix(hash, 16).ok());
        match parts.next() {
            None => Ok(Self {
                kind,
                bytes,
                hash: hash.ok_or(())?,
            }),
            Some(_) => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_that_of_the_content() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name).display().to_string();
        for size in [8, 65_536, 65_537, 131_072, 196_608, 400_000_usize] {
            let mut bytes: Vec<u8> = b"PAR1".iter().copied().cycle().take(size).collect();
            std::fs::write(at("a"), &bytes).unwrap();
            std::fs::write(at("b"), &bytes).unwrap();
            let mark = FileMark::of(&at("a")).unwrap();
            assert!(mark.is_of(&at("b")) && mark.is_of_any_name(), "{size}");
            assert_eq!(mark.to_string().parse(), Ok(mark), "{size}");
            // The ends are looked at, whatever the size.
            for changed in [5, size - 1] {
                bytes[changed] ^= 1;
                std::fs::write(at("b"), &bytes).unwrap();
                assert!(!mark.is_of(&at("b")), "{size}");
                bytes[changed] ^= 1;
            }
            bytes.push(0);
            std::fs::write(at("b"), &bytes).unwrap();
            assert!(!mark.is_of(&at("b")), "{size}");
        }
        std::fs::write(at("table.csv"), "x,label\n1,a\n").unwrap();
        std::fs::write(at("table.txt"), "x,label\n1,a\n").unwrap();
        std::fs::write(at("one.png"), b"\x89PNG\r\n\x1a\n").unwrap();
        let of = |name: &str| FileMark::of(&at(name)).map(FileMark::is_of_any_name);
        assert_eq!(
            ["table.csv", "one.png", "table.txt", "missing"].map(of),
            [Some(true), Some(false), None, None]
        );
        for wrong in ["", "parquet", "parquet 1", "parquet 1 x", "list 1 2", "parquet 1 2 3"] {
            assert_eq!(wrong.parse::<FileMark>(), Err(()), "{wrong}");
        }
    }
}
