mod detection;
mod found;
mod scenes;
mod stopped;
mod verdict;

use self::stopped::in_the_way;
use self::verdict::{ERRORS, verdict};
use crate::carried::carried;
use crate::choice::print_choice;
use crate::machine::Machine;
use crate::output::{print, shown, tell};
use crate::screen::Screen;
use crate::text::wrap::wrapped;
use clap::{Args, Subcommand};
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::report::Report;
use millstream::task::{Finetune, FinetuneSpec, Strategy, picture};
use millstream::train::Existing;
use millstream::train::loss::{BalancedSoftmax, Loss};
use millstream::{Error, Result};
use std::path::PathBuf;

/// Fine-tune on a long-tailed Fashion-MNIST in five ways and compare them.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Demo {
    #[command(subcommand)]
    other: Option<Other>,
    /// Folder for the model, report.json and the picture; runs/demo if left out, where a demo replaces the one before it
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Replace the run that lies in DIR; what no run wrote stays
    #[arg(long)]
    overwrite: bool,
    /// Seed of all that is random
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED))]
    seed: u64,
    /// Print the plan of each way's loader
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    machine: Machine,
}

/// Other demos.
#[derive(Subcommand)]
enum Other {
    Detection(detection::Detection),
}

impl Demo {
    pub(crate) fn run(self) -> Result<()> {
        if let Some(Other::Detection(demo)) = self.other {
            return demo.run();
        }
        let cx = self.machine.context()?;
        let data = |name: &str| Ok::<_, Error>(vec![carried(name)?.display().to_string()]);
        let own = self.out.is_none();
        let mut run = Finetune::default()
            .train(data("fashion-mnist-train.parquet")?)
            .valid(data("fashion-mnist-test.parquet")?)
            .size(96)
            .seed(self.seed)
            .out(self.out.unwrap_or_else(|| PathBuf::from("runs/demo")));
        let again = run.has_compared(&strategies());
        if self.overwrite || own && again {
            run.existing = Existing::Overwrite;
        }
        if detection::lies_in(&run.out) {
            let message = "this folder holds a demo of detection; use another one (--out DIR)";
            return Err(Error::new(ErrorKind::Config, message).context(run.out.display().to_string()));
        }
        let path = run.out.join("demo.png");
        if !again && path.symlink_metadata().is_ok() {
            let message = format!(
                "{}: no demo wrote this picture; use another folder (--out DIR)",
                path.display()
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut screen = Screen::new(self.explain);
        let compared = run.compare(&cx, &strategies(), &mut |event| screen.show(event));
        let (report, prepared) = compared.map_err(|error| match error.kind() {
            // A run would go on, and there is no such option here.
            ErrorKind::Exists if again => in_the_way(&run.out),
            _ => error,
        })?;
        show(&report)?;
        let drawn = picture::draw(&cx.with_seed(run.spec.seed), &run, &prepared, &strategies(), &report)?;
        millstream::report::picture::write_png(&path, &drawn)?;
        tell(&format!(
            "features took {:.0} s; model.safetensors, model.json, report.json and demo.png are in {}",
            prepared.seconds,
            shown(&run.out)
        ));
        Ok(())
    }
}

/// The names are short enough for a table of 80 columns.
fn strategies() -> [Strategy; 5] {
    let strategy = |name: &str, target, synthetic| Strategy {
        name: name.to_owned(),
        target: Some(target),
        synthetic,
        ..Strategy::default()
    };
    [
        strategy("(a) as it is", Target::Power(1.0), 0.0),
        strategy("(b) balanced, repeats", Target::Uniform, 0.0),
        strategy("(c) balanced, SMOTE", Target::Uniform, 0.5),
        Strategy {
            loss: Some(Loss::BalancedSoftmax(BalancedSoftmax::new())),
            ..strategy("(d) balanced softmax", Target::Power(1.0), 0.0)
        },
        Strategy {
            name: "(e) auto".to_owned(),
            auto: true,
            ..Strategy::default()
        },
    ]
}

fn show(report: &Report) -> Result<()> {
    for (name, figures) in report.strategies.iter() {
        print(&format!("\n{name}\n{}", figures.to_table()))?;
    }
    print("")?;
    print_choice(report)?;
    let said = format!("{} {ERRORS}", verdict(report, "Balanced accuracy"));
    print(&format!("{}\n{}\n", report.to_table(), wrapped(&said, "")))
}
