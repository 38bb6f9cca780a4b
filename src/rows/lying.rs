//! What lies in a picture: columns that an image stage has moved with it, so that a stage above cannot leave them behind unseen.

use super::objects::{BoxFormat, KeypointNames};
use super::ports::Output;
use crate::columns::{index_of, shape_of};
use crate::error::{Error, Result};
use arrow::datatypes::{DataType, Field, Schema};

/// Metadata key of a column that lies in a picture: what it is, and the picture's column (`mask image`).
pub(crate) const LIES_IN: &str = "millstream.lies_in";
/// The end of the word for what belongs to each box or point, and has no place in the picture itself (`boxes_field image`).
const OF_EACH: &str = "_field";

/// What lies in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lying {
    /// A mask.
    Mask,
    /// Boxes, or what belongs to each of them.
    Boxes,
    /// Keypoints, or what belongs to each of them.
    Keypoints,
}

impl Lying {
    const ALL: [Self; 3] = [Self::Mask, Self::Boxes, Self::Keypoints];

    fn word(self) -> &'static str {
        match self {
            Self::Mask => "mask",
            Self::Boxes => "boxes",
            Self::Keypoints => "keypoints",
        }
    }

    /// `output`, which says that it lies in `picture`.
    pub(crate) fn mark(self, output: Output, picture: &str) -> Output {
        output.metadata(LIES_IN, &format!("{} {picture}", self.word()))
    }

    /// `output`, which says that it has an item for each of what lies in `picture`.
    pub(crate) fn mark_field(self, output: Output, picture: &str) -> Output {
        output.metadata(LIES_IN, &format!("{}{OF_EACH} {picture}", self.word()))
    }

    /// What has places in a picture in `field`, as far as is known: by what it says of itself, by its format of boxes, or by its name, as keypoints
    /// are. None of what belongs to each box or point.
    pub(crate) fn with_places(field: &Field) -> Option<Self> {
        let said = field.metadata().get(LIES_IN).and_then(|said| said.split_once(' '));
        let said = said.and_then(|(word, _)| Self::of_word(word));
        let boxes = || BoxFormat::of_field(field).map(|_| Self::Boxes);
        let points = || KeypointNames::are_known_in(field).then_some(Self::Keypoints);
        said.or_else(boxes).or_else(points)
    }

    /// The column `name`, which is such, in words.
    pub(crate) fn in_words(self, name: &str) -> String {
        format!("\"{name}\" ({})", self.word())
    }

    /// Whether `field` says that it is such.
    pub(crate) fn is_said_of(self, field: &Field) -> bool {
        Self::of(field).is_some_and(|(lying, _)| lying == self)
    }

    /// What `field` says of itself, and its picture.
    fn of(field: &Field) -> Option<(Self, &str)> {
        let (word, picture) = field.metadata().get(LIES_IN)?.split_once(' ')?;
        let lying = Self::of_word(word.strip_suffix(OF_EACH).unwrap_or(word))?;
        Some((lying, picture))
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lying| lying.word() == word)
    }
}

/// The columns that lie in a picture, and that a stage which makes it of several rows leaves as they are.
#[derive(Debug, Default)]
pub(crate) struct LeftBehind {
    /// Those that say so.
    known: Vec<(Lying, String)>,
    /// Boxes and keypoints that no stage has moved, and what has the shape of a mask.
    suspected: Vec<String>,
}

impl LeftBehind {
    /// Of the columns `below`, those in the picture in `column` that are none of `moved`.
    pub(crate) fn of(below: &Schema, column: &str, moved: &[&str]) -> Result<Self> {
        let shape = shape_of(below.field(index_of(below, column)?));
        let plane = shape.len().checked_sub(2).map(|from| &shape[from..]);
        let looks_like_mask = |field: &Field| match field.data_type() {
            DataType::FixedSizeList(item, _) => {
                let values = shape_of(field);
                *item.data_type() == DataType::UInt8 && values.len() == 2 && plane == Some(&values[..])
            }
            _ => false,
        };
        let mut left = Self::default();
        let others = below.fields().iter().filter(|field| field.name() != column);
        for field in others.filter(|field| !moved.contains(&field.name().as_str())) {
            match Lying::of(field) {
                // A picture that has another name by now is taken for this one.
                Some((lying, picture)) if picture == column || below.index_of(picture).is_err() => {
                    // Keypoints that are a label field of boxes are keypoints all the same.
                    let lying = Lying::with_places(field).unwrap_or(lying);
                    left.known.push((lying, field.name().clone()));
                }
                Some(_) => (),
                None if Lying::with_places(field).is_some() || looks_like_mask(field) => {
                    left.suspected.push(field.name().clone());
                }
                None => (),
            }
        }
        Ok(left)
    }

