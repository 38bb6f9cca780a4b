//! Rows gathered into row groups of so many bytes, whatever batches they come in.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use std::ops::Range;

/// The rows of a row group.
#[derive(Debug)]
pub(super) struct RowGroup {
    /// In the batches that they came in.
    pub(super) parts: Vec<RecordBatch>,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// Rows that do not make a row group yet.
#[derive(Debug)]
pub(super) struct RowGroups {
    most: u64,
    parts: Vec<RecordBatch>,
    bytes: u64,
}

impl RowGroups {
    /// Row groups of up to `most` bytes; a row that has more is one of its own.
    pub(super) fn new(most: u64) -> Self {
        Self {
            most,
            parts: Vec::new(),
            bytes: 0,
        }
    }

    /// The row groups that are full with `batch`.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Vec<RowGroup> {
        let (mut full, mut start) = (Vec::new(), 0);
        for (row, bytes) in row_bytes(batch).into_iter().enumerate() {
            let has_rows = row > start || !self.parts.is_empty();
            if has_rows && self.bytes.saturating_add(bytes) > self.most {
                self.keep(batch, start..row);
                full.extend(self.finish());
                start = row;
            }
            self.bytes = self.bytes.saturating_add(bytes);
        }
        self.keep(batch, start..batch.num_rows());
        full
    }

    /// The rows that are left; none where there are none.
    pub(super) fn finish(&mut self) -> Option<RowGroup> {
        let parts = std::mem::take(&mut self.parts);
        let bytes = std::mem::take(&mut self.bytes);
        (!parts.is_empty()).then_some(RowGroup { parts, bytes })
    }

    fn keep(&mut self, batch: &RecordBatch, rows: Range<usize>) {
        if !rows.is_empty() {
            self.parts.push(batch.slice(rows.start, rows.len()));
        }
    }
}

/// Bytes of each row.
fn row_bytes(batch: &RecordBatch) -> Vec<u64> {
    let mut bytes = vec![0; batch.num_rows()];
    for column in batch.columns() {
        add(column, &mut bytes);
    }
    bytes
}

/// Adds the bytes of each value of `column`, without those of levels.
fn add(column: &dyn Array, bytes: &mut [u64]) {
    let lengths = |bytes: &mut [u64], length: &dyn Fn(usize) -> u64| {
        bytes
            .iter_mut()
            .enumerate()
            .for_each(|(row, bytes)| *bytes += length(row));
    };
    match column.data_type() {
        DataType::Binary => {
            let values = column.as_binary::<i32>();
            lengths(bytes, &|row| values.value_length(row) as u64 + 4);
        }
        DataType::LargeBinary => {
            let values = column.as_binary::<i64>();
            lengths(bytes, &|row| values.value_length(row) as u64 + 4);
        }
        DataType::Utf8 => {
            let values = column.as_string::<i32>();
            lengths(bytes, &|row| values.value_length(row) as u64 + 4);
        }
        DataType::LargeUtf8 => {
            let values = column.as_string::<i64>();
            lengths(bytes, &|row| values.value_length(row) as u64 + 4);
        }
        DataType::Struct(_) => {
            for inner in column.as_struct().columns() {
                add(inner, bytes);
            }
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>();
            let ends = before_each(list.values());
            let offsets = list.value_offsets();
            lengths(bytes, &|row| {
                ends[offsets[row + 1] as usize] - ends[offsets[row] as usize]
            });
        }
        DataType::LargeList(_) => {
            let list = column.as_list::<i64>();
            let ends = before_each(list.values());
            let offsets = list.value_offsets();
            lengths(bytes, &|row| {
                ends[offsets[row + 1] as usize] - ends[offsets[row] as usize]
            });
        }
        DataType::FixedSizeList(_, length) => {
            let list = column.as_fixed_size_list();
            let (length, first) = (*length as usize, list.value_offset(0) as usize);
            let ends = before_each(list.values());
            lengths(bytes, &|row| {
                let start = first + row * length;
                ends[start + length] - ends[start]
            });
        }
        DataType::Boolean => lengths(bytes, &|_| 1),
        other => {
            let width = other.primitive_width().unwrap_or(match other {
                DataType::FixedSizeBinary(width) => *width as usize,
                _ => 8,
            });
            lengths(bytes, &|_| width as u64);
        }
    }
}

/// Bytes before each value, and of all.
fn before_each(values: &dyn Array) -> Vec<u64> {
    let mut bytes = vec![0; values.len()];
    add(values, &mut bytes);
    let mut sum = 0;
    let mut ends = Vec::with_capacity(bytes.len() + 1);
    ends.push(0);
    ends.extend(bytes.into_iter().map(|bytes| {
        sum += bytes;
        sum
    }));
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, BinaryArray, FixedSizeListArray, Int64Array, ListArray, StructArray};
    use arrow::datatypes::{Field, Float32Type, Int32Type};
    use std::sync::Arc;

    fn binary(lengths: &[usize]) -> RecordBatch {
        let values: BinaryArray = lengths.iter().map(|length| Some(vec![0_u8; *length])).collect();
        RecordBatch::try_from_iter([("bytes", Arc::new(values) as ArrayRef)]).expect("a batch")
    }

    #[test]
    fn a_group_ends_before_it_is_too_large_however_rows_come() {
        // With 4 bytes each of length.
        let lengths = [6, 6, 6, 96, 1, 1, 200, 1];
        let expected = vec![vec![6, 6, 6], vec![96], vec![1, 1], vec![200], vec![1]];
        for step in 1..=lengths.len() {
            let mut groups = RowGroups::new(100);
            let mut all = Vec::new();
            for part in lengths.chunks(step) {
                all.extend(groups.push(&binary(part)));
            }
            all.extend(groups.finish());
            let found: Vec<Vec<usize>> = all
                .iter()
                .map(|group| {
                    let values = group.parts.iter().flat_map(|part| {
                        let column = part.column(0).as_binary::<i32>();
                        (0..column.len()).map(|row| column.value(row).len()).collect::<Vec<_>>()
                    });
                    values.collect()
                })
                .collect();
            assert_eq!(found, expected, "{step} at a time");
            let bytes: Vec<u64> = all.iter().map(|group| group.bytes).collect();
            assert_eq!(bytes, [30, 100, 10, 204, 5]);
            assert!(groups.finish().is_none());
        }
    }

    #[test]
    fn bytes_are_those_of_the_rows_of_a_slice() {
        let lists = ListArray::from_iter_primitive::<Int32Type, _, _>([
            Some(vec![Some(1); 5]),
            None,
            Some(vec![Some(1); 2]),
            Some(vec![Some(1); 7]),
        ]);
        let fixed = FixedSizeListArray::from_iter_primitive::<Float32Type, _, _>(vec![Some(vec![Some(1.0); 3]); 4], 3);
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        let inner = Field::new("n", DataType::Int64, true);
        let nested = StructArray::from(vec![(Arc::new(inner), Arc::clone(&numbers))]);
        let columns: [(&str, ArrayRef); 3] = [
            ("lists", Arc::new(lists)),
            ("fixed", Arc::new(fixed)),
            ("nested", Arc::new(nested)),
        ];
        let batch = RecordBatch::try_from_iter(columns).expect("a batch");
        assert_eq!(row_bytes(&batch), [20 + 20, 20, 8 + 20, 28 + 20]);
        assert_eq!(row_bytes(&batch.slice(2, 2)), [8 + 20, 28 + 20]);
    }
}
