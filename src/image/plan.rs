//! What the image stage is: its parameters for `explain()` and the fingerprint.

use super::Crop;
use super::builder::Image;
use super::compose::{inside::each, operations, plan as inner};
use super::geometry::padding::Padding;
use super::operation::Operation;
use super::step::Step;
use super::targets::{Boxes, Keypoints};
use crate::plan::Plan;
use crate::spec::{Describe, Description, Field, words};
use serde_json::{Value, json};
use std::sync::Arc;

impl Image {
    /// The plan of the stage: what decodes, and every parameter that can change the output. A second operation of one name is
    /// `gaussian_blur#2`.
    pub fn plan(&self) -> Plan {
        let names: Vec<String> = self.operations.iter().map(Step::name).collect();
        let own = self.description();
        // Operations come one by one; what belongs to a picture is named where something does.
        let belongs = |name: &str| ["fill_mask", "boxes", "keypoints", "mirror_labels"].contains(&name);
        let plain = |field: &Field| &*field.name != "operations" && !(belongs(&field.name) && field.hashed.is_none());
        let own = Description {
            fields: own.fields.into_iter().filter(plain).map(by_column).collect(),
            ..own
        };
        let crop = self.crop.name().map(str::to_owned);
        let order: Vec<String> = crop.into_iter().chain(names.iter().cloned()).collect();
        let plan = Plan::new(own.name)
            .param("decoders", self.decoder.fingerprint())
            .part("", &own)
            .param("order", order.join(", "));
        let steps = names.iter().zip(&self.operations);
        let plan = steps.fold(plan, |plan, (name, step)| {
            inner::part(plan, &format!("{name}."), &*step.operation)
        });
        let steps = names.iter().zip(&self.operations);
        let shares: Vec<String> = steps
            .flat_map(|(name, step)| inner::shares(&step.operation, name, 1.0))
            .collect();
        let plan = match shares.is_empty() {
            true => plan,
            false => plan.note(format!("on shares of the rows: {}", shares.join(", "))),
        };
        let plan = self.resamples().iter().fold(plan, Plan::note);
        match self.is_random() {
            true => plan.random(),
            false => plan,
        }
    }

    /// What is resampled together, a line for each time, where operations move pixels.
    fn resamples(&self) -> Vec<String> {
        let steps = self.operations.iter();
        let parts: Vec<_> = steps.flat_map(|step| parts(step.name(), &step.operation)).collect();
        if !parts.iter().any(|(_, operation)| operation.moves()) {
            return Vec::new();
        }
        let mut resamples = vec![Together::new(
            self.crop.name().unwrap_or("resize").to_owned(),
            Vec::new(),
        )];
        // Those that may change values behind the last motion.
        let mut changed = Vec::new();
        for (name, operation) in parts {
            if operation.moves() {
                match resamples.last_mut().filter(|_| changed.is_empty()) {
                    Some(together) => together.names.push(name.clone()),
                    None => resamples.push(Together::new(name.clone(), std::mem::take(&mut changed))),
                }
                if let Some(together) = resamples.last_mut().filter(|_| operation.moves_changed_values()) {
                    together.again.push(name.clone());
                }
            }
            if operation.changes_values() {
                changed.push(name);
            }
        }
        let mut lines: Vec<String> = resamples.iter().map(Together::in_words).collect();
        if self.paddings().len() > 1 {
            lines.push(
                "motions that show something else beyond the picture (padding_mode) are resampled apart".to_owned(),
            );
        }
        lines
    }

    /// What operations say to be beyond the picture, and a letterbox.
    fn paddings(&self) -> Vec<Value> {
        let mut all = Vec::new();
        if let Crop::Letterbox { fill, .. } = &self.crop {
            all.push(json!(Padding::Constant(*fill)));
        }
        for step in &self.operations {
            each(&*step.operation, &mut |operation| {
                let fields = operation.description().fields.into_iter();
                let said = fields.filter(|field| field.name == "padding_mode" && !field.value.is_null());
                for field in said {
                    if !all.contains(&field.value) {
                        all.push(field.value);
                    }
                }
            });
        }
        all
    }
}

/// An operation with its name, and of a sequence, which each row gets as it stands, those inside of it.
fn parts(name: String, operation: &Arc<dyn Operation>) -> Vec<(String, Arc<dyn Operation>)> {
    let Some(sequence) = operation.composite().filter(|composite| composite.is_sequence()) else {
        return vec![(name, Arc::clone(operation))];
    };
    let lists = sequence.lists().into_iter();
    let inner = lists.flat_map(|(_, list)| operations::names(list).into_iter().zip(list));
    inner
        .flat_map(|(inner, operation)| parts(format!("{name}.{inner}"), operation))
        .collect()
}

/// Operations whose motions are resampled together.
struct Together {
    names: Vec<String>,
    /// Those that may change values right before: in a row where none of them does, the motions join those before.
    changed: Vec<String>,
    /// Those that may move pixels behind changes of their own.
    again: Vec<String>,
}

impl Together {
    fn new(first: String, changed: Vec<String>) -> Self {
        Self {
            names: vec![first],
            changed,
            again: Vec::new(),
        }
    }

    fn in_words(&self) -> String {
        let mut words = format!("one resample for {}", self.names.join(", "));
        if !self.changed.is_empty() {
            let changed = self.changed.join(" or ");
            words += &format!(" where {changed} changes values before, else together with the one above");
        }
        for name in &self.again {
            words += &format!("; motions of {name} behind a change of values in it are resampled again");
        }
        words
    }
}

/// The field, with boxes and keypoints in words. What is hashed of it stays.
fn by_column(field: Field) -> Field {
    let default = match &*field.name {
        "boxes" => json!(Boxes::default()),
        "keypoints" => json!(Keypoints::default()),
        _ => return field,
    };
    let columns = field.value.as_array().map(Vec::as_slice).unwrap_or_default();
    let columns: Vec<String> = columns.iter().map(|column| clause(column, &default)).collect();
    Field {
        value: Value::String(columns.join(", ")),
        ..field
    }
}

/// A column that is moved, and in brackets its settings without defaults: `objects.bbox (label_fields a, b; min_visibility 0.3)`.
fn clause(column: &Value, default: &Value) -> String {
    let settings = column.as_object().into_iter().flatten();
    let set = settings.filter(|(name, value)| *name != "column" && default[name.as_str()] != **value);
    let set: Vec<String> = set
        .map(|(name, value)| match value {
            Value::Bool(true) => name.clone(),
            value => format!("{name} {}", words(value)),
        })
        .collect();
    let name = words(&column["column"]);
    match set.is_empty() {
        true => name,
        false => format!("{name} ({})", set.join("; ")),
    }
}
