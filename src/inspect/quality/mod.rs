//! How good synthetic rows are, beside real rows that no generator saw.

mod bias;
mod checks;
pub(super) mod columns;
mod fidelity;
mod label;
mod lineage;
mod meaning;
mod notes;
mod page;
#[cfg(feature = "train")]
pub(super) mod pictures;
mod plots;
mod privacy;
mod report;
pub(super) mod samples;
mod svg;
pub(super) mod tables;
mod useful;

pub use meaning::FigureMeaning;
pub use report::{
    Better, ColumnQuality, ComparedFigure, GroupQuality, Marginal, Medium, PairQuality, Plots, QualityReport,
    QualitySection, Rule,
};

use self::samples::Samples;
use self::tables::{Part, Reading};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::exec::{Context, files};
use crate::quote::{counted, quoted};
use crate::rng::{Permutation, Rng};
use crate::source::{Files, refuse_shared};
use std::path::PathBuf;

/// Compares synthetic rows with real ones: fidelity, usefulness, privacy and bias, each figure with its interval of 95 % confidence and beside the
/// same figure of real rows, the control.
///
/// Rows are tables of numbers and categories (texts and booleans are categories, all else that has numbers is a number), a tensor column of
/// features, or pictures, which are seen through the features of a frozen EfficientNet-Lite0. The control is the holdout: real rows of the same
/// kind that the generator was not fitted on. Where none is named, half of the real rows are split off by the seed; then the generator
/// may have been fitted on them, and of privacy only copies are judged. Usefulness is that of 100 classes at most, those that most sets and most real rows have.
/// Singling out is measured of tables alone, whose columns a guess is of; for features and pictures a note says that it is not.
///
/// ```
/// use millstream::Context;
/// use millstream::inspect::Quality;
/// # use millstream::rng::Rng;
/// # let folder = tempfile::tempdir().unwrap();
/// # for (name, seed) in [("real.csv", 1), ("made.csv", 2), ("more.csv", 3)] {
/// #     let mut rng = Rng::new(seed, "rows", 0);
/// #     let line = |_| format!("{},{}\n", rng.normal(), if rng.chance(0.4) { "a" } else { "b" });
/// #     let text = "x,kind\n".to_owned() + &(0..120).map(line).collect::<String>();
/// #     std::fs::write(folder.path().join(name), text).unwrap();
/// # }
/// # let [real, made, more] = ["real.csv", "made.csv", "more.csv"].map(|name| folder.path().join(name).display().to_string());
///
/// let cx = Context::new()?;
/// let mut quality = Quality::new([real], [made]);
/// quality.holdout = vec![more];
/// let report = quality.run(&cx, &mut |_, _| {})?;
/// let privacy = report.section("privacy").unwrap();
/// assert_eq!(privacy.passes, Some(true));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Quality {
    /// Files, folders or patterns of the real rows that the generator was fitted on. Where the file of the synthetic rows says which ([`RowsFile`](crate::synthetic::learned::RowsFile)) and a
    /// holdout is named, those of them that it was not fitted on are left out, and a note says how many.
    pub real: Vec<String>,
    /// Those of synthetic rows.
    pub synthetic: Vec<String>,
    /// Those of real rows that it was not fitted on. Defaults to half of the real rows, which are split off.
    pub holdout: Vec<String>,
    /// The column of classes. Defaults to that which the generator was fitted with, as the file of its rows says
    /// ([`RowsFile`](crate::synthetic::learned::RowsFile)); of other files to the only one that stores names of classes, or else to the only one that may hold labels, as
    /// [`Files::find_label`] finds it; of a table that has to be one of texts or called so, and its values have to be those of the real rows.
    pub label: Option<String>,
    /// The column of groups that are to be served alike; not the label, whose classes are compared anyway. Defaults to none.
    pub group: Option<String>,
    /// The column of pictures. Defaults to the only one that may hold them.
    pub image: Option<String>,
    /// Columns of whole numbers that are categories.
    pub categories: Vec<String>,
    /// Rows of each set at most, drawn by the seed; time is in proportion to its square. Defaults to 5000, of pictures to 2000.
    pub rows: Option<usize>,
    /// A folder for `quality.json` and `quality.html`, if they are wanted. Neither may be there yet, unless they are [overwritten](Self::overwrite).
    pub out: Option<PathBuf>,
    /// Whether these files are replaced where they are there: those of another comparison. Defaults to false.
    pub overwrite: bool,
}

/// The files that may be written.
const JSON: &str = "quality.json";
const PAGE: &str = "quality.html";

impl Quality {
    /// Default limit of compared rows of each set.
    pub const ROWS: usize = 5000;
    /// The same of pictures.
    pub const PICTURES: usize = 2000;

