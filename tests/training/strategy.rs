//! How a run deals with classes of different size: the loss of a strategy, and the automatic choice, on tiny pictures through a tiny
//! network.
#![cfg(feature = "train")]
#![allow(missing_docs, reason = "tests")]

use crate::common;

use arrow::array::{ArrayRef, BinaryArray, Float64Array, ListBuilder, RecordBatch, StringArray, StringBuilder};
use burn::tensor::Tensor;
use common::{context, refused_with};
use millstream::Result;
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::image::Pixels;
use millstream::mix::Target;
use millstream::model::{HeadConfig, Outputs};
use millstream::report::Report;
use millstream::rng::Rng;
use millstream::spec::{Named, Spec};
use millstream::synthetic::generators;
use millstream::task::{Classify, Evaluation, Event, Finetune, Replay, Strategy, TargetKind, Targets, Task, Truth};
use millstream::train::Existing;
use millstream::train::auto_balance::Choice;
use millstream::train::loss::{BalancedSoftmax, ClassWeights, ClassificationLoss, Loss};
use parquet::arrow::ArrowWriter;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A ResNet of a few channels.
const BACKBONE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/backbones/resnet18");

/// Pictures of the classes a, b and c, which are brighter in this order and overlap.
fn rows(counts: [usize; 3], seed: u64) -> (ArrayRef, Vec<&'static str>) {
    let mut rng = Rng::new(seed, "pictures", 0);
    let (mut pictures, mut names) = (Vec::new(), Vec::new());
    for (class, name) in ["a", "b", "c"].into_iter().enumerate() {
        for _ in 0..counts[class] {
            let mut pixels = Pixels::new(16, 16);
            let bright = 60.0 + 60.0 * class as f32 + 30.0 * rng.normal();
            let texture = |at: usize| (bright + (at % 23) as f32).clamp(0.0, 255.0) as u8;
            pixels
                .levels
                .iter_mut()
                .enumerate()
                .for_each(|(at, value)| *value = texture(at));
            pictures.push(Some(pixels.to_png().unwrap()));
            names.push(name);
        }
    }
    (Arc::new(pictures.into_iter().collect::<BinaryArray>()), names)
}

fn write(path: &Path, columns: Vec<(&str, ArrayRef)>) -> String {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    path.display().to_string()
}

/// A run on `counts` rows of the classes a, b and c.
fn finetune(folder: &Path, counts: [usize; 3]) -> Finetune {
    let put = |name: &str, counts, seed| {
        let (pictures, names) = rows(counts, seed);
        let labels: ArrayRef = Arc::new(StringArray::from(names));
        write(&folder.join(name), vec![("image", pictures), ("label", labels)])
    };
    Finetune::default()
        .train(vec![put("train.parquet", counts, 1)])
        .valid(vec![put("valid.parquet", [4; 3], 2)])
        .backbone(BACKBONE.to_owned())
        .size(16)
        .epochs(4)
        .views(1)
        .batch_size(7)
        .deep_epochs(1)
        .seed(3)
}

fn with(target: Target, loss: impl Into<Option<Loss>>) -> Strategy {
    Strategy {
        target: Some(target),
        loss: loss.into(),
        ..Strategy::default()
    }
}

fn auto() -> Strategy {
    Strategy {
        auto: true,
        ..Strategy::default()
    }
}

fn softmax() -> Loss {
    Loss::BalancedSoftmax(BalancedSoftmax::new())
}

fn into(run: &Finetune, out: &Path) -> Finetune {
    Finetune {
        out: out.to_owned(),
        ..run.clone()
    }
}

fn model(run: &Finetune) -> Vec<u8> {
    fs::read(run.out.join("model.safetensors")).unwrap()
}

/// The weights and the bias of the head.
fn head(run: &Finetune) -> Vec<f32> {
    let file = model(run);
    let header = 8 + u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let names: Value = serde_json::from_slice(&file[8..header]).unwrap();
    let own = names
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| name.starts_with("head."));
    own.flat_map(|(_, entry)| {
        let at = |end: usize| header + entry["data_offsets"][end].as_u64().unwrap() as usize;
        let bytes = file[at(0)..at(1)].chunks_exact(4);
        bytes
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect::<Vec<_>>()
    })
    .collect()
}

fn apart(a: &[f32], b: &[f32]) -> f32 {
    assert!(a.len() == b.len() && a.len() > 3);
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn manifest(run: &Finetune) -> Value {
    serde_json::from_slice(&fs::read(run.out.join("run.json")).unwrap()).unwrap()
}

/// A loss that a phase trained with, the rows of each class that it was made for, and the batches that it saw.
type Seen = (Arc<dyn ClassificationLoss>, Vec<f64>, usize);

static SEEN: Mutex<Vec<Seen>> = Mutex::new(Vec::new());

/// Classification that notes which loss it is given.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Noting {
    inner: Classify,
}

