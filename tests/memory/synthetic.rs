//! What is fitted on rows takes no more memory than it says: a gate, and the generators that look at all rows. A budget that is too small is told how much that is, before a row is
//! read; then a large one shows what it was. What is kept of the rows is in the bound that `explain()` prints.

use super::{ALONE, MIB, peak, settled};

use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Gate, GateSpec, Generator, GeneratorExt, Jitter, JitterSpec, generators};
use millstream::{Context, DatasetExt, Error, Result, Stable};
use std::sync::{Arc, PoisonError};

const ROWS: usize = 200_000;

/// What a fit may have beside what it counts: of each thread what it works with, lists of classes, names.
const BESIDE: usize = 2 * MIB;

/// Rows near a line, so that a tree finds their neighbours quickly however many numbers they have: row by row `width` numbers.
fn numbers(width: usize) -> Vec<f32> {
    let mut rng = Rng::new(7, "line", 0);
    let row = |_| -> Vec<f32> {
        let along = rng.normal();
        (0..width)
            .map(|at| along * (at + 1) as f32 + 0.01 * rng.normal())
            .collect()
    };
    (0..ROWS).flat_map(row).collect()
}

/// Two classes, one of them with a row of each 200.
fn classes() -> ArrayRef {
    Arc::new(Int64Array::from_iter_values(
        (0..ROWS).map(|row| i64::from(row % 200 == 0)),
    ))
}

fn in_memory(columns: Vec<(String, ArrayRef)>) -> Arc<dyn Stable> {
    let columns = columns.into_iter().chain([("label".to_owned(), classes())]);
    Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
}

fn names(width: usize) -> Vec<String> {
    (0..width).map(|at| format!("c{at}")).collect()
}

/// A table of so many columns of numbers, and of one of three colours.
fn table(width: usize) -> Arc<dyn Stable> {
    let values = numbers(width);
    let column = |at: usize| -> ArrayRef {
        let own = values.iter().skip(at).step_by(width).copied();
        Arc::new(Float32Array::from_iter_values(own))
    };
    let mut columns: Vec<(String, ArrayRef)> = names(width).into_iter().zip((0..width).map(column)).collect();
    let colours = (0..ROWS).map(|row| ["red", "green", "blue"][row % 3]);
    columns.push(("colour".to_owned(), Arc::new(StringArray::from_iter_values(colours))));
    in_memory(columns)
}

fn tensors(width: usize) -> Arc<dyn Stable> {
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = Arc::new(Float32Array::from(numbers(width)));
    let tensor = FixedSizeListArray::new(item, width as i32, values, None);
    in_memory(vec![("features".to_owned(), Arc::new(tensor))])
}

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap())
}

/// The bytes that `error` says are taken, up to the next MiB.
fn said(error: &Error) -> usize {
    assert_eq!(error.kind(), ErrorKind::Budget, "{error}");
    let text = error.to_string();
    let (before, _) = text.split_once(" MiB, and may take half of the memory").unwrap();
    before.rsplit(' ').next().unwrap().parse::<usize>().unwrap() * MIB
}

/// Fits with a budget that is too small and with one that is large enough: the bytes that are said, the peak, and what is fitted with the bytes that it keeps.
fn fitted<T>(cx: &Context, fit: impl Fn(&Context) -> Result<T>) -> (usize, usize, T, usize) {
    let poor = Context::with(2, 1).unwrap();
    let Err(error) = fit(&poor) else {
        panic!("there is room for it in 32 MiB: take more rows")
    };
    drop(poor);
    let (before, mut made) = (settled(), None);
    let peak = peak(|| made = Some(fit(cx)));
    let kept = settled().saturating_sub(before);
    (said(&error), peak, made.unwrap().unwrap(), kept)
}

/// By how much what `generator` keeps moves the bound of a balance that it fills.
fn in_the_bound(cx: &Context, rows: &Arc<dyn Stable>, generator: Arc<dyn Generator>) -> usize {
    let balance = || {
        let balance = Arc::clone(rows).balance(cx, "label", Target::Uniform);
        cx.block_on(balance).unwrap()
    };
    let plain = balance().loader(cx).memory_bound();
    let filled = balance().fill(generator, 0.8).unwrap().loader(cx).memory_bound();
    (filled - plain) as usize
}

