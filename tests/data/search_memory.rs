//! What the generators that look at all rows need of the memory, and what they say where there is too little.

use super::common::refusal;
use arrow::array::{ArrayRef, FixedSizeListArray, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field};
use millstream::dataset::Stable;
use millstream::error::ErrorKind;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{
    Adasyn, AdasynSpec, BorderlineKind, BorderlineSmote, BorderlineSmoteSpec, Gate, GateSpec, Jitter, JitterSpec,
    SmoteNc, SmoteNcSpec,
};
use millstream::{Context, Result};
use std::sync::Arc;

/// Rows of the table.
const ROWS: i64 = 100_000;

fn in_memory(columns: Vec<(String, ArrayRef)>) -> Arc<dyn Stable> {
    let label = Int64Array::from_iter_values((0..ROWS).map(|row| i64::from(row % 100 == 0)));
    let label: (String, ArrayRef) = ("label".to_owned(), Arc::new(label));
    let columns = columns.into_iter().chain([label]);
    Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap())
}

fn numbers() -> ArrayRef {
    Arc::new(Float64Array::from_iter_values((0..ROWS).map(|row| row as f64)))
}

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap())
}

/// With 50 neighbours of each of 99,000 rows a search takes more than the 32 MiB that it may have of any memory.
#[test]
fn a_search_of_each_kind_without_room_says_what_to_do() {
    let cx = Context::with(2, 1 << 20).unwrap();
    let category: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|row| row % 3)));
    let rows = in_memory(vec![("a".to_owned(), numbers()), ("kind".to_owned(), category)]);
    let labels = labels(&cx, &rows);
    let (columns, k) = (vec!["a".to_owned()], 50);
    let adasyn = |largest| -> Result<()> {
        let spec = AdasynSpec {
            columns: columns.clone(),
            k,
            largest,
            ..AdasynSpec::default()
        };
        cx.block_on(Adasyn::fit(&cx, Arc::clone(&rows), &labels, spec))
            .map(drop)
    };
    let borderline = |kind, largest| -> Result<()> {
        let spec = BorderlineSmoteSpec {
            columns: columns.clone(),
            k,
            kind,
            largest,
            ..BorderlineSmoteSpec::default()
        };
        cx.block_on(BorderlineSmote::fit(&cx, Arc::clone(&rows), &labels, spec))
            .map(drop)
    };
    let smote_nc = |largest| -> Result<()> {
        let spec = SmoteNcSpec {
            columns: columns.clone(),
            categorical_features: vec!["kind".to_owned()],
            k,
            largest,
        };
        cx.block_on(SmoteNc::fit(&cx, Arc::clone(&rows), &labels, spec))
            .map(drop)
    };
    let (first, second) = (BorderlineKind::Borderline1, BorderlineKind::Borderline2);
    let whole = "among 100000 rows of \"all classes\" takes ";
    for (result, said) in [
        (adasyn(None), whole),
        (borderline(first, None), whole),
        (borderline(second, None), whole),
        (smote_nc(None), "among 99000 rows of \"0\" takes "),
    ] {
        let error = refusal(result, ErrorKind::Budget, said).to_string();
        assert!(
            error.contains("may take half of the memory, and 32 MiB in any case, here 32 MiB: give more memory"),
            "{error}"
        );
    }
    // Of the small class alone there is room.
    for result in [
        adasyn(Some(2000)),
        borderline(first, Some(2000)),
        borderline(second, Some(2000)),
        smote_nc(Some(2000)),
    ] {
        result.unwrap();
    }
}

#[test]
fn deviations_without_room_say_what_to_do() {
    let cx = Context::with(2, 1 << 20).unwrap();
    // 36 MB of columns and 1.6 MB of the one that is read, 39.6 MB of the tensors of a class and 1.6 MB of those that are read, and 0.8 MB of the numbers of the rows.
    let names: Vec<String> = (0..45).map(|at| format!("c{at}")).collect();
    let numbers = numbers();
    let table = in_memory(names.iter().map(|name| (name.clone(), Arc::clone(&numbers))).collect());
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = Arc::new(Float32Array::from(vec![0.5; 100 * ROWS as usize]));
    let tensors = FixedSizeListArray::new(item, 100, values, None);
    let features = in_memory(vec![("features".to_owned(), Arc::new(tensors))]);
    let fit = |rows: &Arc<dyn Stable>, columns: &[String]| {
        let spec = JitterSpec {
            columns: columns.to_vec(),
            ..JitterSpec::default()
        };
        cx.block_on(Jitter::fit(&cx, Arc::clone(rows), &labels(&cx, rows), spec))
    };
    refusal(
        fit(&table, &names),
        ErrorKind::Budget,
        "the numbers of 100000 rows, whose deviations are measured, take 37 MiB, and may take half of the memory, and 32 MiB in any case, here 32 MiB",
    );
    refusal(
        fit(&features, &[]),
        ErrorKind::Budget,
        "the numbers of 99000 rows, whose deviations are measured, take 41 MiB",
    );
    fit(&table, &names[..2]).unwrap();
}

/// Before a row is read, and of categories as soon as it is known how many there are.
#[test]
fn a_gate_without_room_says_what_to_do() {
    let cx = Context::with(2, 1 << 20).unwrap();
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let values = Arc::new(Float32Array::from(vec![0.5; 100 * ROWS as usize]));
    let tensors = FixedSizeListArray::new(item, 100, values, None);
    let kind = StringArray::from_iter_values((0..ROWS).map(|row| format!("kind {}", row % 99)));
    let rows = in_memory(vec![
        ("features".to_owned(), Arc::new(tensors)),
        ("kind".to_owned(), Arc::new(kind)),
        ("a".to_owned(), numbers()),
    ]);
    let labels = labels(&cx, &rows);
    let fit = |columns: &[&str]| {
        let spec = GateSpec::new(columns.iter().copied());
        cx.block_on(Gate::fit(&cx, &rows, &labels, spec)).map(drop)
    };
    let error = refusal(
        fit(&["features"]),
        ErrorKind::Budget,
        "a gate over 100000 rows of 100 values takes 77 MiB, and may take half of the memory, and 32 MiB in any case, here 32 MiB",
    );
    assert!(
        error
            .to_string()
            .contains("give more memory, or compare rows by fewer columns, or do without the gate"),
        "{error}"
    );
    // A value of the number, one of each kind, and one of those that no row has.
    refusal(
        fit(&["kind", "a"]),
        ErrorKind::Budget,
        "a gate over 100000 rows of 101 values takes ",
    );
    fit(&["a"]).unwrap();
}