impl Spec for Noting {
    const NAME: &'static str = "noting";
}

impl Task for Noting {
    fn target(&self) -> TargetKind {
        self.inner.target()
    }

    fn bind(&self, targets: &Targets) -> Result<Arc<dyn Task>> {
        let classes = targets.names().to_vec();
        let inner = Classify {
            classes,
            ..self.inner.clone()
        };
        Ok(Arc::new(Self { inner }))
    }

    fn head(&self) -> HeadConfig {
        self.inner.head()
    }

    fn class_loss(&self) -> Option<&Loss> {
        self.inner.class_loss()
    }

    fn loss(&self, outputs: Outputs, truth: &Truth<'_>) -> Result<Tensor<1>> {
        let priors = truth.priors.expect("the strategy has a loss");
        let loss = priors.loss.as_ref().expect("it is made ready");
        let mut seen = SEEN.lock().unwrap();
        match seen.iter_mut().find(|(known, ..)| Arc::ptr_eq(known, loss)) {
            Some((.., batches)) => *batches += 1,
            None => seen.push((Arc::clone(loss), priors.emitted.counts().to_vec(), 1)),
        }
        assert_eq!(priors.stored.counts(), [24.0, 12.0, 6.0]);
        drop(seen);
        self.inner.loss(outputs, truth)
    }

    fn predictions(&self, outputs: Outputs, rows: &RecordBatch) -> Result<RecordBatch> {
        self.inner.predictions(outputs, rows)
    }

    fn evaluation(&self) -> Box<dyn Evaluation> {
        self.inner.evaluation()
    }

    fn classes(&self) -> &[String] {
        self.inner.classes()
    }
}

/// 42 rows an epoch. What is added to the logits is `ln(emitted share / (1 / 3))`.
#[test]
fn a_loss_is_made_once_a_phase_for_what_the_balance_emits() {
    let dir = tempfile::tempdir().unwrap();
    let run = finetune(dir.path(), [24, 12, 6]).task(Noting::default()).unfreeze(1);
    for (at, (target, synthetic, emitted)) in [
        (Target::Power(1.0), 0.0, [24.0, 12.0, 6.0]),
        (Target::Sqrt, 0.0, [19.0, 13.0, 10.0]),
        (Target::Uniform, 0.5, [14.0, 14.0, 14.0]),
    ]
    .into_iter()
    .enumerate()
    {
        let strategy = Strategy {
            synthetic,
            ..with(target, softmax())
        };
        let run = into(&run, &dir.path().join(at.to_string()));
        run.clone()
            .balance(strategy.clone())
            .run(&context(), &mut |_| ())
            .unwrap();
        let seen = std::mem::take(&mut *SEEN.lock().unwrap());
        // Six batches an epoch, and one of validation rows after it: four epochs of the head, then one of the deeper phase.
        let batches: Vec<usize> = seen.iter().map(|(.., batches)| *batches).collect();
        assert_eq!(batches, [28, 7]);
        for (loss, counts, _) in &seen {
            assert_eq!(counts, &emitted);
            let text = format!("{loss:?}");
            let offsets = text.split_once('[').unwrap().1.split_once(']').unwrap().0;
            let offsets = offsets.split(", ").map(|offset| offset.parse::<f64>().unwrap());
            for (offset, count) in offsets.zip(emitted) {
                assert!((offset - (count / 14.0_f64).ln()).abs() < 1e-6, "{text}");
            }
        }
    }
}

#[test]
fn sampling_and_loss_never_correct_twice() {
    let dir = tempfile::tempdir().unwrap();
    let run = finetune(dir.path(), [24, 12, 6]);
    let trained = |name: &str, strategy: Strategy| {
        let run = into(&run, &dir.path().join(name));
        run.clone()
            .balance(strategy.clone())
            .run(&context(), &mut |_| ())
            .unwrap();
        head(&run)
    };
    let plain = trained("balanced", with(Target::Uniform, None));
    for (name, loss) in [
        ("softmax", softmax()),
        ("weights", Loss::ClassWeights(ClassWeights::new())),
    ] {
        let both = trained(&format!("balanced, {name}"), with(Target::Uniform, loss.clone()));
        assert!(apart(&plain, &both) < 1e-4, "{name}: {}", apart(&plain, &both));
        let alone = trained(name, with(Target::Power(1.0), loss));
        let stored = trained(&format!("{name}: stored"), with(Target::Power(1.0), None));
        assert!(apart(&alone, &stored) > 1e-2, "{name}: {}", apart(&alone, &stored));
    }
}

