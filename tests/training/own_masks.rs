//! A task of one's own on masks, in one file: it is trained, evaluated and drawn as that of the library.
#![cfg(feature = "train")]

use super::common::context;
use super::segment::{run, small, squares};
use arrow::array::{Array, ArrayRef, AsArray, Float32Array, RecordBatch};
use burn::tensor::Tensor;
use millstream::Result;
use millstream::image::Image;
use millstream::model::{HeadConfig, Outputs};
use millstream::report::{Figure, Measured};
use millstream::rows::Stage;
use millstream::spec::Spec;
use millstream::task::{Evaluation, Input, Predict, Segment, Split, TargetKind, Targets, Task, Truth, tasks};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Segmentation under another name; or, of the same masks, a number a row and no mask.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outlines {
    inner: Segment,
    numbers: bool,
}

impl Spec for Outlines {
    const NAME: &'static str = "outlines";
}

impl Task for Outlines {
    fn target(&self) -> TargetKind {
        self.inner.target()
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let inner = Segment {
            classes: targets.names().to_vec(),
            ..self.inner.clone()
        };
        Ok(Arc::new(Self { inner, ..self.clone() }))
    }

    fn stage(&self, input: &Input, split: Split) -> Result<Arc<dyn Stage>> {
        self.inner.stage(input, split)
    }

    fn image(&self, input: &Input, split: Split) -> Image {
        self.inner.image(input, split)
    }

    fn head(&self) -> HeadConfig {
        self.inner.head()
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        self.inner.loss(outputs, truth)
    }

    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch> {
        let made = self.inner.predictions(outputs, rows)?;
        if !self.numbers {
            return Ok(made);
        }
        let files = made["mask"].as_struct().column(0).as_binary::<i32>();
        let lengths: Float32Array = files.iter().map(|file| file.map(|file| file.len() as f32)).collect();
        Ok(RecordBatch::try_from_iter([("length", Arc::new(lengths) as ArrayRef)])?)
    }

    fn row_losses(&self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<Option<Vec<f64>>> {
        match self.numbers {
            true => Ok(Some(vec![1.0; predictions.num_rows()])),
            false => self.inner.row_losses(predictions, truth),
        }
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        match self.numbers {
            true => Box::new(Seen(0)),
            false => self.inner.evaluation(),
        }
    }

    fn classes(&self) -> &[String] {
        match self.numbers {
            true => &[],
            false => &self.inner.classes,
        }
    }
}

/// How many rows there are: half of them are right.
#[derive(Debug)]
struct Seen(u64);

impl Evaluation for Seen {
    fn add(&mut self, predictions: &RecordBatch, _: &Truth<'_>) -> Result<()> {
        self.0 += predictions.num_rows() as u64;
        Ok(())
    }

    fn figures(&self) -> Result<Measured> {
        Ok(Measured::new(self.0, "accuracy").with("accuracy", Figure::new(0.5, None)))
    }
}

#[test]
fn a_task_of_ones_own_on_masks_is_one_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = squares(&dir.path().join("x.parquet"), 24);
    let predict = |name: &str, numbers: bool| {
        let out = dir.path().join(name);
        let task = Outlines {
            numbers,
            ..Outlines::default()
        };
        let report = run(&small(file.clone(), &out).task(task).epochs(1)).unwrap();
        assert_eq!(report.figures.task, "outlines");
        let predict = Predict {
            image: Some("image".to_owned()),
            tasks: tasks().task::<Outlines>(),
            ..Predict::new(out, [file.clone()])
        };
        let rows = predict.run(&context(), &mut |_, _| ()).unwrap();
        let drawn = predict.draw(&context(), &rows, &dir.path().join(format!("{name}-drawn")), 0.3, false);
        (rows, drawn)
    };
    // Masks that it predicts are drawn, whatever the task is called.
    let (rows, drawn) = predict("masks", false);
    assert_eq!(rows["mask"].len(), 24);
    let drawn = drawn.unwrap();
    assert_eq!((drawn.pictures, drawn.boxes), (24, None));
    // It need not predict any.
    let (rows, drawn) = predict("numbers", true);
    assert_eq!(rows["length"].null_count(), 0);
    let said = drawn.unwrap_err().to_string();
    assert!(
        said.contains("the model is of the task outlines, which predicts no boxes or masks to draw"),
        "{said}"
    );
}
