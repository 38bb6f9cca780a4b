//! What a run or an evaluation leaves for people: pictures, and a page that has them all.

use super::drawn_masks::{colours, objects_of};
use super::regress::Regress;
use super::row_results::RowResults;
use super::segment::Segment;
use super::spec::FinetuneSpec;
use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::Result;
use crate::exec::{Context, files};
use crate::image::{Image, Mask, Pixels};
use crate::report::html::{Page, Section, WorstEntry, html};
use crate::report::picture::{
    MaskPair, Tile, Worst, class_bars, confusion_matrix, draw_objects, learning_curves, mask_pairs, precision_recall,
    predicted_against_true, worst_rows, write_png,
};
use crate::report::{Align, Epoch, Report, Table, figure_in_words, in_digits};
use crate::rng::Rng;
use crate::spec::{Describe, Spec};
use crate::train::auto_balance::Choice;
use image::RgbImage;
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

const PAGE: &str = "report.html";
const CURVES: &str = "curves.png";
const CONFUSION: &str = "confusion.png";
const CLASSES: &str = "classes.png";
const PREDICTED: &str = "predicted.png";
const PRECISION: &str = "precision_recall.png";
const MASKS: &str = "masks.png";
const WORST: &str = "worst.png";

/// The files that may be written.
pub(crate) const FILES: [&str; 8] = [PAGE, CURVES, CONFUSION, CLASSES, PREDICTED, PRECISION, MASKS, WORST];

/// What is to be shown.
pub(crate) struct Outcome<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) title: &'a str,
    pub(crate) report: &'a Report,
    /// What the run is; none where nothing was trained.
    pub(crate) settings: Option<&'a FinetuneSpec>,
    /// Empty where nothing was trained.
    pub(crate) history: &'a [Epoch],
    pub(crate) results: &'a RowResults,
    /// The rows that were evaluated, with pictures in the column `image`.
    pub(crate) rows: &'a Arc<dyn Stable>,
    pub(crate) image: &'a str,
    /// How a picture is made of its bytes.
    pub(crate) plain: &'a Image,
    /// The target of a row, in words.
    pub(crate) truth: &'a dyn Fn(u64) -> String,
}

/// The pictures that there are, and the page with them: all that can fail of the data has been done before a file is written.
pub(crate) struct Drawn {
    pictures: Vec<(&'static str, RgbImage)>,
    page: String,
}

impl Drawn {
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        for (name, picture) in &self.pictures {
            write_png(folder.join(name), picture)?;
        }
        files::write_bytes(&folder.join(PAGE), self.page.as_bytes())
    }
}

