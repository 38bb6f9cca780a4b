//! Numbers without nulls, straight out of plain pages.
//!
//! A column of numbers, or of fixed-size lists of them, is most often stored as nothing but its values, behind levels that
//! say of each value that it is there. Decoding these levels takes most of the time that such a list takes, and a column that
//! will be part of a tensor need not be put together first. Here levels are only compared with what they must be, a byte at a
//! time. What is not so simple, or not sound, is left to the `parquet` crate, which also says what is wrong.

use super::levels::Levels;
use super::page_ranges;
use crate::source::parquet::format::footer::Footer;
use crate::source::parquet::schema::adapt::adapt;
use crate::source::parquet::schema::projection::Projection;
use crate::source::parquet::schema::tensor_column::row_major;
use crate::source::parquet::schema::units::Unit;
use arrow::array::{ArrayData, ArrayRef, AsArray, FixedSizeListArray, Float32Array, make_array};
use arrow::buffer::MutableBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float32Type};
use bytes::Bytes;
use parquet::column::page::PageReader;
use parquet::errors::Result;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::statistics::Statistics;
use std::borrow::Cow;
use std::io::Cursor;
use std::sync::Arc;

/// The columns of `projection` that can be had so, in the rows of `unit`; `pages` gives the bytes of the pages of a leaf, which
/// begin where [`page_ranges::of_unit`] says.
pub(super) fn columns(
    file: &Footer,
    projection: &Projection,
    unit: &Unit,
    pages: impl Fn(usize) -> Option<Bytes>,
) -> Vec<Option<ArrayRef>> {
    let stored = |name: &String| file.leaf(name).filter(|_| !projection.is_key(name));
    let plain = |name: &String| {
        let (leaf, field) = stored(name)?;
        Plain::read(field.data_type(), file, unit, leaf, pages(leaf)?)
    };
    let column = |field: &Arc<Field>| match projection.tensor(field.name()) {
        Some(own) => tensor(own.columns.iter().map(plain), field),
        None => {
            let (_, own) = stored(field.name())?;
            let array = plain(field.name())?.array(own.data_type())?;
            adapt(&array, field.data_type()).ok()
        }
    };
    projection.schema.fields().iter().map(column).collect()
}

/// Whether all columns of `projection` in row group `group` may be plain, as far as the footer says.
pub(super) fn may_be_plain(file: &Footer, projection: &Projection, group: usize) -> bool {
    let rows = file.info.row_groups[group].rows;
    projection.stored_columns().all(|name| {
        let leaf = file.leaf(name);
        leaf.is_some_and(|(leaf, field)| Shape::of(field.data_type(), file.group(group).column(leaf), rows).is_some())
    })
}

/// What the values of a plain column are.
struct Shape<'a> {
    number: &'a DataType,
    /// Bytes of a number.
    size: usize,
    levels: Levels,
}

impl<'a> Shape<'a> {
    /// Of a column chunk of `rows` rows that come out as `data_type`.
    fn of(data_type: &'a DataType, chunk: &ColumnChunkMetaData, rows: u64) -> Option<Self> {
        let (number, width, lists) = match data_type {
            DataType::FixedSizeList(item, size) => (item.data_type(), usize::try_from(*size).ok()?, true),
            number => (number, 1, false),
        };
        let column = chunk.column_descr();
        let levels = Levels {
            width,
            lists,
            nullable: column.max_def_level().try_into().ok()?,
        };
        // Of other types the stored value is not the one that comes out.
        let is_number = matches!(
            number,
            DataType::Float32 | DataType::Float64 | DataType::Int32 | DataType::Int64
        );
        let simple = is_number && column.max_rep_level() == i16::from(lists) && levels.nullable <= 3 && width > 0;
        let all = i64::try_from(rows.checked_mul(width as u64)?).ok()?;
        let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
        let full = chunk.num_values() == all && nulls.unwrap_or(0) == 0;
        let plain = simple && full && chunk.dictionary_page_offset().is_none();
        let size = number.primitive_width()?;
        plain.then_some(Self { number, size, levels })
    }
}

/// The values of a column chunk, as they are stored: little-endian, one after the other.
struct Plain {
    parts: Vec<Bytes>,
    number: DataType,
    /// Values of all rows.
    values: usize,
}

