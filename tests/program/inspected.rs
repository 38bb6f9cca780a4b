//! What `inspect` refuses, and what it says of columns that lie beside the labels.
#![cfg(feature = "cli")]

use super::boxes::{data, done, millstream};
use std::fs;

#[test]
fn inspect_refuses_classes_that_are_worked_out() {
    let dir = tempfile::tempdir().unwrap();
    data(&dir.path().join("x.parquet"), 6);
    for label in ["", "label = \"years\"\n"] {
        let text = format!(
            "[data]\ntrain = \"x.parquet\"\n{label}label_by = {{ bins = {{ column = \"width\", edges = [50] }} }}\n"
        );
        fs::write(dir.path().join("r.toml"), text).unwrap();
        let ran = millstream(dir.path(), "inspect --recipe r.toml");
        let said = String::from_utf8(ran.stderr).unwrap();
        assert!(!ran.status.success(), "{said}");
        for part in [
            "data.label_by: ",
            "inspect looks at what is stored",
            "name a stored column of labels (--label)",
        ] {
            assert!(said.contains(part), "{label}{part}: {said}");
        }
        assert!(!said.contains("no column"), "{said}");
        // What it says helps.
        done(&millstream(dir.path(), "inspect --recipe r.toml --label objects"));
    }
}
