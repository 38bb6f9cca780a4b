//! Other operations for other classes.

use super::choose::moves_behind_changes;
use super::classes::Classes;
use super::names;
use super::operations::Operations;
use crate::error::{Error, Result};
use crate::image::drawn::Drawn;
use crate::image::operation::{Composite, Operation, Subject};
use crate::rng::Rng;
use crate::spec::{Spec, nearest};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Runs its operations on the rows of some classes, and others on the rows of all other classes: stronger augmentation for rare ones, say.
///
/// The classes are [named](Self::new), or they are [those with few rows](Self::fewer_than). The lists are run in their order; each row
/// gets one of the two. An operation of the same name in both draws the same numbers in both: a row that is turned by 5 of 10 degrees in
/// the one is turned by 15 of 30 in the other.
///
/// The stage has to know the class of each row: it stands on `.classes(column)`, `.balance(column, ..)` or a mix of such, or is told
/// [one class](crate::image::Image::of_class). A row with boxes, or a list of classes, is of the rarest of its classes, as a balance by the
/// rarest class has it: the stage stands on [`rarest_class`](crate::DatasetExt::rarest_class) or
/// [`balance_rarest`](crate::DatasetExt::balance_rarest) then. The stage finds the names there; for the number of rows it is told them by
/// [`Image::classes`](crate::image::Image::classes). `millstream finetune` does that by itself. A stage whose rows have no known class, and one for a
/// class of a name that none of theirs has, are refused when the stage is put on the rows.
///
/// It is never part of the row without random augmentation, whatever stands in it: a picture to be evaluated must not show its class. In
/// training it can, where operations differ in kind: a network that sees blur on one class alone learns blur. Let the classes differ in
/// strength or probability.
///
/// ```
/// use millstream::image::{ByClass, Classes, Image, Rotate};
///
/// let train = Image::new(224)
///     .with(ByClass::fewer_than(200, Rotate::new(30.0)).otherwise(Rotate::new(10.0)))
///     .classes(Classes::new(["glass", "paper", "trash"], [501, 594, 137]));
/// assert!(train.plan().to_string().contains("by_class.classes_found trash"));
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ByClass {
    #[serde(with = "names")]
    classes: Vec<String>,
    fewer_than: Option<u64>,
    operations: Operations,
    otherwise: Operations,
    /// Of each class, whether it is one of them; none where that is still to be found out.
    #[serde(skip)]
    of: Option<Arc<Found>>,
}

/// Which of the classes of a dataset are meant.
#[derive(Clone, Debug)]
struct Found {
    is_meant: Vec<bool>,
    names: Vec<String>,
    /// Their share of all rows, where rows are counted.
    share: Option<f64>,
}

/// How many names of classes a message has.
const LISTED: usize = 20;

