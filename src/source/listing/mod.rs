//! Lists in CSV or JSON lines, of pictures in files of their own or of anything else.
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # std::fs::write(folder.path().join("1.jpg"), "1").unwrap();
//! # std::fs::write(folder.path().join("2.jpg"), "2").unwrap();
//! # let path = folder.path().join("metadata.csv");
//! # let text = "file_name,label\n1.jpg,cat\n2.jpg,dog\n";
//! # std::fs::write(&path, text).unwrap();
//! # let path = path.display().to_string();
//! // file_name,label
//! // 1.jpg,cat
//! // 2.jpg,dog
//! use millstream::source::Listing;
//! use millstream::{Context, Dataset, Error};
//!
//! let cx = Context::new()?;
//! let photos = cx.block_on(Listing::open(&cx, &path))?;
//! let columns: Vec<_> = photos.schema().fields().iter().map(|field| field.name().clone()).collect();
//! assert_eq!(columns, ["image", "file_name", "label"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Which files
//!
//! A file, a pattern, or a folder. Files that end in `.csv` have commas and a line of names, those in `.tsv` tabs, those in `.jsonl` and
//! `.ndjson` an object a line. Semicolons are refused, and so is a list of objects in one `.json`. In a folder these are, as in Hugging Face's `imagefolder`, all files named `metadata.csv` or
//! `metadata.jsonl`, or, where there are none, all lists. Names of files and folders tell [splits](super::Splits), unless a `README.md`
//! does, whose `configs` list `data_files`.
//!
//! # Pictures
//!
//! The column `file_name`, as in Hugging Face's `imagefolder`, names a picture for each row; where there is none, the only column of
//! texts that all end as names of pictures do. The bytes of the files are a column `image`, which comes first. A column of paths that is called
//! `image` itself comes out as `path`. A null has no picture. Without such a column the rows are the table as it is.
//!
//! Paths are relative to the list's folder, and may not leave it: absolute ones, `..` and links that lead out are refused,
//! unless [`outside`](ListingSpec::outside) allows them. A picture that is not there is an error of its row (`Data`); where none
//! is there, the list is refused. Pictures that lie beside those of the list and are not in it are counted and said.
//!
//! # Types
//!
//! Types are inferred of all rows: booleans, `Int64`, `Float64`, dates and times, else texts (`Utf8View`); of JSON lists and
//! structs, too. In CSV an empty value is null, and so are the words for it that pandas has, as in Hugging Face's `datasets`: `NA`, `null`,
//! `None`, `nan` and others; of a column of texts they are counted and said. Of several lists columns are matched by name; whole and other numbers become `Float64`,
//! and types that differ otherwise become texts in CSV and are refused in JSON lines. [`types`](ListingSpec::types) says others.
//!
//! # Memory
//!
//! The table is read when it is opened and stays in memory. One that is larger than a quarter of the context's memory is a `Budget`
//! error: write it as Parquet. Files are read as those of [folders](super::folder) are.

mod csv;
mod find;
mod json_lines;
mod open;
mod pictures;
mod spec;
mod table;

pub(super) use find::list_splits;
pub use open::Listing;
pub use spec::ListingSpec;
