//! What makes a row of several, or more of a row than its picture, stays below the bound as well: masks, pasted objects, mosaics with
//! masks, blended rows. A new kind is one line of [`PIPELINES`].

use super::{ALONE, MIB, measure};

use arrow::array::{
    Array, ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use millstream::image::{Boxes, CopyPaste, Image, Mosaic, Pixels};
use millstream::loader::LoaderBuilder;
use millstream::rng::Rng;
use millstream::source::Parquet;
use millstream::synthetic::{CutMix, MixUp};
use millstream::{Context, Dataset, DatasetExt};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::path::Path;
use std::sync::{Arc, PoisonError};

type Open = fn(Parquet) -> Arc<dyn Dataset>;

const PIPELINES: &[(&str, Open)] = &[
    ("masks", |rows| Arc::new(images(rows))),
    ("copy-paste", |rows| {
        let pasting = CopyPaste::new(Boxes::default()).mask("mask").window(8);
        Arc::new(images(rows).copy_paste("image", pasting).unwrap())
    }),
    ("a mosaic with masks", |rows| {
        let mosaic = Mosaic::new().mask("mask").boxes(Boxes::default()).window(8);
        Arc::new(images(rows).mosaic("image", mosaic).unwrap())
    }),
    ("mixup", |rows| {
        let up = MixUp::new(0.4).num_classes(4);
        Arc::new(images(rows).mixup("image", "label", up).unwrap())
    }),
    ("cutmix", |rows| {
        let cut = CutMix::new(1.0).num_classes(4);
        Arc::new(images(rows).cutmix("image", "label", cut).unwrap())
    }),
];

const ROWS: usize = 800;
const SIDE: u32 = 96;

/// Pictures of noise, with a class, a mask and 20 to 49 boxes each.
fn write(path: &Path) {
    let mut noise = Pixels::new(SIDE, SIDE);
    Rng::new(1, "pixels", 0).fill(&mut noise.levels);
    let mut mask = Pixels::with_channels(SIDE, SIDE, 1);
    Rng::new(2, "pixels", 0).fill(&mut mask.levels);
    let files = |pixels: &Pixels| -> ArrayRef {
        let png = pixels.to_png().unwrap();
        Arc::new(BinaryArray::from_iter_values(std::iter::repeat_n(png, ROWS)))
    };
    let own = |row: usize| 20 + row % 30;
    let corners = |row: usize| (0..own(row)).flat_map(|at| [at as f32, 4.0, at as f32 + 12.0, 30.0]);
    let values: ArrayRef = Arc::new(Float32Array::from_iter_values((0..ROWS).flat_map(corners)));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let items: ArrayRef = Arc::new(FixedSizeListArray::new(item, 4, values, None));
    let item = Arc::new(Field::new_list_field(items.data_type().clone(), false));
    let boxes = ListArray::new(item, OffsetBuffer::from_lengths((0..ROWS).map(own)), items, None);
    let columns: [(&str, ArrayRef); 4] = [
        ("image", files(&noise)),
        ("mask", files(&mask)),
        ("boxes", Arc::new(boxes)),
        (
            "label",
            Arc::new(Int64Array::from_iter_values((0..ROWS as i64).map(|row| row % 4))),
        ),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let groups = WriterProperties::builder()
        .set_max_row_group_row_count(Some(100))
        .build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(groups)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn images(rows: Parquet) -> impl Dataset {
    let image = Image::new(64)
        .random_resized_crop(0.5..=1.0, 0.8..=1.25)
        .rotate(20.0)
        .mask("mask")
        .boxes(Boxes::default());
    rows.shuffle().image("image", image).unwrap()
}

#[test]
fn masks_and_rows_with_partners_stay_below_the_bound() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.parquet");
    write(&path);
    for memory in [32 * MIB, 128 * MIB] {
        for (name, open) in PIPELINES {
            let how = |cx: &Context, rows: Parquet| -> LoaderBuilder { open(rows).loader(cx).depth(4) };
            let (bound, peak) = measure(&path, memory, how, 40);
            println!(
                "{name}, budget {} MiB: bound {} MiB, peak {:.1} MiB",
                memory / MIB,
                bound / MIB,
                peak as f64 / MIB as f64
            );
            assert!(peak <= bound, "{name}: {peak} bytes, {bound} is the bound");
        }
    }
}
