//! What SMOTE before the split does to a figure, on a table of the KEEL repository:
//! `cargo run --release --example split_before_smote FOLDER/abalone19.dat`. The same nearest-neighbour classifier is measured twice, over
//! five splits: on rows that were split before SMOTE was fitted, and on rows of which SMOTE had seen all.
#![allow(clippy::print_stdout, reason = "a program")]

use millstream::ablation::{KeelTable, KeelValues};
use millstream::arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, RecordBatch, StringArray};
use millstream::arrow::datatypes::{DataType, Field, Float32Type};
use millstream::order::{Part, SplitSpec, stratified};
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Generator, SampleId, Smote, SmoteSpec};
use millstream::{Context, DatasetExt, Error, Result, Stable};
use std::sync::Arc;

const SEEDS: u64 = 5;
const HELD_OUT: f64 = 0.2;

/// The numbers of a row, and its class.
type Row = (Vec<f32>, u32);

fn main() -> Result<()> {
    let path = std::env::args().nth(1);
    let path = path.ok_or_else(|| Error::config("name a file of the KEEL repository, such as abalone19.dat"))?;
    let cx = Context::new()?;
    let rows = read(&path)?;
    let (mut honest, mut leaked) = (Vec::new(), Vec::new());
    for seed in 0..SEEDS {
        // Split first: the generator is fitted on training rows, and what is held out is stored rows alone.
        let train = SplitSpec {
            share: HELD_OUT,
            seed,
            label: Some("class".to_owned()),
            ..SplitSpec::default()
        };
        let held_out = SplitSpec {
            part: Part::HeldOut,
            ..train.clone()
        };
        let train: Arc<dyn Stable> = Arc::new(cx.block_on(Arc::clone(&rows).split(&cx, &train))?);
        let held_out: Arc<dyn Stable> = Arc::new(cx.block_on(Arc::clone(&rows).split(&cx, &held_out))?);
        honest.push(balanced_accuracy(&with_smote(&cx, &train)?, &stored(&cx, &held_out)?));

        // The mistake, which takes plain arrays: a split refuses rows of which some are synthetic.
        let all = with_smote(&cx, &rows)?;
        let split = stratified(all.iter().map(|row| row.1), HELD_OUT, seed);
        let part = |rows: &[u64]| rows.iter().map(|&row| all[row as usize].clone()).collect::<Vec<_>>();
        leaked.push(balanced_accuracy(&part(&split.train), &part(&split.held_out)));
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    println!("balanced accuracy of the nearest neighbour, mean of {SEEDS} splits");
    println!("  split, then SMOTE: {:.3}", mean(&honest));
    println!("  SMOTE, then split: {:.3}", mean(&leaked));
    Ok(())
}

/// The table with its inputs as one column of numbers: standardised, categories as 0 and 1 each.
fn read(path: &str) -> Result<Arc<dyn Stable>> {
    let table = KeelTable::read(path)?;
    let mut columns: Vec<Vec<f32>> = Vec::new();
    for input in &table.inputs {
        match &input.values {
            KeelValues::Numbers(values) => {
                let known: Vec<f64> = values.iter().flatten().copied().collect();
                let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
                let variance =
                    known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64;
                let scaled = |value: &Option<f64>| {
                    value.map_or(0.0, |value| ((value - mean) / variance.sqrt().max(1e-9)) as f32)
                };
                columns.push(values.iter().map(scaled).collect());
            }
            KeelValues::Categories(values) => {
                let mut known: Vec<&String> = values.iter().flatten().collect();
                known.sort();
                known.dedup();
                let column = |name: &&String| {
                    values
                        .iter()
                        .map(|value| f32::from(u8::from(value.as_ref() == Some(*name))))
                        .collect()
                };
                columns.extend(known.iter().map(column));
            }
        }
    }
    let numbers = (0..table.rows()).flat_map(|row| columns.iter().map(move |column| column[row]));
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let x = FixedSizeListArray::new(
        item,
        columns.len() as i32,
        Arc::new(Float32Array::from_iter_values(numbers)),
        None,
    );
    let all: [(&str, ArrayRef); 2] = [
        ("x", Arc::new(x)),
        ("class", Arc::new(StringArray::from(table.classes))),
    ];
    Ok(Arc::new(Memory::new(vec![RecordBatch::try_from_iter(all)?])?))
}

fn vectors(batch: &RecordBatch) -> Vec<Vec<f32>> {
    let x = batch["x"].as_fixed_size_list();
    (0..x.len())
        .map(|row| x.value(row).as_primitive::<Float32Type>().values().to_vec())
        .collect()
}

fn stored(cx: &Context, rows: &Arc<dyn Stable>) -> Result<Vec<Row>> {
    let labels = cx.block_on(Labels::scan(cx, rows, "class"))?;
    let all: Vec<u64> = (0..labels.len()).collect();
    Ok(vectors(&cx.block_on(rows.take(cx, &all))?)
        .into_iter()
        .zip(named(&labels))
        .collect())
}

/// The class of each row by its name: both parts of a split have the same numbers then.
fn named(labels: &Labels) -> Vec<u32> {
    let is_positive = |class: u32| u32::from(labels.names()[class as usize].contains("positive"));
    labels.iter().map(is_positive).collect()
}

/// The stored rows, and as many by SMOTE as the smaller class lacks.
fn with_smote(cx: &Context, rows: &Arc<dyn Stable>) -> Result<Vec<Row>> {
    let labels = Arc::new(cx.block_on(Labels::scan(cx, rows, "class"))?);
    let smote = cx.block_on(Smote::fit(cx, Arc::clone(rows), &labels, SmoteSpec::new("x")))?;
    let counts = labels.counts();
    let most = counts.iter().copied().max().unwrap_or(0);
    let mut all = stored(cx, rows)?;
    for (class, count) in (0..).zip(counts) {
        let wanted: Vec<SampleId> = (0..most - count).map(|index| SampleId { class, index }).collect();
        if wanted.is_empty() {
            continue;
        }
        let positive = u32::from(labels.names()[class as usize].contains("positive"));
        let made = vectors(&cx.block_on(smote.generate(cx, &wanted))?);
        all.extend(made.into_iter().map(|row| (row, positive)));
    }
    Ok(all)
}

/// The mean recall of both classes over `test`, each row of which is given the class of the nearest of the rows `train`.
fn balanced_accuracy(train: &[Row], test: &[Row]) -> f64 {
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    let mut recalls = [[0.0_f64; 2]; 2];
    for (row, class) in test {
        let nearest = train
            .iter()
            .min_by(|a, b| distance(&a.0, row).total_cmp(&distance(&b.0, row)));
        let of = &mut recalls[*class as usize];
        of[0] += 1.0;
        of[1] += f64::from(u8::from(nearest.is_some_and(|nearest| nearest.1 == *class)));
    }
    recalls.iter().map(|[all, right]| right / all).sum::<f64>() / 2.0
}
