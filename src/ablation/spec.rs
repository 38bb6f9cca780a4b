//! What an ablation is.

use crate::error::{Error, Result};
use crate::task::FinetuneSpec;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;

/// Does it help? Data sets, ways to deal with rare classes, and seeds: each way is trained on each set under each seed, and measured on test rows.
///
/// ```
/// use millstream::ablation::{Ablation, DataSet, Pictures};
///
/// let pictures = Pictures::new("trash", ["train.parquet"], ["test.parquet"]);
/// let ablation = Ablation::new([DataSet::Pictures(pictures)]).seeds(3);
/// assert_eq!((ablation.seeds, ablation.paired_seeds), (3, 10));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ablation {
    /// What is trained and tested on.
    pub data: Vec<DataSet>,
    /// Seeds of each row of the table. Defaults to 5.
    pub seeds: u64,
    /// Seeds under which the way that was chosen inside the training rows is compared with repeats. Defaults to 10.
    pub paired_seeds: u64,
    /// Fewer epochs, parts of a cross-validation and candidates: minutes in place of an hour. Defaults to false.
    pub quick: bool,
}

/// What is trained and tested on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSet {
    /// Pictures with boxes.
    Detection(Detection),
    /// Pictures with one class each.
    Pictures(Pictures),
    /// A table of the KEEL repository. Each seed splits it anew: a fifth of its rows, stratified, is tested on.
    Keel(PathBuf),
}

/// Pictures with one class each, in files of training rows and files of test rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pictures {
    /// What they are called in tables.
    pub name: String,
    /// Files, folders or patterns of training pictures.
    pub train: Vec<String>,
    /// Of test pictures.
    pub test: Vec<String>,
    /// The image column, if it is not found by its type.
    #[serde(default)]
    pub image: Option<String>,
    /// The label column, if it is not found by its type.
    #[serde(default)]
    pub label: Option<String>,
    /// Width and height for the pretrained network. Defaults to what its weights expect.
    #[serde(default)]
    pub size: Option<u32>,
    /// The pretrained network: a name, or a folder with timm's `config.json`. Defaults to the one that this crate carries.
    #[serde(default)]
    pub backbone: Option<String>,
    /// Training rows of each class, in the order of the classes, where not all are trained on: so many of each are drawn. Makes a long tail of
    /// a set whose classes are equal.
    #[serde(default)]
    pub long_tail: Option<Vec<u64>>,
    /// Views of a training picture where it is augmented.
    pub views: u64,
    /// Whether a small network is trained on small pixels from scratch as well. Defaults to true.
    #[serde(default = "yes")]
    pub from_scratch: bool,
}

fn yes() -> bool {
    true
}

/// Pictures with boxes. A detector is trained on the frozen network as a recipe says, and its balance and copy-paste are what is compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// What they are called in tables.
    pub name: String,
    /// The recipe.
    pub recipe: PathBuf,
    /// Training files, in place of those of the recipe.
    #[serde(default)]
    pub train: Vec<String>,
    /// Test files, in place of those that the recipe validates on.
    #[serde(default)]
    pub test: Vec<String>,
}

impl Default for Ablation {
    fn default() -> Self {
        Self {
            data: Vec::new(),
            seeds: 5,
            paired_seeds: 10,
            quick: false,
        }
    }
}

impl Pictures {
    /// Pictures called `name`, in four views.
    pub fn new(
        name: &str,
        train: impl IntoIterator<Item = impl Into<String>>,
        test: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            train: train.into_iter().map(Into::into).collect(),
            test: test.into_iter().map(Into::into).collect(),
            image: None,
            label: None,
            size: None,
            backbone: None,
            long_tail: None,
            views: FinetuneSpec::default().augment.views,
            from_scratch: true,
        }
    }

    /// On pretrained features alone, without a network from scratch.
    #[must_use]
    pub fn pretrained_only(mut self) -> Self {
        self.from_scratch = false;
        self
    }

    /// With this width and height for the pretrained network.
    #[must_use]
    pub fn size(mut self, pixels: u32) -> Self {
        self.size = Some(pixels);
        self
    }
}

impl DataSet {
    /// What it is called in tables: of a file its name without the ending.
    pub fn name(&self) -> String {
        match self {
            Self::Pictures(pictures) => pictures.name.clone(),
            Self::Detection(detection) => detection.name.clone(),
            Self::Keel(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

impl Ablation {
    /// Seeds at most.
    pub const MAX_SEEDS: u64 = 1000;

    /// On these data sets.
    pub fn new(data: impl IntoIterator<Item = DataSet>) -> Self {
        Self {
            data: data.into_iter().collect(),
            ..Self::default()
        }
    }

    /// With so many seeds of each row.
    #[must_use]
    pub fn seeds(mut self, seeds: u64) -> Self {
        self.seeds = seeds;
        self
    }

    /// With so many seeds of the comparison of what was chosen.
    #[must_use]
    pub fn paired_seeds(mut self, seeds: u64) -> Self {
        self.paired_seeds = seeds;
        self
    }

    /// In minutes.
    #[must_use]
    pub fn quick(mut self) -> Self {
        self.quick = true;
        self
    }

    /// Parts of the cross-validation of an automatic choice.
    pub(super) fn folds(&self) -> usize {
        if self.quick { 3 } else { 5 }
    }

    pub(super) fn check(&self) -> Result<()> {
        let refused = |text: String| Err(Error::config(text));
        if self.data.is_empty() {
            return refused("there is no data set to compare on".to_owned());
        }
        for (what, seeds) in [("seeds", self.seeds), ("paired_seeds", self.paired_seeds)] {
            if !(2..=Self::MAX_SEEDS).contains(&seeds) {
                let most = Self::MAX_SEEDS;
                return refused(format!(
                    "{what} is {seeds}, and has to lie in 2..={most}: a test needs two pairs"
                ));
            }
        }
        let mut names = HashSet::new();
        if let Some(twice) = self.data.iter().find(|data| !names.insert(data.name())) {
            return refused(format!(
                "two data sets are called {:?}, and results are told apart by these names: name each once, and rename one of two files of the same name",
                twice.name()
            ));
        }
        Ok(())
    }
}