    /// Compares `synthetic` files with `real` ones.
    pub fn new(
        real: impl IntoIterator<Item = impl Into<String>>,
        synthetic: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        Self {
            real: real.into_iter().map(Into::into).collect(),
            synthetic: synthetic.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// Reads the files and compares them, by the seed of `cx`. `progress` is told pictures whose features are made, and all of them.
    ///
    /// # Errors
    ///
    /// As [`Files::open`] and [`of`](Self::of); `Config` where a file is in two of the sets, by whatever path or link; `Exists` where [`out`](Self::out) has a file of a name that would be written, and `Config` where
    /// no comparison wrote it; `Io` where nothing can be written there.
    pub fn run(&self, cx: &Context, progress: &mut dyn FnMut(u64, u64)) -> Result<QualityReport> {
        let open = |paths: &[String]| cx.block_on(Files::open_all_splits(cx, paths, None));
        let (real, synthetic) = (open(&self.real)?, open(&self.synthetic)?);
        let holdout = match self.holdout.as_slice() {
            [] => None,
            paths => Some(open(paths)?),
        };
        let holdout_set = holdout.iter().map(|files| ("holdout rows", files));
        let sets = [("real rows", &real), ("synthetic rows", &synthetic)].into_iter();
        refuse_shared(&sets.chain(holdout_set).collect::<Vec<_>>())?;
        if let Some(out) = &self.out {
            self.check(out, [Some(&real), Some(&synthetic), holdout.as_ref()])?;
        }
        let report = self.of(cx, &real, &synthetic, holdout.as_ref(), progress)?;
        if let Some(out) = &self.out {
            std::fs::create_dir_all(out).map_err(|error| Error::io(out, error))?;
            let json = serde_json::to_vec(&report).map_err(|error| Error::data(error.to_string()))?;
            let write = |name: &str, bytes: &[u8]| {
                use std::io::Write;
                let path = out.join(name);
                let failed = path.clone();
                files::write_output(&path, self.overwrite, |file| {
                    file.write_all(bytes).map_err(|error| Error::io(&failed, error))
                })
            };
            write(JSON, &json)?;
            write(PAGE, page::html(&report).as_bytes())?;
        }
        Ok(report)
    }

    /// Compares rows of any source; [`Files::of_source`] makes them of a dataset.
    ///
    /// # Errors
    ///
    /// `Schema` where columns are missing, hold something else, or none can be compared; `Data` for too few rows, numbers that are infinite or not told apart
    /// (whole numbers beyond 2^53), and classes that the real rows do not have; `Config` for synthetic rows among the real ones or those of the holdout, for holdout rows that the
    /// generator was fitted on, and real rows that it was not, by what the file of the synthetic rows says, for a group column that is the label, and for pictures without the Cargo
    /// feature `train`;
    /// whatever reading gives.
    pub fn of(
        &self,
        cx: &Context,
        real: &Files,
        synthetic: &Files,
        holdout: Option<&Files>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<QualityReport> {
        let medium = tables::medium(real, self.image.as_deref());
        let mut notes = Vec::new();
        let mut parts = self.parts(cx.seed(), (real, synthetic, holdout), medium, &mut notes)?;
        let label = label::label(cx, (real, synthetic), &parts, self.label.as_deref(), medium)?
            .filter(|found| self.label.is_some() || self.group.as_ref() != Some(found));
        let reading = Reading {
            label: label.as_deref(),
            group: self.group.as_deref(),
            categories: &self.categories,
        };
        self.check_columns(real, label.as_deref())?;
        self.refuse_synthetic(cx, (real, "real"), label.as_deref())?;
        if let Some(holdout) = holdout {
            self.refuse_synthetic(cx, (holdout, "holdout"), label.as_deref())?;
        }
        lineage::keep_fitted(cx, &mut parts, holdout.is_none(), &mut notes)?;
        let samples = match medium {
            Medium::Table => cx.block_on(tables::tables(cx, &parts, &reading, &mut notes))?,
            Medium::Features => {
                let column = tables::feature_column(real).unwrap_or_default();
                notes.push(format!("compared by column {}", quoted(&column)));
                cx.block_on(tables::features(cx, &parts, &column, &reading))?
            }
            Medium::Pictures => self.pictures(cx, &parts, &reading, &mut notes, progress)?,
        };
        notes.push(match &samples.classes {
            Some(names) => format!("classes: column {}", quoted(&names.column)),
            None => "no column is plainly one of classes, so usefulness and figures by class are left out: name the label column".to_owned(),
        });
        let seed = cx.seed();
        let is_split = holdout.is_none();
        cx.block_on(cx.compute(move || measured(&samples, medium, is_split, notes, seed)))
    }

    /// The rows of each set that are compared.
    fn parts<'a>(
        &self,
        seed: u64,
        (real, synthetic, holdout): (&'a Files, &'a Files, Option<&'a Files>),
        medium: Medium,
        notes: &mut Vec<String>,
    ) -> Result<[Part<'a>; 3]> {
        let most = self.rows.unwrap_or(if medium == Medium::Pictures {
            Self::PICTURES
        } else {
            Self::ROWS
        }) as u64;
        let mut part = |files: &'a Files, own: &dyn Fn(u64) -> (u64, u64), what: &str| {
            let all = files.len().finite().unwrap_or(0);
            let order = Permutation::new(all, &mut Rng::new(seed, "quality: rows", 0));
            let (start, end) = own(all);
            let used = (end - start).min(most);
            if used < end - start {
                notes.push(format!(
                    "{used} of {} are compared, drawn by the seed",
                    counted(end - start, what)
                ));
            }
            let mut rows: Vec<u64> = (start..start + used).map(|at| order.get(at)).collect();
            rows.sort_unstable();
            match rows.len() {
                0..10 => Err(Error::data(format!(
                    "there {} {} here, and 10 or more are needed: name more rows",
                    if rows.len() == 1 { "is" } else { "are" },
                    counted(rows.len() as u64, what)
                ))
                .context(files.name().to_owned())),
                _ => Ok(Part {
                    files,
                    rows,
                    from: None,
                }),
            }
        };
        let whole = |all: u64| (0, all);
        match holdout {
            Some(holdout) => Ok([
                part(real, &whole, "real row")?,
                part(synthetic, &whole, "synthetic row")?,
                part(holdout, &whole, "holdout row")?,
            ]),
            None => {
                let parts = [
                    part(real, &|all| (0, all - all / 2), "real row")?,
                    part(synthetic, &whole, "synthetic row")?,
                    part(real, &|all| (all - all / 2, all), "real row")?,
                ];
                notes.push(
                    "no holdout was named, so half of the real rows, drawn by the seed, are the control".to_owned(),
                );
                Ok(parts)
            }
        }
    }

    #[cfg(feature = "train")]
    fn pictures(
        &self,
        cx: &Context,
        parts: &[Part<'_>; 3],
        reading: &Reading<'_>,
        notes: &mut Vec<String>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Samples> {
        notes.push(format!(
            "pictures are compared by the features of {}",
            pictures::BACKBONE
        ));
        let rows = pictures::features(
            cx,
            parts,
            self.image.as_deref(),
            &burn::tensor::Device::flex(),
            progress,
        )?;
        cx.block_on(tables::of_matrices(cx, parts, rows, reading))
    }

    #[cfg(not(feature = "train"))]
    fn pictures(
        &self,
        _: &Context,
        _: &[Part<'_>; 3],
        _: &Reading<'_>,
        _: &mut Vec<String>,
        _: &mut dyn FnMut(u64, u64),
    ) -> Result<Samples> {
        Err(Error::config(
            "pictures are compared by features of a network, and this build has none: build it with the Cargo feature `weights`",
        ))
    }
}

impl QualityReport {
    /// The section of that name.
    pub fn section(&self, name: &str) -> Option<&QualitySection> {
        self.sections.iter().find(|section| section.name == name)
    }
}

impl QualitySection {
    /// The figure of that name.
    pub fn figure(&self, name: &str) -> Option<&ComparedFigure> {
        self.figures.iter().find(|figure| figure.name == name)
    }
}

/// All sections. Fidelity compares as many synthetic rows as control rows.
fn measured(
    samples: &Samples,
    medium: Medium,
    is_split: bool,
    mut notes: Vec<String>,
    seed: u64,
) -> Result<QualityReport> {
    let Samples {
        real,
        synthetic,
        holdout,
        ..
    } = samples;
    let rows = synthetic.len().min(holdout.len());
    let some = |sample: &samples::Sample, stage: &str| {
        let order = Permutation::new(sample.len() as u64, &mut Rng::new(seed, stage, 0));
        sample.select(&(0..rows as u64).map(|at| order.get(at) as usize).collect::<Vec<_>>())
    };
    let (made, control) = (some(synthetic, "quality: synthetic"), some(holdout, "quality: control"));
    let (fidelity, columns, pairs) = fidelity::fidelity(real, &made, &control, seed)?;
    let mut sections = vec![fidelity];
    let (useful, note) = useful::usefulness(samples, seed)?;
    sections.extend(useful);
    notes.extend(note);
    let privacy = privacy::privacy(real, synthetic, holdout, is_split, seed)?;
    notes.extend(notes::other_shares(samples, seed));
    notes.extend(notes::no_singling_out(medium));
    notes.extend(notes::holdout_copies(&privacy, holdout.len()).filter(|_| !is_split));
    sections.push(privacy);
    let mut groups = Vec::new();
    if let Some((section, found)) = bias::bias(samples, seed)? {
        sections.push(section);
        groups = found;
    }
    Ok(QualityReport {
        medium,
        real_rows: real.len(),
        synthetic_rows: synthetic.len(),
        holdout_rows: holdout.len(),
        holdout_is_split: is_split,
        notes,
        sections,
        plots: plots::plots(samples, &columns)?,
        columns,
        pairs,
        groups,
    })
}
