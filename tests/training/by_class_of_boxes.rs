//! Operations by class in a run of a detection: a picture is of the rarest of its classes.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;
use crate::detect::{repeated, uneven_run};

use common::context;
use millstream::task::{Finetune, Preview, Strategy};
use serde_json::{Value, json};

/// `run` with these operations alone.
pub(super) fn with(run: Finetune, operations: Value) -> Finetune {
    let mut run = run;
    run.spec.augment.operations = serde_json::from_value(operations).unwrap();
    run
}

#[test]
fn a_picture_with_boxes_is_of_its_rarest_class() {
    let dir = tempfile::tempdir().unwrap();
    let cx = context();
    // Bright objects are in all forty pictures, dark ones in each eighth.
    for which in [json!({ "classes": ["dark"] }), json!({ "fewer_than": 6 })] {
        let mut by_class = which.clone();
        by_class["operations"] = json!([{ "rotate": { "degrees": 30.0 } }]);
        by_class["otherwise"] = json!(["identity"]);
        let run = with(uneven_run(dir.path(), "out"), json!([{ "by_class": by_class }]));
        for (balance, unfreeze) in [(Strategy::default(), 0), (repeated(0.5), 1), (Strategy::default(), 1)] {
            let run = run.clone().balance(balance.clone()).unfreeze(unfreeze);
            let datasets = run.datasets(&cx).unwrap();
            let plan = run.image_loader(&cx, &datasets, &balance).unwrap().explain();
            for part in [
                "by_class.classes_found dark",
                "by_class.rotate 12.5%",
                "by_class.otherwise.identity 87.5%",
                "the class of a row is the rarest of its classes",
            ] {
                assert!(plan.contains(part), "{part}: {plan}");
            }
            // The steps are compared with the picture that is trained on.
            let rows = Preview::new(run).open(&cx, &mut |_| ()).unwrap();
            let mut turned = 0;
            for row in 0..40 {
                let steps = rows.steps(row, 1).unwrap();
                for step in steps.steps.iter().filter(|step| step.name == "by_class") {
                    let words = step.drawn.clone().unwrap_or_default();
                    let expected = if row % 8 == 0 {
                        "rotate: "
                    } else {
                        "identity: unchanged"
                    };
                    assert!(words.starts_with(expected), "{which} {row}: {words}");
                    turned += u32::from(row % 8 == 0);
                }
            }
            assert!(turned > 0, "{which}");
        }
    }
    let run = with(
        uneven_run(dir.path(), "out"),
        json!([{ "by_class": { "classes": ["bus"], "operations": ["horizontal_flip"] } }]),
    );
    let datasets = run.datasets(&cx).unwrap();
    let error = run.image_loader(&cx, &datasets, &Strategy::default()).unwrap_err();
    let said = "by_class: classes: there is no class \"bus\"; there are bright, dark";
    assert!(error.to_string().contains(said), "{error}");
}
