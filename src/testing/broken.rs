//! What a check says.

use crate::error::Error;

/// The error of a check that found `what`.
pub(super) fn broken(what: impl Into<String>) -> Error {
    Error::config(what).context("the law is broken")
}
