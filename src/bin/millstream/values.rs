//! Values of options, as they are read from words of the command line.

use millstream::Result;
use millstream::generative::learned_generators;
use millstream::image::{Crop, Operation};
use millstream::mix::Target;
use millstream::rows::BoxFormat;
use millstream::spec::{Named, Spec};
use millstream::synthetic::GeneratorSpec;
use millstream::task::{self, Detect, NamedTask, Strategy, TargetKind};
use millstream::train::loss::Loss;
use serde::de::DeserializeOwned;

/// A number above 0.
pub(crate) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("not a number above 0".to_owned()),
    }
}

/// A number above 0 and below 1.
pub(crate) fn part(text: &str) -> Result<f64, String> {
    match share(text)? {
        part if part > 0.0 && part < 1.0 => Ok(part),
        _ => Err("not above 0 and below 1".to_owned()),
    }
}

/// A number above 0 and at most 1.
pub(crate) fn ratio(text: &str) -> Result<f64, String> {
    match share(text)? {
        0.0 => Err("not above 0".to_owned()),
        ratio => Ok(ratio),
    }
}

/// A number from 0 to 1.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "not a number".to_owned())?;
    match (0.0..=1.0).contains(&number) {
        true => Ok(number),
        false => Err("not in 0 to 1".to_owned()),
    }
}

/// A score from 0 to 1.
pub(crate) fn score(text: &str) -> Result<f32, String> {
    share(text).map(|score| score as f32)
}

/// A task of the library, by its name or as JSON.
pub(crate) fn task(name: &str) -> Result<NamedTask, String> {
    let tagged = match name.trim().starts_with('{') {
        true => name.to_owned(),
        false => serde_json::json!({ name: {} }).to_string(),
    };
    let task = task::tasks().read_json(&tagged);
    task.map(|task| NamedTask::new(task.into()))
        .map_err(|error| without_place(&error))
}

/// A task as it was given.
#[derive(Clone)]
pub(crate) struct GivenTask {
    pub(crate) task: NamedTask,
    /// The format of its boxes, where it says one.
    boxes: Option<BoxFormat>,
}

impl GivenTask {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let task = task(text)?;
        let written: Option<serde_json::Value> = serde_json::from_str(text).ok();
        let boxes = written.and_then(|written| serde_json::from_value(written[Detect::NAME]["boxes"].clone()).ok());
        Ok(Self { task, boxes })
    }

    /// Refuses another format of boxes than its own.
    pub(crate) fn check_boxes(&self, format: BoxFormat) -> Result<()> {
        match self.boxes.filter(|own| *own != format) {
            None => Ok(()),
            Some(own) => Err(millstream::Error::config(format!(
                "--boxes is {format}, and --task has boxes of the format {own}: leave one of them out"
            ))),
        }
    }
}

/// A format of boxes.
pub(crate) fn boxes(name: &str) -> Result<BoxFormat, String> {
    let known = BoxFormat::ALL.into_iter().find(|format| format.to_string() == name);
    known.ok_or_else(|| {
        format!(
            "the formats are {}",
            BoxFormat::ALL.map(|format| format.to_string()).join(", ")
        )
    })
}

/// The format of the boxes of `task`; the default one where it has none.
pub(crate) fn boxes_of(task: Option<&NamedTask>) -> BoxFormat {
    match task.map(|task| task.target()) {
        Some(TargetKind::Objects(format)) => format,
        _ => BoxFormat::default(),
    }
}

/// `task` with boxes of this format: a detection, which is what it is where there is none.
pub(crate) fn with_boxes(task: Option<NamedTask>, format: BoxFormat) -> Result<NamedTask> {
    let Some(task) = task else {
        return Ok(Detect {
            boxes: format,
            ..Detect::default()
        }
        .into());
    };
    let failed = |error: serde_json::Error| millstream::Error::config(error.to_string());
    let mut written = serde_json::to_value(&task).map_err(failed)?;
    let Some(detect) = written.get_mut(Detect::NAME) else {
        let name = task.name();
        return Err(millstream::Error::config(format!(
            "--boxes is of the task {}, and the task is {name}",
            Detect::NAME
        )));
    };
    detect["boxes"] = serde_json::to_value(format).map_err(failed)?;
    task::tasks()
        .read_json(&written.to_string())
        .map(|task| NamedTask::new(task.into()))
}