impl Outcome<'_> {
    pub(crate) fn draw(&self) -> Result<Drawn> {
        let (worst, tiles) = self.worst()?;
        let by = match &*self.report.figures.task {
            Regress::NAME => ERROR,
            Segment::NAME => WRONG,
            _ => "loss",
        };
        let mut pictures = self.figures()?;
        if !self.history.is_empty() {
            pictures.push((
                CURVES,
                "Loss and figure by epoch",
                learning_curves("Learning curves", self.history),
            ));
        }
        pictures.extend(self.masks()?);
        if !tiles.is_empty() {
            let what = match by {
                ERROR => "Validation rows with the largest absolute error",
                WRONG => "Validation rows with the largest shares of wrong pixels, and what is predicted",
                _ => "Validation rows with the highest loss",
            };
            // As much as has room below a tile.
            let by = match by {
                ERROR => "error",
                WRONG => "wrong share",
                by => by,
            };
            pictures.push((WORST, what, worst_rows(what, by, &tiles)?));
        }
        let shown: Vec<(&str, &RgbImage)> = pictures.iter().map(|(_, what, picture)| (*what, picture)).collect();
        let choice = Choice::of_report(self.report)?.map(|choice| Section {
            title: "Choice of balance and loss".to_owned(),
            words: choice.in_words(),
            table: choice.to_table(),
        });
        let sections: Vec<Section> = choice.into_iter().chain(self.settings.map(settings)).collect();
        let page = html(&Page {
            title: self.title,
            report: self.report,
            sections: &sections,
            history: self.history,
            pictures: &shown,
            worst: &worst,
            worst_by: by,
        })?;
        let pictures = pictures.into_iter().map(|(name, _, picture)| (name, picture));
        Ok(Drawn {
            pictures: pictures.collect(),
            page,
        })
    }

    /// Truth against prediction: as a matrix, as bars of each class, or as points.
    fn figures(&self) -> Result<Vec<(&'static str, &'static str, RgbImage)>> {
        let run = &self.report.figures;
        let mut pictures = Vec::new();
        if let Some(confusion) = run.confusion() {
            let picture = confusion_matrix("Confusion matrix", &run.classes, confusion);
            pictures.extend(picture.map(|picture| (CONFUSION, "Truth against prediction", picture)));
        } else if !run.classes.is_empty() {
            let series = run.measured.by_class.iter().map(|(name, figures)| {
                let values = figures.iter().map(|figure| figure.value);
                (figure_in_words(name), values.collect())
            });
            let series: Vec<_> = series.collect();
            let tested = match run.measured.tested.len() == run.classes.len() {
                true => run.measured.tested.clone(),
                false => vec![0; run.classes.len()],
            };
            let picture = class_bars("Figures of each class", "0 to 1", &run.classes, &series, &tested)?;
            pictures.push((CLASSES, "Figures of each class, above its validation rows", picture));
        }
        if let Some(curves) = &run.measured.precision_recall {
            let picture = precision_recall("Precision over recall", &run.classes, curves);
            pictures.extend(picture.map(|picture| (PRECISION, "Precision over recall", picture)));
        }
        let title = format!("Predicted against true, {} rows", self.results.pairs.len());
        let picture = predicted_against_true(&title, &self.results.pairs);
        pictures.extend(picture.map(|picture| (PREDICTED, "Predicted against true", picture)));
        Ok(pictures)
    }

    /// The worst rows with their masks beside those that were predicted; none where there are no masks.
    fn masks(&self) -> Result<Option<(&'static str, &'static str, RgbImage)>> {
        let names = &self.report.figures.classes;
        let mut pairs = Vec::new();
        for worst in &self.results.worst {
            let Some(masks) = &worst.masks else { continue };
            let row = self.cx.block_on(self.rows.take(self.cx, &[worst.row]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), self.image)?), 0).unwrap_or_default();
            let picture = Pixels::decode_with(bytes, &self.plain.reading_options())?;
            let [truth, predicted] = masks.each_ref().map(|mask| with_mask(&picture, mask, names));
            pairs.push(MaskPair {
                truth: truth?,
                predicted: predicted?,
                captions: vec![
                    format!("is {}", (self.truth)(worst.row)),
                    format!("got {}", worst.predicted),
                ],
            });
        }
        if pairs.is_empty() {
            return Ok(None);
        }
        let what = "Masks, on the left, and predictions, on the right, of the rows with the most wrong pixels";
        let picture = mask_pairs("Masks and predictions", &colours(names), &pairs)?;
        Ok(Some((MASKS, what, picture)))
    }

    /// A number in as many digits as its figures have; all else as it is.
    fn short(&self, words: String) -> String {
        match words.parse::<f64>() {
            Ok(number) if self.report.figures.classes.is_empty() => in_digits(Some(number)),
            _ => words,
        }
    }

    /// The worst rows, and their pictures.
    fn worst(&self) -> Result<(Vec<WorstEntry>, Vec<Worst>)> {
        let (mut entries, mut tiles) = (Vec::new(), Vec::new());
        for worst in &self.results.worst {
            let place = self.rows.provenance(self.cx, worst.row).places.into_iter().next();
            let truth = self.short((self.truth)(worst.row));
            let predicted = self.short(worst.predicted.clone());
            let row = self.cx.block_on(self.rows.take(self.cx, &[worst.row]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), self.image)?), 0).unwrap_or_default();
            let pixels = match &worst.masks {
                Some([_, predicted]) => {
                    let picture = Pixels::decode_with(bytes, &self.plain.reading_options())?;
                    let drawn = with_mask(&picture, predicted, &self.report.figures.classes)?;
                    let mut pixels = Pixels::new(drawn.width(), drawn.height());
                    pixels.levels = drawn.into_raw();
                    pixels
                }
                None => self.plain.preview(bytes, &mut Rng::new(0, Image::NAME, worst.row))?,
            };
            entries.push(WorstEntry {
                place: place.map_or_else(|| format!("row {}", worst.row), |place| place.to_string()),
                truth: truth.clone(),
                predicted: predicted.clone(),
                loss: worst.loss,
            });
            tiles.push(Worst {
                tile: Tile {
                    rgb: pixels.levels,
                    width: pixels.width,
                    height: pixels.height,
                    origin: Origin::Real,
                },
                truth,
                predicted,
                loss: worst.loss,
            });
        }
        Ok((entries, tiles))
    }
}

/// `picture` with the classes of `mask` in their colours.
fn with_mask(picture: &Pixels, mask: &Mask, names: &[String]) -> Result<RgbImage> {
    let parts = objects_of(mask, names);
    let objects = parts.iter().map(|part| part.drawn(false));
    draw_objects(picture, &objects.collect::<Vec<_>>())
}

/// What the rows of a regression are ordered by.
const ERROR: &str = "absolute error";
/// What the rows of a segmentation are ordered by.
const WRONG: &str = "share of wrong pixels";

/// All parameters of a run that are set, but for the machine.
fn settings(run: &FinetuneSpec) -> Section {
    let mut table = Table::new([("setting", Align::Left), ("value", Align::Left)]);
    let mut push = |name: String, value: &Value| match value {
        Value::Null => {}
        Value::String(text) => table.push([name, text.clone()]),
        value => table.push([name, value.to_string()]),
    };
    for field in run.description().fields {
        match &field.value {
            _ if FinetuneSpec::MACHINE.contains(&&*field.name) => {}
            Value::Object(fields) if field.is_table => {
                fields
                    .iter()
                    .for_each(|(key, value)| push(format!("{}.{key}", field.name), value));
            }
            value => push(field.name.clone(), value),
        }
    }
    Section {
        title: "Settings".to_owned(),
        words: "As a recipe has them; what is not here was found in the data or is not set.".to_owned(),
        table,
    }
}
