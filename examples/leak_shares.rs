//! What `inspect --leaks` would take for copies by features, were another share of the median near: among held-out pictures, among training pictures themselves, and among copies of training
//! pictures whose border was cut off.
//!
//! cargo run --release --example leak_shares -- train.parquet test.parquet
#![allow(clippy::print_stdout, reason = "a program")]

use millstream::arrow::array::AsArray;
use millstream::arrow::datatypes::Float32Type;
use millstream::image::{Image, Interpolation};
use millstream::model::{FrozenBackbone, Pretrained};
use millstream::source::Files;
use millstream::synthetic::quality::{Matrix, nearest, nearest_others};
use millstream::train::Extractor;
use millstream::{Context, Dataset, DatasetExt, Error, Result, Stable};
use std::sync::Arc;

/// Pictures of each kind, at most.
const TRAIN: u64 = 600;
const TEST: u64 = 250;
const COPIES: u64 = 50;

const SHARES: [f64; 9] = [0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6];

fn main() -> Result<()> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let [train, test] = files.as_slice() else {
        return Err(Error::config("name training pictures and held-out pictures"));
    };
    let cx = Context::new()?;
    let pretrained = Pretrained::find("efficientnet-lite0")?;
    let network = Extractor::new(FrozenBackbone::load(&pretrained, &burn::tensor::Device::flex())?);
    let expected = &pretrained.preprocessing;
    let stage = |share: f64| {
        Image::new(expected.size as u32)
            .normalize(expected.normalisation.mean, expected.normalisation.std)
            .interpolation(Interpolation::Bicubic)
            .center_crop((expected.crop * share) as f32)
    };
    let features = |path: &String, most: u64, share: f64| features(&cx, &network, (path, most), stage(share));
    let (known, held_out) = (features(train, TRAIN, 1.0)?, features(test, TEST, 1.0)?);
    let apart: Vec<f64> = nearest_others(&known, 1)
        .iter()
        .filter_map(|near| near.first().map(|near| near.distance.powi(2)))
        .collect();
    let mut sorted: Vec<f64> = apart.iter().copied().filter(|&apart| apart > 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let Some(&median) = sorted.get(sorted.len() / 2) else {
        return Err(Error::data("all training pictures are the same"));
    };
    println!("| pictures | {} |", SHARES.map(|share| share.to_string()).join(" | "));
    println!("|---|{}", "---|".repeat(SHARES.len()));
    line("training pictures", &apart, median);
    line("held-out pictures", &squares(&held_out, &known)?, median);
    for cut in [0.1, 0.2] {
        let copies = features(train, COPIES, 1.0 - cut)?;
        line(
            &format!("copies without {cut} of the sides"),
            &squares(&copies, &known)?,
            median,
        );
    }
    Ok(())
}

/// Features of length 1 of some of the pictures, evenly spread. Those of copies are among those of the training pictures.
fn features(cx: &Context, network: &Extractor, (path, most): (&str, u64), stage: Image) -> Result<Matrix> {
    let files = cx.block_on(Files::open(cx, &[path]))?;
    let image = files.find_image(None)?;
    let all = files.len().finite().unwrap_or(0);
    let among = all.min(if most == COPIES { TRAIN } else { most });
    let some = most.min(among);
    let rows: Vec<u64> = (0..some)
        .map(|at| (at * (among / some.max(1))) * all / among.max(1))
        .collect();
    let images = files.columns(&[&image])?.select(rows)?.image(&image, stage)?.views(1)?;
    let images: Arc<dyn Stable> = Arc::new(images);
    let made = network.features(cx, images, &image, None, &mut |_| ())?;
    let column = made.rows().column_by_name(Extractor::COLUMN);
    let list = column.and_then(|column| column.as_fixed_size_list_opt());
    let list = list.ok_or_else(|| Error::schema("the network made no features"))?;
    let width = list.value_length() as usize;
    let values = list.values().as_primitive::<Float32Type>().values();
    let rows = values.chunks_exact(width).flat_map(|row| {
        let length = row
            .iter()
            .map(|value| value * value)
            .sum::<f32>()
            .sqrt()
            .max(f32::MIN_POSITIVE);
        row.iter().map(move |value| value / length)
    });
    Matrix::new(rows.collect(), width)
}

/// The square of the distance to the nearest row of `known`, of rows of length 1 twice the cosine distance.
fn squares(of: &Matrix, known: &Matrix) -> Result<Vec<f64>> {
    let near = nearest(of, known, 1)?;
    Ok(near
        .iter()
        .filter_map(|near| near.first().map(|near| near.distance.powi(2)))
        .collect())
}

fn line(name: &str, squares: &[f64], median: f64) {
    let near = SHARES.map(|share| {
        squares
            .iter()
            .filter(|&&square| square <= share * median)
            .count()
            .to_string()
    });
    println!("| {name}, {} | {} |", squares.len(), near.join(" | "));
}
