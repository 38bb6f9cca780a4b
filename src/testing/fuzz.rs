//! What a fuzzer calls: readers that are given any bytes at all. Errors are fine, a panic is a finding.

use crate::cursor::Cursor;
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::image::Image;
use crate::rng::Rng;
use crate::source::Parquet;
use std::sync::LazyLock;

/// Rows of a file that are read at most.
const ROWS: u64 = 256;

/// Opens `bytes` as a Parquet file, and reads its first 256 rows and every column. True where it could be read.
///
/// # Panics
///
/// Where the library panics; what a decoder below it panics with is a `Data` error.
pub fn parquet(bytes: &[u8]) -> bool {
    static CONTEXT: LazyLock<Result<Context>> = LazyLock::new(|| Context::with(1, 64 << 20));
    sound(&CONTEXT.clone().and_then(|cx| {
        cx.block_on(async {
            let file = Parquet::open_bytes(&cx, bytes.to_vec()).await?;
            let _ = (file.image_column(), file.label_column(), file.describe().fingerprint());
            let rows = file.len().finite().unwrap_or(ROWS).min(ROWS);
            file.take(&cx, &(0..rows).collect::<Vec<_>>()).await?;
            for field in file.schema().fields() {
                file.column(&cx, field.name()).await?;
            }
            Ok(())
        })
    }))
}

/// Decodes `bytes` as an image of at most a million pixels. True where it could be decoded.
///
/// # Panics
///
/// Where the library or the decoder panics.
pub fn image(bytes: &[u8]) -> bool {
    let stage = Image::new(16).max_pixels(1 << 20);
    let pixels = stage.preview(bytes, &mut Rng::new(0, "fuzz", 0));
    sound(&pixels.map(drop).map_err(Error::from))
}

/// Parses `text` as a cursor. True where it is one.
///
/// # Panics
///
/// Where the library panics, or where a cursor is not read back as it was written.
pub fn cursor(text: &str) -> bool {
    let cursor = text.parse::<Cursor>();
    if let Ok(cursor) = &cursor {
        assert_eq!(cursor.to_string().parse::<Cursor>().as_ref().ok(), Some(cursor));
    }
    sound(&cursor.map(drop))
}

/// Whether it went well; a `Stage` error is a panic that was caught on a thread of the context.
fn sound(result: &Result<()>) -> bool {
    if let Err(error) = result {
        assert_ne!(error.kind(), ErrorKind::Stage, "{error}");
    }
    result.is_ok()
}