    /// Refuses to leave any of `kinds` behind. `stage` is who would, and `mend` says how it is told of them.
    ///
    /// # Errors
    ///
    /// `Config` where one is left.
    pub(crate) fn refuse(&self, kinds: &[Lying], stage: &str, mend: &str) -> Result<()> {
        let left: Vec<&(Lying, String)> = self.known.iter().filter(|(lying, _)| kinds.contains(lying)).collect();
        if left.is_empty() {
            return Ok(());
        }
        let named: Vec<String> = left.iter().map(|(lying, name)| lying.in_words(name)).collect();
        Err(Error::config(format!(
            "{} would stay as before, although the image stage has moved it with the picture and {stage} changes the picture: {mend}, or take the \
             column away with `project`",
            named.join(", ")
        )))
    }

    /// What there is to say of the rest, which is all but `kinds`; none where nothing is left. `why` ends the sentence.
    pub(crate) fn note(&self, kinds: &[Lying], why: &str) -> Option<String> {
        let known = self.known.iter().filter(|(lying, _)| !kinds.contains(lying));
        let names = known.map(|(_, name)| name).chain(&self.suspected);
        let names: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
        (!names.is_empty()).then(|| format!("what is in {} {why}", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::tensor_field;

    fn marked(field: Field, said: &str) -> Field {
        field.with_metadata([(LIES_IN.to_owned(), said.to_owned())].into())
    }

    fn plain(name: &str) -> Field {
        Field::new(name, DataType::Utf8, false)
    }

    #[test]
    fn what_belongs_to_each_box_has_no_place() {
        let of = |said: &str| Lying::with_places(&marked(plain("a"), said));
        assert_eq!(of("boxes image"), Some(Lying::Boxes));
        assert_eq!((of("boxes_field image"), of("keypoints_field image")), (None, None));
        assert!(Lying::Keypoints.is_said_of(&marked(plain("a"), "keypoints_field image")));
        let numbers = Field::new_list_field(DataType::Float32, false);
        let points = Field::new_fixed_size_list("item", numbers.clone(), 3, false);
        let called = |name: &str| Field::new_list(name, points.clone(), false);
        let known = Lying::with_places(&marked(called("objects.keypoints"), "boxes_field image"));
        assert_eq!(known, Some(Lying::Keypoints));
        assert_eq!(Lying::with_places(&called("keypoints")), Some(Lying::Keypoints));
        assert_eq!(Lying::with_places(&called("keypoints.area")), None);
        assert_eq!(Lying::with_places(&Field::new_list("keypoints", numbers, false)), None);
    }

    #[test]
    fn what_lies_in_another_picture_is_not_left_behind() {
        let tensor = |name: &str, shape: &[usize]| tensor_field(name, &DataType::UInt8, shape).unwrap();
        let below = Schema::new(vec![
            tensor("left", &[3, 8, 6]),
            tensor("right", &[3, 8, 6]),
            tensor("drawn", &[8, 6]),
            tensor("other", &[6, 8]),
            marked(plain("a"), "mask left"),
            marked(plain("b"), "boxes right"),
            marked(plain("c"), "keypoints renamed since"),
            plain("d"),
        ]);
        let left = LeftBehind::of(&below, "left", &[]).unwrap();
        let error = left
            .refuse(&Lying::ALL, "a stage", "name them")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("\"a\" (mask), \"c\" (keypoints) would stay"),
            "{error}"
        );
        assert!(error.contains("name them, or take the column away"), "{error}");
        let note = left.note(&Lying::ALL, "stays").unwrap();
        assert_eq!(note, "what is in \"drawn\" stays");
        let note = left.note(&[Lying::Mask], "stays").unwrap();
        assert_eq!(note, "what is in \"c\", \"drawn\" stays");
        let left = LeftBehind::of(&below, "left", &["a", "c", "drawn"]).unwrap();
        assert!(left.refuse(&Lying::ALL, "a stage", "name them").is_ok());
        assert_eq!(left.note(&[], "stays"), None);
    }
}
