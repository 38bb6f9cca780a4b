use crate::carried::carried;
use crate::choice::print_choice;
use crate::machine::Machine;
use crate::output::{print, shown, tell};
use crate::screen::Screen;
use crate::text::wrap::wrapped;
use clap::Args;
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::report::{Report, RunFigures};
use millstream::task::{Finetune, FinetuneSpec, Strategy, picture};
use millstream::train::Existing;
use millstream::train::loss::{BalancedSoftmax, Loss};
use millstream::{Error, Result};
use std::path::PathBuf;

/// Fine-tune on a long-tailed Fashion-MNIST in five ways and compare them.
#[derive(Args)]
pub(crate) struct Demo {
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

impl Demo {
    pub(crate) fn run(self) -> Result<()> {
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
        let path = run.out.join("demo.png");
        if !again && path.symlink_metadata().is_ok() {
            let message = format!("{}: no demo wrote this picture; use another folder", path.display());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut screen = Screen::new(self.explain);
        let (report, prepared) = run.compare(&cx, &strategies(), &mut |event| screen.show(event))?;
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
    print(&format!("{}\n{}\n", report.to_table(), wrapped(&verdict(report), "")))
}

/// Says which way came out ahead, whichever it was, and whether that is more than chance gives: each beside the first, then the highest
/// beside the next.
fn verdict(report: &Report) -> String {
    let ways: Vec<(&str, &RunFigures)> = (report.strategies.iter())
        .map(|(name, figures)| (short(name), figures))
        .collect();
    let [first, others @ ..] = &ways[..] else {
        return String::new();
    };
    let beside = |(name, figures): &(&str, &RunFigures)| format!("{name} is {} {}", against(figures, first.1), first.0);
    let score = |(_, figures): &(&str, &RunFigures)| figures.measured.score().unwrap_or(f64::NEG_INFINITY);
    let mut ranked = ways.clone();
    ranked.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let highest = ranked.iter().take_while(|way| score(way) == score(&ranked[0])).count();
    let names = |ways: &[(&str, &RunFigures)]| ways.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ");
    let lead = match ranked.get(highest) {
        Some(next) => format!(
            "The highest is {}, {} {}, the next.",
            names(&ranked[..highest]),
            against(ranked[0].1, next.1),
            next.0
        ),
        None => "All are level.".to_owned(),
    };
    format!(
        "Balanced accuracy on {} validation rows: {}. {lead} The standard error is that of two independent sets of rows; of the same \
         rows, as here, it is an upper bound.",
        report.figures.rows(),
        others.iter().map(beside).collect::<Vec<_>>().join("; ")
    )
}

/// `(a)` of `(a) as it is`.
fn short(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

fn against(x: &RunFigures, y: &RunFigures) -> String {
    let Some((difference, error)) = x.above(y) else {
        return "not to be compared with".to_owned();
    };
    let (points, error) = (100.0 * difference.abs(), 100.0 * error);
    if difference == 0.0 {
        return "level with".to_owned();
    }
    let side = if difference > 0.0 { "above" } else { "below" };
    let inside = if points <= error { "inside" } else { "more than" };
    format!("{points:.1} points ({inside} one standard error of {error:.1}) {side}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::report::{ClassCounts, Confusion, Measured};

    /// Two classes of a hundred rows each, of which so many are right.
    fn figures(right: [u64; 2]) -> RunFigures {
        let rows = vec![vec![right[0], 100 - right[0]], vec![100 - right[1], right[1]]];
        let names = ["a", "b"].map(str::to_owned);
        let measured = Measured::of_classes(Confusion::try_from(rows).unwrap());
        RunFigures::new("classify", &names, &[ClassCounts::default(); 2], measured, 1.0).unwrap()
    }

    #[test]
    fn a_difference_is_said_beside_its_standard_error() {
        let strategies = [
            ("(a) as it is", [50, 60]),
            ("(b) more", [80, 80]),
            ("(c) other", [80, 79]),
            ("(d) same", [80, 80]),
        ];
        let strategies = strategies.map(|(name, right)| (name, figures(right)));
        let report = Report::compare(strategies.into_iter().collect(), "(c) other").unwrap();
        // Of 50, 60, 79 and 80 of 100, by Laplace's rule: sqrt((0.25 + 0.2404 + 2 * 0.1636) / 100) / 2, and sqrt((3 * 0.1636 + 0.1692) / 100) / 2.
        let said = verdict(&report);
        assert!(
            said.contains("(b) is 25.0 points (more than one standard error of 4.5) above (a)"),
            "{said}"
        );
        assert!(
            said.contains(
                "The highest is (b) and (d), 0.5 points (inside one standard error of 4.1) above (c), the next."
            ),
            "{said}"
        );
        assert!(said.starts_with("Balanced accuracy on 200 validation rows"), "{said}");
    }
}
