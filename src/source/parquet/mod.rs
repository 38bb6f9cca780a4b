//! Parquet files as a source.
//!
//! ```no_run
//! # fn main() -> millstream::Result<()> {
//! use millstream::source::Parquet;
//! use millstream::{Context, Dataset};
//!
//! let cx = Context::new()?;
//! cx.block_on(async {
//!     let photos = Parquet::open(&cx, "data/train-*.parquet").await?;
//!     let photos = photos.columns(&["image", "label"])?;
//!     let rows = photos.take(&cx, &[0, 7, 3]).await?;
//!     assert_eq!(rows.num_rows(), 3);
//!     Ok(())
//! })
//! # }
//! ```
//!
//! # Which files
//!
//! A directory stands for all `*.parquet` below it, a glob pattern for what it matches. Names that begin with `_` or `.`
//! (`_temporary`, `_delta_log`, hidden files) are passed over, as in pyarrow, by wildcards, too; a file that is named for
//! itself is read, and a pattern that spells such a name out matches it.
//!
//! A directory may have [splits](crate::source::Splits), as Hugging Face names them (`train-*`, `validation/`, `data/test-00000-of-00002.parquet`).
//! A directory with several is refused, so that the rows for testing are not trained on:
//! [`open_split`](Parquet::open_split) reads one of them, and so does a pattern of its files.
//!
//! The `README.md` of a directory says of columns what files do not say themselves, as the hub has it (`dataset_info`): names of
//! classes above all.
//!
//! Folders named `key=value` (Hive partitions) below the folder, or the fixed part of the pattern, that was named are a column
//! `key`; where several paths are named, those below the deepest folder that has them all. Values are typed as in pyarrow: `Int32` if all are
//! whole numbers that fit into it (`0x10` is 16), else strings; `%XX` is decoded; `__HIVE_DEFAULT_PARTITION__` is null, and so is a key that a
//! file's folders do not have. Of a key that is there twice the
//! outermost counts. Where files store a column of that name, too, the folders are right, as in pyarrow's `dataset` and in Spark, whatever type the
//! files have for it (`dataset` wants the same one, and pyarrow's `read_table` refuses such files); a [note](Parquet::notes) says so.
//!
//! # Files that differ
//!
//! Columns are matched by name, in whatever order they are. One that a file lacks is null there. Types become the one that
//! holds the values of all files as they are: wider integers and floating-point numbers, f64 for both (a whole number that is
//! no f64 is a `Data` error), finer timestamps, longer lists, structs with the fields of all; a column without a type (all
//! null) becomes any other. Types that have no such type, and class names that differ, are a `Schema` error that names two
//! files and both types, once the column is asked for by [`columns`](Parquet::columns), or rows with it are taken. A file
//! without class names has those of the others.
//!
//! # What comes out
//!
//! Strings as `Utf8View`, binary values as `BinaryView`, dictionaries as the values that they stand for, whatever each
//! file says; other types as they are stored. A struct with binary `bytes`, such as Hugging Face's `struct<bytes, path>`, comes out
//! as one `BinaryView` column (null where there is no image); its other fields are not read, and are to be had as `image.path`. A
//! `ClassLabel`'s names are in its field's metadata under `millstream.classes`, a JSON array.
//!
//! # What is checked
//!
//! Footers when a file is opened; page checksums, in files that have them, when a page is read (they cover a page's
//! body, not its header). A damaged file is a `Data` error that names file, row group and, where one is to blame, the
//! column; it is never a panic.
//!
//! Sizes are checked before memory is reserved for them: no list of a footer is longer than the footer, no dictionary has
//! more entries than bytes, the pages of a row group do not hold more than the footer says, and the largest pages of its
//! columns fit together into the context's memory (or 256 MiB, if that is more), which is a `Budget` error if not.
//!
//! # Blocks and memory
//!
//! A block is a row group, or an equal part of one that is larger than 64 MiB in memory. Decoded blocks are cached,
//! those of all sources together in at most half of the context's memory; a block that several takes want at once is read once.
//! With the last clone of a `Parquet` its blocks leave the cache.

mod block_index;
mod dataset;
mod decode;
mod describe;
mod discover;
mod fetch;
mod find;
mod format;
mod from_spec;
mod open;
mod read_times;
mod schema;
mod single_pages;
mod spec;
mod survey;
mod take;

pub(super) use self::format::damage::words as decoder_words;
pub use self::format::info::{FileInfo, RowGroupInfo};
pub use self::open::Parquet;
pub use self::spec::{ParquetSpec, TensorSpec};
