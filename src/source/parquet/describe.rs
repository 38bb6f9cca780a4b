//! What a dataset says of itself: its plan, and the hash that tells it from others.

use super::format::footer::Footer;
use super::open::Parquet;
use super::schema::units::Unit;
use crate::columns::names_and_types;
use crate::plan::Plan;
use crate::quote::{counted, shown};
use crate::source::io::paths;
use std::path::PathBuf;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_128;

/// Columns of a file's name.
const NAME: usize = 32;

impl Parquet {
    /// The plan: parameters, and what was found (files, columns and rows), and notes for a reader.
    pub(super) fn plan(&self) -> Plan {
        let groups: usize = self.infos.iter().map(|file| file.row_groups.len()).sum();
        let bytes: u64 = self.infos.iter().map(|file| file.bytes).sum();
        let checked = self.infos.iter().filter(|file| file.checksums).count();
        let all = self.infos.len();
        let checksums = match all - checked {
            0 => "all files have page checksums".to_owned(),
            _ => format!("{checked} of {all} files have page checksums; damage in the others may pass unseen"),
        };
        let plan = Plan::of(&*self.spec)
            .param("files", format!("{} ({:032x})", self.named(), self.fingerprint()))
            .param("schema", names_and_types(&self.projection.schema))
            .param("rows", self.rows);
        let plan = match self.state.get_or_init(|| self.state()) {
            Some(state) => plan.state(state),
            None => plan,
        };
        let plan = plan.unit(self.units.iter().map(Unit::cost).max().unwrap_or(0));
        let plan = self.notes.iter().fold(plan, Plan::note);
        let plan = match self.projection.keys() {
            [] => plan,
            keys => plan.note(format!("folders say what is in {}", keys.join(", "))),
        };
        plan.note(format!(
            "{} in {}, {bytes} bytes on disk",
            counted(groups, "row group"),
            counted(self.blocks.len(), "block")
        ))
        .note(checksums)
    }

    /// A hash over names, keys, sizes, rows and footers of all files, which depends neither on where they lie nor on how their
    /// paths are spelt.
    fn fingerprint(&self) -> u128 {
        *self.fingerprint.get_or_init(|| self.hash())
    }

    /// The name of the file; of several how many there are, and the first.
    fn named(&self) -> String {
        let name = self.files.first().map_or("", |file| {
            let shown = &*file.location.shown;
            shown.rsplit(['/', '\\']).next().unwrap_or(shown)
        });
        match self.files.len() {
            1 => shown(name, NAME),
            all => format!("{all} from {} on", shown(name, NAME)),
        }
    }

    /// In which state all files are, as 32 hexadecimal digits; none where one of them does not say.
    fn state(&self) -> Option<String> {
        let line = |file: &Arc<Footer>| Some(format!("{} {}\n", file.location.address(), file.location.state()?));
        let lines: Option<String> = self.files.iter().map(line).collect();
        lines.map(|lines| format!("{:032x}", xxh3_128(lines.as_bytes())))
    }

    fn hash(&self) -> u128 {
        let shown = |file: &Arc<Footer>| PathBuf::from(&*file.location.shown);
        let path = |file: &Arc<Footer>| file.location.path().unwrap_or_else(|_| shown(file));
        let paths: Vec<PathBuf> = self.files.iter().map(path).collect();
        let names = paths::relative(paths.iter().map(PathBuf::as_path));
        let line = |(name, file): (&String, &Arc<Footer>)| {
            let keys = match &*file.location.keys {
                [] => String::new(),
                keys => format!("{keys:?} "),
            };
            format!(
                "{name} {keys}{} {} {:032x}\n",
                file.info.bytes, file.info.rows, file.hash
            )
        };
        let text: String = names.iter().zip(self.files.iter()).map(line).collect();
        xxh3_128(text.as_bytes())
    }
}
