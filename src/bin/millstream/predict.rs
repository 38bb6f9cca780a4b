use crate::data::split;
use crate::device::Compute;
use crate::evaluate::figures;
use crate::machine::Machine;
use crate::nms::Nms;
use crate::on_error::OnPredictionError;
use crate::output::{say, shown, tell};
use crate::progress::Progress;
use crate::reading::Limit;
use crate::values::score;
use clap::Args;
use millstream::burn::tensor::Device;
use millstream::error::ErrorKind;
use millstream::image::Reading;
use millstream::quote::{counted, counted_with};
use millstream::report::Report;
use millstream::source::Split;
use millstream::task::{self, DrawnPictures, Labelled, OnBadRow, PredictionFile};
use millstream::{Context, Result};
use std::path::PathBuf;

/// Predict pictures, in files of their own or in Parquet, with a model that `finetune` or `demo` wrote.
#[derive(Args)]
pub(crate) struct Predict {
    /// The folder with the model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// The image column, if it is not that of the training and not found by its type
    #[arg(long, value_name = "COL")]
    image: Option<String>,
    /// A column to keep beside the predictions, such as a row's id; of pictures in files of their own the path is kept anyway
    #[arg(long, value_name = "COL")]
    id: Option<String>,
    /// The label column, if not found; with labels the figures are printed, too
    #[arg(long, value_name = "COL")]
    label: Option<String>,
    /// The split of a folder with several, which has to be named
    #[arg(long, value_name = "NAME", value_parser = split)]
    split: Option<Split>,
    #[command(flatten)]
    limit: Limit,
    /// Where to write the predictions
    #[arg(long, value_name = "PARQUET", default_value = "predictions.parquet")]
    out: PathBuf,
    /// Replace the file of that name if predictions are in it, and with --draw the pictures that were drawn there before
    #[arg(long)]
    overwrite: bool,
    /// Draw the boxes of a detector or the masks of a segmentation into the pictures, and write these to a folder: 00000.png for the first row, and so on
    #[arg(long, value_name = "DIR")]
    draw: Option<PathBuf>,
    /// The least score of a box that is drawn
    #[arg(long, value_name = "SCORE", value_parser = score, default_value_t = 0.3, requires = "draw")]
    draw_score: f32,
    #[command(flatten)]
    nms: Nms,
    #[command(flatten)]
    on_error: OnPredictionError,
    /// Parquet files or pictures, folders or patterns; or lists of pictures (CSV, JSON lines)
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    #[command(flatten)]
    device: Compute,
    #[command(flatten)]
    machine: Machine,
}

impl Predict {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let output = PredictionFile::new(&self.out, self.overwrite);
        let mut predict = task::Predict {
            image: self.image,
            id: self.id,
            split: self.split,
            max_pixels: self.limit.max_pixels_or(Reading::default().max_pixels),
            on_bad_row: self.on_error.rule_or(OnBadRow::Fail)?,
            device: self.device.device_or(Device::flex())?,
            ..task::Predict::new(self.model, self.files)
        };
        predict.nms = self.nms.over(None, predict.model_nms()?)?;
        let rows = predict.open(&cx)?;
        output.check(&predict.model, &rows)?;
        if let Some(folder) = &self.draw {
            output.check_beside(folder)?;
            predict.check_folder(folder, &rows, self.overwrite)?;
        }
        rows.notes().iter().for_each(|note| tell(note));
        predict.nms_in_words()?.iter().for_each(|note| tell(note));
        predict.rows = Some(rows);
        let labelled = labelled(&cx, &predict, self.label.as_deref())?;
        let mut progress = Progress::new("predictions", 0);
        let rows = predict.run(&cx, &mut |done, total| {
            progress.of(total);
            progress.reached(done);
        })?;
        progress.end();
        output.write(&rows)?;
        let errors = rows.column_by_name("error");
        let without = errors.map_or(0, |errors| errors.len() - errors.null_count());
        if without > 0 {
            let rows = match without {
                1 => "1 row has no prediction, because its picture cannot be read; its".to_owned(),
                many => format!("{many} rows have no prediction, because their pictures cannot be read; their"),
            };
            tell(&format!("{rows} column \"error\" says why"));
        }
        if let Some(cut) = predict.cut_boxes(&rows)? {
            let more = cut.at_most.saturating_mul(10);
            tell(&format!(
                "{cut} (--nms '{{\"at_most\": {more}}}', --min-score); column \"cut\" says which"
            ));
        }
        tell(&format!(
            "{} in {}",
            counted_with(rows.num_rows() - without, "prediction", ["is", "are"]),
            shown(&self.out)
        ));
        if let Some(folder) = &self.draw {
            let drawn = predict.draw(&cx, &rows, folder, self.draw_score, self.overwrite)?;
            tell(&drawn_in_words(&drawn, self.draw_score, &shown(folder)));
        }
        if let Some(labelled) = labelled {
            say(&figures(&Report::new(labelled.figures(&rows)?)));
        }
        Ok(())
    }
}

/// What was drawn into `folder`; where no box reaches the score `least`, why, and what to do.
fn drawn_in_words(drawn: &DrawnPictures, least: f32, folder: &str) -> String {
    let pictures = counted(drawn.pictures, "picture");
    let are = if drawn.pictures == 1 { "is" } else { "are" };
    match (drawn.boxes, drawn.highest) {
        (None, _) => format!("{pictures} with them {are} in {folder}"),
        (Some(0), None) => format!("{pictures} {are} in {folder}, without a box: none was found"),
        (Some(0), Some(highest)) => format!(
            "{pictures} {are} in {folder}, without a box: the highest score is {highest:.3}, and boxes are drawn from {least} on; \
             --draw-score draws those of lower scores"
        ),
        (Some(boxes), _) => format!("{pictures} with {} {are} in {folder}", counted(boxes, "box")),
    }
}

/// The labels of the rows, where there are any: if no column was named, rows without labels that the model knows are no error.
fn labelled(cx: &Context, predict: &task::Predict, named: Option<&str>) -> Result<Option<Labelled>> {
    match Labelled::open(cx, predict, named) {
        Err(error) if named.is_none() && error.kind() == ErrorKind::Schema => Ok(None),
        Err(error) if named.is_none() && error.kind() == ErrorKind::Data => {
            tell(&format!("no figures: {error}"));
            Ok(None)
        }
        found => found.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_drawn_is_counted() {
        let said = |boxes: Option<u64>, highest: Option<f32>| {
            let drawn = DrawnPictures {
                pictures: 12,
                boxes,
                highest,
            };
            drawn_in_words(&drawn, 0.3, "drawn")
        };
        assert_eq!(said(None, None), "12 pictures with them are in drawn");
        assert_eq!(said(Some(34), Some(0.9)), "12 pictures with 34 boxes are in drawn");
        assert_eq!(
            said(Some(0), Some(0.125)),
            "12 pictures are in drawn, without a box: the highest score is 0.125, and boxes are drawn from 0.3 on; --draw-score draws those \
             of lower scores"
        );
        assert_eq!(
            said(Some(0), None),
            "12 pictures are in drawn, without a box: none was found"
        );
    }
}