/// A loss of the library, by its name or as JSON.
pub(crate) fn loss(name: &str) -> Result<Loss, String> {
    check_one_name(name, NAMED)?;
    name.parse().map_err(|error| without_place(&error))
}

/// A generator, by its name or as JSON.
pub(crate) fn generator(text: &str) -> Result<Named<dyn GeneratorSpec>, String> {
    // Those that are fitted make files of rows.
    let fitted = serde_json::json!({ text.trim(): {} }).to_string();
    one_tagged(text).map_err(|error| match learned_generators().read_json(&fitted) {
        Ok(_) => "it is fitted by itself (generate fit), and the rows that it makes (generate sample) are a file beside the training files".to_owned(),
        Err(_) => error,
    })
}

/// A crop, by its name or as JSON.
pub(crate) fn crop(text: &str) -> Result<Crop, String> {
    one_tagged(text)
}

/// What is written as a name alone, or as JSON.
pub(crate) fn tagged<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let json = match text.trim().starts_with('{') {
        true => text.to_owned(),
        false => serde_json::json!(text).to_string(),
    };
    serde_json::from_str(&json).map_err(|error| without_place(&error))
}

/// How a name with its parameters is written.
const NAMED: &str = "{\"NAME\": {..its parameters..}}";

/// As [`tagged`], of what has one name.
fn one_tagged<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    check_one_name(text, NAMED)?;
    tagged(text)
}

/// Refuses JSON with no name and JSON with several, where one with its parameters is to stand, as `example` has it.
fn check_one_name(json: &str, example: &str) -> Result<(), String> {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_str(json) else {
        return Ok(());
    };
    let names: Vec<String> = fields.keys().map(|name| format!("{name:?}")).collect();
    match names.as_slice() {
        [_] => Ok(()),
        [] => Err(format!(
            "no name stands in {{}}: write one with its parameters, as {example}"
        )),
        several => Err(format!(
            "{} stand here, and one has to, with its parameters, as {example}",
            several.join(" and ")
        )),
    }
}

/// An operation; none where there shall be no operations.
#[derive(Clone)]
pub(crate) struct Augment(pub(crate) Option<Named<dyn Operation>>);

impl Augment {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            text => one_tagged(text).map(|operation| Self(Some(operation))),
        }
    }
}

/// What `error` says of a word of the command line, which has no lines and columns.
pub(crate) fn without_place(error: &impl std::fmt::Display) -> String {
    let said = error.to_string();
    said.split(" at line ").next().unwrap_or_default().to_owned()
}

/// The shares of the classes.
#[derive(Clone)]
pub(crate) enum Balance {
    Auto,
    Target(Target),
}

impl Balance {
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "none" => Ok(Self::Target(Target::Power(1.0))),
            "sqrt" => Ok(Self::Target(Target::Sqrt)),
            "uniform" => Ok(Self::Target(Target::Uniform)),
            text if text.trim().starts_with('{') => {
                check_one_name(
                    text,
                    "{\"power\": 0.7}, {\"effective_number\": 0.999}, {\"repeat_factor\": 0.3}, {\"weights\": [1, 2]} or {\"shares\": {\"cat\": 1, \"dog\": 2}}",
                )?;
                let target: Target = tagged(text)?;
                target.check().map_err(|error| error.to_string())?;
                Ok(Self::Target(target))
            }
            "repeat_factor" | "repeat-factor" => Err(
                "a repeat factor needs the share of the rows below which a class is rare: {\"repeat_factor\": 0.3}"
                    .to_owned(),
            ),
            _ => Err("not none, sqrt, uniform, auto or JSON".to_owned()),
        }
    }

    /// Sets it in `strategy`. What is chosen automatically takes the place of all that it chooses.
    pub(crate) fn apply(self, strategy: &mut Strategy) {
        match self {
            Self::Target(target) => (strategy.target, strategy.auto) = (Some(target), false),
            Self::Auto => {
                let name = std::mem::take(&mut strategy.name);
                *strategy = Strategy {
                    name,
                    auto: true,
                    ..Strategy::default()
                };
            }
        }
    }
}
