//! What a person sees: text on standard output, progress and errors on standard error.

use crate::progress::Progress;
use millstream::transfer::Event;
use millstream::{Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// A line on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A path as a line shows it: what a terminal would obey is written out.
pub(crate) fn shown(path: &Path) -> String {
    millstream::report::shown(&path.display().to_string(), usize::MAX)
}

/// A line on standard output. A reader who has seen enough and has gone (`| head`) is no error, and ends no work.
pub(crate) fn print(text: &str) -> Result<()> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(|error| Error::io("standard output", error)),
    }
}

/// `value` as one JSON object on standard output.
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|error| Error::data(error.to_string()))?;
    print(&text)
}

/// Shows the progress of events, and the plan if it is asked for.
pub(crate) struct Screen {
    progress: Option<Progress>,
    explain: bool,
}

impl Screen {
    pub(crate) fn new(explain: bool) -> Self {
        let progress = None;
        Self { progress, explain }
    }

    pub(crate) fn show(&mut self, event: Event<'_>) {
        match event {
            Event::Explain(plan) if self.explain => say(&format!("\n{plan}\n")),
            Event::Explain(_) => {}
            Event::Note(text) => say(text),
            Event::Warning(text) => say(&format!("warning: {text}")),
            Event::Begin { what, total } => self.progress = Some(Progress::new(what, total)),
            Event::Done(steps) => self.progress.iter_mut().for_each(|progress| progress.reached(steps)),
            Event::End => self.progress.take().into_iter().for_each(Progress::end),
        }
    }
}
