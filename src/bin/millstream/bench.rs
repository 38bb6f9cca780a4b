use crate::data::TrainingData;
use crate::machine::Machine;
use crate::output::{print, print_json};
use crate::reading::Reading;
use crate::recipe::Recipe;
use crate::settings::{set, set_some};
use crate::text::Text;
use clap::{Args, ValueEnum};
use millstream::Result;
use millstream::image::{self, Crop, HorizontalFlip};
use millstream::spec::Named;
use millstream::speed::{self, Speed};
use millstream::task::{self, FinetuneSpec, ModelOptions, TrainOptions};
use std::sync::Arc;
use std::time::Duration;

/// Measure the standard training pipeline, or that of a recipe: shuffle, decode, random resized crop, flip, normalise, batches.
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
    rows: Pipeline,
    /// What to do with the rows; photos where there is an image column, else rows, if left out
    #[arg(long, value_enum)]
    pipeline: Option<Kind>,
    /// Milliseconds that the trainer takes for a batch, up to 3600000
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=3_600_000))]
    step: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Decode, augment, normalise
    Photos,
    /// Rows as they are
    Rows,
}

#[derive(Args)]
struct Pipeline {
    #[command(flatten)]
    data: TrainingData,
    #[command(flatten)]
    recipe: Recipe,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// Width and height that images are resized to, up to 8192; 224 if left out and no recipe is given
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=i64::from(ModelOptions::MAX_SIZE)))]
    size: Option<u32>,
    /// Rows in a batch; 64 if left out and no recipe is given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_BATCH_SIZE))]
    batch: Option<u64>,
    /// Epochs at least; more where these take less than a second or have fewer than 8 batches
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=TrainOptions::MAX_EPOCHS))]
    epochs: u64,
    /// What decodes images
    #[arg(long, value_enum, default_value_t = Decoder::Window)]
    decoder: Decoder,
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    machine: Machine,
}

impl From<Kind> for speed::Pipeline {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Photos => Self::Photos,
            Kind::Rows => Self::Rows,
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

/// What is measured where no recipe says otherwise: the standard augmentation, which has no network that expects a size.
fn standard() -> FinetuneSpec {
    let mut spec = FinetuneSpec::default();
    spec.augment.crop = Crop::Random {
        scale: 0.08..=1.0,
        ratio: 0.75..=1.3333,
        plain: None,
    };
    spec.augment.operations = vec![Named::new(Arc::new(HorizontalFlip::new(0.5)))];
    spec.model.size = Some(STANDARD_SIZE);
    spec.train.batch_size = 64;
    spec
}

const STANDARD_SIZE: u32 = 224;

impl Pipeline {
    /// Measures the pipeline, unless its recipe is asked for.
    fn measure(self, step: Duration, kind: Option<Kind>) -> Result<Option<Speed>> {
        let mut spec = self.recipe.read_or(standard())?;
        let data = &mut spec.data;
        self.data.apply(&mut data.train);
        set_some(&mut data.image, self.image);
        data.reading = self.reading.or(data.reading);
        set_some(&mut spec.model.size, self.size);
        set(&mut spec.train.batch_size, self.batch);
        self.machine.apply(&mut spec.machine);
        if self.recipe.printed(&spec)? {
            return Ok(None);
        }
        self.recipe.check_named(&spec.data.train, "data.train")?;
        let cx = spec.machine.context()?.with_seed(spec.seed);
        let augmented = match self.recipe.is_given() {
            true => task::Finetune::new(spec.clone(), "").augmentation()?,
            false => {
                let size = spec.model.size.unwrap_or(STANDARD_SIZE);
                speed::Bench::standard(size).reading(spec.data.reading)
            }
        };
        let bench = speed::Bench {
            files: spec.data.train.into_files("the measurement")?,
            image: spec.data.image,
            pipeline: kind.map(Into::into),
            stage: augmented.decoder(self.decoder.into()),
            batch: spec.train.batch_size,
            epochs: self.epochs,
            step,
        };
        bench.run(&cx).map(Some)
    }
}

impl Bench {
    pub(crate) fn run(self) -> Result<()> {
        match self.pipeline.measure(Duration::ZERO, None)? {
            None => Ok(()),
            Some(speed) if self.json => print_json(&speed),
            Some(speed) => print(&Text(&speed).to_string()),
        }
    }
}

impl Doctor {
    pub(crate) fn run(self) -> Result<()> {
        match self.rows.measure(Duration::from_millis(self.step), self.pipeline)? {
            None => Ok(()),
            Some(speed) => print(&Text(&speed).to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipe_of_a_measurement_has_the_augmentation_that_is_measured() {
        let own = standard().augment.apply(&image::Image::new(STANDARD_SIZE));
        let measured = speed::Bench::standard(STANDARD_SIZE);
        assert_eq!(own.plan().fingerprint(), measured.plan().fingerprint());
    }
}
