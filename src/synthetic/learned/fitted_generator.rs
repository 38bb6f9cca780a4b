//! Any generator as what makes the rows of a file.

use super::about::About;
use super::model_folder::{self, Parts};
use super::objects_beside::ObjectsBeside;
use super::row_maker::RowMaker;
use super::training::Training;
use crate::columns::{is_binary, picture_fields};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::quote::{counted, quoted};
use crate::rows::CLASS_NAMES;
use crate::source::features;
use crate::spec::Spec;
use crate::synthetic::{BankSpec, Generator, GeneratorSpec, SampleId};
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray, StructArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use serde_json::Value;
use std::sync::Arc;

/// What generators call the column of pictures that have columns of their own, as [`Scenes`](crate::synthetic::Scenes) do.
const IMAGE: &str = "image";
/// What they call the column of classes.
const LABEL: &str = "label";
/// What they call the column of objects with boxes.
const OBJECTS: &str = "objects";

/// A generator that is known by its name ([`generators`](crate::synthetic::generators)), fitted on training rows, whose rows are written to a
/// [file](super::RowsFile) once: where each costs many times a stored one, or where a training has other columns than it makes.
///
/// Rows have the columns that the generator makes: those of the training rows, or of [scenes](crate::synthetic::Scenes) `image`, `mask`, `objects` (boxes with classes)
/// and the label. Pictures and labels are called as in the training rows, and pictures are stored as Hugging Face's `datasets` has them.
///
/// ```
/// use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
/// use millstream::rows::Labels;
/// use millstream::source::Memory;
/// use millstream::synthetic::SmoteSpec;
/// use millstream::synthetic::learned::{FittedGenerator, RowsFile, Training};
/// use millstream::{Context, Result, Stable};
/// use std::sync::Arc;
///
/// # fn main() -> Result<()> {
/// let x: ArrayRef = Arc::new(Float64Array::from_iter_values((0..40).map(f64::from)));
/// let label: ArrayRef = Arc::new(StringArray::from_iter_values((0..40).map(|row| if row < 30 { "cat" } else { "dog" })));
/// let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter([("x", x), ("label", label)])?])?);
/// let cx = Context::new()?;
/// let labels = Arc::new(cx.block_on(Labels::scan(&cx, &rows, "label"))?);
///
/// let smote = SmoteSpec { columns: vec!["x".to_owned()], ..SmoteSpec::default() };
/// let generator = FittedGenerator::fit(&smote, &Training { cx: cx.clone(), rows, labels })?;
/// # let folder = tempfile::tempdir().unwrap();
/// let file = RowsFile::new(folder.path().join("made.parquet"), false);
/// // No cats, and twenty dogs.
/// file.write(&cx, &generator, &[0, 20], &mut |_| Ok(()))?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FittedGenerator {
    about: Arc<About>,
    generator: Arc<dyn Generator>,
    hash: String,
    columns: Vec<Column>,
    /// What Hugging Face's `datasets` is told of them.
    features: Value,
    has_pictures: bool,
}

/// A column as it is written, and how it is made of that of the generator.
type Column = (Arc<Field>, Written);

/// How a column is written.
#[derive(Clone, Debug)]
enum Written {
    /// As it is.
    Same,
    /// Encoded pictures as structs of bytes and a path.
    Picture,
    /// Of a struct these fields alone.
    Part(Vec<usize>),
    /// Objects as the training files have them.
    Objects(ObjectsBeside),
}

impl FittedGenerator {
    /// Rows that are made at once, where they are pictures.
    const PICTURES: usize = 64;