#[test]
fn fits_of_interpolations_stay_below_what_they_say() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cx = Context::with(2, 1 << 30).unwrap();
    let columns = format!(r#""columns": {:?}"#, names(20));
    let feature = r#""column": "features""#.to_owned();
    let named = |name: &str, fields: &str| format!(r#"{{"{name}": {{{fields}}}}}"#);
    let borderline = |fields: &str| named("borderline_smote", &format!(r#"{fields}, "kind": "borderline-2""#));
    let nc = named("smote_nc", &format!(r#"{columns}, "categorical_features": ["colour"]"#));
    let of_table = vec![
        named("smote", &columns),
        named("borderline_smote", &columns),
        borderline(&columns),
        named("adasyn", &columns),
        named("jitter", &columns),
        nc,
    ];
    let of_tensors = vec![
        named("smote", &feature),
        named("borderline_smote", &feature),
        borderline(&feature),
        named("adasyn", &feature),
    ];
    // Of a tensor jitter reads no more than the values, so that these are wider.
    let of_wide = vec![named("jitter", &feature)];
    let mut over = Vec::new();
    for (what, rows, specs) in [
        ("columns", table(20), of_table),
        ("a tensor", tensors(20), of_tensors),
        ("a wide tensor", tensors(60), of_wide),
    ] {
        let labels = labels(&cx, &rows);
        for spec in specs {
            let fit = |cx: &Context| {
                let spec = generators().read_json(&spec)?;
                cx.block_on(spec.fit(cx, Arc::clone(&rows), &labels))
            };
            let (said, peak, generator, kept) = fitted(&cx, fit);
            let told = in_the_bound(&cx, &rows, generator);
            let name: String = spec.chars().take(20).collect();
            let mib = |bytes: usize| bytes as f64 / MIB as f64;
            let line = format!(
                "{name} in {what}: {:.1} MiB said, peak {:.1}; {:.1} kept, {:.1} in the bound",
                mib(said),
                mib(peak),
                mib(kept),
                mib(told)
            );
            println!("{line}");
            if peak > said + BESIDE || kept > told + MIB / 4 {
                over.push(line);
            }
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}

#[test]
fn gates_stay_below_what_they_say() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let cx = Context::with(2, 1 << 30).unwrap();
    let with_colour: Vec<String> = names(7).into_iter().chain(["colour".to_owned()]).collect();
    let mut over = Vec::new();
    for (what, rows, columns) in [
        ("columns", table(12), names(12)),
        // There is room for eight values of a row, and not for the eleven that they are with a place for each colour.
        ("columns with a category", table(7), with_colour),
        ("a tensor", tensors(12), vec!["features".to_owned()]),
    ] {
        let labels = labels(&cx, &rows);
        let spec = GateSpec {
            range: Some(0.5),
            ..GateSpec::new(columns)
        };
        let fit = |cx: &Context| cx.block_on(Gate::fit(cx, &rows, &labels, spec.clone()));
        let (said, peak, gate, kept) = fitted(&cx, fit);
        let jitter = || -> Arc<dyn Generator> {
            let spec = match what {
                "a tensor" => JitterSpec::default(),
                _ => JitterSpec {
                    columns: names(2),
                    ..JitterSpec::default()
                },
            };
            let jitter = Jitter::fit(&cx, Arc::clone(&rows), &labels, spec);
            Arc::new(cx.block_on(jitter).unwrap())
        };
        let plain = in_the_bound(&cx, &rows, jitter());
        let gated = in_the_bound(&cx, &rows, Arc::new(jitter().accept(gate)));
        let told = gated - plain;
        let mib = |bytes: usize| bytes as f64 / MIB as f64;
        let line = format!(
            "a gate of {what}: {:.1} MiB said, peak {:.1}; {:.1} kept, {:.1} in the bound with the 64 of its context",
            mib(said),
            mib(peak),
            mib(kept),
            mib(told)
        );
        println!("{line}");
        // The context that finds out what was forgotten, and which candidates passed.
        let others = 64 * MIB + 4 * MIB;
        if peak > said + BESIDE || kept + others > told {
            over.push(line);
        }
    }
    assert!(over.is_empty(), "{}", over.join("\n"));
}
