//! How fast the standard training pipeline runs on the data at hand, and what limits it.

mod oversize;

pub use oversize::Oversize;

use crate::columns::{bytes_of, index_of};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::machine::{cpu_seconds, peak_bytes};
use crate::ext::DatasetExt;
use crate::image::{Facts, Image, Spent};
use crate::loader::{Loader, LoaderBuilder};
use crate::quote::{counted, shown};
use crate::rng::Rng;
use crate::source::{Files, Split};
use arrow::datatypes::DataType;
use futures::StreamExt;
use serde::Serialize;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A training pipeline over [files](crate::source::Files): shuffle; where there is an image column, decode, augment ([as is usual](Self::standard):
/// `RandomResizedCrop`, horizontal flip) and normalise to `f32 [3, size, size]`; batches for a consumer that only touches them.
#[derive(Clone, Debug)]
pub struct Bench {
    /// Files, folders or patterns; of folders with splits the training split is read.
    pub files: Vec<String>,
    /// The image column, if not found by its type.
    pub image: Option<String>,
    /// What to do with the rows; where none, photos if a column may hold images, else rows.
    pub pipeline: Option<Pipeline>,
    /// What becomes of images, such as the [standard](Self::standard) augmentation.
    pub stage: Image,
    /// Rows in a batch.
    pub batch: u64,
    /// Epochs at least. Whole ones are added until a second has passed and 8 batches came, but none once ten seconds have.
    pub epochs: u64,
    /// What a trainer does with a batch: it takes this long.
    pub step: Duration,
}

/// What to do with rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pipeline {
    /// Decode, augment, normalise.
    Photos,
    /// Rows as they are stored, columns of f32 without nulls (as the footers say) together as one tensor.
    Rows,
}

/// What a run took.
#[derive(Clone, Debug, Serialize)]
pub struct Speed {
    /// What was done with the rows, in words: with which image column, or why none was decoded.
    pub what: String,
    /// Rows that came.
    pub rows: u64,
    /// Batches that came.
    pub batches: u64,
    /// Seconds from the first batch's demand to the last batch.
    pub seconds: f64,
    /// Seconds from opening the files to the first batch.
    pub first_batch: f64,
    /// Share of the time in which the consumer waited for a batch, 0 to 1.
    pub waited: f64,
    /// CPU seconds of the process in that time; none where the system does not tell, and for less than 0.1 seconds, since it
    /// counts in hundredths.
    pub cpu_seconds: Option<f64>,
    /// The process's peak of resident memory in bytes; none where the system does not tell.
    pub peak_bytes: Option<u64>,
    /// Threads of the pool.
    pub threads: usize,
    /// Batches that were made ahead at the end.
    pub depth: usize,
    /// What was chosen for threads, budget and depth, and why, a line each.
    pub chosen: Vec<String>,
    /// Each stage by its name, and its microseconds a row: measured alone, on one thread. Where [`cpu_seconds`](Self::cpu_seconds) is known they are parts of
    /// the CPU time that the whole takes for a row: alone, a stage may take longer, and they are told as their shares of the whole then. `read` is the bytes from the disk or the page cache,
    /// `pages` their decompression and decoding into columns, `gather` the copy of rows into a batch; images have `decode`,
    /// `crop and resize`, `augmentation` and `normalise`.
    pub stages: Vec<(String, f64)>,
    /// CPU microseconds a row that the whole takes beyond the stages: threads that share caches and memory, hand batches over and
    /// look for work. None where `cpu_seconds` is none, and where the whole takes less.
    pub rest: Option<f64>,
    /// Rows a second of reading, decompressing and gathering alone.
    pub read_rows_per_second: f64,
    /// What limits, in words.
    pub limit: String,
    /// By how much pictures are larger than they are used, where decoding them limits; none where they are not much larger.
    pub oversize: Option<Oversize>,
}

/// The name of the stage that decodes.
const DECODE: &str = "decode";

