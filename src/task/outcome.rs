//! What a run or an evaluation leaves for people: pictures, and a page that has them all.

use super::row_results::RowResults;
use crate::columns::{bytes_of, index_of};
use crate::dataset::{Dataset, Origin, Stable};
use crate::error::Result;
use crate::exec::{Context, files};
use crate::image::Image;
use crate::report::html::{Page, Section, WorstEntry, html};
use crate::report::picture::{
    Tile, Worst, class_bars, confusion_matrix, learning_curves, predicted_against_true, worst_rows, write_png,
};
use crate::report::{Epoch, Report};
use crate::rng::Rng;
use crate::spec::Spec;
use crate::train::auto_balance::Choice;
use image::RgbImage;
use std::path::Path;
use std::sync::Arc;

const PAGE: &str = "report.html";
const CURVES: &str = "curves.png";
const CONFUSION: &str = "confusion.png";
const CLASSES: &str = "classes.png";
const PREDICTED: &str = "predicted.png";
const WORST: &str = "worst.png";

/// The files that may be written.
pub(crate) const FILES: [&str; 6] = [PAGE, CURVES, CONFUSION, CLASSES, PREDICTED, WORST];

/// What is to be shown.
pub(crate) struct Outcome<'a> {
    pub(crate) cx: &'a Context,
    pub(crate) title: &'a str,
    pub(crate) report: &'a Report,
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

impl Outcome<'_> {
    /// Writes the pictures that there are, and the page with them, to `folder`.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let (worst, tiles) = self.worst()?;
        let mut pictures = self.figures()?;
        if !self.history.is_empty() {
            pictures.push((
                CURVES,
                "Loss and figure by epoch",
                learning_curves("Learning curves", self.history),
            ));
        }
        if !tiles.is_empty() {
            let picture = worst_rows("Validation rows with the highest loss", &tiles)?;
            pictures.push((WORST, "Validation rows with the highest loss", picture));
        }
        for (name, _, picture) in &pictures {
            write_png(folder.join(name), picture)?;
        }
        let shown: Vec<(&str, &RgbImage)> = pictures.iter().map(|(_, what, picture)| (*what, picture)).collect();
        let choice = Choice::of_report(self.report)?.map(|choice| Section {
            title: "Choice of balance and loss".to_owned(),
            words: choice.in_words(),
            table: choice.to_table(),
        });
        let sections: Vec<Section> = choice.into_iter().collect();
        let page = html(&Page {
            title: self.title,
            report: self.report,
            sections: &sections,
            history: self.history,
            pictures: &shown,
            worst: &worst,
        })?;
        files::write_bytes(&folder.join(PAGE), page.as_bytes())
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
                (name.replace('_', " "), values.collect())
            });
            let series: Vec<_> = series.collect();
            let tested = match run.measured.tested.len() == run.classes.len() {
                true => run.measured.tested.clone(),
                false => vec![0; run.classes.len()],
            };
            let picture = class_bars("Figures of each class", "0 to 1", &run.classes, &series, &tested)?;
            pictures.push((CLASSES, "Figures of each class, above its validation rows", picture));
        }
        let picture = predicted_against_true("Predicted against true", &self.results.pairs);
        pictures.extend(picture.map(|picture| (PREDICTED, "Predicted against true", picture)));
        Ok(pictures)
    }

    /// The worst rows, and their pictures.
    fn worst(&self) -> Result<(Vec<WorstEntry>, Vec<Worst>)> {
        let (mut entries, mut tiles) = (Vec::new(), Vec::new());
        for worst in &self.results.worst {
            let place = self.rows.provenance(self.cx, worst.row).places.into_iter().next();
            let truth = (self.truth)(worst.row);
            let row = self.cx.block_on(self.rows.take(self.cx, &[worst.row]))?;
            let bytes = bytes_of(row.column(index_of(&row.schema(), self.image)?), 0).unwrap_or_default();
            let pixels = self.plain.preview(bytes, &mut Rng::new(0, Image::NAME, worst.row))?;
            entries.push(WorstEntry {
                place: place.map_or_else(|| format!("row {}", worst.row), |place| place.to_string()),
                truth: truth.clone(),
                predicted: worst.predicted.clone(),
                loss: worst.loss,
            });
            tiles.push(Worst {
                tile: Tile {
                    rgb: pixels.rgb,
                    width: pixels.width,
                    height: pixels.height,
                    origin: Origin::Real,
                },
                truth,
                predicted: worst.predicted.clone(),
                loss: worst.loss,
            });
        }
        Ok((entries, tiles))
    }
}
