//! What a table of files says of itself: its plan, and the hash that tells it from others.

use super::stored_file::StoredFile;
use super::table::FileTable;
use crate::columns::names_types_and_metadata;
use crate::plan::Plan;
use crate::quote::{counted, shown};
use crate::source::io::paths;
use std::path::PathBuf;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// Columns of a file's name.
const NAME: usize = 32;

impl FileTable {
    /// `plan` with what was found: files, columns and rows, and notes for a reader.
    pub(super) fn describe(&self, plan: Plan) -> Plan {
        let (hash, state) = self.identity.get_or_init(|| (self.hash(), self.state()));
        let bytes: u64 = self.stored_files().map(StoredFile::size).sum();
        let count = self.stored_files().count();
        let largest = self.stored_files().map(StoredFile::size).max().unwrap_or(0);
        let plan = plan
            .param("files", format!("{} ({hash:032x})", self.named(count)))
            .param("schema", names_types_and_metadata(&self.schema))
            .param("rows", self.rows)
            .unit(largest)
            .resident(self.resident());
        let plan = match state {
            Some(state) => plan.state(state),
            None => plan,
        };
        self.notes
            .iter()
            .fold(plan, Plan::note)
            .note(format!("{}, {bytes} bytes on disk", counted(count, "file")))
    }

    /// The name of the file; of several how many there are, and the first.
    fn named(&self, count: usize) -> String {
        let first = self.stored_files().next();
        let name = first.and_then(|file| file.path.file_name());
        let name = name.map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        match count {
            1 => shown(&name, NAME),
            all => format!("{all} from {} on", shown(&name, NAME)),
        }
    }

    /// Bytes of the table, and of what is kept of each file.
    fn resident(&self) -> u64 {
        let of_file = |file: &StoredFile| (size_of::<StoredFile>() + file.path.as_os_str().len()) as u64;
        let files: u64 = self.stored_files().map(of_file).sum();
        files + self.table.get_array_memory_size() as u64 + self.rows.get() * size_of::<Option<u32>>() as u64
    }

    /// A hash over the names and sizes of all files, which does not depend on where they lie, and over what is in lists of them.
    fn hash(&self) -> u128 {
        let paths: Vec<PathBuf> = self
            .stored_files()
            .map(|file| paths::whole(&file.path).unwrap_or_else(|_| file.path.clone()))
            .collect();
        let names = paths::relative(paths.iter().map(PathBuf::as_path));
        let mut hasher = Xxh3::new();
        for (name, file) in names.iter().zip(self.stored_files()) {
            let size = file
                .state
                .as_ref()
                .map_or_else(|| "missing".to_owned(), |state| state.size.to_string());
            hasher.update(format!("{name} {size}\n").as_bytes());
        }
        if let Some(content) = self.content {
            hasher.update(format!("{content:032x}").as_bytes());
        }
        hasher.digest128()
    }

    /// In which state all files are, as 32 hexadecimal digits; none where one of them does not say.
    fn state(&self) -> Option<String> {
        let mut hasher = Xxh3::new();
        for file in self.stored_files() {
            let place = std::path::absolute(&file.path).ok()?;
            let state = file.state.as_ref()?.identity()?;
            hasher.update(&xxh3_128(format!("{} {state}", place.display()).as_bytes()).to_le_bytes());
        }
        Some(format!("{:032x}", hasher.digest128()))
    }
}
