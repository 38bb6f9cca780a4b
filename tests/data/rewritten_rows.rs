//! Files that say a generator made their rows, after another program has written them again.
#![allow(missing_docs, reason = "tests")]

use crate::common::{context, refusal};

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use millstream::error::ErrorKind;
use millstream::source::Parquet;
use millstream::synthetic::learned::RowsFile;
use parquet::arrow::ArrowWriter;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

const NAME: &str = "copula 0, seed 0";
const SAID: &str = r#"{"made_by": "copula 0, seed 0", "fitted_on": []}"#;

/// Two rows with a column of this name, and what the file says of them, if anything.
fn write(path: &Path, column: &str, names: [Option<&str>; 2], said: Option<&str>) {
    let names: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
    let rows = RecordBatch::try_from_iter_with_nullable([(column, names, true)]).unwrap();
    let key = said.map(|said| ("millstream.generator".to_owned(), said.to_owned()));
    let schema = rows.schema().as_ref().clone();
    let schema = schema.with_metadata(key.into_iter().collect());
    let rows = rows.with_schema(Arc::new(schema)).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
}

#[test]
fn a_file_with_rows_of_the_users_own_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    let check = || RowsFile::new(&path, true).check(&[]);
    write(&path, "generator", [Some(NAME); 2], Some(SAID));
    check().unwrap();
    for (column, names, said) in [
        // As a concatenation leaves it: the key of the first file, and rows of another one.
        ("generator", [Some(NAME), None], Some(SAID)),
        ("generator", [Some(NAME), Some("vae 1, seed 2")], Some(SAID)),
        ("x", [Some(NAME); 2], Some(SAID)),
        ("generator", [Some(NAME); 2], Some("{}")),
        ("generator", [Some(NAME); 2], None),
    ] {
        write(&path, column, names, said);
        let why = "this file is not a file of rows that a generator made, and is not replaced";
        refusal(check(), ErrorKind::Config, why);
    }
}

#[test]
fn a_record_that_cannot_be_read_names_its_file() {
    let (cx, dir) = (context(), tempfile::tempdir().unwrap());
    let path = dir.path().join("rows.parquet");
    write(&path, "generator", [Some(NAME), None], Some(&SAID[..20]));
    let name = path.display().to_string();
    let why = format!("{name}: the record of what made these rows (metadata `millstream.generator`) cannot be read: ");
    refusal(cx.block_on(Parquet::open(&cx, &name)), ErrorKind::Data, &why);
}
