use crate::machine::Machine;
use crate::on_error::OnError;
use crate::output::{print, print_json, say, shown};
use crate::reading::Reading;
use crate::screen::Screen;
use clap::{Args, ValueEnum};
use millstream::Result;
use millstream::mix::Target;
use millstream::task::{self, Strategy};
use millstream::train::Existing;
use std::path::PathBuf;

/// Fine-tune a pretrained model on images in Parquet: first a new head on frozen features, then deeper.
#[derive(Args)]
pub(crate) struct Finetune {
    /// Training files, folders or patterns
    #[arg(long, required = true, num_args = 1.., value_name = "PARQUET")]
    train: Vec<String>,
    /// Validation files; without them the folder's validation split, else a stratified tenth of the training rows
    #[arg(long, num_args = 1.., value_name = "PARQUET")]
    valid: Vec<String>,
    /// The image column, if not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// The label column, if not found by its type
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// The pretrained network: efficientnet-lite0, whose weights are inside this program; a folder with timm's config.json; or a
    /// network's name with --weights
    #[arg(long, value_name = "NAME|FOLDER", default_value = "efficientnet-lite0")]
    backbone: String,
    /// Its weights, .safetensors, .pth or .bin, where they are in another file
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Width and height that images are resized to
    #[arg(long, value_name = "PX", default_value_t = 224, value_parser = clap::value_parser!(u32).range(16..=1024))]
    size: u32,
    #[command(flatten)]
    reading: Reading,
    /// Epochs of the head, each of as many rows as the training set
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u64).range(1..=MOST_EPOCHS))]
    epochs: u64,
    /// Which share of the rows each class gets
    #[arg(long, value_enum, default_value_t = Balance::Uniform)]
    balance: Balance,
    /// The most that synthetic rows may make up of what a class is given beyond its real rows, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    synthetic: f64,
    /// Views of each training row: itself, and V - 1 augmented ones
    #[arg(long, value_name = "V", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    views: u64,
    /// Stages of the backbone (of 9), counted from the last, that train after the head
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=9))]
    unfreeze: u64,
    /// Epochs with these stages
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(..=MOST_EPOCHS))]
    deep_epochs: u64,
    /// Rows in a batch
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(1..=65536))]
    batch: u64,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    #[command(flatten)]
    on_error: OnError,
    /// Go on with the run that lies in DIR, or print the report of one that has ended
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace the run that lies in DIR; what no run wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Folder for the model and the report
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Print one JSON object to standard output
    #[arg(long)]
    json: bool,
    /// Print the loader's plan before training
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

/// Epochs at most: more is a slip of the finger, and steps are counted in 64 bits.
const MOST_EPOCHS: u64 = 1_000_000;

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=1.0).contains(&number) {
        true => Ok(number),
        false => Err("not in 0 to 1".to_owned()),
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Balance {
    None,
    Sqrt,
    Uniform,
}

impl Balance {
    fn target(self) -> Target {
        match self {
            Self::None => Target::Power(1.0),
            Self::Sqrt => Target::Sqrt,
            Self::Uniform => Target::Uniform,
        }
    }
}

impl Finetune {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let strategy = Strategy {
            name: "head".to_owned(),
            target: self.balance.target(),
            synthetic: self.synthetic,
        };
        let json = self.json;
        let run = task::Finetune {
            train: self.train,
            valid: self.valid,
            image: self.image,
            label: self.label,
            backbone: self.backbone,
            weights: self.weights,
            size: self.size,
            reading: self.reading.into(),
            epochs: self.epochs,
            views: self.views,
            batch: self.batch,
            unfreeze: self.unfreeze as usize,
            deep_epochs: self.deep_epochs,
            seed: self.seed,
            on_bad_row: self.on_error.rule(),
            out: self.out,
            existing: match (self.resume, self.overwrite) {
                (true, _) => Existing::Resume,
                (_, true) => Existing::Overwrite,
                _ => Existing::Refuse,
            },
        };
        let mut screen = Screen::new(self.explain);
        let report = run.run(&cx, &strategy, &mut |event| screen.show(event))?;
        if json {
            return print_json(&report);
        }
        print(&format!("{}\n\n{}", report.figures.to_table(), report.to_table()))?;
        say(&format!("the model and report.json are in {}", shown(&run.out)));
        Ok(())
    }
}
