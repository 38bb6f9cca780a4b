//! Which column holds the classes.

use super::columns::ValueKind;
use super::report::Medium;
use super::tables::{Part, classes};
use crate::columns::index_of;
use crate::dataset::Dataset;
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::quote::quoted;
use crate::rows::{LabelKind, is_row_key};
use crate::source::{Files, is_called_label};

/// The label column of `real`: the one that was named, or that which the generator of `synthetic` was fitted with, as its file says; or the only one that stores names of
/// classes there or, where none does, in `synthetic` (rows that an earlier version made have names of classes where the rows that its generator was fitted on had texts), or
/// the only one that may hold labels, as [`Files::find_label`] finds it for a generator. Of a table that is one of
/// texts or of whole numbers that is called so, and has no other values in the other `parts`: a generator has to have classes, and a table need not.
pub(super) fn label(
    cx: &Context,
    (real, synthetic): (&Files, &Files),
    parts: &[Part<'_>; 3],
    named: Option<&str>,
    medium: Medium,
) -> Result<Option<String>> {
    let schema = real.schema();
    if let Some(named) = named {
        let at = index_of(&schema, named).map_err(|error| error.with_remedy(Remedy::LabelColumn))?;
        return match LabelKind::of(schema.field(at))? {
            LabelKind::MultiLabel => {
                let message = format!("column {} holds lists: name a column of one class a row", quoted(named));
                Err(Error::schema(message).with_remedy(Remedy::LabelColumn))
            }
            LabelKind::Class | LabelKind::Number => Ok(Some(named.to_owned())),
        };
    }
    let is_class = |name: &&str| {
        let field = schema.field_with_name(name);
        field.is_ok_and(|field| matches!(LabelKind::of(field), Ok(LabelKind::Class)))
    };
    if let Some(fitted) = synthetic.made_label().filter(is_class) {
        return Ok(Some(fitted.to_owned()));
    }
    let with_names = |files: &Files| {
        let fields = schema.fields().iter().map(|field| field.name());
        let found = fields.filter(|name| files.class_names(name).is_some());
        found.cloned().collect::<Vec<String>>()
    };
    let (of_real, of_synthetic) = (with_names(real), with_names(synthetic));
    if let ([one], _) | ([], [one]) = (of_real.as_slice(), of_synthetic.as_slice()) {
        return Ok(Some(one.clone()));
    }
    let Ok([one]) = <[String; 1]>::try_from(real.label_candidates()) else {
        return Ok(None);
    };
    match medium {
        // Beside pictures and features a column of whole numbers or texts has no other meaning.
        Medium::Pictures | Medium::Features => Ok(Some(one)),
        Medium::Table => Ok(holds_classes(cx, parts, &one).then_some(one)),
    }
}

/// Whether the column `name` of a table, in which columns may be anything, is one of classes.
fn holds_classes(cx: &Context, parts: &[Part<'_>; 3], name: &str) -> bool {
    let schema = parts[0].files.schema();
    let Ok(field) = schema.field_with_name(name) else {
        return false;
    };
    let is_class = matches!(LabelKind::of(field), Ok(LabelKind::Class));
    if !is_class || !(ValueKind::of(field) == ValueKind::Category || is_called_label(name)) {
        return false;
    }
    // What cannot be read as classes is a column like others, and is compared as one, or is refused as one.
    let Ok(found) = cx.block_on(classes(cx, parts, name)) else {
        return false;
    };
    let mut counts = vec![0; found.names.values.len()];
    found.codes[0].iter().for_each(|&class| counts[class as usize] += 1);
    !is_row_key(found.codes[0].len() as u64, &counts)
}
