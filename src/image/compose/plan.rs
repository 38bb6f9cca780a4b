//! Operations inside of others in plans.

use super::operations;
use crate::image::operation::Operation;
use crate::plan::Plan;
use crate::spec::{Description, Field};
use std::sync::Arc;

/// `plan` with the parameters of `operation`, their names behind `prefix`; for one that runs others also theirs:
/// `one_of.rotate.degrees`.
pub(in crate::image) fn part(plan: Plan, prefix: &str, operation: &dyn Operation) -> Plan {
    let description = operation.description();
    let Some(composite) = operation.composite() else {
        return plan.part(prefix, &description);
    };
    let lists = composite.lists();
    let is_list = |field: &Field| lists.iter().any(|(list, _)| *list == field.name);
    let own = Description {
        fields: description.fields.into_iter().filter(|field| !is_list(field)).collect(),
        ..description
    };
    let plan = plan.part(prefix, &own);
    let plan = match composite.found() {
        Some((name, value)) => plan.param(format!("{prefix}{name}"), value),
        None => plan,
    };
    lists.into_iter().enumerate().fold(plan, |plan, (at, (field, list))| {
        // Those of the first list stand right behind the name of what runs them.
        let prefix = if at == 0 {
            prefix.to_owned()
        } else {
            format!("{prefix}{field}.")
        };
        let list_name = if at == 0 {
            format!("{prefix}{field}")
        } else {
            prefix.trim_end_matches('.').to_owned()
        };
        let names = operations::names(list);
        let plan = plan.param(list_name, names.join(", "));
        names.iter().zip(list).fold(plan, |plan, (name, operation)| {
            part(plan, &format!("{prefix}{name}."), &**operation)
        })
    })
}

/// On what share of the rows each operation inside of `operation` is run, for the reader: `one_of.rotate 25%`. `share` is that of
/// `operation`, `name` its name.
pub(in crate::image) fn shares(operation: &Arc<dyn Operation>, name: &str, share: f64) -> Vec<String> {
    let Some(composite) = operation.composite() else {
        return Vec::new();
    };
    let lists = composite.lists().into_iter().enumerate();
    let all = lists.flat_map(|(number, (field, list))| {
        let named = operations::names(list).into_iter().zip(list).enumerate();
        named.flat_map(move |(at, (inner, operation))| {
            let inner = match number {
                0 => format!("{name}.{inner}"),
                _ => format!("{name}.{field}.{inner}"),
            };
            let Some(own) = composite.share(number, at) else {
                return Vec::new();
            };
            let share = share * own;
            let below = shares(operation, &inner, share);
            std::iter::once(format!("{inner} {}", percent(share)))
                .chain(below)
                .collect()
        })
    });
    all.collect()
}

/// `25%`, `6.67%`.
fn percent(share: f64) -> String {
    let rounded = (share * 10_000.0).round() / 100.0;
    format!("{rounded}%")
}
