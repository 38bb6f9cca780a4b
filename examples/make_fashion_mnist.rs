//! Makes the demo's data: a small, unbalanced Fashion-MNIST in the Hugging Face image layout.
//!
//! Usage: `make_fashion_mnist <folder of the four idx files> [<output folder>]`; `examples/data/README.md` has the whole
//! command. Running it twice writes the same bytes.
#![allow(clippy::print_stdout)]

use std::collections::HashMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use millstream::arrow::array::{ArrayRef, BinaryArray, Int64Array, RecordBatch, StringArray, StructArray};
use millstream::arrow::datatypes::{DataType, Field, Fields, Schema};
use millstream::rng::{Permutation, Rng};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Training rows per class: from 500 down to 5 in equal ratios, in the order of the labels, as Cui et al. (2019) make
/// their long-tailed CIFAR. The order is fixed beforehand, so nobody picked a tail that flatters a method; by luck it is a
/// good one: Shirt is easily taken for four common garments, Sneaker and Ankle boot for each other, and Bag looks like
/// nothing else.
const TRAIN: [usize; 10] = [500, 300, 180, 108, 65, 39, 23, 14, 8, 5];
const TEST: [usize; 10] = [100; 10];

const SEED: u64 = 2017;
const ROWS_PER_GROUP: usize = 128;

fn main() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let input = arguments
        .next()
        .ok_or("usage: make_fashion_mnist <folder of the idx files> [<output folder>]")?;
    let output = arguments.next().unwrap_or_else(|| "examples/data".into());
    let path = |split: &str| output.join(format!("fashion-mnist-{split}.parquet"));
    // Nothing is made where one of the two is there.
    if let Some(there) = ["train", "test"]
        .map(path)
        .iter()
        .find(|path| path.symlink_metadata().is_ok())
    {
        return Err(format!("{} is there already; move it away first", there.display()).into());
    }
    for (split, file, quota) in [("train", "train", TRAIN), ("test", "t10k", TEST)] {
        let source = Idx::read(&input, file)?;
        let rows = draw(&source, split, &quota)?;
        let path = path(split);
        write(&path, &batch(&source, file, &rows)?)?;
        println!(
            "{}: {} rows, {} bytes",
            path.display(),
            rows.len(),
            fs::metadata(&path)?.len()
        );
    }
    Ok(())
}

/// Images and labels of one of the original's two splits.
struct Idx {
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Idx {
    fn read(folder: &Path, name: &str) -> Result<Self> {
        let (shape, pixels) = read_idx::<3>(&folder.join(format!("{name}-images-idx3-ubyte")))?;
        let ([rows], labels) = read_idx::<1>(&folder.join(format!("{name}-labels-idx1-ubyte")))?;
        if shape[0] != rows {
            return Err(format!("{name}: {} images but {rows} labels", shape[0]).into());
        }
        Ok(Self {
            width: shape[2],
            height: shape[1],
            pixels,
            labels,
        })
    }

    fn png(&self, row: usize) -> Result<Vec<u8>> {
        let size = (self.width * self.height) as usize;
        let pixels = &self.pixels[row * size..(row + 1) * size];
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive).write_image(
            pixels,
            self.width,
            self.height,
            ExtendedColorType::L8,
        )?;
        Ok(png)
    }
}

/// The shape and the bytes of an idx file: two zeros, the type (8: unsigned byte), the rank, the sizes as big-endian u32.
fn read_idx<const RANK: usize>(path: &Path) -> Result<([u32; RANK], Vec<u8>)> {
    let mut bytes = fs::read(path).map_err(|e| format!("{}: {e} (are the files still .gz?)", path.display()))?;
    let head = 4 + 4 * RANK;
    if bytes.len() < head || bytes[..4] != [0, 0, 8, RANK as u8] {
        return Err(format!("{}: not an idx file of bytes with {RANK} dimensions", path.display()).into());
    }
    let shape = std::array::from_fn(|i| u32::from_be_bytes(std::array::from_fn(|b| bytes[4 + 4 * i + b])));
    bytes.drain(..head);
    if bytes.len() as u64 != shape.iter().map(|&n| u64::from(n)).product::<u64>() {
        return Err(format!("{}: {} bytes do not fill {shape:?}", path.display(), bytes.len()).into());
    }
    Ok((shape, bytes))
}

/// The chosen rows of the original: `quota[c]` of each class `c`, shuffled together.
fn draw(source: &Idx, split: &str, quota: &[usize; 10]) -> Result<Vec<usize>> {
    let mut rows = Vec::new();
    for (class, &wanted) in quota.iter().enumerate() {
        let of_class: Vec<usize> = (0..source.labels.len())
            .filter(|&row| usize::from(source.labels[row]) == class)
            .collect();
        let order = shuffled(&of_class, &format!("draw {split}"), class as u64);
        rows.extend(order.get(..wanted).ok_or("a class has too few rows")?);
    }
    Ok(shuffled(&rows, &format!("shuffle {split}"), 0))
}

fn shuffled(rows: &[usize], stage: &str, position: u64) -> Vec<usize> {
    let order = Permutation::new(rows.len() as u64, &mut Rng::new(SEED, stage, position));
    (0..rows.len() as u64).map(|i| rows[order.get(i) as usize]).collect()
}

/// `image: struct<bytes, path>`, `label: int64`. The path names the row of the original file.
fn batch(source: &Idx, file: &str, rows: &[usize]) -> Result<RecordBatch> {
    let pngs = rows.iter().map(|&row| source.png(row)).collect::<Result<Vec<_>>>()?;
    let bytes: ArrayRef = Arc::new(BinaryArray::from_iter_values(pngs));
    let path: ArrayRef = Arc::new(StringArray::from_iter_values(
        rows.iter().map(|row| format!("{file}-{row:05}.png")),
    ));
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let label = Int64Array::from_iter_values(rows.iter().map(|&row| i64::from(source.labels[row])));
    let schema = Schema::new_with_metadata(
        vec![
            Field::new("image", DataType::Struct(fields.clone()), true),
            Field::new("label", DataType::Int64, true),
        ],
        HashMap::from([("huggingface".into(), features())]),
    );
    let image = StructArray::try_new(fields, vec![bytes, path], None)?;
    Ok(RecordBatch::try_new(
        Arc::new(schema),
        vec![Arc::new(image), Arc::new(label)],
    )?)
}

/// What Hugging Face's `datasets` keeps in the schema: which column is an image, and the names of the classes.
fn features() -> String {
    let names = serde_json::json!(CLASSES);
    format!(
        r#"{{"info":{{"features":{{"image":{{"_type":"Image"}},"label":{{"names":{names},"_type":"ClassLabel"}}}}}}}}"#
    )
}

/// The path of a field inside `image`; a plain "image.bytes" would be one name with a dot in it.
fn nested(field: &str) -> ColumnPath {
    ColumnPath::new(vec!["image".into(), field.into()])
}

fn write(path: &Path, batch: &RecordBatch) -> Result<()> {
    // PNGs are all different and do not compare: neither a dictionary nor statistics would help a reader.
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(19)?))
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_column_dictionary_enabled(nested("bytes"), false)
        .set_column_dictionary_enabled(nested("path"), false)
        .set_column_statistics_enabled(nested("bytes"), EnabledStatistics::None)
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".into(), features())]))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batch.schema(), Some(properties))?;
    writer.write(batch)?;
    writer.close()?;
    Ok(())
}
