//! The bytes of files: where a file is, how ranges of it are read, and whether it is still the same file.

pub(in crate::source) mod local_file;
pub(in crate::source) mod location;
pub(in crate::source) mod paths;
pub(in crate::source) mod ranges;
pub(in crate::source) mod state;
