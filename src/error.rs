//! One error type that says what, where, why and what to do.

use crate::quote::escaped;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of failure it is, which decides what may be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A file or store could not be reached or read. May be retried, is never replaced by other rows.
    Io,
    /// Stored bytes or values are damaged or out of range.
    Data,
    /// A column is missing or has another type.
    Schema,
    /// An argument or a composition makes no sense.
    Config,
    /// A cursor or checkpoint does not belong to what it is used with.
    Resume,
    /// A stage (decode, augmentation, user closure, model) failed on a row.
    Stage,
    /// The byte budget is too small for what was asked.
    Budget,
    /// A file is there already, and replacing it was not allowed.
    Exists,
    /// Another process works on the same files.
    Busy,
}

/// A choice of the caller's that mends an error. A program says which of its options that is; the library knows no command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Remedy {
    /// Name the column of images.
    ImageColumn,
    /// Name the column of labels.
    LabelColumn,
    /// Name validation files.
    Validation,
    /// Name the folder of the run.
    RunFolder,
    /// Give more memory.
    Memory,
    /// Say what is done with rows that cannot be read.
    BadRows,
    /// Let another number of stages train.
    Stages,
    /// Resize pictures to another size.
    Size,
    /// Name the file of a network's weights.
    Weights,
    /// Go on with the settings that the run was begun with.
    RunSettings,
    /// Name the split of a folder.
    Split,
    /// Let the paths of a list lead out of its folder.
    PathsOutside,
    /// Let a class have no pictures.
    EmptyClasses,
    /// Read pictures as they are stored, or upright.
    Orientation,
    /// Write to another folder, or over what lies in this one.
    OtherFolder,
    /// Leave a column of a table out.
    IgnoreColumn,
    /// Say what the four numbers of a box mean.
    BoxFormat,
}

/// Where a row is stored.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StoredRow {
    /// The file, or the name of the source where there is no file.
    pub source: Arc<str>,
    /// The row group inside the file, where there are row groups.
    pub row_group: Option<u64>,
    /// The row inside the row group (or inside the source).
    pub row: u64,
}

impl fmt::Display for StoredRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row_group {
            Some(group) => write!(f, "row {} of row group {group} in {}", self.row, self.source),
            None => write!(f, "row {} in {}", self.row, self.source),
        }
    }
}

/// A failure with its kind, its place and the chain of what was being done.
///
/// Displays as one line of visible characters (names with others are escaped as in a Rust string), the outermost frame first:
/// `row 1204 of row group 7 in train-0003.parquet (position 88213): decode "image": premature end of JPEG data`.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    frames: Vec<String>,
    /// Which of the positions of the failing call is the bad one.
    index: Option<usize>,
    /// The column whose value is the bad one.
    column: Option<String>,
    remedy: Option<Remedy>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            frames: Vec::new(),
            index: None,
            column: None,
            remedy: None,
            source: None,
        }))
    }

    /// A file or store that cannot be read or written: [`ErrorKind::Io`], named by `path`.
    pub fn io(path: impl AsRef<Path>, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let message = match is_full(&source) {
            true => FULL.to_owned(),
            false => source.to_string(),
        };
        Self::new(ErrorKind::Io, message)
            .with_source(source)
            .context(path.as_ref().display().to_string())
    }

    /// Damaged bytes or values: [`ErrorKind::Data`].
    pub fn data(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Data, message)
    }

    /// A missing or wrongly typed column: [`ErrorKind::Schema`].
    pub fn schema(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Schema, message)
    }

    /// An argument or a composition that makes no sense: [`ErrorKind::Config`].
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    /// A cursor or checkpoint that does not fit: [`ErrorKind::Resume`].
    pub fn resume(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Resume, message)
    }

    /// A stage that failed on a row: [`ErrorKind::Stage`].
    pub fn stage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Stage, message)
    }

    /// A byte budget that is too small: [`ErrorKind::Budget`].
    pub fn budget(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Budget, message)
    }

    /// Puts a frame around the error: what was being done, or where.
    #[must_use]
    pub fn context(mut self, frame: impl Into<String>) -> Self {
        self.0.frames.push(frame.into());
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// Notes which of the positions of the failing call is the bad one.
    #[must_use]
    pub fn at(mut self, index: usize) -> Self {
        self.0.index = Some(index);
        self
    }

    /// As an error of a call of which this one's was a part: `to` says which position there is one of these.
    #[must_use]
    pub(crate) fn moved(self, to: impl FnOnce(usize) -> Option<usize>) -> Self {
        match self.0.index.and_then(to) {
            Some(index) => self.at(index),
            None => self,
        }
    }

    /// Notes which column the bad value is in, where several are read.
    #[must_use]
    pub(crate) fn in_column(mut self, column: impl Into<String>) -> Self {
        self.0.column = Some(column.into());
        self
    }

    /// Notes which choice of the caller's mends it.
    #[must_use]
    pub fn with_remedy(mut self, remedy: Remedy) -> Self {
        self.0.remedy = Some(remedy);
        self
    }

    /// Says `more` behind the message: what else is known, and what to do.
    #[must_use]
    pub(crate) fn and_says(mut self, more: &str) -> Self {
        self.0.message.push_str("; ");
        self.0.message.push_str(more);
        self
    }

    /// Forgets which position is the bad one: the failing call was not the caller's.
    pub(crate) fn unplaced(mut self) -> Self {
        self.0.index = None;
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Which of the positions of the failing call is the bad one, where it is known.
    pub fn index(&self) -> Option<usize> {
        self.0.index
    }

    /// Which column the bad value is in, where it was noted.
    pub(crate) fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// Which choice of the caller's mends it, where one does.
    pub fn remedy(&self) -> Option<Remedy> {
        self.0.remedy
    }
}

/// What is said of a disk without room.
pub(crate) const FULL: &str =
    "no space is left on the disk, or in the user's share of it: free some, or use a folder elsewhere";

/// Whether a disk without room is the cause of `error`.
pub(crate) fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            if matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded
            ) {
                return true;
            }
            // What it carries is its own cause, which `source` passes over.
            if io.get_ref().is_some_and(|inner| is_full(inner)) {
                return true;
            }
        }
        cause = error.source();
    }
    false
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for frame in self.0.frames.iter().rev() {
            write!(f, "{}: ", escaped(frame))?;
        }
        f.write_str(&escaped(&self.0.message))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({self})", self.0.kind)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<arrow::error::ArrowError> for Error {
    /// Of data; what is written goes through [`Error::io`], which names the file.
    fn from(source: arrow::error::ArrowError) -> Self {
        Self::data(source.to_string()).with_source(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_whatever_it_names() {
        let error = Error::data("class \"a\nb\" has no rows").context("x\u{1b}[2J.parquet");
        assert_eq!(error.to_string(), r#"x\u{1b}[2J.parquet: class "a\nb" has no rows"#);
        let error = error.with_remedy(Remedy::LabelColumn).context("more");
        assert_eq!(error.remedy(), Some(Remedy::LabelColumn));
    }

    #[test]
    fn a_full_disk_says_where_and_what_to_do() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let expected = "a/b.arrow: no space is left on the disk, or in the user's share of it: free some, or use a folder elsewhere";
        let arrow = arrow::error::ArrowError::IoError("x".to_owned(), full());
        let parquet = parquet::errors::ParquetError::External(Box::new(full()));
        let wrapped = std::io::Error::other(full());
        for error in [
            Error::io("a/b.arrow", full()),
            Error::io("a/b.arrow", arrow),
            Error::io("a/b.arrow", parquet),
            Error::io("a/b.arrow", wrapped),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