impl Bench {
    /// Rows on which the stages are measured one by one.
    const SAMPLE: u64 = 256;
    /// Seconds, and batches, below which a measurement tells little.
    const LEAST: (f64, u64) = (1.0, 8);
    /// Seconds after which no epoch is added.
    const MOST: f64 = 10.0;
    /// CPU seconds below which they are not told.
    const LEAST_CPU: f64 = 0.1;

    /// The pipeline's loader, which ends after [`epochs`](Self::epochs).
    ///
    /// # Errors
    ///
    /// Whatever opening gives; `Schema` for a column that holds no images, and where several columns may be the one;
    /// `Config` for a size out of range.
    pub fn loader(&self, cx: &Context) -> Result<LoaderBuilder> {
        let (rows, column) = self.open(cx)?;
        let loader = self.endless(cx, rows, column.as_deref())?;
        Ok(loader.epochs(self.epochs))
    }

    /// The pipeline over `rows`, without an end.
    fn endless(&self, cx: &Context, rows: Files, column: Option<&str>) -> Result<LoaderBuilder> {
        let builder = match column {
            Some(column) => rows.shuffle().image(column, self.stage.clone())?.loader(cx),
            None => rows.shuffle().loader(cx),
        };
        Ok(builder.batch_size(self.batch))
    }

    /// Runs the pipeline, then what it is made of, each alone.
    ///
    /// # Errors
    ///
    /// As [`loader`](Self::loader), and whatever reading and decoding give.
    pub fn run(&self, cx: &Context) -> Result<Speed> {
        let opened = Instant::now();
        let (rows, column) = self.open(cx)?;
        let len = rows.len().finite().unwrap_or(0);
        let loader = self.endless(cx, rows, column.as_deref())?;
        let mut chosen = loader.chosen();
        let whole = self.drain(cx, loader, len, opened)?;
        // Opened again, so that no block is in memory already.
        let (rows, column) = self.open(cx)?;
        chosen.extend(rows.notes().iter().cloned());
        let alone = Self {
            step: Duration::ZERO,
            ..self.clone()
        };
        let reading = rows.clone().shuffle().loader(cx).batch_size(self.batch);
        let read = alone.drain(cx, reading, len, Instant::now())?;
        let times = cx.block_on(rows.read_times(cx, self.batch))?;
        let named = [("read", times.read), ("pages", times.pages), ("gather", times.gather)];
        let micros = |(name, spent): (&str, Duration)| (name.to_owned(), spent.as_secs_f64() * 1e6);
        let mut stages: Vec<_> = named.map(micros).into();
        let mut shorter = None;
        if let Some(column) = &column {
            let (spent, median) = self.stages(cx, &rows, column)?;
            shorter = median;
            let named = [
                (DECODE, spent.decode),
                ("crop and resize", spent.resize),
                ("augmentation", spent.augment),
                ("normalise", spent.normalize),
            ];
            stages.extend(named.map(micros));
        }
        let read_speed = read.rows as f64 / read.seconds;
        let parts: f64 = stages.iter().map(|(_, cost)| cost).sum();
        let of_row = whole.cpu_seconds.map(|cpu| cpu * 1e6 / whole.rows.max(1) as f64);
        let rest = of_row.map(|of_row| of_row - parts).filter(|rest| *rest > 0.0);
        if let Some(of_row) = of_row.filter(|of_row| *of_row < parts) {
            // Others use the machine while a stage runs alone, and its data is in no cache yet.
            stages.iter_mut().for_each(|(_, cost)| *cost *= of_row / parts);
        }
        let limit = limit(&whole, read_speed, (&stages, rest), cx.threads());
        let decode_limits = limit.starts_with(DECODE);
        let oversize = shorter.filter(|_| decode_limits);
        let what = match (&column, self.pipeline) {
            (Some(column), _) => {
                let [width, height] = self.stage.size();
                let size = if width == height {
                    format!("{width}")
                } else {
                    format!("{width} x {height}")
                };
                format!("images of column {} at {size} px", shown(column, 40))
            }
            (None, None) => "no image column: rows as they are".to_owned(),
            (None, Some(_)) => "rows as they are, as asked".to_owned(),
        };
        Ok(Speed {
            what,
            stages,
            rest,
            read_rows_per_second: read_speed,
            limit,
            chosen,
            oversize: oversize
                .and_then(|shorter| Oversize::of(shorter, self.stage.size().into_iter().min().unwrap_or(1))),
            ..whole
        })
    }

