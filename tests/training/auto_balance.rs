//! The choice of balance, loss and synthetic share by cross-validation.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use burn::tensor::Device;
use common::{context, mixed, refused, refused_with, table};
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::plan::Plan;
use millstream::rng::Rng;
use millstream::rows::{CLASS_NAMES, Cached};
use millstream::source::Memory;
use millstream::spec::Spec;
use millstream::train::AutoBalance;
use millstream::train::auto_balance::Choice;
use millstream::train::loss::{BalancedSoftmax, Loss};
use millstream::{Context, Dataset, DatasetExt, Result, Stable};
use std::sync::Arc;

/// `counts[c]` rows of class `c` in `views` views: `width` features about the corner of class `c`, `apart` from the origin.
fn rows(counts: &[usize], apart: f32, views: u64, width: usize) -> Arc<dyn Stable> {
    let classes = mixed(counts);
    let label = Int64Array::from_iter_values(classes.iter().map(|&class| class as i64));
    let names = (0..counts.len())
        .map(|class| format!("class {class}"))
        .collect::<Vec<_>>();
    let names = serde_json::to_string(&names).unwrap();
    let label_field =
        Field::new("label", DataType::Int64, false).with_metadata([(CLASS_NAMES.to_owned(), names)].into());
    let below = Schema::new(vec![label_field.clone()]);
    let below = RecordBatch::try_new(Arc::new(below), vec![Arc::new(label.clone())]).unwrap();
    let below = Memory::new(vec![below]).unwrap();
    let mut values = Vec::new();
    for view in 0..views {
        for (row, &class) in classes.iter().enumerate() {
            let mut rng = Rng::new(3, "features", row as u64);
            let mut blur = Rng::new(3, "view", view * classes.len() as u64 + row as u64);
            let corner = |at: usize| if at == class { apart } else { 0.0 };
            values.extend((0..width).map(|at| corner(at) + rng.normal() + 0.1 * blur.normal()));
        }
    }
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let features =
        arrow::array::FixedSizeListArray::new(item, width as i32, Arc::new(Float32Array::from(values)), None);
    let labels: Vec<&dyn arrow::array::Array> = (0..views).map(|_| &label as &dyn arrow::array::Array).collect();
    let labels = arrow::compute::concat(&labels).unwrap();
    let field = Field::new("features", arrow::array::Array::data_type(&features).clone(), false);
    let schema = Arc::new(Schema::new(vec![field, label_field]));
    let all = RecordBatch::try_new(schema, vec![Arc::new(features) as ArrayRef, labels]).unwrap();
    // Views of a closure that changes nothing: only their number counts here.
    let unchanged = millstream::rows::Map::new("unchanged")
        .reads(millstream::rows::Read::values("label", millstream::rows::DType::I64))
        .writes(millstream::rows::Output::fixed(
            "copy",
            millstream::rows::DType::I64,
            [],
        ));
    let below = below.map(unchanged, |row, _, out| {
        out.fixed::<i64>(0)[0] = row.values::<i64>(0)?[0];
        Ok(())
    });
    let below: Arc<dyn Stable> = Arc::new(below.unwrap().views(views).unwrap());
    Arc::new(Cached::new(below, all, Plan::new("corners")).unwrap())
}

fn choose(cx: &Context, auto: &AutoBalance, rows: &Arc<dyn Stable>) -> Result<Choice> {
    auto.choose(cx, rows, "features", "label", &Device::flex(), &mut |_, _| ())
}

#[test]
fn the_candidates_come_the_simplest_first_and_none_twice() {
    let shown = |auto: AutoBalance| {
        let shown = |candidate: millstream::train::auto_balance::Candidate| {
            let short = if candidate.has_own_loss() { "softmax" } else { "plain" };
            format!("{} {short} {}", candidate.target, candidate.synthetic)
        };
        auto.candidates().into_iter().map(shown).collect::<Vec<_>>()
    };
    let all = [
        "power 1 plain 0",
        "power 1 softmax 0",
        "sqrt plain 0",
        "uniform plain 0",
        "sqrt softmax 0",
        "sqrt plain 0.5",
        "uniform plain 0.5",
        "sqrt softmax 0.5",
    ];
    assert_eq!(shown(AutoBalance::new()), all);
    let only = AutoBalance {
        targets: vec![Target::Uniform],
        losses: vec![Loss::BalancedSoftmax(BalancedSoftmax::new().target(Target::Sqrt))],
        synthetic: vec![0.0],
        ..AutoBalance::new()
    };
    assert_eq!(shown(only), ["uniform softmax 0"]);
}

