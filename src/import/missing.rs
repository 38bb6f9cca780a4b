//! Pictures that are named and not there.

use crate::dataset::Dataset;
use crate::exec::Context;
use crate::quote::quoted;
use std::path::Path;

/// What there is to say of the rows `missing`, whose pictures are not there.
pub(super) fn said_of_missing(cx: &Context, rows: &impl Dataset, missing: &[u64]) -> Option<String> {
    let first = rows.provenance(cx, *missing.first()?).places.into_iter().next();
    // A row of a list has its picture in brackets.
    let file = first.as_ref().map(|place| match place.source.strip_suffix(')') {
        Some(inside) => inside.rsplit_once(" (").map_or(&*place.source, |(_, file)| file),
        None => &*place.source,
    });
    let hint = file.and_then(|file| hint(Path::new(file)));
    let hint = hint.map(|hint| format!(": {hint}")).unwrap_or_default();
    let first = first.as_ref().map(|place| place.to_string()).unwrap_or_default();
    Some(match missing.len() {
        1 => format!("1 picture that is named is not there, and is null in what is written: {first}{hint}"),
        many => {
            format!(
                "{many} pictures that are named are not there, and are null in what is written; the first: {first}{hint}"
            )
        }
    })
}

/// Why the picture at `path` may not be there, where that can be told: it has an address of the web, or a name of other upper and lower case.
pub(super) fn hint(path: &Path) -> Option<String> {
    if ["http://", "https://"]
        .iter()
        .any(|scheme| path.to_string_lossy().contains(scheme))
    {
        return Some("nothing is downloaded: fetch the pictures, and name their files".to_owned());
    }
    let name = path.file_name()?.to_string_lossy();
    let lower = name.to_lowercase();
    let entries = std::fs::read_dir(path.parent()?).ok()?;
    let mut names = entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
    let other = names.find(|other| *other != name && other.to_lowercase() == lower)?;
    Some(format!(
        "{} is there, whose upper and lower case differ: give both the same name",
        quoted(&other)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Result};

    #[test]
    fn a_name_in_other_case_and_an_address_are_told() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("0.jpg"), "").map_err(|error| Error::io(at("0.jpg"), error))?;
        let said = hint(&at("0.JPG")).unwrap_or_default();
        assert!(said.starts_with("\"0.jpg\" is there"), "{said}");
        let said = hint(&at("http://example.org/0.jpg")).unwrap_or_default();
        assert!(said.starts_with("nothing is downloaded"), "{said}");
        assert_eq!(hint(&at("1.jpg")), None);
        assert_eq!(hint(&at("no/0.jpg")), None);
        Ok(())
    }
}
