//! Pictures of which more boxes are found than are kept: which they are, and that it is said.
#![cfg(feature = "train")]

use super::common::context;
use super::detect::{data, run, small};
use arrow::array::{Array, AsArray};
use millstream::boxes::Nms;
use millstream::rows::BoxFormat;
use millstream::task::{CutBoxes, Evaluate, Predict};

#[test]
fn pictures_that_the_limit_cuts_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let file = data(&dir.path().join("x.parquet"), 24, BoxFormat::Xywh);
    let out = dir.path().join("run");
    run(&small(file.clone(), &out).epochs(4)).unwrap();
    let predict = |at_most: usize| Predict {
        nms: Some(Nms {
            at_most,
            min_score: 0.02,
            ..Nms::hard(0.6)
        }),
        ..Predict::new(&out, [file.clone()])
    };
    // How many boxes each picture has, whether some are left out, and what is said of all.
    let found = |at_most: usize| {
        let predict = predict(at_most);
        let rows = predict.run(&context(), &mut |_, _| ()).unwrap();
        let scores = rows["objects"].as_struct().column(3).as_list::<i32>().clone();
        let boxes: Vec<usize> = (0..24).map(|row| scores.value(row).len()).collect();
        let cut: Vec<bool> = rows["cut"].as_boolean().iter().map(|cut| cut.unwrap()).collect();
        (boxes, cut, predict.cut_boxes(&rows).unwrap())
    };
    let (all, cut, said) = found(1_000_000);
    assert!(all.iter().any(|&boxes| boxes > 1), "{all:?}");
    assert_eq!((cut, said), (vec![false; 24], None));
    let (kept, cut, said) = found(1);
    assert!(kept.iter().zip(&all).all(|(&kept, &all)| kept == all.min(1)));
    let more: Vec<bool> = all.iter().map(|&boxes| boxes > 1).collect();
    assert_eq!(cut, more);
    let pictures = more.iter().filter(|more| **more).count() as u64;
    let expected = CutBoxes {
        pictures,
        of: 24,
        at_most: 1,
    };
    assert_eq!(said, Some(expected));

    // A report says so, too, and one that leaves out nothing does not.
    let notes = |at_most: usize| {
        let evaluate = Evaluate::new(predict(at_most));
        evaluate.run(&context(), &mut |_, _| ()).unwrap().notes
    };
    assert!(notes(1).contains(&expected.to_string()), "{:?}", notes(1));
    let none = notes(1_000_000);
    assert!(none.iter().all(|note| !note.contains("are left out")), "{none:?}");
}
