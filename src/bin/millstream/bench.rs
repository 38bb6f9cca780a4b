use crate::machine::Machine;
use crate::output::{print, print_json};
use crate::reading::Reading;
use crate::text::Text;
use clap::{Args, ValueEnum};
use millstream::speed::{self, Speed};
use millstream::{Result, image};
use std::time::Duration;

/// Measure the standard training pipeline: shuffle, decode, random resized crop, flip, normalise, batches.
#[derive(Args)]
pub(crate) struct Bench {
    #[command(flatten)]
    pipeline: Pipeline,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Say what limits a training pipeline: the disk, decode, augmentation, gathering rows, or the trainer.
#[derive(Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pipeline: Pipeline,
    /// What to do with the rows; photos where there is an image column, else rows, if left out
    #[arg(long, value_enum)]
    recipe: Option<Recipe>,
    /// Milliseconds that the trainer takes for a batch
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    step: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Recipe {
    /// Decode, random resized crop, flip, normalise
    Photos,
    /// Rows as they are
    Rows,
}

#[derive(Args)]
struct Pipeline {
    /// Parquet files, folders or patterns; or folders of pictures
    #[arg(required = true, value_name = "DATA")]
    files: Vec<String>,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// Width and height that images are resized to
    #[arg(long, value_name = "PX", default_value_t = 224, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    /// Rows in a batch
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=65536))]
    batch: u64,
    /// Epochs at least; more where these take less than a second or have fewer than 8 batches
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    epochs: u64,
    /// What decodes images
    #[arg(long, value_enum, default_value_t = Decoder::Window)]
    decoder: Decoder,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    machine: Machine,
}

impl From<Recipe> for speed::Recipe {
    fn from(recipe: Recipe) -> Self {
        match recipe {
            Recipe::Photos => Self::Photos,
            Recipe::Rows => Self::Rows,
        }
    }
}

/// What decodes JPEG.
#[derive(Clone, Copy, ValueEnum)]
enum Decoder {
    /// The window of the picture that the crop needs
    Window,
    /// The whole picture at its full size
    Whole,
}

impl From<Decoder> for image::Decoder {
    fn from(decoder: Decoder) -> Self {
        match decoder {
            Decoder::Window => Self::Window,
            Decoder::Whole => Self::Whole,
        }
    }
}

impl Pipeline {
    fn measure(self, step: Duration, recipe: Option<Recipe>) -> Result<Speed> {
        let cx = self.machine.context()?;
        let bench = speed::Bench {
            files: self.files,
            image: self.image,
            recipe: recipe.map(Into::into),
            size: self.size,
            decoder: self.decoder.into(),
            reading: self.reading.into(),
            batch: self.batch,
            epochs: self.epochs,
            step,
        };
        bench.run(&cx)
    }
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        let speed = self.pipeline.measure(Duration::ZERO, None)?;
        match self.json {
            true => print_json(&speed),
            false => print(&Text(&speed).to_string()),
        }
    }
}

impl Doctor {
    pub(crate) fn run(self) -> Result<()> {
        let speed = self.pipeline.measure(Duration::from_millis(self.step), self.recipe)?;
        print(&Text(&speed).to_string())
    }
}
