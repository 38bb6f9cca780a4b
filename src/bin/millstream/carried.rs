//! The demo's data, which is inside the program.

use millstream::{Error, Result};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The demo's files: what they are called, and what is in them.
const DATA: [(&str, &[u8]); 2] = [
    (
        "fashion-mnist-train.parquet",
        include_bytes!("../../../examples/data/fashion-mnist-train.parquet"),
    ),
    (
        "fashion-mnist-test.parquet",
        include_bytes!("../../../examples/data/fashion-mnist-test.parquet"),
    ),
];

/// Where the demo's file `name` is: in the repository, where the program is run in it or was built from it; elsewhere a copy of
/// what is inside the program is put into the folder of temporary files.
pub(crate) fn carried(name: &str) -> Result<PathBuf> {
    let data = DATA.into_iter().find(|(known, _)| *known == name);
    let (name, bytes) = data.ok_or_else(|| Error::config(format!("the program carries no {name}")))?;
    let below = |folder: &Path| folder.join("examples/data").join(name);
    let repository = [Path::new(""), Path::new(env!("CARGO_MANIFEST_DIR"))].map(below);
    let copies = std::env::temp_dir().join(format!("millstream-demo-{}", env!("CARGO_PKG_VERSION")));
    found(&repository, &copies.join(name), bytes)
}

/// The first of `places` whose file is `bytes`, even if another program wrote it; else `copy`, which becomes that.
fn found(places: &[PathBuf], copy: &Path, bytes: &[u8]) -> Result<PathBuf> {
    let same = |path: &&Path| std::fs::read(path).is_ok_and(|there| there == bytes);
    let places = places.iter().map(PathBuf::as_path).chain([copy]);
    if let Some(path) = places.into_iter().find(same) {
        return Ok(path.to_owned());
    }
    write(copy, bytes).map_err(|error| Error::io(copy, error))?;
    Ok(copy.to_owned())
}

/// Writes the file whole or not at all.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_without_its_repository_writes_what_it_carries() -> Result<()> {
        let folder = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let [changed, copy] = ["changed", "copies/data"].map(|name| folder.path().join(name));
        write(&changed, b"other").map_err(|error| Error::io(&changed, error))?;
        let places = [folder.path().join("none"), changed];
        for damage in [None, Some(b"damaged")] {
            if let Some(damage) = damage {
                write(&copy, damage).map_err(|error| Error::io(&copy, error))?;
            }
            assert_eq!(found(&places, &copy, DATA[1].1)?, copy);
            assert!(std::fs::read(&copy).is_ok_and(|there| there == DATA[1].1));
        }
        assert_eq!(found(std::slice::from_ref(&copy), &places[0], DATA[1].1)?, copy);
        Ok(())
    }
}
