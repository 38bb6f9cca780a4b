//! The memory that a gate takes: while it is fitted, and as long as it lives.

use crate::error::Result;
use crate::exec::Context;
use crate::synthetic::kept::check_room;
use crate::synthetic::quality::radii_bytes;

/// Bytes of `rows` rows of `width` values, and of the radii of their balls.
pub(super) fn kept_bytes(rows: u64, width: usize) -> u64 {
    matrix_bytes(rows, width) + 8 * rows
}

/// Bytes of columns of numbers and categories of `rows` rows, and of one of them as it is stored and as what it is cast to.
pub(super) fn columns_bytes(rows: u64, columns: usize) -> u64 {
    8 * rows * (columns as u64 + 3)
}

/// Bytes of `rows` rows of `width` values.
pub(super) fn matrix_bytes(rows: u64, width: usize) -> u64 {
    4 * rows * width as u64
}

/// Refuses a gate over `rows` rows of `width` values that has no room while it is fitted, where its rows are made of `read` bytes.
///
/// # Errors
///
/// `Budget`.
pub(super) fn check(cx: &Context, rows: u64, width: usize, read: u64) -> Result<()> {
    let making = matrix_bytes(rows, width) + read;
    // Beside what is kept: the class of each row, the order of the rows, and their distances to the nearest.
    let measuring = kept_bytes(rows, width) + 20 * rows + radii_bytes(rows, width);
    check_room(
        cx,
        making.max(measuring),
        &format!("a gate over {rows} rows of {width} values takes"),
        "compare rows by fewer columns, or do without the gate",
    )
}
