//! Pictures with boxes: a detector on a frozen network, trained by each way under each seed.

mod choice;
mod cut_scenes;
mod parts;
mod way;

pub use self::choice::{DetectionChoice, TriedDetection};
pub use self::way::{DetectionWay, PastedShare};

use self::cut_scenes::CutScenes;
pub(super) use self::way::DetectionArm;
use super::figures::{mean, rarest_third};
use super::sides::check_sides;
use super::spec::Detection;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Operation;
use crate::mix::Target;
use crate::report::{Figure, Report};
use crate::rows::BoxFormat;
use crate::source::Files;
use crate::spec::{Named, Spec};
use crate::task::event::Callback;
use crate::task::targets::Targets;
use crate::task::{DataSource, Datasets, Finetune, FinetuneSpec, RowObjects, Strategy};
use crate::train::Existing;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// The figures of a detector on test pictures, each in `0..=1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BoxFigures {
    /// The mean average precision over the classes and over intersections over union of 0.5 to 0.95, COCO's.
    pub map: f64,
    /// The same at 0.5.
    pub map50: f64,
    /// The mean average precision over the third of the classes with the fewest training objects, at least one class.
    pub rarest_third: f64,
}

impl BoxFigures {
    /// The mean of each figure.
    pub(super) fn mean(of: &[Self]) -> Self {
        Self::over(of, mean)
    }

    /// What `summary` makes of the values of each figure.
    pub(super) fn over(of: &[Self], summary: impl Fn(&[f64]) -> f64) -> Self {
        let each = |figure: fn(&Self) -> f64| summary(&of.iter().map(figure).collect::<Vec<_>>());
        Self {
            map: each(|figures| figures.map),
            map50: each(|figures| figures.map50),
            rarest_third: each(|figures| figures.rarest_third),
        }
    }
}

/// A detector that was trained and tested: a line of `cells.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectionCell {
    /// The data set.
    pub data: String,
    /// The row of the table, or the name of a way that is tried inside the training pictures.
    pub row: String,
    /// The seed, and where it is tried inside which part of the training pictures is held out.
    pub seed: u64,
    /// Whether it was trained and tested inside the training pictures. Defaults to false.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside: bool,
    /// The figures on the test pictures.
    pub figures: BoxFigures,
    /// Seconds that it took.
    pub seconds: f64,
}

/// A detection data set that was opened.
pub(super) struct OpenDetection {
    spec: FinetuneSpec,
    datasets: Datasets,
    objects: Arc<RowObjects>,
    /// The names of the rarest third of the classes among all training pictures.
    rarest: Vec<String>,
}

impl OpenDetection {
    /// Classes in a smaller share of the pictures are repeated.
    const COMMON: f64 = 1.0;
    /// Of the epochs, where they are cut short to take minutes.
    const QUICK: u64 = 3;

    /// Opens the pictures of `data`; nothing is written.
    pub(super) fn new(cx: &Context, data: &Detection, quick: bool, device: &Device) -> Result<Self> {
        let open = Self::open(cx, data.spec()?, quick, device)?;
        check_sides(cx, &open.datasets)?;
        Ok(open)
    }

    fn open(cx: &Context, mut spec: FinetuneSpec, quick: bool, device: &Device) -> Result<Self> {
        if spec.augment.copy_paste().is_some() {
            return Err(Error::config(
                "the recipe pastes objects by itself: leave copy_paste out, which is a row of the table",
            ));
        }
        if spec.augment.views < 2 {
            return Err(Error::config(format!(
                "the recipe's augment.views is {}, so that each picture comes as it is stored and no object can be pasted: let it be 2 or more",
                spec.augment.views
            )));
        }
        if quick {
            spec.train.epochs = spec.train.epochs.div_ceil(Self::QUICK);
        }
        spec.machine.device = device.clone();
        let run = Finetune::new(spec.clone(), "");
        let datasets = run.datasets(&cx.with_seed(spec.seed))?;
        let Targets::Objects(objects) = &datasets.targets else {
            return Err(Error::config("the recipe's task is none that finds boxes"));
        };
        if datasets.is_held_out() {
            return Err(Error::config(
                "test pictures have to be in files of their own: none are held out of the training files",
            ));
        }
        // Scenes stand in these columns, and so do the stored pictures before them.
        let names = [datasets.image.as_str(), datasets.label.as_str()];
        if names != ["image", "objects"] || objects.reader().format() != BoxFormat::Xywh {
            let message = "scenes have columns \"image\" and \"objects\" with boxes as COCO has them (xywh), and the pictures of the recipe have to have the same: \
                           import them";
            return Err(Error::config(message));
        }
        let rarest = rarest_third(&objects.counts());
        Ok(Self {
            rarest: rarest.into_iter().map(|class| objects.names()[class].clone()).collect(),
            objects: Arc::clone(objects),
            datasets,
            spec,
        })
    }

    /// What tells the pictures from others.
    pub(super) fn fingerprint(&self) -> String {
        let plans = [&self.datasets.train, &self.datasets.valid].map(|rows| rows.describe().fingerprint());
        plans.join(" ")
    }

    /// The classes, and how many training objects each has.
    pub(super) fn classes(&self) -> (Vec<String>, Vec<u64>) {
        (self.objects.names().to_vec(), self.objects.counts())
    }

    /// Test pictures.
    pub(super) fn tested(&self) -> u64 {
        self.datasets.valid_rows()
    }

