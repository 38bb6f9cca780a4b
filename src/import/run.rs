//! An import from its beginning, or from where it was stopped, to its end.

use super::annotations::Instances;
use super::batches::batches;
use super::columns::{Columns, class_names};
use super::file::{Begun, Label};
use super::folder::{ImportFolder, Manifest, ManifestSplit};
use super::open::{Import, SplitRows};
use super::pictures::{Pictures, Shrink};
use super::row_groups::RowGroups;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::Shuffle;
use crate::quote::shown;
use crate::source::{Split, all_class_names, features};
use arrow::datatypes::{Schema, SchemaRef};
use futures::StreamExt;
use serde_json::Value;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

/// Files of a split at most: their numbers have five digits.
const MOST_FILES: u64 = 99_999;

/// What was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The splits.
    pub splits: Vec<ImportedSplit>,
    /// What became of the pictures, where they were to be made smaller.
    pub pictures: Pictures,
    /// Where the [first bad](Pictures::first_bad) pictures come from, and what is wrong with them.
    pub bad: Vec<String>,
    /// Files that a run before this one had written.
    pub files_before: u64,
}

/// A split that was imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedSplit {
    /// What its rows are for.
    pub split: Split,
    /// Rows.
    pub rows: u64,
    /// Its files, in the order of their rows.
    pub files: Vec<PathBuf>,
    /// Bytes of its files.
    pub bytes: u64,
}

impl Imported {
    /// Rows of all splits.
    pub fn rows(&self) -> u64 {
        self.splits.iter().map(|split| split.rows).sum()
    }
}

impl Import {
    /// Writes all rows into the folder `out`, or what a run before this one has left to write. `progress` is told the rows done and the rows in all.
    ///
    /// Where the import lies there already, it is not written again.
    ///
    /// # Errors
    ///
    /// Whatever reading gives; `Schema` for types that Parquet does not have, and where two splits have other columns; `Config` where `out` is no folder, is above or below
    /// what is read, or holds files that no import wrote; `Resume` where it holds another import; `Busy` where another process writes to it; `Io` where something cannot be written; with
    /// [`OnBadPicture::Fail`](super::OnBadPicture::Fail) `Data` for a picture that cannot be read.
    pub fn run(&self, cx: &Context, out: impl AsRef<Path>, progress: &mut dyn FnMut(u64, u64)) -> Result<Imported> {
        let schemas: Vec<SchemaRef> = self.splits.iter().map(|own| self.schema(own)).collect();
        let named = class_names(schemas.iter().map(AsRef::as_ref));
        let columns = self.splits.iter().zip(&schemas).map(|(own, schema)| {
            let columns = Columns::new(schema, &own.media, &own.images, &named);
            columns.map_err(|error| error.context(format!("split {}", own.split)))
        });
        let columns = columns.collect::<Result<Vec<_>>>()?;
        self.check_same(&columns)?;
        let ranges: Vec<Vec<Range<u64>>> = self.splits.iter().map(|own| self.cut(own)).collect();
        let manifest = self.manifest(&ranges);
        let folder = ImportFolder::enter(out.as_ref(), manifest.clone(), &self.inputs)?;
        let of = self.rows();
        let (mut done, mut pictures, mut bad, mut files_before) = (0, Pictures::default(), Vec::new(), 0);
        for (at, own) in self.splits.iter().enumerate() {
            let (order, cx) = self.order(cx, own);
            let shrink = Shrink::of(&self.spec, &own.images).filter(|_| !own.images.is_empty());
            for (name, range) in manifest.names(at).zip(&ranges[at]) {
                let label = match folder.label(&name)? {
                    Some(label) => {
                        files_before += 1;
                        label
                    }
                    None => {
                        let path = folder.at(&name);
                        let file = File {
                            cx: &cx,
                            rows: &order,
                            shrink: shrink.as_ref(),
                            instances: self.instances,
                            columns: &columns[at],
                            row_group_bytes: self.spec.row_group_bytes,
                        };
                        let label = |pictures| Label {
                            import: folder.hash().to_owned(),
                            name: name.clone(),
                            pictures,
                        };
                        let told = &mut |rows: u64| progress(done + rows, of);
                        cx.block_on(file.write(&path, range.clone(), label, told))?
                    }
                };
                done += range.end - range.start;
                progress(done, of);
                for found in label.pictures.first_bad.iter().take(3_usize.saturating_sub(bad.len())) {
                    let place = order.provenance(&cx, found.row).places.into_iter().next();
                    let place = place.map_or_else(|| format!("row {}", found.row), |place| place.to_string());
                    bad.push(format!("{place}: {}", found.reason));
                }
                pictures.add(label.pictures);
            }
        }
        folder.complete()?;
        let splits = self.splits.iter().enumerate().map(|(at, own)| {
            let files: Vec<PathBuf> = manifest.names(at).map(|name| folder.at(&name)).collect();
            let size = |path: &PathBuf| std::fs::metadata(path).map_err(|error| Error::io(path, error));
            let sizes = files
                .iter()
                .map(|path| Ok(size(path)?.len()))
                .collect::<Result<Vec<_>>>()?;
            Ok(ImportedSplit {
                split: own.split.clone(),
                rows: own.len(),
                files,
                bytes: sizes.iter().sum(),
            })
        });
        Ok(Imported {
            splits: splits.collect::<Result<_>>()?,
            pictures,
            bad,
            files_before,
        })
    }

