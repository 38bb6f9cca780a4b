//! What a gate says of a generator, and of rows that nobody asks for: limits, and counts that follow from the rows alone.

use super::common::{context, refusal};
use super::quality::{Wild, gate, wanted};
use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
use futures::future::BoxFuture;
use millstream::dataset::{Origin, Provenance};
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::synthetic::{GateLimits, GateSpec, Generator, GeneratorExt, Refusal, SampleId};
use millstream::{Context, DatasetExt, Result};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

#[test]
fn what_a_gate_refuses_for_given_rows_follows_from_them_alone() {
    let cx = context();
    let gated = Wild { spread: 12.0 }.accept(gate(&cx, GateSpec::new(["x"])));
    let rows = wanted(1, 300);
    let all = cx.block_on(gated.judged_of(&cx, &rows)).unwrap();
    let refused: u64 = all.refused.values().sum();
    assert!(refused > 0 && all.candidates == 300 + refused, "{all:?}");
    // It is not among what was asked for, and it is what is counted where rows are made.
    assert_eq!(gated.judged().candidates, 0);
    cx.block_on(gated.generate(&cx, &rows)).unwrap();
    assert_eq!(gated.judged(), all);
    // Rows that were made again, or ahead, change the one count and not the other.
    cx.block_on(gated.generate(&cx, &rows[..100])).unwrap();
    assert!(gated.judged().candidates > all.candidates);
    assert_eq!(cx.block_on(gated.judged_of(&cx, &rows)).unwrap(), all);
    let parts = [&rows[..7], &rows[7..]].map(|rows| cx.block_on(gated.judged_of(&cx, rows)).unwrap());
    assert_eq!(parts.iter().map(|part| part.candidates).sum::<u64>(), all.candidates);
    // A row without a candidate is an error where it is made, and counted here.
    let spec = GateSpec {
        attempts: 3,
        ..GateSpec::new(["x"])
    };
    let far = Wild { spread: 1e4 }.accept(gate(&cx, spec));
    assert!(cx.block_on(far.generate(&cx, &wanted(2, 1))).is_err());
    let judged = cx.block_on(far.judged_of(&cx, &wanted(2, 1))).unwrap();
    assert_eq!(
        (judged.candidates, judged.refused[&(2, Refusal::OutsideManifold)]),
        (3, 3)
    );
}

/// [`Wild`], with the number of rows that it made.
#[derive(Debug)]
struct Counted {
    wild: Wild,
    made: Arc<AtomicU64>,
}

impl Generator for Counted {
    fn describe(&self) -> Plan {
        self.wild.describe()
    }

    fn supports(&self, class: u32) -> bool {
        self.wild.supports(class)
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        self.made.fetch_add(samples.len() as u64, Ordering::SeqCst);
        self.wild.generate(cx, samples)
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        self.wild.provenance(cx, sample)
    }
}

/// Three classes of 60, 20 and 10 rows around 0, 30 and 60.
fn unequal() -> Memory {
    let classes: Vec<i64> = [(0, 60), (1, 20), (2, 10)]
        .into_iter()
        .flat_map(|(class, rows)| vec![class; rows])
        .collect();
    let x: ArrayRef = Arc::new(Float32Array::from_iter_values(
        (0..)
            .zip(&classes)
            .map(|(row, class)| 30.0 * *class as f32 + (row % 7) as f32 - 3.0),
    ));
    let label: ArrayRef = Arc::new(Int64Array::from(classes));
    Memory::new(vec![RecordBatch::try_from_iter([("x", x), ("label", label)]).unwrap()]).unwrap()
}

#[test]
fn classes_and_origins_are_told_without_a_candidate() {
    let cx = context().with_seed(5);
    let (made, wild) = (Arc::new(AtomicU64::new(0)), Wild { spread: 12.0 });
    let counted = Counted {
        wild,
        made: Arc::clone(&made),
    };
    let gated = Arc::new(counted.accept(gate(&cx, GateSpec::new(["x"]))));
    let balance = cx.block_on(unequal().balance(&cx, "label", Target::Uniform)).unwrap();
    let filled = balance.fill(Arc::clone(&gated) as Arc<dyn Generator>, 1.0).unwrap();
    let by_class = filled.quotas();
    let loader = filled.loader(&cx).batch_size(30).seed(5);
    let explained = loader.explain().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        explained.contains("synthetic (wild): about 30 rows an epoch"),
        "{explained}"
    );
    let prior = loader.class_prior(0).unwrap();
    let quotas: Vec<f64> = by_class.iter().map(|class| class.rows as f64).collect();
    assert_eq!(prior.counts(), quotas);
    assert_eq!((made.load(Ordering::SeqCst), gated.judged().candidates), (0, 0));
    // Who made a row is asked for as well, and then the candidate counts that passed; nobody asked for the row.
    let sample = SampleId { class: 2, index: 3 };
    let trace = gated.provenance(&cx, sample);
    assert_eq!((trace.class, trace.origin), (Some(2), Origin::Synthetic));
    assert!(made.load(Ordering::SeqCst) > 0);
    assert_eq!(gated.judged().candidates, 0);
}

#[test]
fn limits_are_a_part_of_a_gate() {
    let read = |text: &str| serde_json::from_str::<GateSpec>(text).map_err(|error| error.to_string());
    assert_eq!(read("{}").unwrap().limits, None);
    assert_eq!(read(r#"{"limits": {}}"#).unwrap().limits, Some(GateLimits::default()));
    let some = GateLimits {
        precision: 0.75,
        rows: 50,
        ..GateLimits::default()
    };
    let spec = read(r#"{"limits": {"precision": 0.75, "rows": 50}}"#).unwrap();
    assert_eq!(spec.limits, Some(some));
    spec.check().unwrap();
    let error = read(r#"{"limits": {"precise": 0.75}}"#).unwrap_err();
    assert!(error.contains("precise"), "{error}");
    for (text, said) in [
        (r#"{"rows": 2}"#, "limits.rows is 2, but has to lie in 3..=100000"),
        (
            r#"{"precision": -0.5}"#,
            "limits.precision is -0.5, but has to lie in 0 to 1",
        ),
        (r#"{"coverage": 2}"#, "limits.coverage is 2, but has to lie in 0 to 1"),
        (r#"{"nearer_to_training": 1.5}"#, "limits.nearer_to_training is 1.5"),
        (r#"{"refused": 1.25}"#, "limits.refused is 1.25"),
    ] {
        let spec = read(&format!(r#"{{"limits": {text}}}"#)).unwrap();
        refusal(spec.check(), ErrorKind::Config, said);
    }
}