    /// Trains and tests one detector in a run of its own in the folder `out`, whose features are removed once it has ended.
    pub(super) fn trained(
        &self,
        cx: &Context,
        way: &DetectionWay,
        seed: u64,
        out: &Path,
        callback: Callback<'_>,
    ) -> Result<BoxFigures> {
        let mut spec = self.spec.clone();
        spec.seed = seed;
        spec.balance = Strategy {
            target: Some(match way.repeat_factors {
                false => Target::Power(1.0),
                true => Target::RepeatFactor(Self::COMMON),
            }),
            ..Strategy::default()
        };
        if let Some(pasted) = way.copy_paste {
            spec.augment.operations.push(self.copy_paste(pasted)?);
        }
        if way.scenes > 0.0 {
            self.add_scenes(cx, way.scenes, &mut spec, out)?;
            // More pictures are more steps an epoch, and a longer training is no part of what is compared.
            let train = &mut spec.train;
            (train.epochs, train.deep_epochs) = (
                fewer(train.epochs, way.scenes).max(1),
                fewer(train.deep_epochs, way.scenes),
            );
        }
        let run = Finetune::new(spec, out).existing(Existing::Resume);
        let report = run.run(cx, callback)?;
        let features = out.join("features");
        if features.exists() {
            std::fs::remove_dir_all(&features).map_err(|error| Error::io(&features, error))?;
        }
        self.figures(&report)
    }

    /// The training pictures as they are stored.
    fn stored(&self) -> Result<&Files> {
        let stored = self.datasets.stored.first();
        stored
            .map(|stored| &stored.rows)
            .ok_or_else(|| Error::config("the training pictures have to be in files"))
    }

    /// The numbers of the rarest third of the classes.
    fn rarest_classes(&self) -> Vec<usize> {
        let at = |name: &String| self.objects.names().iter().position(|own| own == name);
        self.rarest.iter().filter_map(at).collect()
    }

    /// Objects of the rarest third of the classes.
    fn copy_paste(&self, of: PastedShare) -> Result<Named<dyn Operation>> {
        let classes = &self.rarest;
        let spec = json!({ "copy_paste": { "classes": classes, "p": of.p, "most": of.most } });
        serde_json::from_value(spec).map_err(|error| Error::config(error.to_string()).with_source(error))
    }

    /// Trains on a file that has the training pictures and `share` of them as many scenes. It lies beside the run, and is written once for all seeds.
    fn add_scenes(&self, cx: &Context, share: f64, spec: &mut FinetuneSpec, out: &Path) -> Result<()> {
        let file = out.with_file_name(format!("scenes-{share}.parquet"));
        if !file.exists() {
            let scenes = CutScenes {
                rows: self.stored()?,
                datasets: &self.datasets,
                objects: &self.objects,
                rarest: self.rarest_classes(),
                share,
            };
            scenes.write(&cx.with_seed(0), &file)?;
        }
        spec.data.train = files_of(&file)?;
        Ok(())
    }

    fn figures(&self, report: &Report) -> Result<BoxFigures> {
        let measured = &report.figures.measured;
        let of = |name: &str| {
            let value = measured.value(name);
            value.ok_or_else(|| Error::stage(format!("{name} is not defined: the test pictures have no box")))
        };
        let each = measured
            .by_class
            .get("average_precision")
            .map_or(&[][..], Vec::as_slice);
        // Of a file of its own the classes may be in another order.
        let of_class = |class: &String| {
            let at = report.figures.classes.iter().position(|name| name == class)?;
            each.get(at).and_then(|figure: &Figure| figure.value)
        };
        let rarest: Vec<f64> = self.rarest.iter().filter_map(of_class).collect();
        Ok(BoxFigures {
            map: of("map")?,
            map50: of("map50")?,
            rarest_third: mean(&rarest),
        })
    }
}

impl Detection {
    /// The run that the recipe describes, with the files that are named here in place of its own.
    pub(super) fn spec(&self) -> Result<FinetuneSpec> {
        let mut spec = FinetuneSpec::from_recipe(&self.recipe)?;
        if !self.train.is_empty() {
            spec.data.train = DataSource::Files(self.train.clone());
        }
        if !self.test.is_empty() {
            spec.data.valid = DataSource::Files(self.test.clone());
        }
        spec.check()?;
        Ok(spec)
    }
}

/// The number of epochs that comes nearest to as many steps where there are more pictures by this share of them.
fn fewer(epochs: u64, share: f64) -> u64 {
    (epochs as f64 / (1.0 + share)).round() as u64
}

/// The file as data of a run.
fn files_of(file: &Path) -> Result<DataSource> {
    let path = file.to_str();
    let path = path.ok_or_else(|| Error::config(format!("{} is no UTF-8", file.display())))?;
    Ok(DataSource::Files(vec![path.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scenes_train_for_about_as_many_steps_as_no_scenes() {
        for (epochs, share, expected) in [(18, 0.25, 14), (6, 0.25, 5), (40, 0.25, 32), (0, 0.25, 0), (3, 0.0, 3)] {
            let fewer = fewer(epochs, share);
            assert_eq!(fewer, expected);
            let (ours, theirs) = (fewer as f64 * (1.0 + share), epochs as f64);
            assert!(
                (ours - theirs).abs() <= (1.0 + share) / 2.0,
                "{ours} and {theirs} epochs of the stored pictures"
            );
        }
    }
}
