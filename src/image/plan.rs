//! What the image stage is: its parameters for `explain()` and the fingerprint.

use super::builder::Image;
use super::compose::{inside::find, plan as inner};
use super::operation::Operation;
use super::step::Step;
use super::targets::{Boxes, Keypoints};
use crate::plan::Plan;
use crate::spec::{Describe, Description, Field, words};
use serde_json::{Value, json};

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
        let mut segments = vec![vec![self.crop.name().unwrap_or("resize").to_owned()]];
        let mut joins = true;
        for step in &self.operations {
            if step.operation.moves() {
                match segments.last_mut().filter(|_| joins) {
                    Some(segment) => segment.push(step.name()),
                    None => segments.push(vec![step.name()]),
                }
            }
            // Values may change inside of one that runs others.
            let changes = |inner: &dyn Operation| inner.composite().is_none() && !inner.moves();
            joins = find(&*step.operation, changes).is_none();
        }
        let moves = self.operations.iter().any(|step| step.operation.moves());
        let words = |names: Vec<String>| format!("one resample for {}", names.join(", "));
        let lines = segments.into_iter().map(words).collect();
        if moves { lines } else { Vec::new() }
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
