//! What a preview shows, as tables and JSON.

use millstream::dataset::Origin;
use millstream::report::{Align, Table};
use millstream::task::preview::{PreviewGroup, PreviewSample, PreviewSamples, PreviewSheet, PreviewSteps};
use serde_json::{Value, json};

/// Classes, what an epoch has of them, and what is shown.
pub(crate) fn samples(sheet: &PreviewSheet) -> String {
    let mut table = Table::new([
        ("class", Align::Left),
        ("stored", Align::Right),
        ("in an\nepoch", Align::Right),
        ("of these\nsynthetic", Align::Right),
        ("real\nshown", Align::Right),
        ("augmented\nshown", Align::Right),
        ("synthetic\nshown", Align::Right),
    ]);
    for group in &sheet.shown {
        let shown = |origin: Origin| {
            let samples = group.samples.iter();
            samples
                .filter(|sample| sample.provenance.origin == origin)
                .count()
                .to_string()
        };
        table.push([
            group.name.clone(),
            group.stored.to_string(),
            group.epoch.0.to_string(),
            group.epoch.1.to_string(),
            shown(Origin::Real),
            shown(Origin::Augmented),
            shown(Origin::Synthetic),
        ]);
    }
    table.to_string()
}

/// The steps of a row, and what each drew.
pub(crate) fn steps(steps: &PreviewSteps) -> String {
    let mut table = Table::new([("step", Align::Left), ("drawn", Align::Left)]);
    for step in &steps.steps {
        table.push([&*step.name, step.drawn.as_deref().unwrap_or("not said")]);
    }
    table.to_string()
}

pub(crate) fn samples_in_json(samples: &PreviewSamples, sheet: &PreviewSheet) -> Value {
    json!({
        "epochs": [samples.epochs.start(), samples.epochs.end()],
        "averaged_over": [samples.averaged_over.start(), samples.averaged_over.end()],
        "notes": sheet.notes,
        "classes": sheet.shown.iter().map(group).collect::<Vec<_>>(),
        "left_out": sheet.left_out,
        "empty": samples.empty,
    })
}

fn group(group: &PreviewGroup) -> Value {
    json!({
        "class": group.name,
        "stored": group.stored,
        "epoch": group.epoch.0,
        "epoch_synthetic": group.epoch.1,
        "samples": group.samples.iter().map(sample).collect::<Vec<_>>(),
    })
}

fn sample(sample: &PreviewSample) -> Value {
    json!({
        "position": sample.position,
        "origin": sample.provenance.origin.name(),
        "trained": sample.is_trained,
        "generator": sample.provenance.generator.as_deref(),
        "rows": sample.rows,
        "places": sample.provenance.places.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "view": sample.view,
        "along": sample.along,
        "target": sample.target,
    })
}

pub(crate) fn steps_in_json(steps: &PreviewSteps) -> Value {
    let step = |step: &millstream::image::ImageStep| json!({ "name": step.name, "drawn": step.drawn });
    json!({
        "row": steps.row,
        "place": steps.place.to_string(),
        "target": steps.target,
        "position": steps.position,
        "epoch": steps.epoch,
        "view": steps.view,
        "origin": steps.origin.name(),
        "steps": steps.steps.iter().map(step).collect::<Vec<_>>(),
    })
}
