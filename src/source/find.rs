//! Which column holds the images, and which the labels.

use super::fields::{declared_inside, features, is_media};
use crate::columns::{is_binary, list_item};
use crate::error::{Error, Remedy, Result};
use crate::stored_rows::{BOXES, GENERATOR, INSTANCES};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use serde_json::Value;

/// Columns that a message names at most.
const NAMED: usize = 20;

/// A source whose columns are looked through.
pub(super) trait Columns {
    /// All columns, with what Hugging Face's metadata says of them.
    fn all(&self) -> &Schema;

    /// Whether the column holds media, or says where they lie, so that it holds no labels.
    fn is_media(&self, column: &str) -> bool;

    /// The column `name` as it comes out; it may be a field of a struct.
    fn field(&self, name: &str) -> Result<Field>;

    /// What was opened, for messages.
    fn shown(&self) -> &str;
}

/// Looks for columns in a source.
pub(super) struct Finder<'a>(pub(super) &'a dyn Columns);

impl Finder<'_> {
    /// The column of encoded images: `named` if it holds bytes, else the only one of the [`pictures`](Self::pictures).
    pub(super) fn image(&self, named: Option<&str>) -> Result<String> {
        let Some(named) = named else {
            let none = || {
                let what = "an image column holds bytes, or a struct with bytes";
                format!("no column looks like one; {what}; there are {}", self.listed())
            };
            return self.the_only("image", self.pictures(), none);
        };
        let field = self.0.field(named)?;
        match is_binary(field.data_type()) {
            true => Ok(named.to_owned()),
            false => Err(self.refused(
                "image",
                format!("column {named:?} holds {}, not encoded images", field.data_type()),
            )),
        }
    }

    /// The column of masks: `named` if it holds bytes, else the only one of the candidates.
    pub(super) fn mask(&self, named: Option<&str>) -> Result<String> {
        let Some(named) = named else {
            let none = || {
                let what = "a mask column holds PNG files beside those of the pictures";
                format!("no column looks like one of masks; {what}; there are {}", self.listed())
            };
            return self.the_only("label", self.mask_candidates(), none);
        };
        let field = self.0.field(named)?;
        match is_binary(field.data_type()) {
            true => Ok(named.to_owned()),
            false => Err(self.unfit(
                "label",
                &format!("column {named:?} holds {}, not encoded masks", field.data_type()),
            )),
        }
    }

    /// The column of labels: `named` if it holds labels, else the only one of the candidates.
    pub(super) fn label(&self, named: Option<&str>) -> Result<String> {
        self.label_that(
            named,
            "labels are whole numbers, booleans or strings, lists of them, or numbers",
            &|field| label_rank(field.data_type()).is_some(),
        )
    }

    /// The column of targets for the task called `task`: `named` if it `fits`, else the only one that does.
    pub(super) fn target(
        &self,
        named: Option<&str>,
        task: &str,
        fits: &dyn Fn(&Field) -> Result<()>,
    ) -> Result<String> {
        if let Some(named) = named {
            fits(&self.0.field(named)?).map_err(|error| {
                self.refused(
                    "label",
                    format!("column {named:?} has no targets of the task {task}: {error}"),
                )
            })?;
            return Ok(named.to_owned());
        }
        let wanted = format!("none holds targets of the task {task}");
        self.label_that(None, &wanted, &|field| fits(field).is_ok())
    }

    fn label_that(&self, named: Option<&str>, wanted: &str, fits: &dyn Fn(&Field) -> bool) -> Result<String> {
        let Some(named) = named else {
            let none = || format!("no column looks like one; {wanted}; there are {}", self.listed());
            return self.the_only("label", self.labels_that(fits), none);
        };
        let field = self.0.field(named)?;
        match fits(&field) {
            true => Ok(named.to_owned()),
            false => Err(self.refused(
                "label",
                format!("column {named:?} holds {}; {wanted}", field.data_type()),
            )),
        }
    }

    /// The columns that may hold encoded images. Beside boxes those that are called as masks are, of objects or of pictures, count only where there are no
    /// others.
    pub(super) fn image_candidates(&self) -> Vec<String> {
        let plain = |found: &Found| matches!(found.declared.as_deref(), None | Some("Value"));
        let mut candidates = self.candidates(&[
            &|found| found.declared.as_deref() == Some("Image") && is_binary(&found.data_type),
            &|found| plain(found) && found.is_media && is_binary(&found.data_type),
            &|found| plain(found) && found.data_type == DataType::BinaryView,
            &|found| plain(found) && is_binary(&found.data_type),
        ]);
        let is_open = |name: &String| name.as_str() != INSTANCES && !is_called_mask(name);
        if candidates.iter().any(is_open) && self.has_boxes() {
            candidates.retain(is_open);
        }
        candidates
    }

    /// Whether a column holds objects with boxes, by the names of its fields.
    fn has_boxes(&self) -> bool {
        let is_boxes = |field: &FieldRef| BOXES.contains(&field.name().as_str());
        self.0.all().fields().iter().any(|field| {
            let own = field.data_type();
            match list_item(own).map_or(own, |item| item.data_type()) {
                DataType::Struct(fields) => fields.iter().any(is_boxes),
                _ => false,
            }
        })
    }

    /// The column that [`image`](Self::image) finds without a name.
    pub(super) fn image_column(&self) -> Option<String> {
        only(self.pictures())
    }

    /// The candidates; without those that are called as masks are where other candidates are left and nothing holds labels, as in a segmentation.
    /// Beside labels two pictures of a row are two pictures, whatever they are called.
    fn pictures(&self) -> Vec<String> {
        let mut candidates = self.image_candidates();
        let is_open = candidates.iter().any(|name| !is_called_mask(name));
        if is_open && self.label_candidates().is_empty() {
            candidates.retain(|name| !is_called_mask(name));
        }
        candidates
    }

    /// The column of encoded images beside the masks in `mask`: `named` if it holds bytes, else the only other candidate.
    #[cfg(feature = "train")]
    pub(super) fn image_beside_masks(&self, named: Option<&str>, mask: &str) -> Result<String> {
        let mut beside = self.image_candidates();
        beside.retain(|name| name != mask);
        match named {
            None if !beside.is_empty() => self.the_only("image", beside, String::new),
            named => self.image(named),
        }
    }

    /// The columns that may hold encoded masks: those that are called so, else all that hold bytes; but for the picture's, and for numbers of objects, which
    /// are no classes.
    pub(super) fn mask_candidates(&self) -> Vec<String> {
        let mut images = self.image_candidates();
        images.retain(|name| !is_called_mask(name));
        let other = |found: &Found| {
            let image = images.len() == 1 && images[0] == found.name;
            !image
                && found.name != INSTANCES
                && is_binary(&found.data_type)
                && matches!(found.declared.as_deref(), None | Some("Image" | "Value"))
        };
        self.candidates(&[&|found| other(found) && is_called_mask(&found.name), &other])
    }

    /// The columns that may hold encoded masks by their names, too.
    pub(super) fn called_masks(&self) -> Vec<String> {
        let candidates = self.mask_candidates().into_iter();
        candidates.filter(|name| is_called_mask(name)).collect()
    }

    /// The columns that may hold labels.
    pub(super) fn label_candidates(&self) -> Vec<String> {
        self.labels_that(&|field| label_rank(field.data_type()).is_some())
    }

    fn labels_that(&self, fits: &dyn Fn(&Field) -> bool) -> Vec<String> {
        let called = |found: &Found| is_called_label(&found.name);
        let fits = |found: &Found| !found.is_media && fits(&Field::new(&found.name, found.data_type.clone(), true));
        let is_key = |found: &Found| is_key(found.name.rsplit('.').next().unwrap_or_default());
        // Of rows that were made it says what made them.
        let is_generator = |found: &Found| found.name == GENERATOR;
        let of = |found: &Found, rank| label_rank(&found.data_type) == Some(rank);
        self.candidates(&[
            &|found| found.is_class_label && fits(found),
            &|found| called(found) && fits(found),
            &|found| of(found, 0) && fits(found) && !is_key(found) && !is_generator(found),
            &|found| of(found, 0) && fits(found) && !is_key(found),
            &|found| of(found, 1) && fits(found) && !is_key(found),
            &|found| fits(found) && !is_key(found),
            &fits,
        ])
    }

    fn the_only(&self, what: &str, candidates: Vec<String>, none: impl Fn() -> String) -> Result<String> {
        let why = match candidates.as_slice() {
            [] => none(),
            several => format!("it could be {}; name one of them", several.join(", ")),
        };
        only(candidates).ok_or_else(|| self.unfit(what, &why))
    }

    /// No column that is found: which is it?
    fn unfit(&self, what: &str, why: &str) -> Error {
        self.refused(what, format!("which column is the {what}? {why}"))
    }

    /// A column that another one has to take the place of.
    fn refused(&self, what: &str, why: String) -> Error {
        let remedy = if what == "image" {
            Remedy::ImageColumn
        } else {
            Remedy::LabelColumn
        };
        Error::schema(why).with_remedy(remedy).context(self.0.shown())
    }

    /// The columns, each with its type, for a message.
    fn listed(&self) -> String {
        let found = Found::all(self.0);
        let one = |found: &Found| match found.declared.as_deref() {
            Some(kind) if kind != "Value" => format!("{} (declared {kind})", found.name),
            _ => format!("{} ({})", found.name, found.data_type),
        };
        let some: Vec<String> = found.iter().take(NAMED).map(one).collect();
        match found.len() - some.len() {
            0 => some.join(", "),
            more => format!("{} and {more} more", some.join(", ")),
        }
    }

    /// The names of the columns that the first of `tiers` keeps which keeps any; else of the fields of structs.
    fn candidates(&self, tiers: &[&dyn Fn(&Found) -> bool]) -> Vec<String> {
        let (inner, outer): (Vec<_>, Vec<_>) = Found::all(self.0).into_iter().partition(|found| found.is_inner);
        let tiers = [&outer, &inner]
            .into_iter()
            .flat_map(|found| tiers.iter().map(move |tier| found.iter().filter(|found| tier(found))));
        let mut names = tiers.map(|kept| kept.map(|found| found.name.clone()).collect::<Vec<_>>());
        names.find(|names| !names.is_empty()).unwrap_or_default()
    }
}

