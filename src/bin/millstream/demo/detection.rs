//! Detection on simulated pictures, in four ways.

use super::found::{LEAST, found};
use super::scenes::{Data, SIZE, simulate};
use super::stopped::in_the_way;
use super::verdict::{ERRORS, verdict};
use crate::machine::Machine;
use crate::output::{print, shown, tell};
use crate::screen::Screen;
use crate::text::wrap::wrapped;
use clap::Args;
use image::RgbImage;
use millstream::image::{CopyPaste, Operation};
use millstream::mix::Target;
use millstream::report::picture::{SheetGroup, SheetSample, Tile, class_bars, contact_sheet, stack, write_png};
use millstream::report::{Figure, Measured, Report, RunFigures};
use millstream::spec::Named;
use millstream::task::{Finetune, Preview, Strategy, Targets, TrainingPhase};
use millstream::train::Existing;
use millstream::{Context, Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Train a detector on simulated pictures, some of whose classes are rare, in four ways and compare them.
#[derive(Args)]
pub(super) struct Detection {
    /// Folder for the pictures, the models, report.json and the picture; runs/demo-detection if left out, where a demo replaces the one before it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the demo that lies in DIR; what no demo wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Pictures that are simulated to train on, 20 to 20000; half as many to measure on
    #[arg(long, value_name = "N", default_value_t = 400, value_parser = clap::value_parser!(u64).range(20..=20_000))]
    pictures: u64,
    /// Passes over the pictures, 1 to 1000
    #[arg(long, value_name = "N", default_value_t = 12, value_parser = clap::value_parser!(u64).range(1..=1000))]
    epochs: u64,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print the plan of each way's loader
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

/// The ways whose training pictures get objects of other ones.
const PASTED: [&str; 2] = ["(c) copy-paste", "(d) both"];
/// The folders of the ways that train on the pictures as they are, and of those with pasted objects.
const FOLDERS: [&str; 2] = ["as-it-is", "copy-paste"];
/// The figure of the rarest third of the classes.
const RAREST: &str = "map_rarest_third";

/// Whether `folder` holds a demo of detection, ended or not.
pub(super) fn lies_in(folder: &Path) -> bool {
    FOLDERS.iter().any(|name| folder.join(name).join("run.json").is_file())
}

impl Detection {
    pub(super) fn run(self) -> Result<()> {
        let cx = self.machine.context()?.with_seed(self.seed);
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs/demo-detection"));
        let again = self.check(&out)?;
        let [width, height] = SIZE;
        tell(&format!(
            "simulating {} training pictures of {width} x {height} pixels, and others to measure on",
            self.pictures
        ));
        let data = simulate(&cx, &out.join("data"), self.pictures, again)?;
        let mut screen = Screen::new(self.explain);
        let [plain, mut pasting] = FOLDERS.map(|folder| self.finetune(&data, &out.join(folder)));
        let targets = plain.datasets(&cx)?.targets;
        pasting.spec.augment.operations.push(copy_paste(&targets));
        let [first, second] = [ways(["(a) as it is", "(b) balanced"]), ways(PASTED)];
        let (report, _) = plain.compare(&cx, &first, &mut |event| screen.show(event))?;
        let (pasted, _) = pasting.compare(&cx, &second, &mut |event| screen.show(event))?;
        let all = report.strategies.iter().chain(pasted.strategies.iter());
        let all = all.map(|(name, figures)| (name, with_rarest(figures, &targets.counts())));
        let report = Report {
            notes: report.notes.clone(),
            warnings: report.warnings.clone(),
            ..Report::compare(all.collect(), PASTED[1])?
        };
        show(&report)?;
        report.write_json(out.join("report.json"))?;
        let drawn = picture(&cx, (&data, &pasting), &report, &targets.counts())?;
        write_png(out.join("demo.png"), &drawn)?;
        tell(&format!(
            "pictures, models, report.json and demo.png are in {}",
            shown(&out)
        ));
        Ok(())
    }

    /// Refuses a folder that has what would be written by nobody's demo, or by one that is not to be replaced. Whether there is a demo.
    fn check(&self, out: &Path) -> Result<bool> {
        let first = Finetune::default().out(out.join(FOLDERS[0]));
        let again = first.has_compared(&ways(["(a) as it is", "(b) balanced"]));
        let names = ["report.json", "demo.png"].into_iter().chain(FOLDERS);
        let there = names
            .map(|name| out.join(name))
            .find(|path| path.symlink_metadata().is_ok());
        match there {
            Some(path) if !again => {
                let message = "no demo wrote this; use another folder (--out DIR)";
                Err(Error::config(message).context(path.display().to_string()))
            }
            Some(_) if !self.replaces() => Err(in_the_way(out)),
            _ => Ok(again),
        }
    }

    fn replaces(&self) -> bool {
        self.overwrite || self.out.is_none()
    }

    fn finetune(&self, data: &Data, out: &Path) -> Finetune {
        let run = Finetune::default()
            .train([data.train.display().to_string()])
            .valid([data.test.display().to_string()])
            .label("objects")
            .size(SIZE[0])
            .height(SIZE[1])
            .batch_size(16)
            .epochs(self.epochs)
            .seed(self.seed)
            .out(out);
        match self.replaces() {
            true => run.existing(Existing::Overwrite),
            false => run,
        }
    }
}

/// Rows as they are, and rows with rare classes repeated, under these names.
fn ways(names: [&str; 2]) -> [Strategy; 2] {
    let targets = [Target::Power(1.0), Target::RepeatFactor(COMMON)];
    let [plain, balanced] = targets.map(|target| Strategy {
        target: Some(target),
        ..Strategy::default()
    });
    [(names[0], plain), (names[1], balanced)].map(|(name, way)| Strategy {
        name: name.to_owned(),
        ..way
    })
}

/// The share of the pictures that a class is in which is not repeated.
const COMMON: f64 = 0.3;

/// Pastes objects of rare classes, those with fewer objects than the mean, by their masks.
fn copy_paste(targets: &Targets) -> Named<dyn Operation> {
    let counts = targets.counts();
    let mean = counts.iter().sum::<u64>() as f64 / counts.len().max(1) as f64;
    let rare = targets
        .names()
        .iter()
        .zip(&counts)
        .filter(|(_, count)| (**count as f64) < mean);
    let rare: Vec<&str> = rare.map(|(name, _)| name.as_str()).collect();
    // Partners are drawn from all pictures.
    let paste = CopyPaste::default()
        .class_names("objects.category", &rare)
        .mask("mask")
        .window(1 << 16);
    Named::new(Arc::new(paste))
}

/// `figures` with the mean of the average precisions of the rarest third of the classes, which have these `counts` of training objects.
fn with_rarest(figures: &RunFigures, counts: &[u64]) -> RunFigures {
    let mut order: Vec<usize> = (0..counts.len()).collect();
    order.sort_by_key(|&class| counts[class]);
    order.truncate((counts.len() / 3).max(1));
    let mut figures = figures.clone();
    figures.measured = figures.measured.clone().with(RAREST, mean(&figures.measured, &order));
    figures
}

/// The mean of the average precisions of `classes`, with its error as of independent ones: they are measured on other objects.
fn mean(measured: &Measured, classes: &[usize]) -> Figure {
    let all = measured
        .by_class
        .get("average_precision")
        .map_or(&[][..], Vec::as_slice);
    let some: Vec<Figure> = classes.iter().filter_map(|&class| all.get(class).copied()).collect();
    let values: Option<Vec<f64>> = some.iter().map(|figure| figure.value).collect();
    let errors: Option<Vec<f64>> = some.iter().map(|figure| figure.standard_error).collect();
    let many = some.len().max(1) as f64;
    Figure::new(
        values.map(|values| values.iter().sum::<f64>() / many),
        errors.map(|errors| errors.iter().map(|error| error * error).sum::<f64>().sqrt() / many),
    )
}

/// `report` with the figures of the demo's table alone, of which `chooses` chooses.
fn short(report: &Report, chooses: &str) -> Report {
    let of = |figures: &RunFigures| {
        let mut figures = figures.clone();
        let all = std::mem::take(&mut figures.measured.figures);
        let some = ["map", "map50", RAREST].into_iter();
        figures.measured.figures = some.filter_map(|name| Some((name, *all.get(name)?))).collect();
        chooses.clone_into(&mut figures.measured.chooses);
        figures
    };
    let ways = report.strategies.iter().map(|(name, figures)| (name, of(figures)));
    Report {
        figures: of(&report.figures),
        strategies: ways.collect(),
        ..report.clone()
    }
}

fn show(report: &Report) -> Result<()> {
    for (name, figures) in report.strategies.iter() {
        print(&format!("\n{name}\n{}", figures.to_table()))?;
    }
    let (all, rarest) = (short(report, "map"), short(report, RAREST));
    let said = format!(
        "{} {} {ERRORS}",
        verdict(&all, "mAP"),
        verdict(&rarest, "AP of the rarest third of the classes")
    );
    print(&format!("\n{}\n{}\n", all.to_table(), wrapped(&said, "")))
}

/// Pixels of a tile's longer side: of training pictures, and of those in which boxes are found.
const EDGES: [u32; 2] = [128, 240];
/// Samples of a class, and pictures in which boxes are found.
const TILES: (usize, u64) = (4, 4);

/// What the ways with pasted objects train on, what the last one finds, and the average precision of each class in each way.
fn picture(cx: &Context, (data, run): (&Data, &Finetune), report: &Report, counts: &[u64]) -> Result<RgbImage> {
    let preview = Preview {
        phase: Some(TrainingPhase::Head),
        ..Preview::new(run.clone())
    };
    let rows = preview.open(cx, &mut |_| ())?;
    let sheet = rows.sheet(&rows.samples(1, TILES.0)?, EDGES[0])?.picture;
    let figures = &report.figures;
    let (tiles, count) = found(cx, (&data.test, &figures.classes), &run.out, TILES.1)?;
    let sample = |tile: Tile| SheetSample {
        tiles: vec![tile],
        captions: Vec::new(),
    };
    let group = SheetGroup {
        name: "to measure on".to_owned(),
        count,
        lines: vec![tiles.into_iter().map(sample).collect()],
    };
    let title = format!("What {} finds", PASTED[1]);
    let notes = [format!("Boxes of a score of {LEAST} and more.")];
    let found = contact_sheet(&title, &notes, &[group], EDGES[1])?;
    let series = report.strategies.iter().map(|(name, way)| {
        let values = figures.classes.iter().map(|class| way.value_of_class(class));
        (name.to_owned(), values.collect())
    });
    let title = "Average precision of each class, above its training objects";
    let bars = class_bars(title, "AP", &figures.classes, &series.collect::<Vec<_>>(), counts)?;
    Ok(stack(&[sheet, found, bars]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::report::ClassCounts;

    #[test]
    fn the_rarest_third_has_the_mean_of_its_classes_and_their_error() {
        let figures = [0.9, 0.4, 0.8, 0.2, 0.7, 0.6, 0.5].map(|value| Figure::new(value, 0.03));
        let measured = Measured::new(7, "map").with_classes("average_precision", figures.to_vec());
        let names: Vec<String> = (0..7).map(|class| class.to_string()).collect();
        let run = RunFigures::new("detect", &names, &[ClassCounts::default(); 7], measured, 1.0).unwrap();
        let found = with_rarest(&run, &[90, 5, 80, 4, 70, 60, 50]).measured;
        let found = found.figures.get(RAREST).copied().unwrap();
        assert!((found.value.unwrap() - 0.3).abs() < 1e-12);
        assert!((found.standard_error.unwrap() - 0.03 / 2_f64.sqrt()).abs() < 1e-6);
    }
}
