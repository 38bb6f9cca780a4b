use crate::carried::{WEIGHTS, carried};
use crate::machine::Machine;
use crate::screen::{Screen, print, say};
use clap::Args;
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::report::Report;
use millstream::transfer::{Existing, Finetune, Way, picture};
use millstream::{Error, Result};
use std::path::PathBuf;

/// Fine-tune on a long-tailed Fashion-MNIST in three ways and compare them.
#[derive(Args)]
pub(crate) struct Demo {
    /// Folder for the model, report.json and the picture; runs/demo if left out, where a demo replaces the one before it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run that lies in DIR; what no run wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Print the plan of each way's loader
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

impl Demo {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let carried = |path: &str| carried(path, "run the demo in the repository's folder");
        let data = |name: &str| {
            let path = carried(&format!("examples/data/{name}"))?;
            Ok::<_, Error>(vec![path.display().to_string()])
        };
        let own = self.out.is_none();
        let mut run = Finetune {
            train: data("fashion-mnist-train.parquet")?,
            valid: data("fashion-mnist-test.parquet")?,
            image: None,
            label: None,
            weights: carried(WEIGHTS)?,
            size: 96,
            epochs: 40,
            views: 4,
            batch: 32,
            unfreeze: 0,
            deep_epochs: 0,
            seed: self.seed,
            out: self.out.unwrap_or_else(|| PathBuf::from("runs/demo")),
            existing: Existing::Refuse,
        };
        let again = run.has_compared(&ways());
        if self.overwrite || own && again {
            run.existing = Existing::Overwrite;
        }
        let path = run.out.join("demo.png");
        if !again && path.symlink_metadata().is_ok() {
            let message = format!("{}: no demo wrote this picture; use another folder", path.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut screen = Screen::new(self.explain);
        let (report, prepared) = run.compare(&cx, &ways(), &mut |event| screen.show(event))?;
        show(&report)?;
        let drawn = picture::draw(&cx.with_seed(run.seed), &run, &prepared, &ways(), &report)?;
        millstream::report::picture::write_png(&path, &drawn)?;
        say(&format!(
            "features took {:.0} s; model.safetensors, model.json, report.json and demo.png are in {}",
            prepared.seconds,
            run.out.display()
        ));
        Ok(())
    }
}

fn ways() -> [Way; 3] {
    let way = |name: &str, target, synthetic| Way {
        name: name.to_owned(),
        target,
        synthetic,
    };
    [
        way("(a) as it is", Target::Power(1.0), 0.0),
        way("(b) balanced, repeats", Target::Uniform, 0.0),
        way("(c) balanced, synthetic", Target::Uniform, 0.5),
    ]
}

fn show(report: &Report) -> Result<()> {
    for (name, figures) in report.ways.iter() {
        print(&format!("\n{name}\n{}", figures.to_table()))?;
    }
    print(&format!("\n{}\n\n{}\n", report.to_table(), verdict(report)))
}

/// Says which way came out ahead, whichever it was.
fn verdict(report: &Report) -> String {
    let of: Vec<f64> = report
        .ways
        .iter()
        .map(|(_, figures)| figures.balanced_accuracy)
        .collect();
    let [a, b, c] = of[..] else { return String::new() };
    let against = |x: f64, y: f64| match x - y {
        d if d > 0.0 => format!("{:.1} points above", 100.0 * d),
        d if d < 0.0 => format!("{:.1} points below", -100.0 * d),
        _ => "level with".to_owned(),
    };
    format!(
        "Balanced accuracy: (b) is {} (a); (c) is {} (b).",
        against(b, a),
        against(c, b)
    )
}