/// A column that may be read, or a field of a struct.
struct Found {
    name: String,
    data_type: DataType,
    /// What Hugging Face's metadata calls it.
    declared: Option<String>,
    /// Whether that is a `ClassLabel`, or a list of them.
    is_class_label: bool,
    is_media: bool,
    is_inner: bool,
}

impl Found {
    /// All columns, and the fields of structs.
    fn all(rows: &dyn Columns) -> Vec<Self> {
        let features = features(rows.all());
        let mut all = Vec::new();
        for field in rows.all().fields() {
            let is_media = rows.is_media(field.name());
            Self::add(
                &mut all,
                field,
                field.name(),
                &features[field.name()],
                (is_media, false),
            );
        }
        all
    }

    fn add(all: &mut Vec<Self>, field: &Field, name: &str, declared: &Value, (media, is_inner): (bool, bool)) {
        let own = is_media(field.data_type());
        let data_type = match own {
            true => &DataType::BinaryView,
            false => field.data_type(),
        };
        all.push(Self {
            data_type: data_type.clone(),
            declared: declared["_type"].as_str().map(str::to_owned),
            is_class_label: [declared, &declared["feature"], &declared[0]]
                .iter()
                .any(|declared| declared["_type"] == "ClassLabel"),
            is_media: media || own,
            is_inner,
            name: name.to_owned(),
        });
        if let DataType::Struct(inner) = data_type {
            for field in inner {
                let name = format!("{name}.{}", field.name());
                let declared = declared_inside(declared, field.name());
                Self::add(all, field, &name, &declared, (false, true));
            }
        }
    }
}

