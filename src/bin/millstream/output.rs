//! Lines on standard output and standard error.

use crate::text::wrap::wrapped;
use millstream::{Error, Result};
use serde::Serialize;
use std::io::{ErrorKind, Write};
use std::path::Path;

/// A line on standard error.
pub(crate) fn say(text: &str) {
    // Nobody is left to tell if this fails.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A sentence on standard error, in lines of a terminal's width.
pub(crate) fn tell(text: &str) {
    say(&wrapped(text, ""));
}

/// A warning on standard error.
pub(crate) fn warn(text: &str) {
    say(&wrapped(&format!("warning: {text}"), "  "));
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
