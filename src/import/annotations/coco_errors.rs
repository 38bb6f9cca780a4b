//! Why a file is none of COCO's annotations: which annotation, which field of it, and what should be there. And which annotations are left out.

use super::coco_values::Id;
use crate::quote::{counted, counted_with, quoted};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::Segment;
use std::collections::HashMap;

/// Annotations that are left out for one reason.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    pub(super) count: u64,
    /// The first of them, in words.
    pub(super) first: String,
    /// The image and the category that it names.
    ids: Option<[Id; 2]>,
}

impl LeftOut {
    pub(super) fn add(&mut self, id: Option<&Id>, image: &Id, category: &Id) {
        if self.count == 0 {
            let id = id.map_or_else(|| "one without an id".to_owned(), |id| format!("annotation {id}"));
            self.first = format!("{id}, of image_id {image} and category_id {category}");
            self.ids = Some([image.clone(), category.clone()]);
        }
        self.count += 1;
    }
}

/// Why a file is refused none of whose `all` annotations is kept, some since the image or the category that they name is not listed: a set without boxes would
/// be written, and a note alone would say so. None where some are kept, where there are none, and where all are left out for other reasons.
pub(super) fn all_left_out(
    left_out: &[LeftOut; 4],
    all: u64,
    images: &HashMap<Id, usize>,
    categories: &HashMap<Id, i64>,
) -> Option<String> {
    if left_out.iter().map(|left_out| left_out.count).sum::<u64>() < all {
        return None;
    }
    let [of_images, of_categories, ..] = left_out;
    let is_of_images = of_images.count >= of_categories.count;
    let (lost, one, several, field) = match is_of_images {
        true => (of_images, "an image", "images", "image_id"),
        false => (of_categories, "a category", "categories", "category_id"),
    };
    // None where there are no annotations, or ids are not what is wrong.
    let [image, category] = lost.ids.as_ref()?;
    let (id, (other, listed)) = match is_of_images {
        true => (image, alike(image, images)),
        false => (category, alike(category, categories)),
    };
    let why = match (other, listed) {
        (Some(other), _) => format!(
            "`id` of {several} is {other}, and {field} is {id}, which is a {} and not a {}: write both alike, as numbers or as texts",
            kind(id),
            kind(&other)
        ),
        (None, Some(listed)) => format!(
            "{field} has to be an `id` of {several}, such as {listed}: correct it, or import the {several} that these annotations are of"
        ),
        (None, None) => format!("there are no {several}: add them"),
    };
    let (all, are) = (
        counted(all, "annotation"),
        counted_with(lost.count, "annotation", ["is", "are"]),
    );
    Some(format!(
        "none of {all} could be kept: {are} of {one} that is not listed; the first is {}: {why}",
        lost.first
    ))
}

/// Of the ids `listed` the one that is `id` in the other type, a text of the same number or the number of the same text; and the first one.
fn alike<V>(id: &Id, listed: &HashMap<Id, V>) -> (Option<Id>, Option<Id>) {
    let other = match id {
        Id::Number(number) => Some(Id::Text(number.to_string())),
        Id::Text(text) => text.trim().parse().ok().map(Id::Number),
    };
    let other = other.filter(|other| listed.contains_key(other));
    (other, listed.keys().min().cloned())
}

/// What an id is.
fn kind(id: &Id) -> &'static str {
    match id {
        Id::Number(_) => "number",
        Id::Text(_) => "text",
    }
}

/// What is there of a file in which some value is none.
#[derive(Deserialize)]
struct Outline {
    #[serde(default)]
    images: Vec<Named>,
    #[serde(default)]
    annotations: Vec<Marked>,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    id: Loose,
    #[serde(default)]
    file_name: LooseText,
}

#[derive(Deserialize)]
struct Marked {
    #[serde(default)]
    id: Loose,
    #[serde(default)]
    image_id: Loose,
}

/// An id, or whatever stands in its place.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum Loose {
    Id(Id),
    Other(IgnoredAny),
    #[default]
    Missing,
}

impl Loose {
    fn id(&self) -> Option<&Id> {
        match self {
            Self::Id(id) => Some(id),
            Self::Other(_) | Self::Missing => None,
        }
    }
}

/// A text, or whatever stands in its place.
#[derive(Default, Deserialize)]
#[serde(untagged)]
enum LooseText {
    Text(String),
    Other(IgnoredAny),
    #[default]
    Missing,
}