    /// The standard augmentation of photos, which become `size` pixels wide and high.
    pub fn standard(size: u32) -> Image {
        Image::new(size)
            .random_resized_crop(0.08..=1.0, 0.75..=1.3333)
            .horizontal_flip(0.5)
    }

    fn open(&self, cx: &Context) -> Result<(Files, Option<String>)> {
        let rows = cx.block_on(Files::open_split(cx, &self.files, Split::Train))?;
        let column = match self.pipeline {
            Some(Pipeline::Rows) => None,
            None if self.image.is_none() && rows.image_candidates().is_empty() => None,
            _ => Some(rows.find_image(self.image.as_deref())?),
        };
        let rows = match &column {
            Some(column) => rows.columns(&[column])?,
            None => together(rows)?,
        };
        Ok((rows, column))
    }

    /// Takes whole epochs of `len` rows.
    fn drain(&self, cx: &Context, loader: LoaderBuilder, len: u64, opened: Instant) -> Result<Speed> {
        let mut batches: Loader = loader.build()?;
        let (begun, cpu) = (Instant::now(), cpu_seconds());
        let (mut rows, mut count, mut first, mut waited) = (0, 0, None, Duration::ZERO);
        loop {
            let asked = Instant::now();
            let Some(batch) = cx.block_on(async { Ok(batches.next().await) })? else {
                break;
            };
            (rows, count) = (rows + black_box(batch?).len() as u64, count + 1);
            // The first batch's time has a figure of its own.
            match first {
                None => first = Some(opened.elapsed().as_secs_f64()),
                Some(_) => waited += asked.elapsed(),
            }
            if !self.step.is_zero() {
                std::thread::sleep(self.step);
            }
            let seconds = begun.elapsed().as_secs_f64();
            let enough = seconds >= Self::LEAST.0 && count >= Self::LEAST.1 || seconds >= Self::MOST;
            if enough && rows % len.max(1) == 0 && rows >= len.saturating_mul(self.epochs) {
                break;
            }
        }
        let seconds = begun.elapsed().as_secs_f64();
        let first_batch = first.ok_or_else(|| Error::config("there is no batch"))?;
        let cpu = cpu_seconds().zip(cpu).map(|(after, before)| after - before);
        Ok(Speed {
            what: String::new(),
            rows,
            batches: count,
            seconds,
            first_batch,
            waited: waited.as_secs_f64() / seconds,
            cpu_seconds: cpu.filter(|cpu| *cpu >= Self::LEAST_CPU),
            peak_bytes: peak_bytes(),
            threads: cx.threads(),
            depth: batches.depth(),
            chosen: Vec::new(),
            stages: Vec::new(),
            rest: None,
            read_rows_per_second: 0.0,
            limit: String::new(),
            oversize: None,
        })
    }

    /// What each part of the image stage takes for a row, on one thread: means over rows from all over the dataset. And the median of the
    /// shorter sides of their pictures.
    fn stages(&self, cx: &Context, rows: &Files, column: &str) -> Result<(Spent, Option<u32>)> {
        let len = rows.len().finite().unwrap_or(0);
        let count = len.min(Self::SAMPLE);
        let sample: Vec<u64> = (0..count).map(|row| row * len / count).collect();
        let taken = cx.block_on(rows.take(cx, &sample))?;
        let encoded = std::sync::Arc::clone(taken.column(index_of(&taken.schema(), column)?));
        let image = self.stage.clone();
        cx.block_on(cx.compute(move || {
            let mut out = vec![0.0; 3 * image.size().iter().map(|&side| side as usize).product::<usize>()];
            let (mut spent, mut shorter) = (Spent::default(), Vec::new());
            for row in 0..encoded.len() {
                let bytes = bytes_of(&encoded, row).ok_or_else(|| Error::data("the value is null").at(row))?;
                let one = image.measured(bytes, &mut Rng::new(0, "image", row as u64), &mut out)?;
                spent = spent + one;
                shorter.extend(Facts::of(bytes).map(|facts| facts.width.min(facts.height)));
            }
            shorter.sort_unstable();
            let median = shorter.get(shorter.len() / 2).copied();
            Ok((spent / encoded.len().max(1) as u32, median))
        }))
    }
}