    /// Fits what `spec` says on training rows alone, and makes one row, which says what columns there are. This blocks, and must not be called inside an async task.
    ///
    /// # Errors
    ///
    /// As [`GeneratorSpec::fit`]; `Config` for rows of a file ([`BankSpec`]), which are written already; `Data` where it can make rows of no class, `Schema` where these have no
    /// column of class numbers.
    pub fn fit(spec: &dyn GeneratorSpec, training: &Training) -> Result<Self> {
        let name = spec.name();
        let named = |error: Error| error.context(name);
        if name == BankSpec::NAME {
            return Err(named(Error::config(
                "these rows lie in a file already: train on it beside the training rows, or fill a balance with it",
            )));
        }
        spec.check().map_err(named)?;
        let Training { cx, rows, labels } = training;
        let mut about = About::of(&spec.description(), training)?;
        let generator = cx.block_on(spec.fit(cx, Arc::clone(rows), labels)).map_err(named)?;
        about.fitted_on.add(&generator.parents_elsewhere());
        about.fitted_on.mark();
        let first = (0..labels.names().len() as u32).find(|&class| generator.supports(class));
        let Some(class) = first else {
            return Err(named(Error::data(format!(
                "it can make rows of none of the {} in column {}: each has too few rows",
                counted(labels.names().len(), "class"),
                quoted(labels.column())
            ))));
        };
        let sample = [SampleId { class, index: 0 }];
        let made = cx.block_on(generator.generate(cx, &sample)).map_err(named)?.schema();
        let pictures = spec.makes_pictures().then(|| spec.reads().into_iter().next()).flatten();
        let (columns, features) = written(&made, &about, pictures.as_deref()).map_err(named)?;
        Ok(Self {
            hash: model_folder::hash(&about, &Parts::new())?,
            about: Arc::new(about),
            generator,
            columns,
            features,
            has_pictures: pictures.is_some(),
        })
    }

    /// The same, whose rows are read beside files with the columns `stored`. Objects with boxes are laid out as there: a struct of lists or a list of structs, classes as texts
    /// or numbers, and with the fields that they have there, in which nothing is marked (`iscrowd`), other numbers are 0 and what is no number is null. Any other struct that
    /// is also there has no fields but those that it has there, since rows of which some lack a field are not read together.
    #[must_use]
    pub fn beside(mut self, stored: &Schema) -> Self {
        for (field, how) in &mut self.columns {
            if let (DataType::Struct(made), OBJECTS) = (field.data_type(), field.name().as_str())
                && let Some(objects) = ObjectsBeside::of(made, stored, &self.about.classes)
            {
                let told = self.features[OBJECTS].clone();
                if let Some(features) = self.features.as_object_mut() {
                    features.remove(OBJECTS);
                    features.insert(objects.column.clone(), objects.features(made, &told));
                }
                *field = Arc::new(Field::new(&objects.column, objects.data_type(), true));
                *how = Written::Objects(objects);
                continue;
            }
            let there = stored.field_with_name(field.name()).map(Field::data_type);
            let (DataType::Struct(own), Ok(DataType::Struct(there)), Written::Same) = (field.data_type(), there, &*how)
            else {
                continue;
            };
            let kept: Vec<usize> = (0..own.len())
                .filter(|&at| there.find(own[at].name()).is_some())
                .collect();
            if kept.is_empty() || kept.len() == own.len() {
                continue;
            }
            let fields: Fields = kept.iter().map(|&at| Arc::clone(&own[at])).collect();
            let told = self.features.get_mut(field.name());
            let told = told.and_then(|told| told.get_mut("feature")?.as_object_mut());
            if let Some(told) = told {
                told.retain(|name, _| fields.find(name).is_some());
            }
            *field = Arc::new(Field::clone(field).with_data_type(DataType::Struct(fields)));
            *how = Written::Part(kept);
        }
        self
    }

    /// What makes the rows.
    pub fn generator(&self) -> &Arc<dyn Generator> {
        &self.generator
    }
}