    /// The columns of a split, with those that are made of them.
    fn schema(&self, own: &SplitRows) -> SchemaRef {
        let below = own.rows.schema();
        match self.instances {
            Some(instances) => instances.schema(&below),
            None => below,
        }
    }

    /// Refuses splits of other columns, which could not be loaded as one set of data.
    fn check_same(&self, columns: &[Columns]) -> Result<()> {
        let listed = |schema: &Schema| {
            let fields = schema.fields().iter();
            let fields = fields.map(|field| format!("{} {}", field.name(), field.data_type()));
            fields.collect::<Vec<_>>().join(", ")
        };
        let (Some(first), Some(split)) = (columns.first(), self.splits.first()) else {
            return Ok(());
        };
        for (own, other) in columns.iter().zip(&self.splits).skip(1) {
            if own.schema != first.schema {
                let (split, other) = (&split.split, &other.split);
                let (columns, others) = (listed(&first.schema), listed(&own.schema));
                // The class names are in the metadata.
                let differ = match columns == others {
                    true => format!(
                        "other class names, or the same ones in another order: {}",
                        other_names(&first.schema, &own.schema)
                    ),
                    false => format!("other columns: {columns} and {others}"),
                };
                return Err(Error::schema(format!(
                    "the splits {split} and {other} have {differ}; import them into folders of their own"
                )));
            }
        }
        Ok(())
    }

    /// The rows of each file of a split.
    fn cut(&self, own: &SplitRows) -> Vec<Range<u64>> {
        let rows = own.len();
        let bytes: u64 = own.rows.blocks().iter().map(|block| block.bytes).sum();
        let files = bytes.div_ceil(self.spec.file_bytes).clamp(1, rows.clamp(1, MOST_FILES));
        let start = |file: u64| (u128::from(rows) * u128::from(file) / u128::from(files)) as u64;
        (0..files).map(|file| start(file)..start(file + 1)).collect()
    }

    fn manifest(&self, ranges: &[Vec<Range<u64>>]) -> Manifest {
        let splits = self.splits.iter().zip(ranges).map(|(own, ranges)| {
            let plan = own.rows.describe();
            let nodes = plan.row_settings().into_iter();
            ManifestSplit {
                split: own.split.to_string(),
                rows: own.len(),
                files: ranges.len() as u64,
                source: nodes
                    .flat_map(|node| node.settings.into_iter().map(|(setting, _)| setting))
                    .collect(),
                fingerprint: plan.fingerprint(),
                state: plan.states(),
            }
        });
        Manifest::new(self.spec.clone(), splits.collect())
    }

    /// The rows of a split in the order in which they are written, and the context that draws it.
    fn order(&self, cx: &Context, own: &SplitRows) -> (Arc<dyn Dataset>, Context) {
        match self.spec.shuffle {
            None => (Arc::new(Arc::clone(&own.rows)), cx.clone()),
            Some(seed) => {
                let window = own.rows.blocks().len();
                let shuffled = Shuffle::new(Arc::clone(&own.rows), window);
                (Arc::new(shuffled), cx.with_seed(seed))
            }
        }
    }
}

/// How a file is written.
struct File<'a> {
    cx: &'a Context,
    rows: &'a Arc<dyn Dataset>,
    shrink: Option<&'a Shrink>,
    instances: Option<Instances>,
    columns: &'a Columns,
    row_group_bytes: u64,
}

impl File<'_> {
    /// Writes the rows at `positions` to `path`; what the file says of itself is `label`.
    async fn write(
        &self,
        path: &Path,
        positions: Range<u64>,
        label: impl FnOnce(Pictures) -> Label,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Label> {
        let mut batches = pin!(batches(
            self.cx,
            self.rows,
            positions,
            (self.shrink, self.instances),
            self.columns
        ));
        let mut groups = RowGroups::new(self.row_group_bytes);
        // What is wrong with a row names the row's own file.
        let unwritten = |error: Error| error.context(path.display().to_string());
        let mut begun = Begun::new(path, &self.columns.schema).map_err(unwritten)?;
        let (mut pictures, mut rows) = (Pictures::default(), 0);
        while let Some(made) = batches.next().await {
            let (batch, found) = made?;
            pictures.add(found);
            rows += batch.num_rows() as u64;
            for group in groups.push(&batch) {
                begun = self.cx.compute(move || begun.with(&group)).await.map_err(unwritten)?;
            }
            progress(rows);
        }
        if let Some(group) = groups.finish() {
            begun = self.cx.compute(move || begun.with(&group)).await.map_err(unwritten)?;
        }
        let label = label(pictures);
        let (to, said) = (path.to_owned(), label.clone());
        self.cx
            .compute(move || begun.end(&to, &said))
            .await
            .map_err(unwritten)?;
        Ok(label)
    }
}

/// The class names of two schemas, of the first column in which they differ.
fn other_names(one: &Schema, other: &Schema) -> String {
    let names = |schema: &Schema| -> Vec<Value> {
        let (declared, fields) = (features(schema), schema.fields().iter());
        fields
            .flat_map(|field| all_class_names(field, &declared[field.name()]).into_values())
            .collect()
    };
    let (ours, theirs) = (names(one), names(other));
    let pair = ours.iter().zip(&theirs).find(|(own, other)| own != other);
    pair.map_or_else(String::new, |(own, other)| {
        format!(
            "{} and {}",
            shown(&own.to_string(), 200),
            shown(&other.to_string(), 200)
        )
    })
}