impl Plain {
    /// The values of `leaf`, which come out as `data_type`, in the rows of `unit`, if `bytes`, its pages, are nothing but that.
    fn read(data_type: &DataType, file: &Footer, unit: &Unit, leaf: usize, bytes: Bytes) -> Option<Self> {
        let chunk = file.group(unit.group).column(leaf);
        let Shape { number, size, levels } = Shape::of(data_type, chunk, file.info.row_groups[unit.group].rows)?;
        let (place, first) = page_ranges::of_unit(file, unit, leaf);
        let value = |row: u64| usize::try_from(row.checked_sub(first)?).ok()?.checked_mul(levels.width);
        let (start, end) = (value(unit.rows.start)?, value(unit.rows.end)?);
        let mut pages = pages_of(chunk, place.start, bytes).ok()?;
        let (mut parts, mut seen) = (Vec::new(), 0_usize);
        while seen < end {
            let passed = pages.peek_next_page().ok()??.num_levels.map(|levels| seen + levels);
            if let Some(passed) = passed.filter(|&passed| passed <= start) {
                pages.skip_next_page().ok()?;
                seen = passed;
                continue;
            }
            let page = pages.get_next_page().ok()??;
            let count = page.num_values() as usize;
            let all = levels.pass(&page, seen % levels.width)?;
            let own = start.saturating_sub(seen)..count.min(end - seen);
            parts.push(
                all.get(own.start * size..own.end * size)
                    .map(|own| all.slice_ref(own))?,
            );
            seen = seen.checked_add(count)?;
        }
        Some(Self {
            parts,
            number: number.clone(),
            values: end - start,
        })
    }

    /// The values as f32, in one piece.
    fn floats(&self) -> Option<Bytes> {
        match (&self.number, self.parts.as_slice()) {
            (DataType::Float32, [part]) => Some(part.clone()),
            (DataType::Float32, parts) => Some(parts.concat().into()),
            _ => {
                let numbers = cast(&self.numbers()?, &DataType::Float32).ok()?;
                let values = numbers.as_primitive::<Float32Type>().values();
                Some(Bytes::copy_from_slice(values.inner()))
            }
        }
    }

    fn array(self, data_type: &DataType) -> Option<ArrayRef> {
        let (item, size) = match data_type {
            DataType::FixedSizeList(item, size) => (item, *size),
            _ => return self.numbers(),
        };
        let numbers = self.numbers()?;
        let list = FixedSizeListArray::try_new(Arc::clone(item), size, numbers, None).ok()?;
        Some(Arc::new(list))
    }

    fn numbers(&self) -> Option<ArrayRef> {
        // Copied, because pages begin anywhere, and numbers in memory at multiples of their size.
        let mut buffer = MutableBuffer::with_capacity(self.parts.iter().map(Bytes::len).sum());
        self.parts.iter().for_each(|part| buffer.extend_from_slice(part));
        let data = ArrayData::builder(self.number.clone()).len(self.values);
        Some(make_array(data.add_buffer(buffer.into()).build().ok()?))
    }
}

/// The columns of one tensor, as the column `field`.
fn tensor(columns: impl Iterator<Item = Option<Plain>>, field: &Field) -> Option<ArrayRef> {
    let DataType::FixedSizeList(item, size) = field.data_type() else {
        return None;
    };
    let columns: Vec<Bytes> = columns.map(|column| column?.floats()).collect::<Option<_>>()?;
    let columns: Vec<&[u8]> = columns.iter().map(|column| &column[..]).collect();
    let values = Float32Array::new(row_major(&columns), None);
    let list = FixedSizeListArray::try_new(Arc::clone(item), *size, Arc::new(values), None).ok()?;
    Some(Arc::new(list))
}

/// The pages in `bytes`, some of `chunk`, which are at `start` in the file.
fn pages_of(chunk: &ColumnChunkMetaData, start: u64, bytes: Bytes) -> Result<SerializedPageReader<Chunk>> {
    let length = bytes.len() as u64;
    let chunk = match chunk.byte_range() == (start, length) {
        true => Cow::Borrowed(chunk),
        false => {
            let part = chunk.clone().into_builder().set_data_page_offset(start as i64);
            Cow::Owned(part.set_total_compressed_size(length as i64).build()?)
        }
    };
    let rows = chunk.num_values().max(0) as usize;
    SerializedPageReader::new(Arc::new(Chunk { start, bytes }), &chunk, rows, None)
}