impl RowMaker for FittedGenerator {
    fn about(&self) -> &About {
        &self.about
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|(field, _)| Arc::clone(field))
                .collect::<Fields>(),
        ))
    }

    fn check_class(&self, class: u32) -> Result<()> {
        let about = &self.about;
        let Some(name) = about.classes.get(class as usize) else {
            let known = counted(about.classes.len(), "class");
            return Err(Error::config(format!(
                "there is no class number {class}: there are {known}"
            )));
        };
        match self.generator.supports(class) {
            true => Ok(()),
            false => Err(Error::config(format!(
                "{} can make no rows of class {}, which has {}: leave the class out",
                about.name(),
                quoted(name),
                counted(about.counts[class as usize], "training row")
            ))),
        }
    }

    fn make(&self, cx: &Context, samples: &[SampleId]) -> Result<RecordBatch> {
        let made = cx.block_on(self.generator.generate(cx, samples));
        let made = made.map_err(|error| error.context(self.about.name()))?;
        let columns = self.columns.iter().zip(made.columns());
        let columns = columns.map(|((field, how), column)| how.column(field, column));
        Ok(RecordBatch::try_new(self.schema(), columns.collect::<Result<_>>()?)?)
    }

    fn at_once(&self) -> usize {
        match self.has_pictures {
            true => Self::PICTURES,
            false => usize::MAX,
        }
    }

    fn features(&self) -> Value {
        self.features.clone()
    }
}

impl Written {
    /// `column` of the generator as the column `field`.
    fn column(&self, field: &Field, column: &ArrayRef) -> Result<ArrayRef> {
        match (self, field.data_type()) {
            (Self::Picture, DataType::Struct(fields)) => {
                let bytes = cast(column, &DataType::Binary)?;
                let paths: ArrayRef = Arc::new(StringArray::new_null(bytes.len()));
                Ok(Arc::new(StructArray::try_new(
                    fields.clone(),
                    vec![bytes, paths],
                    None,
                )?))
            }
            (Self::Objects(objects), _) => objects.column(column),
            (Self::Part(kept), DataType::Struct(fields)) => {
                let whole = column.as_struct_opt();
                let whole = whole
                    .ok_or_else(|| Error::schema(format!("column {} is no struct any more", quoted(field.name()))))?;
                let parts = kept.iter().map(|&at| Arc::clone(whole.column(at))).collect();
                let part = StructArray::try_new(fields.clone(), parts, whole.nulls().cloned())?;
                Ok(Arc::new(part))
            }
            _ => Ok(Arc::clone(column)),
        }
    }
}

/// The columns of rows that a generator makes as they are written, and what Hugging Face's `datasets` is told of them: `pictures` is the column of pictures, where there is
/// one.
fn written(made: &Schema, about: &About, pictures: Option<&str>) -> Result<(Vec<Column>, Value)> {
    let has = |name: &str| made.index_of(name).is_ok();
    // Scenes have names of their own.
    let renamed = |name: &str| match name {
        LABEL if !has(&about.label) => about.label.clone(),
        IMAGE => match pictures {
            Some(column) if !has(column) => column.to_owned(),
            _ => name.to_owned(),
        },
        name => name.to_owned(),
    };
    let told = features(made);
    let (mut columns, mut features) = (Vec::<Column>::new(), serde_json::Map::new());
    for field in made.fields() {
        let name = renamed(field.name());
        if columns.iter().any(|(other, _)| *other.name() == name) {
            return Err(Error::schema(format!(
                "two columns of its rows would be called {}: rename that of the training rows",
                quoted(&name)
            )));
        }
        let told = &told[field.name()];
        let is_picture = pictures == Some(&*name) || told["_type"] == "Image";
        if name == about.label {
            if *field.data_type() != DataType::Int64 {
                return Err(Error::schema(format!(
                    "column {} of its rows holds {}, not class numbers (Int64)",
                    quoted(&name),
                    field.data_type()
                )));
            }
            let names = Value::from(about.classes.clone()).to_string();
            let field =
                Field::new(&name, DataType::Int64, true).with_metadata([(CLASS_NAMES.to_owned(), names)].into());
            columns.push((Arc::new(field), Written::Same));
        } else if is_picture && is_binary(field.data_type()) {
            let of = DataType::Struct(picture_fields());
            columns.push((Arc::new(Field::new(&name, of, true)), Written::Picture));
        } else {
            let field = Field::clone(field).with_name(&name);
            columns.push((Arc::new(field), Written::Same));
            if !told.is_null() {
                features.insert(name, told.clone());
            }
        }
    }
    match columns.iter().any(|(field, _)| *field.name() == about.label) {
        true => Ok((columns, Value::Object(features))),
        false => Err(Error::schema(format!(
            "its rows have no column {} of classes",
            quoted(&about.label)
        ))),
    }
}
