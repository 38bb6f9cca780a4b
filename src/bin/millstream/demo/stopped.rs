//! What is said of a folder that holds a demo already.

use millstream::Error;
use millstream::error::ErrorKind;
use std::path::Path;

/// The error of a demo in `out` that is not to be replaced, ended or not. The options that mend it are named behind it.
pub(super) fn in_the_way(out: &Path) -> Error {
    // The picture is written last.
    let message = match out.join("demo.png").is_file() {
        true => "this folder holds a demo",
        false => "this folder holds a demo that was stopped before its end, and a demo does not go on: begin it anew",
    };
    Error::new(ErrorKind::Exists, message).context(out.display().to_string())
}