/// The names, the first ones of many.
fn listed(names: &[String]) -> String {
    let first = names[..names.len().min(LISTED)].join(", ");
    match names.len() - names.len().min(LISTED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// The field of each list.
const LISTS: [&str; 2] = ["operations", "otherwise"];

impl ByClass {
    /// `operations` for the classes of these names. Those of a label column of whole numbers are the numbers.
    pub fn new(classes: impl IntoIterator<Item = impl Into<String>>, operations: impl Into<Operations>) -> Self {
        Self {
            classes: classes.into_iter().map(Into::into).collect(),
            operations: operations.into(),
            ..Self::default()
        }
    }

    /// `operations` for the classes with fewer rows than `rows`, which is at least 1. Of rows with several classes, a class has those that
    /// have it, also where another one of theirs is rarer.
    pub fn fewer_than(rows: u64, operations: impl Into<Operations>) -> Self {
        Self {
            fewer_than: Some(rows),
            operations: operations.into(),
            ..Self::default()
        }
    }

    /// What is run on the rows of all other classes. Defaults to nothing.
    #[must_use]
    pub fn otherwise(mut self, operations: impl Into<Operations>) -> Self {
        self.otherwise = operations.into();
        self
    }

    /// The operations of a row.
    fn of(&self, subject: &Subject) -> &Operations {
        let class = subject.class.map(|class| class as usize);
        let is_meant = self.of.as_ref().zip(class);
        let is_meant = is_meant.and_then(|(of, class)| of.is_meant.get(class).copied());
        match is_meant {
            Some(true) => &self.operations,
            // The stage refuses rows of no known class before it draws.
            Some(false) | None => &self.otherwise,
        }
    }

    fn find(&self, classes: &Classes) -> Result<Found> {
        let of_name = |name: &String| match classes.names.iter().position(|known| known == name) {
            Some(class) => Ok(class),
            None => Err(Error::config(
                match nearest(name, classes.names.iter().map(String::as_str)) {
                    Some(near) => format!("classes: there is no class {name:?}: do you mean {near:?}?"),
                    None => format!(
                        "classes: there is no class {name:?}; there are {}",
                        listed(&classes.names)
                    ),
                },
            )),
        };
        let mut is_meant = vec![false; classes.names.len()];
        for name in &self.classes {
            is_meant[of_name(name)?] = true;
        }
        if let Some(rows) = self.fewer_than {
            if classes.counts.len() != classes.names.len() {
                return Err(Error::config(
                    "fewer_than: the rows of each class are not known here: name the classes, or give their names and rows by \
                     Image::classes",
                ));
            }
            is_meant = classes.counts.iter().map(|&count| count < rows).collect();
        }
        let meant = classes.names.iter().zip(&is_meant).filter(|(_, is_meant)| **is_meant);
        let names = meant.map(|(name, _)| name.clone()).collect();
        // A row runs the operations of one class, however many have it.
        let counts = match classes.rarest.is_empty() {
            true => &classes.counts,
            false => &classes.rarest,
        };
        let rows = counts.iter().zip(&is_meant);
        let rows: u64 = rows.filter(|(_, is_meant)| **is_meant).map(|(count, _)| count).sum();
        let all: u64 = counts.iter().sum();
        let share = (all > 0).then(|| rows as f64 / all as f64);
        Ok(Found { is_meant, names, share })
    }
}

impl Spec for ByClass {
    const NAME: &'static str = "by_class";

    fn check(&self) -> Result<()> {
        match (self.classes.is_empty(), self.fewer_than) {
            (true, None) => {
                return Err(Error::config(
                    "classes is empty: name the classes that it is for, or give fewer_than, a number of rows",
                ));
            }
            (false, Some(_)) => {
                return Err(Error::config(
                    "classes and fewer_than are both given: one of them says which classes are meant",
                ));
            }
            (true, Some(0)) => return Err(Error::config("fewer_than is 0, but no class has fewer rows than that")),
            _ => {}
        }
        self.operations.check(LISTS[0])?;
        match self.otherwise.is_empty() {
            true => Ok(()),
            false => self.otherwise.check(LISTS[1]),
        }
    }
}

impl Operation for ByClass {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let operations = self.of(subject);
        let all: Vec<usize> = (0..operations.len()).collect();
        operations.draw(&all, subject, rng.next_u64())
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let operations = self.of(subject);
        let all: Vec<usize> = (0..operations.len()).collect();
        Some(operations.in_words(&all, subject, rng.next_u64()))
    }

    fn moves_changed_values(&self) -> bool {
        // A row gets one of the two.
        [&self.operations, &self.otherwise]
            .iter()
            .any(|list| moves_behind_changes(list.as_slice(), |before, after| before < after))
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

impl Composite for ByClass {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![
            (LISTS[0], self.operations.as_slice()),
            (LISTS[1], self.otherwise.as_slice()),
        ]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        let mut lists = lists.into_iter();
        let mut next = || lists.next().unwrap_or_default().into();
        Arc::new(Self {
            operations: next(),
            otherwise: next(),
            ..self.clone()
        })
    }

    fn share(&self, list: usize, _: usize) -> Option<f64> {
        let share = self.of.as_ref()?.share?;
        Some(if list == 0 { share } else { 1.0 - share })
    }

    fn needs_class(&self) -> bool {
        true
    }

    fn needs_classes(&self) -> bool {
        self.of.is_none()
    }

    fn for_classes(&self, classes: &Classes) -> Result<Option<Arc<dyn Operation>>> {
        let of = Some(Arc::new(self.find(classes)?));
        Ok(Some(Arc::new(Self { of, ..self.clone() })))
    }

    fn found(&self) -> Option<(&'static str, String)> {
        let found = self.of.as_ref()?;
        let names = match found.names.is_empty() {
            true => "none".to_owned(),
            false => found.names.join(", "),
        };
        Some(("classes_found", names))
    }
}
