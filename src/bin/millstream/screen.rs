//! What a person sees: text on standard output, progress and errors on standard error.

use indicatif::{ProgressBar, ProgressStyle};
use millstream::error::ErrorKind;
use millstream::transfer::Event;
use millstream::{Context, Error, Result};
use std::io::Write;
use std::path::PathBuf;

/// A line on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Adds which options there are for what lies in the way.
pub(crate) fn advise<T>(result: Result<T>, options: &str) -> Result<T> {
    result.map_err(|error| match error.kind() {
        ErrorKind::Exists => Error::new(ErrorKind::Exists, format!("{error} ({options})")),
        _ => error,
    })
}

/// A line on standard output.
pub(crate) fn print(text: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{text}").map_err(|error| Error::io("standard output", error))
}

/// Shows progress bars for events, and the plan.
pub(crate) struct Screen {
    bar: ProgressBar,
    plan: fn(&str),
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            plan: |text| say(&format!("\n{text}\n")),
        }
    }

    pub(crate) fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Explain(plan) => (self.plan)(plan),
            Event::Begin { what, total } => self.bar = bar(what, total),
            Event::Done(steps) => self.bar.set_position(steps),
            Event::End => self.bar.finish(),
        }
    }
}

/// A bar that is drawn where standard error is a terminal.
pub(crate) fn bar(what: &str, total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len}  {elapsed} + {eta}");
    let bar = ProgressBar::new(total).with_message(what.to_owned());
    match style {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

/// Threads and memory for the whole program.
pub(crate) fn context(threads: Option<usize>, memory: u64) -> Result<Context> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Context::with(threads.unwrap_or(cores), memory << 20)
}

/// A file that the repository carries: below the current folder, or where the program was built.
pub(crate) fn carried(path: &str) -> PathBuf {
    let here = PathBuf::from(path);
    if here.exists() {
        here
    } else {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
    }
}
