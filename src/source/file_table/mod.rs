//! A table in memory, and a column that holds the bytes of a file for each row: what folders of pictures and lists of paths are.

mod dataset;
mod describe;
mod fetch;
mod open;
mod read_times;
mod stored_file;
mod table;

pub(super) use dataset::dataset_of_files;
pub(super) use open::{TableSpec, open, open_places};
pub(super) use stored_file::StoredFile;
pub(super) use table::{FileColumn, FileTable};
