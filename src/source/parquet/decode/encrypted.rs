//! Columns that are encrypted. The decoder passes over what a footer says of that, and then finds pages of noise.

use crate::error::Error;
use crate::exec::Context;
use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::format::thrift::Thrift;
use crate::source::parquet::schema::projection::Projection;

/// `error`, which reading the only column of `projection` in row group `group` gave, or that it is encrypted.
///
/// Reads the footer again: nobody has to look for this as long as all is well.
pub(super) async fn explain(cx: &Context, file: &Footer, projection: &Projection, group: usize, error: Error) -> Error {
    let leaves = projection.leaves(file);
    match file.encoded(cx).await {
        Ok(footer)
            if leaves
                .iter()
                .any(|&leaf| is_encrypted(&footer, group, leaf) == Some(true)) =>
        {
            Error::data("it is encrypted, which is not read; read other columns, or a copy that is not encrypted")
                .with_source(error)
        }
        _ => error,
    }
}

/// Whether the footer says how the column chunk `leaf` of row group `group` is encrypted; none where it cannot be walked through.
fn is_encrypted(footer: &[u8], group: usize, leaf: usize) -> Option<bool> {
    const ROW_GROUPS: i64 = 4;
    const COLUMNS: i64 = 1;
    const CRYPTO: i64 = 8;
    let mut all = Thrift(footer);
    all.find(ROW_GROUPS)?.then_some(())?;
    all.item(group)?;
    all.find(COLUMNS)?.then_some(())?;
    all.item(leaf)?;
    all.find(CRYPTO)
}
