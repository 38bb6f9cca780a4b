//! What a stage asks of an operation and of all that stand inside of it.

use super::classes::Classes;
use crate::error::Result;
use crate::image::operation::{Composite, Operation};
use std::sync::Arc;

/// What an operation, or one inside of it, has to know of the class of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::image) struct ClassNeeds {
    /// The class of the row.
    pub(in crate::image) class: bool,
    /// The names of the classes, and perhaps their rows, which it was not told yet.
    pub(in crate::image) classes: bool,
}

pub(in crate::image) fn class_needs(operation: &dyn Operation) -> ClassNeeds {
    let needs = |operation: &dyn Operation| {
        let composite = operation.composite();
        ClassNeeds {
            class: composite.is_some_and(Composite::needs_class),
            classes: composite.is_some_and(Composite::needs_classes),
        }
    };
    let mut all = ClassNeeds::default();
    each(operation, &mut |operation| {
        let needs = needs(operation);
        all.class |= needs.class;
        all.classes |= needs.classes;
    });
    all
}

/// The first of those inside of it, or itself, for which `is_wanted` holds.
pub(in crate::image) fn find(
    operation: &dyn Operation,
    is_wanted: impl Fn(&dyn Operation) -> bool,
) -> Option<&dyn Operation> {
    let mut found = None;
    each(operation, &mut |operation| {
        if found.is_none() && is_wanted(operation) {
            found = Some(operation);
        }
    });
    found
}

/// Calls `visit` for it and for all inside of it.
pub(in crate::image) fn each<'a>(operation: &'a dyn Operation, visit: &mut impl FnMut(&'a dyn Operation)) {
    visit(operation);
    let lists = operation.composite().map_or_else(Vec::new, Composite::lists);
    for operation in lists.into_iter().flat_map(|(_, list)| list) {
        each(&**operation, visit);
    }
}

/// What of it does the same to every row: all of it where it is not random, and of a sequence those of its operations.
pub(in crate::image) fn plain(operation: &Arc<dyn Operation>) -> Option<Arc<dyn Operation>> {
    if !operation.is_random() {
        return Some(Arc::clone(operation));
    }
    let composite = operation.composite().filter(|composite| composite.is_sequence())?;
    let lists = composite.lists().into_iter();
    let lists: Vec<Vec<_>> = lists.map(|(_, list)| list.iter().filter_map(plain).collect()).collect();
    let is_empty = lists.iter().all(Vec::is_empty);
    (!is_empty).then(|| composite.with_lists(lists))
}

/// The same for rows of `classes`.
///
/// # Errors
///
/// Those of [`Composite::for_classes`], behind the names of the operations around it.
pub(in crate::image) fn for_classes(operation: &Arc<dyn Operation>, classes: &Classes) -> Result<Arc<dyn Operation>> {
    let placed = |error: crate::Error| error.context(operation.name());
    if !class_needs(&**operation).class {
        return Ok(Arc::clone(operation));
    }
    let Some(composite) = operation.composite() else {
        return Ok(Arc::clone(operation));
    };
    let inner = composite.lists().into_iter().map(|(field, list)| {
        let inner = list.iter().enumerate().map(|(at, operation)| {
            for_classes(operation, classes).map_err(|error| error.context(format!("{field}[{at}]")))
        });
        inner.collect::<Result<Vec<_>>>()
    });
    let inner = inner.collect::<Result<Vec<_>>>().map_err(placed)?;
    let with_inner = composite.with_lists(inner);
    let own = with_inner.composite().map(|composite| composite.for_classes(classes));
    match own.transpose().map_err(placed)?.flatten() {
        Some(own) => Ok(own),
        None => Ok(with_inner),
    }
}