#[test]
fn every_loss_trains_and_is_in_the_manifest() {
    let dir = tempfile::tempdir().unwrap();
    let run = finetune(dir.path(), [24, 12, 6]);
    let mut heads: Vec<Vec<f32>> = Vec::new();
    let names = Loss::names();
    assert_eq!(names.len(), 5);
    for name in names {
        let run = into(&run, &dir.path().join(name));
        let report = run
            .clone()
            .balance(with(Target::Sqrt, name.parse::<Loss>().unwrap()))
            .run(&context(), &mut |_| ());
        assert!(report.unwrap().figures.value("balanced_accuracy").is_some());
        let found = &manifest(&run)["run"]["balance"]["loss"];
        assert!(found.as_object().unwrap().keys().eq([name]), "{found}");
        let own = head(&run);
        assert!(heads.iter().all(|other| apart(other, &own) > 1e-4), "{name}");
        heads.push(own);
    }
    let plain = into(&run, &dir.path().join("none"));
    plain
        .clone()
        .balance(with(Target::Sqrt, None))
        .run(&context(), &mut |_| ())
        .unwrap();
    let keys: Vec<String> = manifest(&plain)["run"]["balance"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(
        keys,
        [
            "auto",
            "batch",
            "by",
            "feedback",
            "gate",
            "generator",
            "loss",
            "name",
            "synthetic",
            "target"
        ]
    );
    // Another loss is another run.
    let other = Finetune {
        existing: Existing::Resume,
        ..plain
    };
    let error = other
        .clone()
        .balance(with(Target::Sqrt, softmax()))
        .run(&context(), &mut |_| ());
    refused_with(
        error,
        ErrorKind::Resume,
        &["loss was not set, is {\"balanced_softmax\":"],
    );
}

/// What is told and what is found of a run.
fn told(run: &Finetune, strategy: &Strategy) -> (Report, Vec<String>) {
    let mut notes = Vec::new();
    let report = run.clone().balance(strategy.clone()).run(&context(), &mut |event| {
        if let Event::Note(note) = event {
            notes.push(note.to_owned());
        }
    });
    (report.unwrap(), notes)
}

#[test]
fn the_choice_is_reported_trains_and_is_made_again_alike() {
    let dir = tempfile::tempdir().unwrap();
    let run = finetune(dir.path(), [60, 24, 10]).views(2);
    let auto_run = into(&run, &dir.path().join("auto"));
    let (report, notes) = told(&auto_run, &auto());
    assert_eq!(report.notes, notes);
    let choice = Choice::deserialize(report.auto_balance.as_ref().unwrap()).unwrap();
    assert_eq!((choice.trials.len(), choice.trials[0].folds.len()), (8, 5));
    assert!(
        choice.trials.iter().all(|trial| trial.standard_error > 0.0),
        "{choice:?}"
    );
    assert_eq!(notes.last(), Some(&choice.in_words()));
    let page = fs::read_to_string(auto_run.out.join("report.html")).unwrap();
    let section = page.split("<h2>Choice of balance and loss</h2>").nth(1).unwrap();
    let table = section.split("</table>").next().unwrap();
    assert!(table.contains(&format!("<p>{}</p>", choice.in_words())), "{table}");
    assert_eq!(table.matches("<tr>").count(), 1 + choice.trials.len());
    let printed = choice.to_table().to_string();
    let figures: Vec<&str> = printed
        .split_whitespace()
        .filter(|word| word.len() > 2 && word.contains('±'))
        .collect();
    assert_eq!(figures.len(), choice.trials.len());
    for figure in figures {
        assert!(table.contains(&format!("<td>{figure}</td>")), "{figure}: {table}");
    }
    assert!(table.contains("taken</td>"), "{table}");
    assert_eq!(
        manifest(&auto_run)["run"]["balance"],
        json!({
            "name": "head", "target": null, "by": null, "batch": null, "feedback": null, "gate": null, "generator": null, "synthetic": 0.0, "loss": null, "auto": true
        })
    );

    // It is trained as if the choice had been given.
    let given = into(&run, &dir.path().join("given"));
    let (same, _) = told(&given, &auto().with(choice.candidate()));
    assert!(same.auto_balance.is_none());
    assert!(model(&given) == model(&auto_run), "the models differ");

    // A run of which only the settings and the features are left goes on to the same choice and model.
    let first = model(&auto_run);
    for name in ["report.json", "model.json", "model.safetensors"] {
        fs::remove_file(auto_run.out.join(name)).unwrap();
    }
    let resumed = Finetune {
        existing: Existing::Resume,
        ..auto_run.clone()
    };
    let again = told(&resumed, &auto()).0;
    assert_eq!(
        (&again.auto_balance, &again.notes),
        (&report.auto_balance, &report.notes)
    );
    assert!(model(&resumed) == first, "the models differ");
    // A finished one gives its report with the table; another strategy is another run.
    let read = told(&resumed, &auto()).0.auto_balance.unwrap();
    let read = Choice::deserialize(&read).unwrap();
    assert_eq!(read.to_table().to_string(), choice.to_table().to_string());
    let error = resumed.run(&context(), &mut |_| ());
    refused_with(
        error,
        ErrorKind::Resume,
        &["auto was true, is false", "target was not set, is \"uniform\""],
    );

    // A batch of it is made again.
    let cx = context().with_seed(run.spec.seed);
    let prepared = resumed.prepare(&cx, &mut |_| ()).unwrap();
    refused_with(
        resumed.feature_loader(&cx, &prepared, &auto()).map(|_| ()),
        ErrorKind::Config,
        &["\"head\" is to be chosen automatically first"],
    );
    let chosen = resumed.choose(&cx, &prepared, &mut |_| ()).unwrap();
    assert_eq!(chosen.chosen, choice.chosen);
    let loader = resumed.feature_loader(&cx, &prepared, &auto().with(chosen.candidate()));
    let batch = loader.unwrap().blocking().unwrap().nth(2).unwrap().unwrap();
    let cursor = resumed.out.join("a cursor");
    fs::write(&cursor, batch.cursor().to_string()).unwrap();
    let replay = Replay {
        cursor,
        batch: 0,
        run: None,
    };
    let (_, rows) = replay.rows(&context(), &mut |_| ()).unwrap();
    assert_eq!(rows[0].position, batch.positions().last().unwrap() + 1);
}

#[test]
fn ways_that_are_compared_share_one_choice() {
    let dir = tempfile::tempdir().unwrap();
    let run = into(&finetune(dir.path(), [30, 15, 10]), &dir.path().join("run"));
    let named = |name: &str, strategy: Strategy| Strategy {
        name: name.to_owned(),
        ..strategy
    };
    let ways = [
        named("first", auto()),
        named("plain", with(Target::Uniform, None)),
        named("last", auto()),
    ];
    let mut begun = 0;
    let report = run.compare(&context(), &ways, &mut |event| {
        if let Event::Begin { what, total } = event {
            // 44 rows in one batch, ten epochs, five folds, five ways to choose rows.
            begun += usize::from(what == "choosing a balance, steps" && total == 250);
        }
    });
    let (report, _) = report.unwrap();
    assert_eq!(begun, 1);
    assert!(report.auto_balance.is_some());
    let of = |name: &str| report.strategies.get(name).unwrap();
    assert_eq!(of("first").measured, of("last").measured);
    assert_eq!(of("first").counts, of("last").counts);
}

/// Half of what a class lacks, by a generator.
fn made_by(text: &str) -> Strategy {
    Strategy {
        synthetic: 0.5,
        generator: Some(Named::new(Arc::from(generators().read_json(text).unwrap()))),
        ..with(Target::Uniform, None)
    }
}

#[test]
fn a_generator_by_name_makes_the_rows_that_a_head_is_trained_on() {
    let dir = tempfile::tempdir().unwrap();
    let run = into(&finetune(dir.path(), [24, 12, 6]), &dir.path().join("run"));
    let (cx, strategy) = (context(), made_by(r#"{"residuals": {"strength": 0.25}}"#));
    let prepared = run.prepare(&cx, &mut |_| ()).unwrap();
    let loader = run.feature_loader(&cx, &prepared, &strategy).unwrap();
    let batches = loader.blocking().unwrap().take(12).map(|batch| batch.unwrap());
    let made = batches.flat_map(|batch| batch.provenance().to_vec());
    let made: Vec<_> = made.filter(|trace| trace.origin == Origin::Synthetic).collect();
    // Of 14 rows that each class has, b lacks 2 and c lacks 8: half of them, in two epochs.
    let of = |class| made.iter().filter(|trace| trace.class == Some(class)).count();
    assert_eq!([0, 1, 2].map(of), [0, 2, 8]);
    for trace in &made {
        assert_eq!(trace.generator.as_deref(), Some("residuals"));
        // Rows are written class by class: 24 of a, 12 of b, 6 of c.
        let classes: Vec<u32> = trace
            .places
            .iter()
            .map(|place| [24, 36].iter().filter(|end| place.row >= **end).count() as u32)
            .collect();
        assert_eq!(
            classes,
            [trace.class.unwrap(), 0],
            "a row of the class, and one of the large class"
        );
    }
    run.clone().balance(strategy.clone()).run(&cx, &mut |_| ()).unwrap();
    assert_eq!(
        manifest(&run).pointer("/run/balance/generator"),
        Some(&json!({"residuals": {"column": "features", "strength": 0.25, "neighbours": 2}}))
    );
    let resumed = Finetune {
        existing: Existing::Resume,
        ..run
    };
    resumed.clone().balance(strategy).run(&cx, &mut |_| ()).unwrap();
    let error = resumed.balance(made_by(r#"{"residuals": {}}"#)).run(&cx, &mut |_| ());
    refused_with(error, ErrorKind::Resume, &["balance.generator was {", "0.25", "0.5"]);
}

#[test]
fn a_generator_that_cannot_serve_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = into(&finetune(dir.path(), [12, 6, 6]), &dir.path().join("run"));
    let auto = Strategy {
        generator: made_by(r#"{"jitter": {}}"#).generator,
        ..auto()
    };
    let none = Strategy {
        synthetic: 0.0,
        ..made_by(r#"{"jitter": {}}"#)
    };
    for (strategy, part) in [
        (
            auto,
            "auto tries synthetic rows by smote alone: leave generator out, or auto",
        ),
        (
            none,
            "generator is jitter, and synthetic, the share of the rows that it would make, is 0",
        ),
        (
            made_by(r#"{"blend": {}}"#),
            "generator: blend reads the column \"image\", and the rows that a head is trained on have \"features\" and \"label\": \
             leave it out, or write its rows to a file (`millstream generate sample`) and name it in data.train",
        ),
        (
            made_by(r#"{"smote_nc": {"columns": ["age"], "categorical_features": ["sex"]}}"#),
            "generator: smote_nc reads the column \"age\", and the rows that a head is trained on have \"features\" and \"label\": \
             leave it out, or write its rows to a file (`millstream generate sample`) for a training on tables",
        ),
    ] {
        refused_with(
            run.clone().balance(strategy).run(&context(), &mut |_| ()),
            ErrorKind::Config,
            &[part],
        );
        assert!(!run.out.exists());
    }
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let run = into(&finetune(dir.path(), [12, 6, 6]), &dir.path().join("run"));
    let refused = |run: &Finetune, strategy: &Strategy, parts: &[&str]| {
        refused_with(
            run.clone().balance(strategy.clone()).run(&context(), &mut |_| ()),
            ErrorKind::Config,
            parts,
        );
        assert!(!run.out.exists());
    };
    let mixed = [
        Strategy {
            target: Some(Target::Sqrt),
            ..auto()
        },
        Strategy {
            synthetic: 0.5,
            ..auto()
        },
        Strategy {
            loss: Some(softmax()),
            ..auto()
        },
    ];
    for strategy in &mixed {
        refused(
            &run,
            strategy,
            &["auto chooses target, loss and synthetic in a cross-validation: leave these three out, or auto"],
        );
    }
    let of_task = run.clone().task(Classify {
        loss: softmax(),
        ..Classify::default()
    });
    for strategy in [auto(), with(Target::Uniform, softmax())] {
        refused(
            &of_task,
            &strategy,
            &["the task classify has the loss balanced_softmax"],
        );
    }
    let weights = Loss::ClassWeights(ClassWeights::new().target(Target::Weights(vec![1.0, 2.0])));
    refused(&run, &with(Target::Uniform, weights), &["2 weights for 3 classes"]);

    // Lists of classes and numbers.
    let (pictures, names) = rows([10, 10, 10], 4);
    let mut lists = ListBuilder::new(StringBuilder::new());
    for name in &names {
        lists.values().append_value(name);
        lists.append(true);
    }
    let lists: ArrayRef = Arc::new(lists.finish());
    let numbers: ArrayRef = Arc::new(Float64Array::from_iter_values((0..30).map(f64::from)));
    for (name, column, task) in [("lists", lists, "multilabel"), ("numbers", numbers, "regress")] {
        let file = write(
            &dir.path().join(name),
            vec![("image", Arc::clone(&pictures)), ("y", column)],
        );
        let run = run.clone().train(vec![file]).valid(Vec::<String>::new());
        let none = format!("needs one class a row, and the task {task} has none (column \"y\")");
        refused(&run, &auto(), &["an automatic choice of the balance", &none]);
        let loss = Strategy {
            loss: Some(softmax()),
            ..Strategy::default()
        };
        refused(&run, &loss, &["a loss of classes", &none]);
    }
}