/// Overlapping classes of very different size: something has to be done. Classes far apart: nothing has.
#[test]
fn a_balance_is_chosen_where_it_helps_and_left_where_it_does_not() {
    let cx = context();
    let auto = AutoBalance {
        epochs: 4,
        ..AutoBalance::new().seed(5)
    };
    let hard = choose(&cx, &auto, &rows(&[600, 120, 25], 1.6, 2, 8)).unwrap();
    let (plain, chosen) = (&hard.trials[0], &hard.trials[hard.chosen]);
    assert!(!plain.candidate.is_balanced() && !plain.candidate.has_own_loss());
    assert!(chosen.balanced_accuracy > plain.balanced_accuracy + 0.1, "{hard:?}");
    assert!(hard.chosen > 0 && chosen.folds.len() == 5);
    let easy = choose(&cx, &auto, &rows(&[300, 60, 20], 12.0, 1, 8)).unwrap();
    assert_eq!((easy.chosen, easy.trials[0].balanced_accuracy), (0, 1.0), "{easy:?}");
    assert_eq!(easy.candidate(), &easy.trials[0].candidate);
}

/// The same for any number of threads, and with the progress in whole steps.
#[test]
fn the_same_seed_gives_the_same_choice() {
    let auto = AutoBalance {
        epochs: 2,
        folds: 3,
        ..AutoBalance::new().seed(5)
    };
    let rows = rows(&[200, 50, 12], 1.6, 3, 8);
    let mut told = Vec::new();
    let first = auto.choose(
        &context(),
        &rows,
        "features",
        "label",
        &Device::flex(),
        &mut |done, total| told.push((done, total)),
    );
    let first = first.unwrap();
    let total = told[0].1;
    assert!(told.iter().copied().eq((1..=total).map(|done| (done, total))));
    let second = choose(&Context::with(1, 1 << 26).unwrap().with_seed(99), &auto, &rows).unwrap();
    assert_eq!(first, second);
    assert_ne!(first, choose(&context(), &auto.clone().seed(6), &rows).unwrap());
    let text = serde_json::to_string(&first).unwrap();
    assert_eq!(serde_json::from_str::<Choice>(&text).unwrap().chosen, first.chosen);
}

/// Labels that say nothing about the features, and features enough to know each training row by heart: had a held-out row a view or
/// a synthetic child among the training rows, its class would be known.
#[test]
fn nothing_leaks_from_a_row_that_is_held_out() {
    let cx = context();
    let auto = AutoBalance {
        synthetic: vec![0.0, 1.0],
        learning_rate: 0.05,
        weight_decay: 0.0,
        ..AutoBalance::new().seed(5)
    };
    let rows = rows(&[60, 30, 15], 0.0, 4, 300);
    let choice = choose(&cx, &auto, &rows).unwrap();
    assert!(choice.trials.iter().any(|trial| trial.candidate.synthetic == 1.0));
    for trial in &choice.trials {
        assert!((0.2..0.5).contains(&trial.balanced_accuracy), "{trial:?}");
    }
    // The same head does know rows whose views are on both sides: every view as a row of its own.
    let Some(all) = rows.len().finite() else {
        panic!("views have an end")
    };
    let positions: Vec<u64> = (0..all).collect();
    let flat = cx.block_on(rows.take(&cx, &positions)).unwrap();
    let flat: Arc<dyn Stable> = Arc::new(Memory::new(vec![flat]).unwrap());
    let leaky = choose(&cx, &auto, &flat).unwrap();
    assert!(
        leaky.trials.iter().all(|trial| trial.balanced_accuracy > 0.9),
        "{leaky:?}"
    );
}

#[test]
fn what_cannot_be_chosen_is_refused() {
    let cx = context();
    let few = choose(&cx, &AutoBalance::new(), &rows(&[3, 1], 1.0, 1, 8));
    let text = "auto_balance: 5 folds need as many rows of classes that have at least two, and there are 3; take \
                fewer folds, or choose a balance";
    refused(few, ErrorKind::Config, text);
    let auto = AutoBalance {
        folds: 1,
        ..AutoBalance::new()
    };
    refused(
        auto.check(),
        ErrorKind::Config,
        "auto_balance: folds is 1, but one part is held out of at least 2",
    );
    let auto = AutoBalance {
        synthetic: vec![1.5],
        ..AutoBalance::new()
    };
    refused(
        auto.check(),
        ErrorKind::Config,
        "auto_balance: a synthetic share is 1.5, not in 0 to 1",
    );
    let rows: Arc<dyn Stable> = Arc::new(table(&[20, 20]));
    refused_with(
        AutoBalance::new().choose(&cx, &rows, "id", "label", &Device::flex(), &mut |_, _| ()),
        ErrorKind::Schema,
        &["\"id\"", "not one number after the other"],
    );
}
