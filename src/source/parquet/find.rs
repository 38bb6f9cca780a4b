//! Which column holds the images, and which the labels.

use super::open::Parquet;
use super::schema::fields::{classes, declared_inside, features, is_media, problems};
use super::schema::projection::Projection;
use crate::error::{Error, Remedy, Result};
use arrow::datatypes::{DataType, Field};
use serde_json::Value;
use std::collections::BTreeSet;

/// Columns that a message names at most.
const NAMED: usize = 20;

impl Parquet {
    /// The column of encoded images: `named` if it holds bytes, else the only one of the
    /// [candidates](Self::image_candidates).
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no bytes, where no column holds images, saying which columns there are, and
    /// where several may, naming them.
    pub fn find_image(&self, named: Option<&str>) -> Result<String> {
        let Some(named) = named else {
            let none = || {
                let what = "an image column holds bytes, or a struct with bytes";
                format!("no column looks like one; {what}; there are {}", self.listed())
            };
            return self.the_only("image", self.image_candidates(), none);
        };
        let data_type = self.type_of(named)?;
        match is_binary(&data_type) {
            true => Ok(named.to_owned()),
            false => Err(self.unfit(
                "image",
                &format!("column {named:?} holds {data_type}, not encoded images"),
            )),
        }
    }

    /// The column of labels: `named` if it holds labels, else the only one of the [candidates](Self::label_candidates). Labels are
    /// whole numbers, booleans or strings (a class), lists of whole numbers or strings (several classes), or other numbers.
    ///
    /// # Errors
    ///
    /// `Schema` where `named` is missing or holds no labels, where no column holds labels, saying which columns there are,
    /// and where several may, naming them.
    pub fn find_label(&self, named: Option<&str>) -> Result<String> {
        self.label(
            named,
            "labels are whole numbers, booleans or strings, lists of them, or numbers",
            &|field| label_rank(field.data_type()).is_some(),
        )
    }

    /// The column of targets for the task called `task`: `named` if it `fits`, else the only one of the
    /// [candidates](Self::label_candidates) of a label, or of all columns if none of these does, that fits.
    ///
    /// # Errors
    ///
    /// `Schema` as for [`find_label`](Self::find_label), with what `fits` says of the column that is named.
    pub fn find_target(&self, named: Option<&str>, task: &str, fits: &dyn Fn(&Field) -> Result<()>) -> Result<String> {
        if let Some(named) = named {
            let own: Projection = self.projection.project(&self.files, &[named], &self.name)?;
            fits(own.schema.field(0)).map_err(|error| self.unfit("label", &format!("of the task {task}: {error}")))?;
            return Ok(named.to_owned());
        }
        let wanted = format!("none holds targets of the task {task}");
        self.label(None, &wanted, &|field| fits(field).is_ok())
    }

    fn label(&self, named: Option<&str>, wanted: &str, fits: &dyn Fn(&Field) -> bool) -> Result<String> {
        let Some(named) = named else {
            let none = || format!("no column looks like one; {wanted}; there are {}", self.listed());
            return self.the_only("label", self.labels_that(fits), none);
        };
        let own: Projection = self.projection.project(&self.files, &[named], &self.name)?;
        let field = own.schema.field(0);
        match fits(field) {
            true => Ok(named.to_owned()),
            false => Err(self.unfit(
                "label",
                &format!("column {named:?} holds {}; {wanted}", field.data_type()),
            )),
        }
    }

    /// The column that [`find_image`](Self::find_image) finds without a name; `None` where there is none or more than one.
    pub fn image_column(&self) -> Option<String> {
        only(self.image_candidates())
    }

    /// The columns that may hold encoded images: those that Hugging Face's metadata calls an `Image`; else the structs with
    /// `bytes`; else the binary columns; else those of binary values of one size. A column that the metadata calls by
    /// another kind (`Audio`, `Video`, `Pdf` and so on) is none of them. Where no column is one, fields of structs are looked at.
    pub fn image_candidates(&self) -> Vec<String> {
        let plain = |found: &Found| matches!(found.declared.as_deref(), None | Some("Value"));
        self.candidates(&[
            &|found| found.declared.as_deref() == Some("Image") && is_binary(&found.data_type),
            &|found| plain(found) && found.is_media,
            &|found| plain(found) && found.data_type == DataType::BinaryView,
            &|found| plain(found) && is_binary(&found.data_type),
        ])
    }

