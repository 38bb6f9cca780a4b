//! What benches over photos share.

use arrow::array::RecordBatch;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use millstream::rng::Rng;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use std::fs::File;
use std::path::Path;

/// A photo of 500 x 400: smooth shapes under grain, which is what makes a camera's file large.
pub(crate) fn photo(seed: u64) -> Vec<u8> {
    let mut rng = Rng::new(seed, "photo", 0);
    let waves: [f32; 6] = std::array::from_fn(|_| 0.01 + 0.05 * rng.unit());
    let mut rgb = Vec::with_capacity(500 * 400 * 3);
    for at in 0..500 * 400 {
        let (x, y) = ((at % 500) as f32, (at / 500) as f32);
        let grain = 27.0 * (rng.unit() - 0.5);
        rgb.extend([0, 2, 4].map(|c| (128.0 + 90.0 * (x * waves[c]).sin() * (y * waves[c + 1]).cos() + grain) as u8));
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, 96);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(&rgb, 500, 400, ColorType::Rgb).unwrap();
    file
}

/// Writes `rows` as Parquet in row groups of 64.
pub(crate) fn write(path: &Path, rows: &RecordBatch) {
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(64))
        .set_dictionary_enabled(false)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), Some(properties)).unwrap();
    writer.write(rows).unwrap();
    writer.close().unwrap();
}

/// Of pairs of runs in turn the rates of both and their ratio; each as median, least and most.
pub(crate) fn compared(pairs: &[(f64, f64)]) -> [(f64, f64, f64); 3] {
    let of = |pick: fn(&(f64, f64)) -> f64| {
        let mut all: Vec<f64> = pairs.iter().map(pick).collect();
        all.sort_by(f64::total_cmp);
        (all[all.len() / 2], all[0], all[all.len() - 1])
    };
    [of(|pair| pair.0), of(|pair| pair.1), of(|pair| pair.0 / pair.1)]
}
