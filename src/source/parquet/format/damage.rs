//! Errors of the decoders, which are errors of the data.

use crate::error::{Error, ErrorKind, Result};
use crate::exec::catch;
use arrow::error::ArrowError;
use parquet::errors::ParquetError;

/// What the `parquet` crate says, in its words.
pub(in crate::source::parquet) fn damaged(source: ParquetError) -> Error {
    Error::data(words(&source)).with_source(source)
}

/// As [`damaged`], of what it says through Arrow.
pub(in crate::source::parquet) fn damaged_batch(source: ArrowError) -> Error {
    let words = match &source {
        ArrowError::ParquetError(words) => words.clone(),
        ArrowError::ExternalError(inner) => inner.to_string(),
        other => other.to_string(),
    };
    Error::data(words).with_source(source)
}

/// The words of an error of the `parquet` crate.
pub(in crate::source) fn words(error: &ParquetError) -> String {
    match error {
        ParquetError::General(words)
        | ParquetError::NYI(words)
        | ParquetError::EOF(words)
        | ParquetError::ArrowError(words) => words.clone(),
        ParquetError::External(inner) => inner.to_string(),
        other => other.to_string(),
    }
}

/// Runs a decoder over bytes that may be damaged: its panic is a `Data` error too.
pub(in crate::source::parquet) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let panicked = |error: Error| match error.kind() {
        ErrorKind::Stage => Error::data(format!("the decoder {error}")),
        _ => error,
    };
    catch(work).map_err(panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_speaks_in_its_own_words() {
        let said = "Page CRC checksum mismatch";
        assert_eq!(damaged(ParquetError::General(said.into())).to_string(), said);
        assert_eq!(damaged(ParquetError::EOF(said.into())).to_string(), said);
        assert_eq!(damaged(ParquetError::External(said.into())).to_string(), said);
        let batch = ArrowError::from(ParquetError::General(said.into()));
        assert_eq!(damaged_batch(batch).to_string(), format!("Parquet error: {said}"));
    }
}