/// Why `text` is a list, and no file of annotations; none where it is no list.
fn no_list(text: &str) -> Option<String> {
    /// Characters that have the first item.
    const BEGINNING: usize = 1 << 16;
    let list = text.trim_start().strip_prefix('[')?;
    let beginning: String = list.chars().take(BEGINNING).collect();
    let has = |field: &str| beginning.contains(field);
    Some(match has("\"image_id\"") && has("\"score\"") {
        true => "this is a file of results, a list of what a model has found with a score each, and no annotations: import the file of annotations \
                 that these results are of (images, annotations, categories)"
            .to_owned(),
        false => format!("{NONE}: this is a list, and has to be an object of these three"),
    })
}

/// Why `text` is no `T`, by the `error` of reading it as one.
pub(super) fn why_not<T: DeserializeOwned>(text: &str, error: &serde_json::Error) -> String {
    if let Some(why) = no_list(text) {
        return why;
    }
    let why = match no_number(text, error) {
        Some((word, [line, column])) => {
            return format!(
                "{NONE}: {word} at line {line} column {column}, and JSON has no {word}: correct the annotation that has it, or leave it out"
            );
        }
        None => error.to_string(),
    };
    // Nothing but the place is kept: it costs a second reading, which good files do not pay.
    let again = serde_path_to_error::deserialize::<_, T>(&mut serde_json::Deserializer::from_str(text)).err();
    let path: Vec<Segment> = again.map_or_else(Vec::new, |error| error.path().iter().cloned().collect());
    let [Segment::Map { key: list }, Segment::Seq { index }, inside @ ..] = &path[..] else {
        return format!("{NONE}: {why}");
    };
    let field = inside
        .iter()
        .map(Segment::to_string)
        .collect::<Vec<_>>()
        .join(".")
        .replace(".[", "[");
    let wanted = match inside.first() {
        // The reason is that no variant of an enum fits.
        Some(Segment::Map { key }) if key == "segmentation" => format!(
            "neither polygons, lists of numbers, nor run lengths, an object of `counts` (a text, or whole numbers from 0 on) and `size`, up to \
             line {} column {}",
            error.line(),
            error.column()
        ),
        _ => why,
    };
    let field = if field.is_empty() {
        String::new()
    } else {
        format!("{field}: ")
    };
    // The place is that of the item, and the field is in the reason.
    let mend = match wanted.starts_with("missing field") {
        true => "add it, or leave the item out",
        false => "correct it, or leave it out",
    };
    match list.as_str() {
        "annotations" => format!(
            "annotations[{index}]{}: {field}{wanted}: {mend}",
            described(text, *index)
        ),
        list => format!("{NONE}: {list}[{index}]: {field}{wanted}: {mend}"),
    }
}

/// How what is no file of annotations is called.
const NONE: &str = "no annotations as COCO has them (images, annotations, categories)";

/// The id and the picture of annotation `index`, as far as they can be read: ` (id 12, of picture "a.png")`.
fn described(text: &str, index: usize) -> String {
    let Ok(outline) = serde_json::from_str::<Outline>(text) else {
        return String::new();
    };
    let Some(annotation) = outline.annotations.get(index) else {
        return String::new();
    };
    let image = annotation.image_id.id();
    let named = outline
        .images
        .iter()
        .find(|own| own.id.id().is_some() && own.id.id() == image);
    let picture = match named.map(|own| &own.file_name) {
        Some(LooseText::Text(name)) => Some(format!("of picture {}", quoted(name))),
        _ => image.map(|image| format!("of image_id {image}")),
    };
    let id = annotation.id.id().map(|id| format!("id {id}"));
    let parts: Vec<String> = id.into_iter().chain(picture).collect();
    match parts.is_empty() {
        true => String::new(),
        false => format!(" ({})", parts.join(", ")),
    }
}

/// The word that Python's `json` writes in place of a number which is none, where `error` is of one, with its line and column.
fn no_number(text: &str, error: &serde_json::Error) -> Option<(&'static str, [usize; 2])> {
    let line = text.split('\n').nth(error.line().checked_sub(1)?)?;
    // The error may point to its first letter or behind that.
    let from = error.column().saturating_sub(2);
    ["NaN", "Infinity"].into_iter().find_map(|word| {
        let is_there = |at: &usize| line.get(*at..).is_some_and(|rest| rest.starts_with(word));
        let at = (from..from + 3).find(is_there)?;
        Some((word, [error.line(), at + 1]))
    })
}
