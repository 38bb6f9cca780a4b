//! The keypoints of COCO's annotations, by what their categories say of them.

use super::coco_values::{Id, Points};
use super::keypoints::NamedPoints;
use crate::quote::{counted, quoted};
use crate::rows::KeypointNames;
use serde::Deserialize;

/// A category, with what it says of keypoints.
#[derive(Debug, Deserialize)]
pub(super) struct Category {
    pub(super) id: Id,
    pub(super) name: String,
    /// The names of its objects' keypoints, in the order of those.
    #[serde(default)]
    keypoints: Option<Vec<String>>,
    /// Pairs of them, counted from 1.
    #[serde(default)]
    skeleton: Option<serde_json::Value>,
}

/// Reads the keypoints of a file's annotations.
#[derive(Debug, Default)]
pub(super) struct CocoPoints {
    all: NamedPoints,
    /// By class.
    classes: Vec<OfClass>,
    /// Numbers of the first object with keypoints, where no category names any.
    unnamed: Option<usize>,
    /// Annotations whose keypoints are left out then.
    left_out: u64,
    /// Categories whose lines are none between their points.
    lines: Vec<String>,
}

/// The keypoints of a category.
#[derive(Debug)]
struct OfClass {
    name: String,
    /// Where they are among all; none where it names none.
    places: Vec<usize>,
}

impl CocoPoints {
    /// The keypoints that `categories` name, which come in the order of their classes.
    ///
    /// # Errors
    ///
    /// Why they cannot be meant.
    pub(super) fn of(categories: &[Category]) -> Result<Self, String> {
        let mut points = Self::default();
        for category in categories {
            let names = category.keypoints.as_deref().unwrap_or_default();
            if let Some((_, twice)) = (names.iter().enumerate()).find(|(at, name)| names[..*at].contains(name)) {
                return Err(format!(
                    "two keypoints of category {} are called {}: give them names of their own",
                    quoted(&category.name),
                    quoted(twice)
                ));
            }
            let skeleton = lines(category.skeleton.as_ref(), names.len());
            if skeleton.is_none() {
                points.lines.push(category.name.clone());
            }
            points.classes.push(OfClass {
                name: category.name.clone(),
                places: points.all.add(names, &skeleton.unwrap_or_default()),
            });
        }
        Ok(points)
    }

    /// x, y and visibility of each of all points, of an annotation of the class `class`; nothing where none is labelled.
    ///
    /// # Errors
    ///
    /// What is wrong with the field, where categories name points.
    pub(super) fn read(&mut self, points: Option<Points>, class: i64) -> Result<Vec<f32>, String> {
        let Some(points) = points.filter(Points::is_labelled) else {
            return Ok(Vec::new());
        };
        let triples = points.triples();
        let of_class = usize::try_from(class).ok().and_then(|class| self.classes.get(class));
        let Some(OfClass { name, places }) = of_class.filter(|_| self.all.len() > 0) else {
            let numbers = &mut self.unnamed;
            let triples = triples.filter(|own| *numbers.get_or_insert(own.len()) == own.len());
            self.left_out += u64::from(triples.is_none());
            return Ok(triples.unwrap_or_default());
        };
        let (name, many) = (quoted(name), places.len());
        let refused = |why: String| Err(format!("keypoints: {why}: correct the annotation, or the category"));
        match triples {
            _ if many == 0 => refused(format!("category {name} names none, and other categories do")),
            None => refused(format!(
                "they are no list of numbers, x, y and visibility of each point, of which category {name} names {many}"
            )),
            Some(numbers) if numbers.len() != 3 * many => refused(format!(
                "{} of x, y and visibility are there, and category {name} names {}, which have {}",
                counted(numbers.len() as u64, "number"),
                counted(many as u64, "point"),
                3 * many
            )),
            Some(numbers) => Ok(self.all.placed(&numbers, places)),
        }
    }

    /// What there is to say of them, and what is known of them.
    pub(super) fn end(self) -> (Vec<String>, Option<KeypointNames>) {
        let mut notes = Vec::new();
        if self.left_out > 0 {
            notes.push(format!(
                "the keypoints of {} are left out, and the boxes are kept: they are no x, y and visibility of each point, or not of as many points \
                 as those before, and no category names its `keypoints`",
                counted(self.left_out, "annotation")
            ));
        }
        let own = |class: &&OfClass| !class.places.is_empty() && class.places.len() < self.all.len();
        if let Some(first) = self.classes.iter().find(own) {
            notes.push(format!(
                "categories name different keypoints: an object has the {} of all of them, by name, and those that its category does not name are not \
                 labelled; category {} names {}",
                self.all.len(),
                quoted(&first.name),
                first.places.len()
            ));
        }
        if let Some(first) = self.lines.first() {
            notes.push(format!(
                "the skeleton of category {} is left out: it is no list of pairs of its keypoints, counted from 1",
                quoted(first)
            ));
        }
        let known = (self.all.len() > 0).then(|| self.all.finish());
        (notes, known)
    }
}

/// The lines of a skeleton between `many` points, counted from 0; none where it is no such list.
fn lines(skeleton: Option<&serde_json::Value>, many: usize) -> Option<Vec<[usize; 2]>> {
    let lines = match skeleton {
        None | Some(serde_json::Value::Null) => return Some(Vec::new()),
        Some(lines) => lines.as_array()?,
    };
    let end = |end: &serde_json::Value| {
        let end = usize::try_from(end.as_u64()?).ok()?.checked_sub(1)?;
        (end < many).then_some(end)
    };
    let line = |line: &serde_json::Value| match line.as_array()?.as_slice() {
        [from, to] => Some([end(from)?, end(to)?]),
        _ => None,
    };
    lines.iter().map(line).collect()
}
