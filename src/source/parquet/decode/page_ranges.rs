//! Where the pages are that hold some rows, as far as the offset index of a file tells.

use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::schema::projection::Projection;
use crate::source::parquet::schema::units::Unit;
use parquet::file::page_index::offset_index::PageLocation;
use std::ops::Range;

/// The bytes of the pages of `leaf` that hold the rows of `unit`, and the first row in them. Where nobody knows where pages
/// are, that is all of them.
pub(in crate::source::parquet) fn of_unit(file: &Footer, unit: &Unit, leaf: usize) -> (Range<u64>, u64) {
    let (start, length) = file.group(unit.group).column(leaf).byte_range();
    let all = (start..start.saturating_add(length), 0);
    let index = file.reader.metadata().offset_index();
    let pages = index.and_then(|index| Some(index.get(unit.group)?.get(leaf)?.page_locations()));
    let Some(pages) = pages.filter(|_| unit.rows != (0..file.info.row_groups[unit.group].rows)) else {
        return all;
    };
    let first = pages.partition_point(|page| page.first_row_index <= unit.rows.start as i64);
    let end = pages.partition_point(|page| page.first_row_index < unit.rows.end as i64);
    let some = pages.get(first.saturating_sub(1)..end).unwrap_or_default();
    let (Some(first), Some(last)) = (some.first(), some.last()) else {
        return all;
    };
    let end = last.offset.saturating_add(last.compressed_page_size.into());
    let rows = first.first_row_index.max(0) as u64;
    (first.offset.max(0) as u64..end.max(0) as u64, rows)
}

/// Where the dictionary of a column chunk is, in files whose pages are known.
pub(in crate::source::parquet) fn dictionary(file: &Footer, group: usize, leaf: usize) -> Option<Range<u64>> {
    let index = file.reader.metadata().offset_index()?.get(group)?.get(leaf)?;
    let end = u64::try_from(index.page_locations().first()?.offset).ok()?;
    let (start, _) = file.group(group).column(leaf).byte_range();
    (start < end).then_some(start..end)
}

/// Stored bytes of the pages that hold the rows `rows` of `unit`, ascending; none where nobody knows.
pub(in crate::source::parquet) fn bytes_of_rows(
    file: &Footer,
    projection: &Projection,
    unit: &Unit,
    rows: &[u64],
) -> Option<u64> {
    let index = file.reader.metadata().offset_index()?.get(unit.group)?;
    let column = |leaf: usize| {
        let pages = index.get(leaf)?.page_locations();
        let dictionary = dictionary(file, unit.group, leaf).map_or(0, |own| own.end - own.start);
        let rows = rows.iter().map(|row| unit.rows.start + row);
        Some(dictionary + bytes_of_pages(pages, rows))
    };
    projection
        .leaves(file)
        .into_iter()
        .try_fold(0_u64, |sum, leaf| Some(sum.saturating_add(column(leaf)?)))
}

/// Bytes of the pages that hold the ascending `rows`.
fn bytes_of_pages(pages: &[PageLocation], rows: impl Iterator<Item = u64>) -> u64 {
    let (mut bytes, mut last) = (0_u64, None);
    for row in rows {
        let page = pages
            .partition_point(|page| page.first_row_index <= row as i64)
            .saturating_sub(1);
        if last.replace(page) != Some(page) {
            bytes = bytes.saturating_add(pages[page].compressed_page_size.max(0) as u64);
        }
    }
    bytes
}