    /// The column that [`find_label`](Self::find_label) finds without a name; `None` where there is none or more than one.
    pub fn label_column(&self) -> Option<String> {
        only(self.label_candidates())
    }

    /// The columns that may hold labels: those that Hugging Face's metadata calls a `ClassLabel`, or a list of them; else those that
    /// are named label, class, target or tag (or labels, and so on); else those of whole numbers, booleans or strings; else lists of
    /// these; else other numbers. A column that is named as a row's key (id, index, `file_name` and so on) is one only where there is no
    /// other. Where no column is one, fields of structs are looked at.
    pub fn label_candidates(&self) -> Vec<String> {
        self.labels_that(&|field| label_rank(field.data_type()).is_some())
    }

    fn labels_that(&self, fits: &dyn Fn(&Field) -> bool) -> Vec<String> {
        let called = |found: &Found| {
            let last = found.name.rsplit('.').next().unwrap_or_default().to_lowercase();
            let plural = |word: &str| last.strip_suffix('s') == Some(word) || last.strip_suffix("es") == Some(word);
            ["label", "class", "target", "tag"]
                .iter()
                .any(|word| last == *word || plural(word))
        };
        let fits = |found: &Found| !found.is_media && fits(&Field::new(&found.name, found.data_type.clone(), true));
        let is_key = |found: &Found| is_key(found.name.rsplit('.').next().unwrap_or_default());
        let of = |found: &Found, rank| label_rank(&found.data_type) == Some(rank);
        self.candidates(&[
            &|found| found.is_class_label && fits(found),
            &|found| called(found) && fits(found),
            &|found| of(found, 0) && fits(found) && !is_key(found),
            &|found| of(found, 1) && fits(found) && !is_key(found),
            &|found| fits(found) && !is_key(found),
            &fits,
        ])
    }

    /// What is wrong with what Hugging Face's `datasets` left in the files of their columns, a sentence each, without a full stop.
    pub(crate) fn metadata_problems(&self) -> Vec<String> {
        let all: BTreeSet<String> = self.files.iter().flat_map(|file| problems(&file.schema)).collect();
        all.into_iter().collect()
    }

    /// The names of the classes 0, 1, ... of `column`, where Hugging Face's metadata has them.
    pub fn class_names(&self, column: &str) -> Option<Vec<String>> {
        classes(self.projection.schema.field_with_name(column).ok()?)
    }

    fn the_only(&self, what: &str, candidates: Vec<String>, none: impl Fn() -> String) -> Result<String> {
        let why = match candidates.as_slice() {
            [] => none(),
            several => format!("it could be {}; name one of them", several.join(", ")),
        };
        only(candidates).ok_or_else(|| self.unfit(what, &why))
    }

    fn unfit(&self, what: &str, why: &str) -> Error {
        let remedy = if what == "image" {
            Remedy::ImageColumn
        } else {
            Remedy::LabelColumn
        };
        let error = Error::schema(format!("which column is the {what}? {why}"));
        error.with_remedy(remedy).context(self.name.as_ref())
    }

    fn type_of(&self, column: &str) -> Result<DataType> {
        let own: Projection = self.projection.project(&self.files, &[column], &self.name)?;
        Ok(own.schema.field(0).data_type().clone())
    }

    /// The columns, each with its type, for a message.
    fn listed(&self) -> String {
        let found = Found::all(self);
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
        let (inner, outer): (Vec<_>, Vec<_>) = Found::all(self).into_iter().partition(|found| found.is_inner);
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
    fn all(rows: &Parquet) -> Vec<Self> {
        let features = features(&rows.projection.schema);
        let mut all = Vec::new();
        for field in rows.projection.schema.fields() {
            let is_media = rows.projection.is_media(field.name());
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

fn only(mut names: Vec<String>) -> Option<String> {
    names.pop().filter(|_| names.is_empty())
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(data_type, DataType::BinaryView | DataType::FixedSizeBinary(_))
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

/// How readily a column of `data_type` is taken for one of labels: 0 for one class a row, 1 for a list of them, 2 for numbers; none
/// where it holds no labels.
fn label_rank(data_type: &DataType) -> Option<u8> {
    let is_class = |data_type: &DataType| data_type.is_integer() || *data_type == DataType::Utf8View;
    match data_type {
        DataType::Boolean => Some(0),
        class if is_class(class) => Some(0),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            is_class(item.data_type()).then_some(1)
        }
        number => (number.is_floating() || number.is_decimal()).then_some(2),
    }
}
