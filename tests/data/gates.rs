//! What a gate says of a generator, and of rows that nobody asks for: limits, and counts that follow from the rows alone.

use super::common::{context, refusal};
use super::quality::{Wild, gate, wanted};
use millstream::error::ErrorKind;
use millstream::spec::Spec;
use millstream::synthetic::{GateLimits, GateSpec, Generator, GeneratorExt, Refusal};

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