/// Columns of f32 in which no value is null, if there are several, as one tensor under the name of the first.
fn together(rows: Files) -> Result<Files> {
    let schema = rows.schema();
    let floats = schema
        .fields()
        .iter()
        .filter(|field| *field.data_type() == DataType::Float32 && rows.nulls(field.name()) == Some(0));
    let names: Vec<&str> = floats.map(|field| field.name().as_str()).collect();
    match names.as_slice() {
        [first, _, ..] => rows.tensor(first, &names),
        _ => Ok(rows),
    }
}

/// The one thing that would have to be faster. Of the `parts` of a row, each stage has its time, and what is beyond them is the rest.
fn limit(whole: &Speed, read_speed: f64, parts: (&[(String, f64)], Option<f64>), threads: usize) -> String {
    if whole.batches < Bench::LEAST.1 {
        return format!(
            "what, {} in {:.1} seconds are too few to tell: take smaller batches or more epochs",
            counted(whole.batches, "batch"),
            whole.seconds
        );
    }
    let speed = whole.rows as f64 / whole.seconds;
    if whole.waited < 0.05 {
        return format!(
            "the trainer: it waits for batches in {:.1} % of the time",
            whole.waited * 100.0
        );
    }
    let busy = whole.cpu_seconds.map(|cpu| cpu / whole.seconds / threads as f64);
    if read_speed < 1.25 * speed && busy.is_none_or(|busy| busy < 0.7) {
        return format!(
            "the disk: reading alone is hardly faster, with {read_speed:.0} rows a second, and threads wait"
        );
    }
    let (stages, rest) = parts;
    let most = stages.iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (name, cost) = most.map_or(("", 0.0), |(name, cost)| (name.as_str(), *cost));
    let all = stages.iter().map(|(_, cost)| cost).sum::<f64>() + rest.unwrap_or(0.0);
    let name = match name {
        "read" => "the disk (or copying from the page cache)",
        "pages" => "decoding pages",
        other => other,
    };
    let unit = if whole.cpu_seconds.is_some() {
        "CPU time"
    } else {
        "time"
    };
    format!("{name}: {:.0} % of the {unit} of a row", 100.0 * cost / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed(batches: u64, waited: f64, cpu_seconds: Option<f64>) -> Speed {
        Speed {
            what: String::new(),
            rows: 1000,
            batches,
            seconds: 1.0,
            first_batch: 0.1,
            waited,
            cpu_seconds,
            peak_bytes: None,
            threads: 2,
            depth: 4,
            chosen: Vec::new(),
            stages: Vec::new(),
            rest: None,
            read_rows_per_second: 0.0,
            limit: String::new(),
            oversize: None,
        }
    }

    #[test]
    fn what_limits_is_told_where_it_can_be() {
        let stages = [("read", 10.0), ("decode", 150.0), ("crop and resize", 40.0)];
        let stages = stages.map(|(name, cost)| (name.to_owned(), cost));
        let of = |speed: &Speed, read| limit(speed, read, (&stages, Some(100.0)), 2);
        // One batch never waits for another.
        let few = of(&speed(7, 0.0, None), 1e6);
        assert!(
            few.starts_with("what, 7 batches in 1.0 seconds are too few to tell"),
            "{few}"
        );
        assert_eq!(
            of(&speed(8, 0.01, None), 1e6),
            "the trainer: it waits for batches in 1.0 % of the time"
        );
        let disk = of(&speed(8, 0.9, Some(0.4)), 1100.0);
        assert!(
            disk.starts_with("the disk: reading alone is hardly faster, with 1100 rows"),
            "{disk}"
        );
        // 150 of 10 + 150 + 40 + 100.
        let decode = of(&speed(8, 0.9, Some(1.9)), 1e6);
        assert_eq!(decode, "decode: 50 % of the CPU time of a row");
    }
}
