//! Parts of the training pictures that are held out, so that a choice is made without a test picture.

use super::{OpenDetection, files_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::{Context, files};
use crate::order::stratified_multi_label;
use parquet::arrow::ArrowWriter;
use std::path::Path;

/// The share of the training pictures that is held out.
const HELD_OUT: f64 = 0.2;

/// Pictures that are read at a time.
const CHUNK: usize = 16;

impl OpenDetection {
    /// The training pictures of part `part`, with those that it holds out in place of the test pictures. Both are written to `folder`, so that whatever is
    /// made of training pictures (scenes, pasted objects) is made of these alone.
    pub(in crate::ablation) fn inside(&self, cx: &Context, part: u64, folder: &Path) -> Result<Self> {
        let classes = self.objects.classes()?;
        let split = stratified_multi_label(classes.iter(), HELD_OUT, part);
        if split.train.is_empty() || split.held_out.is_empty() {
            let message = format!("{} training pictures are too few to hold some out", self.objects.len());
            return Err(Error::config(message));
        }
        std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
        let mut spec = self.spec.clone();
        for (name, rows, data) in [
            ("train.parquet", &split.train, &mut spec.data.train),
            ("held-out.parquet", &split.held_out, &mut spec.data.valid),
        ] {
            let file = folder.join(name);
            if !file.exists() {
                self.write(cx, rows, &file)?;
            }
            *data = files_of(&file)?;
        }
        // The epochs were cut short already where they are. Of classes that are about as frequent another one may be the rarest of a part, and it is not
        // what is chosen for.
        Ok(Self {
            rarest: self.rarest.clone(),
            ..Self::open(cx, spec, false, &self.spec.machine.device)?
        })
    }

    /// Writes `rows` of the training pictures to `path`.
    fn write(&self, cx: &Context, rows: &[u64], path: &Path) -> Result<()> {
        let stored = self.stored()?;
        let failed = |error: parquet::errors::ParquetError| Error::io(path, std::io::Error::other(error));
        files::write_new(path, |out| {
            let mut writer = ArrowWriter::try_new(out, stored.schema(), None).map_err(failed)?;
            for some in rows.chunks(CHUNK) {
                writer.write(&cx.block_on(stored.take(cx, some))?).map_err(failed)?;
            }
            writer.close().map(drop).map_err(failed)
        })
    }
}
