//! The `millstream` program: it calls the library, and puts what it gives into words for a terminal.
//!
//! Exit codes: 0 where all was done, 1 where something was refused or failed, which one line on standard error says, and 2 for
//! arguments that make no sense.

mod ablation;
mod bench;
mod carried;
mod choice;
mod columns;
mod data;
mod demo;
mod device;
mod epochs;
mod evaluate;
mod failure;
mod finetune;
mod generate;
mod import;
mod init;
mod inspect;
mod leaks;
mod machine;
mod nms;
mod on_error;
mod options;
mod output;
mod predict;
mod preview;
mod progress;
mod quality;
mod reading;
mod recipe;
mod replay;
mod screen;
mod settings;
mod text;
mod values;

use crate::text::wrap::TERMINAL;
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fine-tune a pretrained model on a small, unbalanced dataset of images.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true, term_width = TERMINAL)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Finetune(Box<finetune::Finetune>),
    Predict(predict::Predict),
    Evaluate(evaluate::Evaluate),
    Inspect(inspect::Inspect),
    Quality(quality::Quality),
    Init(init::Init),
    Preview(Box<preview::Preview>),
    Generate(generate::Generate),
    Import(Box<import::Import>),
    Replay(replay::Replay),
    Ablation(Box<ablation::Ablation>),
    Bench(bench::Bench),
    Doctor(bench::Doctor),
}

impl Command {
    /// Its name, and that of what it has of its own.
    fn names(&self) -> Vec<&'static str> {
        vec![match self {
            Self::Demo(_) => "demo",
            Self::Finetune(_) => "finetune",
            Self::Predict(_) => "predict",
            Self::Evaluate(_) => "evaluate",
            Self::Inspect(_) => "inspect",
            Self::Quality(_) => "quality",
            Self::Init(_) => "init",
            Self::Preview(_) => "preview",
            Self::Generate(generate) => return vec!["generate", generate.name()],
            Self::Import(_) => "import",
            Self::Replay(_) => "replay",
            Self::Ablation(_) => "ablation",
            Self::Bench(_) => "bench",
            Self::Doctor(_) => "doctor",
        }]
    }

    fn run(self) -> millstream::Result<()> {
        match self {
            Self::Demo(demo) => demo.run(),
            Self::Finetune(finetune) => finetune.run(),
            Self::Predict(predict) => predict.run(),
            Self::Evaluate(evaluate) => evaluate.run(),
            Self::Inspect(inspect) => inspect.run(),
            Self::Quality(quality) => quality.run(),
            Self::Init(init) => init.run(),
            Self::Preview(preview) => preview.run(),
            Self::Generate(generate) => generate.run(),
            Self::Import(import) => import.run(),
            Self::Replay(replay) => replay.run(),
            Self::Ablation(ablation) => ablation.run(),
            Self::Bench(bench) => bench.run(),
            Self::Doctor(doctor) => doctor.run(),
        }
    }
}

fn main() -> ExitCode {
    let command = match Arguments::try_parse() {
        Ok(arguments) => arguments.command,
        Err(error) => {
            let not_utf8 = std::env::args_os().find(|argument| argument.to_str().is_none());
            let Some(argument) = not_utf8.filter(|_| error.kind() == ErrorKind::InvalidUtf8) else {
                error.exit()
            };
            output::say(&format!(
                "error: {}: the argument is not UTF-8; rename what it names, or name the folder that it lies in",
                argument.display()
            ));
            return ExitCode::from(2);
        }
    };
    let names = command.names();
    match failure::caught(|| command.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let all = Arguments::command();
            let ran = names
                .iter()
                .try_fold(&all, |command, name| command.find_subcommand(name));
            output::say(&format!("error: {}", failure.in_words(ran)));
            ExitCode::FAILURE
        }
    }
}
