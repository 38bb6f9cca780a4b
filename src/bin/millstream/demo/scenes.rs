//! The data of the detection demo, which the program makes by itself.

use crate::carried::carried;
use millstream::arrow::array::RecordBatch;
use millstream::rows::Labels;
use millstream::source::Parquet;
use millstream::synthetic::{Generator, SampleId, Scenes, ScenesSpec};
use millstream::{Context, Error, Result, Stable};
use parquet::arrow::ArrowWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Width and height of a picture.
pub(super) const SIZE: [u32; 2] = [128, 96];
/// What the training pictures of a class are of those of the next more frequent one.
const TAIL: f64 = 0.68;
/// Pictures that are made at a time.
const CHUNK: usize = 64;

/// The files of the demo.
pub(super) struct Data {
    /// Long-tailed.
    pub(super) train: PathBuf,
    /// As many pictures for each class.
    pub(super) test: PathBuf,
}

/// Makes `pictures` training pictures and about half as many to test on, under the seed of `cx`, and writes them to `folder`. Files that are there already
/// and differ are replaced where a demo wrote them, as `again` says.
///
/// # Errors
///
/// `Config` for files that no demo wrote.
pub(super) fn simulate(cx: &Context, folder: &Path, pictures: u64, again: bool) -> Result<Data> {
    let data = Data {
        train: folder.join("train.parquet"),
        test: folder.join("test.parquet"),
    };
    std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
    let (train, classes) = scenes(cx, "fashion-mnist-train.parquet")?;
    write(&data.train, &made(cx, &train, &long_tailed(pictures, classes))?, again)?;
    let (test, classes) = scenes(cx, "fashion-mnist-test.parquet")?;
    let each = (pictures / 2 / classes).max(1);
    // Other objects, at other places.
    let other = cx.with_seed(!cx.seed());
    write(&data.test, &made(&other, &test, &vec![each; classes as usize])?, again)?;
    Ok(data)
}

/// How many of `pictures` each of so many classes has: each class the same share of the one before, and at least two.
fn long_tailed(pictures: u64, classes: u64) -> Vec<u64> {
    let shares: Vec<f64> = (0..classes).map(|class| TAIL.powi(class as i32)).collect();
    let all: f64 = shares.iter().sum();
    let rows = |share: &f64| ((pictures as f64 * share / all).round() as u64).max(2);
    shares.iter().map(rows).collect()
}

/// The simulator of scenes with objects that are cut out of the pictures in `file`, one of the program's own; and how many classes there are.
fn scenes(cx: &Context, file: &str) -> Result<(Scenes, u64)> {
    let rows = cx.block_on(Parquet::open(cx, carried(file)?.display().to_string()))?;
    let rows: Arc<dyn Stable> = Arc::new(rows);
    let labels = Arc::new(cx.block_on(Labels::scan(cx, &rows, "label"))?);
    let spec = ScenesSpec {
        width: SIZE[0],
        height: SIZE[1],
        objects: 4,
        scale: 0.8..=1.6,
        ..ScenesSpec::default()
    };
    Ok((Scenes::new(rows, &labels, spec)?, labels.names().len() as u64))
}

/// So many scenes of each class, each class spread evenly over all of them.
fn made(cx: &Context, scenes: &Scenes, counts: &[u64]) -> Result<Vec<RecordBatch>> {
    let of = |(class, &count): (u32, &u64)| {
        let place = move |index: u64| (2 * index + 1) as f64 / (2 * count) as f64;
        (0..count).map(move |index| (place(index), SampleId { class, index }))
    };
    let mut samples: Vec<(f64, SampleId)> = (0..).zip(counts).flat_map(of).collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let samples: Vec<SampleId> = samples.into_iter().map(|(_, sample)| sample).collect();
    let some = samples.chunks(CHUNK);
    some.map(|samples| cx.block_on(scenes.generate(cx, samples))).collect()
}

/// Writes the file whole or not at all; over another one only where that `replaces` it.
fn write(path: &Path, batches: &[RecordBatch], replaces: bool) -> Result<()> {
    let failed = |error: std::io::Error| Error::io(path, error);
    let schema = batches.first().map(RecordBatch::schema);
    let schema = schema.ok_or_else(|| Error::config("there is no picture to simulate"))?;
    let file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(""))).map_err(failed)?;
    let written = |error: parquet::errors::ParquetError| Error::io(path, std::io::Error::other(error));
    let mut writer = ArrowWriter::try_new(&file, schema, None).map_err(written)?;
    for batch in batches {
        writer.write(batch).map_err(written)?;
    }
    writer.close().map_err(written)?;
    let other = || std::fs::read(path).is_ok_and(|there| std::fs::read(file.path()).is_ok_and(|made| made != there));
    if !replaces && path.symlink_metadata().is_ok() && other() {
        // Such a file, of another seed or size, may be what a demo left that was stopped before it began to train.
        let message = "no demo of this seed and size wrote this; move it away, or use another folder (--out DIR)";
        return Err(Error::config(message).context(path.display().to_string()));
    }
    file.persist(path).map_err(|error| Error::io(path, error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_has_less_than_the_one_before() {
        let rows = long_tailed(400, 10);
        assert_eq!(rows, [131, 89, 60, 41, 28, 19, 13, 9, 6, 4]);
        assert_eq!(long_tailed(10, 10), [3, 2, 2, 2, 2, 2, 2, 2, 2, 2]);
    }
}