/// The only one of `names`.
pub(super) fn only(mut names: Vec<String>) -> Option<String> {
    names.pop().filter(|_| names.is_empty())
}

/// Whether a column is called as those of labels are.
pub(crate) fn is_called_label(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let plural = |word: &str| last.strip_suffix('s') == Some(word) || last.strip_suffix("es") == Some(word);
    ["label", "class", "target", "tag"]
        .iter()
        .any(|word| last == *word || plural(word))
}

/// Whether a column of that name tells rows apart, so that it would have a class for each.
fn is_key(name: &str) -> bool {
    const KEYS: [&str; 9] = [
        "id",
        "uid",
        "uuid",
        "key",
        "index",
        "path",
        "file",
        "filename",
        "file_name",
    ];
    let name = name.to_lowercase();
    KEYS.contains(&name.as_str()) || name.ends_with("_id") || name.starts_with("__index_level_")
}

/// Whether a column is called as those of masks are in datasets of Hugging Face, scene parsing and street scenes among them.
fn is_called_mask(name: &str) -> bool {
    const CALLED: [&str; 10] = [
        "mask",
        "masks",
        "annotation",
        "label",
        "segmentation",
        "semantic_segmentation",
        "segmentation_mask",
        "semantic_mask",
        "ground_truth",
        "trimap",
    ];
    let last = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    CALLED.contains(&last.as_str()) || last.ends_with("_mask")
}

/// How readily a column of `data_type` is taken for one of labels: 0 for one class a row, 1 for a list of them, 2 for numbers; none
/// where it holds no labels.
fn label_rank(data_type: &DataType) -> Option<u8> {
    let is_class = |data_type: &DataType| data_type.is_integer() || data_type.is_string();
    match data_type {
        DataType::Boolean => Some(0),
        class if is_class(class) => Some(0),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_class(item.data_type()).then_some(1)
        }
        number => (number.is_floating() || number.is_decimal()).then_some(2),
    }
}
