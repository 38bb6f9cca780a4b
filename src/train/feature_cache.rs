//! Features on disk, and how it is known that they are those of the images that are there.

use crate::columns::batch_file;
use crate::columns::{index_of, tensor_levels, tensor_values};
use crate::error::{Error, Result};
use crate::exec::files;
use crate::plan::Plan;
use crate::rows::scan_cache;
use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{SchemaRef, ToByteSlice};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The folder of one backbone's features of one dataset: `N.arrow` has those of the rows from `N` on, and says by a hash what
/// tensors they were made of; `inputs.json` has the hashes of the tensors that the dataset's files give.
///
/// Neither is right or wrong by the other: a file of features is used where both hashes are the same.
#[derive(Debug)]
pub(crate) struct FeatureCache {
    folder: PathBuf,
    inputs: KnownInputs,
}

/// What tensors the files gave while they were in one state.
#[derive(Debug, Default, Serialize, Deserialize)]
struct KnownInputs {
    /// Of the files, and everything else that decides the tensors; none where it cannot be known again.
    state: Option<String>,
    /// Hash of the tensors by the first row.
    inputs: BTreeMap<u64, String>,
}

impl FeatureCache {
    /// Where hashes of tensors are kept.
    pub(crate) const INPUTS: &str = "inputs.json";

    /// The features in `folder` of images that `plan` describes, drawn under `seed`.
    pub(crate) fn open(folder: PathBuf, plan: &Plan, seed: u64) -> Self {
        let state = plan.states().map(|files| {
            let all = format!("{files}\n{}\n{seed}", plan.fingerprint());
            format!("{:032x}", xxh3_128(all.as_bytes()))
        });
        let known = files::read_small(&folder.join(Self::INPUTS)).ok();
        let known: Option<KnownInputs> = known.and_then(|text| serde_json::from_slice(&text).ok());
        let known = known.filter(|known| known.state.is_some() && known.state == state);
        let inputs = known.unwrap_or_else(|| KnownInputs {
            state,
            ..KnownInputs::default()
        });
        Self { folder, inputs }
    }

    fn file(&self, start: u64) -> PathBuf {
        self.folder.join(format!("{start}.arrow"))
    }

    /// The features of `rows`, if they are there and were made of what `made_of` says, which is asked only where it is not
    /// known.
    pub(crate) fn find(
        &mut self,
        rows: Range<u64>,
        schema: &SchemaRef,
        made_of: &mut dyn FnMut(Range<u64>) -> Result<String>,
    ) -> Result<Option<RecordBatch>> {
        let found = scan_cache::read(&self.file(rows.start), schema);
        let Some((chunk, of)) = found.filter(|(chunk, _)| chunk.num_rows() as u64 == rows.end - rows.start) else {
            return Ok(None);
        };
        let now = match self.inputs.inputs.get(&rows.start) {
            Some(known) => known.clone(),
            None => {
                let now = made_of(rows.clone())?;
                self.note(rows.start, now.clone())?;
                now
            }
        };
        Ok((now == of).then_some(chunk))
    }

    /// Writes the features of the rows from `start` on, which were made `of` what was there.
    ///
    /// # Errors
    ///
    /// `Config` where the folder itself is a symbolic link: files of that name behind it may be others'; `Io` where nothing can be written.
    pub(crate) fn keep(&mut self, start: u64, chunk: &RecordBatch, of: String) -> Result<()> {
        if self.folder.is_symlink() {
            let error = Error::config(
                "this folder of features is a symbolic link, and files behind it may be others': remove the link",
            );
            return Err(error.context(self.folder.display().to_string()));
        }
        scan_cache::write(&self.file(start), chunk, &of)?;
        self.note(start, of)
    }

    fn note(&mut self, start: u64, of: String) -> Result<()> {
        self.inputs.inputs.insert(start, of);
        if self.inputs.state.is_none() {
            return Ok(());
        }
        let path = self.folder.join(Self::INPUTS);
        let text = serde_json::to_vec(&self.inputs).map_err(|error| Error::io(&path, error))?;
        files::write_bytes(&path, &text)
    }
}

/// Hashes tensors as they come.
#[derive(Default)]
pub(crate) struct InputHasher(Xxh3);

impl InputHasher {
    /// The tensors in `column` of `rows`.
    pub(crate) fn add(&mut self, rows: &RecordBatch, column: &str) -> Result<()> {
        let tensors = rows.column(index_of(&rows.schema(), column)?);
        match (tensor_values(tensors), tensor_levels(tensors)) {
            (Some((list, values, width)), _) => {
                let first = list.value_offset(0) as usize;
                self.0
                    .update(values.values()[first..first + list.len() * width].to_byte_slice());
            }
            (None, Some(levels)) => self.0.update(levels),
            (None, None) => return Err(Error::schema(format!("column \"{column}\" is no tensor of f32 or u8"))),
        }
        Ok(())
    }

    /// The values in `column` of `rows`, of any type.
    pub(crate) fn add_column(&mut self, rows: &RecordBatch, column: &str) -> Result<()> {
        let at = index_of(&rows.schema(), column)?;
        // One by one, so that the same rows have one hash in batches of any size.
        for row in 0..rows.num_rows() {
            let one = rows.project(&[at])?.slice(row, 1);
            self.0.update(&batch_file::stream(&one)?);
        }
        Ok(())
    }

    /// A row whose tensor cannot be made.
    pub(crate) fn add_bad(&mut self) {
        self.0.update(b"bad");
    }

    pub(crate) fn finish(self) -> String {
        format!("{:032x}", self.0.digest128())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    #[test]
    fn nothing_is_written_through_a_link() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|error| Error::io("a temporary folder", error))?;
        let (theirs, link) = (dir.path().join("theirs"), dir.path().join("link"));
        let failed = |error| Error::io(&theirs, error);
        std::fs::create_dir(&theirs).map_err(failed)?;
        std::fs::write(theirs.join("0.arrow"), "mine").map_err(failed)?;
        std::os::unix::fs::symlink(&theirs, &link).map_err(failed)?;
        let chunk = RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from(vec![1])) as ArrayRef)])?;
        let cache = |folder: &PathBuf| FeatureCache {
            folder: folder.clone(),
            inputs: KnownInputs::default(),
        };
        let refused = cache(&link).keep(0, &chunk, "made of".to_owned());
        let error = refused.expect_err("it is a link").to_string();
        assert!(error.contains("is a symbolic link"), "{error}");
        assert_eq!(std::fs::read(theirs.join("0.arrow")).map_err(failed)?, b"mine");
        let own = dir.path().join("own");
        cache(&own).keep(0, &chunk, "made of".to_owned())?;
        assert!(own.join("0.arrow").is_file());
        Ok(())
    }
}