/// The bytes of a column chunk, addressed as in the file.
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = Cursor<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let rest = self.len().saturating_sub(start) as usize;
        Ok(Cursor::new(self.get_bytes(start, rest)?))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let at = start.checked_sub(self.start).map(|at| at as usize);
        let end = at
            .and_then(|at| at.checked_add(length))
            .filter(|&end| end <= self.bytes.len());
        match at.zip(end) {
            Some((at, end)) => Ok(self.bytes.slice(at..end)),
            None => Err(parquet::errors::ParquetError::EOF(
                "outside of the column chunk".to_owned(),
            )),
        }
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::exec::Context;
    use crate::rng::Rng;
    use crate::source::io::location::Location;
    use arrow::array::{Array, RecordBatch};
    use arrow::array::{Float64Array, Int32Array, Int64Array};
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::basic::{Compression, Encoding};
    use parquet::file::properties::{WriterProperties, WriterVersion};
    use std::ops::Range;

    const ROWS: usize = 1_000;

    fn list(numbers: ArrayRef, width: usize, nullable: bool) -> ArrayRef {
        let item = Arc::new(Field::new_list_field(numbers.data_type().clone(), nullable));
        Arc::new(FixedSizeListArray::try_new(item, width as i32, numbers, None).unwrap())
    }

    /// Numbers of each type, and lists of some widths; one of each 50 numbers is missing where `nulls`.
    fn table(nullable: bool, nulls: bool) -> RecordBatch {
        let mut rng = Rng::new(3, "numbers", 0);
        let mut some = |count: usize| -> Vec<Option<i32>> {
            let mut one = || (!nulls || rng.below(50) > 0).then(|| rng.next_u64() as i32);
            (0..count).map(|_| one()).collect()
        };
        let floats = |some: Vec<Option<i32>>| -> ArrayRef {
            Arc::new(Float32Array::from_iter(some.into_iter().map(|v| v.map(|v| v as f32))))
        };
        let wide = |some: Vec<Option<i32>>| Int64Array::from_iter(some.into_iter().map(|v| v.map(i64::from)));
        let double = Float64Array::from_iter(some(ROWS).into_iter().map(|v| v.map(f64::from)));
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("f32".into(), floats(some(ROWS))),
            ("f64".into(), Arc::new(double)),
            ("i32".into(), Arc::new(Int32Array::from(some(ROWS)))),
            ("i64".into(), Arc::new(wide(some(ROWS)))),
        ];
        for width in [1, 3, 8, 64, 100] {
            let numbers = floats(some(ROWS * width));
            columns.push((format!("list{width}"), list(numbers, width, nullable)));
        }
        let columns = columns.into_iter().map(|(name, column)| (name, column, nullable));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// The columns of the rows `rows` of the one row group in `bytes`: by the short way, and by the `parquet` crate.
    fn read(bytes: Vec<u8>, rows: Range<u64>) -> (Vec<Option<ArrayRef>>, RecordBatch) {
        let cx = Context::with(1, 1 << 20).unwrap();
        let bytes = Bytes::from(bytes);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone()).unwrap();
        let stored = reader.with_batch_size(ROWS).build().unwrap().next().unwrap().unwrap();
        let location = cx.block_on(Location::memory(bytes.to_vec())).unwrap();
        let footer = Arc::new(cx.block_on(Footer::load(&cx, location)).unwrap());
        let projection = Projection::new(std::slice::from_ref(&footer)).unwrap();
        let unit = Unit {
            rows: rows.clone(),
            ..projection.units(std::slice::from_ref(&footer)).remove(0)
        };
        let pages = |leaf: usize| {
            let (place, _) = page_ranges::of_unit(&footer, &unit, leaf);
            Some(bytes.slice(place.start as usize..place.end as usize))
        };
        let plain = columns(&footer, &projection, &unit, pages);
        assert!(may_be_plain(&footer, &projection, 0) || plain.iter().any(Option::is_none));
        (
            plain,
            stored.slice(rows.start as usize, (rows.end - rows.start) as usize),
        )
    }

    fn written(table: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, table.schema(), Some(properties)).unwrap();
        writer.write(table).unwrap();
        writer.close().unwrap();
        bytes
    }

    #[test]
    fn plain_numbers_are_what_the_decoder_makes_of_them() {
        for (version, compression, nullable, page) in [
            (WriterVersion::PARQUET_1_0, Compression::UNCOMPRESSED, true, ROWS),
            (
                WriterVersion::PARQUET_1_0,
                Compression::ZSTD(Default::default()),
                false,
                17,
            ),
            (WriterVersion::PARQUET_1_0, Compression::SNAPPY, true, 1),
            (WriterVersion::PARQUET_2_0, Compression::UNCOMPRESSED, false, 300),
            (WriterVersion::PARQUET_2_0, Compression::SNAPPY, true, 100),
        ] {
            let properties = || {
                WriterProperties::builder()
                    .set_writer_version(version)
                    .set_compression(compression)
                    .set_encoding(Encoding::PLAIN)
                    .set_dictionary_enabled(false)
                    .set_data_page_row_count_limit(page)
                    .set_write_batch_size(page.min(64))
                    .build()
            };
            for rows in [0..ROWS as u64, 0..1, 300..400, 7..993, 999..1000] {
                let (plain, stored) = read(written(&table(nullable, false), properties()), rows.clone());
                for (column, expected) in plain.iter().zip(stored.columns()) {
                    assert_eq!(
                        column.as_ref(),
                        Some(expected),
                        "{version:?} {compression} {page} {rows:?}"
                    );
                }
            }
            if nullable {
                let (plain, _) = read(written(&table(true, true), properties()), 0..ROWS as u64);
                assert!(plain.iter().all(Option::is_none), "{version:?} {compression} {page}");
            }
        }
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_decoder() {
        let (plain, _) = read(
            written(&table(true, false), WriterProperties::default()),
            0..ROWS as u64,
        );
        assert!(plain.iter().all(Option::is_none), "dictionaries");
    }
}
