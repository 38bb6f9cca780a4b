//! The `millstream` program. It only calls the library.

mod bench;
mod demo;
mod finetune;
mod inspect;
mod on_error;
mod predict;
mod reading;
mod replay;
mod screen;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Fine-tune a pretrained model on a small, unbalanced dataset of images in Parquet.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::Demo),
    Finetune(Box<finetune::Finetune>),
    Predict(predict::Predict),
    Inspect(inspect::Inspect),
    Replay(replay::Replay),
    Bench(bench::Bench),
    Doctor(bench::Doctor),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Demo(demo) => demo.run(),
        Command::Finetune(finetune) => finetune.run(),
        Command::Predict(predict) => predict.run(),
        Command::Inspect(inspect) => inspect.run(),
        Command::Replay(replay) => replay.run(),
        Command::Bench(bench) => bench.run(),
        Command::Doctor(doctor) => doctor.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let hints = [on_error::hint(&error), reading::hint(&error)].concat();
            screen::say(&format!("error: {error}{hints}"));
            ExitCode::FAILURE
        }
    }
}
