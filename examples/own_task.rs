//! A task of your own: is the picture of one class, or of any other? One output, binary cross-entropy, accuracy.

use burn::nn::loss::BinaryCrossEntropyLossConfig;
use burn::tensor::{Tensor, activation::sigmoid};
use millstream::arrow::array::{ArrayRef, AsArray, BooleanArray, Float32Array, RecordBatch};
use millstream::arrow::datatypes::Int64Type;
use millstream::model::{HeadConfig, Outputs};
use millstream::report::{Figure, Measured};
use millstream::task::{Evaluation, Finetune, Predict, TargetKind, Targets, Task, Truth};
use millstream::{Context, Error, Result, registry::Registry, sink::tensor, spec::Spec};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct OneClass {
    class: String,
    number: i64, // of the class among those of the training rows
}
impl Spec for OneClass {
    const NAME: &'static str = "one_class";
}

impl Task for OneClass {
    fn target(&self) -> TargetKind {
        TargetKind::Class
    }
    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let number = targets.names().iter().position(|name| *name == self.class);
        let number = number.ok_or_else(|| Error::config(format!("no class is called {:?}", self.class)))?;
        let (class, number) = (self.class.clone(), number as i64);
        Ok(Arc::new(Self { class, number }))
    }
    fn head(&self) -> HeadConfig {
        HeadConfig::linear(1)
    }
    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let classes = tensor::ints(truth.rows, truth.column, truth.device)?;
        let is = classes.equal_elem(self.number).int().unsqueeze_dim::<2>(1);
        let loss = BinaryCrossEntropyLossConfig::new().with_logits(true).init(truth.device);
        Ok(loss.forward(outputs.rows()?, is))
    }
    fn predictions(&self, outputs: Outputs, _: &RecordBatch) -> Result<RecordBatch> {
        let p: Vec<f32> = sigmoid(outputs.rows()?).into_data().iter::<f32>().collect();
        let is: ArrayRef = Arc::new(BooleanArray::from_iter(p.iter().map(|p| Some(*p >= 0.5))));
        let p: ArrayRef = Arc::new(Float32Array::from(p));
        Ok(RecordBatch::try_from_iter([("is", is), ("probability", p)])?)
    }
    fn evaluation(&self) -> Box<dyn Evaluation> {
        Box::new(Right(self.number, Vec::new()))
    }
}

#[derive(Debug)]
struct Right(i64, Vec<bool>); // the number of the class, and whether each row is taken for what it is

impl Evaluation for Right {
    fn add(&mut self, predictions: &RecordBatch, truth: &Truth<'_>) -> Result<()> {
        let classes = truth.rows[truth.column].as_primitive::<Int64Type>().values();
        let pairs = classes.iter().zip(predictions["is"].as_boolean().iter());
        self.1.extend(pairs.map(|(class, is)| Some(*class == self.0) == is));
        Ok(())
    }
    fn figures(&self) -> Result<Measured> {
        let (rows, right) = (
            self.1.len() as f64,
            self.1.iter().filter(|right| **right).count() as f64,
        );
        let figure = Figure::new(right / rows, (right * (rows - right) / rows.powi(3)).sqrt());
        Ok(Measured::new(self.1.len() as u64, "accuracy").with("accuracy", figure))
    }
}

pub(crate) fn main() -> Result<()> {
    let (cx, out) = (Context::new()?, tempfile::tempdir().unwrap());
    let task = OneClass {
        class: "Trouser".to_owned(),
        ..OneClass::default()
    };
    let run = Finetune::default()
        .train(["examples/data/fashion-mnist-test.parquet"])
        .backbone("tests/fixtures/backbones/resnet18") // of a few channels
        .task(task)
        .size(16)
        .views(1)
        .epochs(20)
        .out(out.path());
    let report = run.run(&cx, &mut |_| ())?;
    assert!(report.figures.value("accuracy") > Some(0.85));
    let tasks = Registry::new().task::<OneClass>().tasks().clone();
    let predict = Predict {
        tasks,
        ..Predict::new(out.path(), run.spec.data.train)
    };
    assert_eq!(predict.run(&cx, &mut |_, _| ())?["probability"].len(), 1000);
    Ok(())
}
