use crate::carried::carried;
use crate::machine::Machine;
use crate::output::{print, print_json, shown, tell};
use crate::screen::Screen;
use crate::text::wrap::wrapped;
use clap::Args;
use millstream::ablation::{self, DataSet, Detection, Pictures};
use millstream::task::ModelOptions;
use millstream::{Error, Result};
use std::path::{Path, PathBuf};

/// Does it help? Compare ways to deal with rare classes on several data sets and under several seeds, with paired tests.
#[derive(Args)]
pub(crate) struct Ablation {
    /// Folder for ablation.json, ablation.md and ablation.html; an ablation that was interrupted there goes on where it was
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// In minutes on the pictures that this program carries: fewer epochs, and less that is tried inside the training rows
    #[arg(long)]
    quick: bool,
    /// The long-tailed Fashion-MNIST that this program carries, beside the sets that are named; alone where none is. Holm's rule is over all sets of one ablation
    #[arg(long)]
    carried: bool,
    /// Training pictures: Parquet files, a folder with a folder for each class, or a list of them
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "test")]
    train: Vec<String>,
    /// Test pictures
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "train")]
    test: Vec<String>,
    /// What the pictures are called in tables; as the first file if left out
    #[arg(long, requires = "train", value_name = "NAME")]
    name: Option<String>,
    /// The image column, if not found by its type
    #[arg(long, requires = "train", value_name = "COL")]
    image: Option<String>,
    /// The label column, if not found by its type
    #[arg(long, requires = "train", value_name = "COL")]
    label: Option<String>,
    /// Width and height of pictures for the pretrained network, up to 8192; as its weights expect if left out
    #[arg(long, requires = "train", value_name = "PX", value_parser = clap::value_parser!(u32).range(1..=i64::from(ModelOptions::MAX_SIZE)))]
    size: Option<u32>,
    /// The pretrained network: efficientnet-lite0, which this program carries, or a folder with timm's config.json
    #[arg(long, requires = "train", value_name = "NAME|FOLDER")]
    backbone: Option<String>,
    /// Training rows of each class, in the order of the classes, where not all are to be trained on: 4000,2000,1000, say
    #[arg(long, requires = "train", value_delimiter = ',', value_name = "N,N,..")]
    long_tail: Vec<u64>,
    /// Leave out the network that is trained on small pixels from scratch
    #[arg(long)]
    pretrained_only: bool,
    /// Tables of the KEEL repository: .dat files, or folders of them
    #[arg(long, num_args = 1.., value_name = "DIR|FILE")]
    keel: Vec<PathBuf>,
    /// A recipe of a detection run, whose detector is trained with repeat factors, copy-paste and scenes
    #[arg(long, value_name = "RECIPE")]
    detect: Option<PathBuf>,
    /// Training pictures of the detector, in place of those of the recipe
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "detect")]
    detect_train: Vec<String>,
    /// Test pictures of the detector, in place of those that the recipe validates on
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "detect")]
    detect_test: Vec<String>,
    /// Seeds of each row of the table, 2 to 1000
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(2..=ablation::Ablation::MAX_SEEDS))]
    seeds: u64,
    /// Print one JSON object to standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    machine: Machine,
}

/// Width and height of the carried pictures for the pretrained network, as in the demo.
const CARRIED_SIZE: u32 = 96;

impl Ablation {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let mut run = ablation::Ablation::new(self.data()?).seeds(self.seeds);
        run.quick = self.quick;
        let mut screen = Screen::new(false);
        let report = run.run(&cx, &self.out, &mut |event| screen.show(event))?;
        if self.json {
            return print_json(&report);
        }
        print(&report.to_text())?;
        for said in report.in_words() {
            print(&wrapped(&format!("- {said}"), "  "))?;
        }
        tell(&format!(
            "ablation.json, ablation.md and ablation.html are in {}",
            shown(&self.out)
        ));
        Ok(())
    }

    fn data(&self) -> Result<Vec<DataSet>> {
        let mut data = Vec::new();
        let is_named = !(self.train.is_empty() && self.keel.is_empty() && self.detect.is_none());
        if self.carried || !is_named {
            let file = |name: &str| Ok::<_, Error>([carried(name)?.display().to_string()]);
            let (train, test) = (
                file("fashion-mnist-train.parquet")?,
                file("fashion-mnist-test.parquet")?,
            );
            data.push(DataSet::Pictures(Pictures {
                from_scratch: !self.pretrained_only,
                ..Pictures::new("Fashion-MNIST", train, test).size(CARRIED_SIZE)
            }));
        }
        if let Some(first) = self.train.first() {
            let stem = Path::new(first)
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            let name = self.name.clone().or(stem).unwrap_or_else(|| first.clone());
            data.push(DataSet::Pictures(Pictures {
                image: self.image.clone(),
                label: self.label.clone(),
                size: self.size,
                backbone: self.backbone.clone(),
                long_tail: Some(self.long_tail.clone()).filter(|counts| !counts.is_empty()),
                from_scratch: !self.pretrained_only,
                ..Pictures::new(&name, &self.train, &self.test)
            }));
        }
        for path in &self.keel {
            match path.is_dir() {
                true => data.extend(tables(path)?.into_iter().map(DataSet::Keel)),
                false => data.push(DataSet::Keel(path.clone())),
            }
        }
        if let Some(recipe) = &self.detect {
            let stem = recipe.file_stem().unwrap_or_default();
            data.push(DataSet::Detection(Detection {
                name: stem.to_string_lossy().into_owned(),
                recipe: recipe.clone(),
                train: self.detect_train.clone(),
                test: self.detect_test.clone(),
            }));
        }
        Ok(data)
    }
}

/// The tables in `folder`, by name.
fn tables(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io(folder, error))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths
        .collect::<std::io::Result<_>>()
        .map_err(|error| Error::io(folder, error))?;
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "dat"));
    paths.sort();
    match paths.is_empty() {
        true => Err(Error::config("there is no .dat file in this folder").context(folder.display().to_string())),
        false => Ok(paths),
    }
}
