//! Recall per class, several ways side by side.

use image::{Rgb, RgbImage};

use super::MARGIN;
use super::canvas::{Canvas, FAINT, INK, LEGEND_LINE, MUTED, SMALL, TITLE, legend_width};
use crate::error::{Error, Result};

/// A colour for each way, in order; then again from the first.
pub(super) const COLOURS: [Rgb<u8>; 7] = [
    Rgb([153, 153, 153]),
    Rgb([86, 180, 233]),
    Rgb([0, 158, 115]),
    Rgb([230, 159, 0]),
    Rgb([0, 114, 178]),
    Rgb([213, 94, 0]),
    Rgb([204, 121, 167]),
];

/// Pixels from recall 0 to recall 1.
const PLOT: u32 = 260;
/// The picture is not made wider than this, as long as its bars stay visible.
const WIDEST: u32 = 2400;
/// Pixels from one line of names to the next.
const LINE: u32 = 16;
/// Room for the numbers of the axis.
const AXIS: u32 = 40;

/// Grouped bars: for each class the recall of each way, over the class's name and its rows in the training data.
///
/// `series` has a name and a recall in `0..=1` for each class. A class without a recall has no bar; a recall of exactly 0 has a
/// mark below the axis. Made for up to six ways and some forty classes; with more, bars get thin and names are cut.
///
/// # Errors
///
/// [`Config`](crate::error::ErrorKind::Config) where a way has more or fewer recalls, or `counts` more or fewer numbers, than there
/// are classes.
pub fn recall_bars(
    title: &str,
    classes: &[String],
    series: &[(String, Vec<Option<f64>>)],
    counts: &[u64],
) -> Result<RgbImage> {
    class_bars(title, "recall", classes, series, counts)
}

/// As [`recall_bars`], of figures in `0..=1` that are called `figure`.
///
/// # Errors
///
/// As [`recall_bars`].
pub fn class_bars(
    title: &str,
    figure: &str,
    classes: &[String],
    series: &[(String, Vec<Option<f64>>)],
    counts: &[u64],
) -> Result<RgbImage> {
    let lengths = series.iter().map(|(_, recalls)| recalls.len()).chain([counts.len()]);
    if let Some(wrong) = lengths.into_iter().find(|&length| length != classes.len()) {
        return Err(Error::config(format!(
            "a bar chart of {} classes has {wrong} values",
            classes.len()
        )));
    }
    let layout = Layout::new(title, classes, series);
    let mut canvas = Canvas::new(layout.width, layout.height());
    canvas.text((MARGIN, MARGIN), title, TITLE, INK);
    canvas.legend((MARGIN, MARGIN + 36), layout.width - MARGIN, &legend(series));
    layout.grid(&mut canvas, figure);
    for (i, (class, &count)) in classes.iter().zip(counts).enumerate() {
        layout.group(&mut canvas, i, series);
        layout.label(&mut canvas, i, class, count);
    }
    Ok(canvas.into_image())
}

fn legend(series: &[(String, Vec<Option<f64>>)]) -> Vec<(&str, Rgb<u8>)> {
    series
        .iter()
        .zip(COLOURS.iter().cycle())
        .map(|((name, _), &colour)| (name.as_str(), colour))
        .collect()
}

/// Where things stand on the chart, in pixels.
struct Layout {
    width: u32,
    /// The upper edge of the plot: recall 1.
    top: u32,
    left: u32,
    bar: u32,
    /// From one group to the next.
    pitch: u32,
    /// From the left edge of a group to its first bar.
    inset: u32,
    /// How many lines the longest of the names takes.
    name_lines: u32,
    classes: u32,
}

impl Layout {
    fn new(title: &str, names: &[String], series: &[(String, Vec<Option<f64>>)]) -> Self {
        let (classes, ways) = (names.len() as u32, series.len() as u32);
        let room = WIDEST / classes.max(1);
        let bar = (room * 3 / 4 / ways.max(1)).clamp(2, 14);
        let pitch = (ways * bar * 4 / 3).max(room.min(84));
        let plot = classes * pitch;
        let widest = series.iter().map(|(name, _)| legend_width(name)).max().unwrap_or(0);
        let width = (AXIS + plot).max(TITLE.width(title)).max(widest) + 2 * MARGIN;
        let lines = legend_lines(series, width - MARGIN);
        Self {
            width,
            top: MARGIN + 36 + lines * LEGEND_LINE + 30,
            left: MARGIN + AXIS,
            bar,
            pitch,
            inset: (pitch - ways * bar) / 2,
            name_lines: names.iter().map(|name| wrapped(name, pitch).len()).max().unwrap_or(0) as u32,
            classes,
        }
    }

    fn height(&self) -> u32 {
        self.counts() + LINE + MARGIN
    }

    /// The upper edge of the line with the counts.
    fn counts(&self) -> u32 {
        self.top + PLOT + 10 + self.name_lines * LINE
    }

    /// The y of a recall.
    fn y(&self, recall: f64) -> u32 {
        self.top + PLOT - (recall.clamp(0.0, 1.0) * f64::from(PLOT)).round() as u32
    }

    fn grid(&self, canvas: &mut Canvas, figure: &str) {
        canvas.text((MARGIN, self.top - 26), figure, SMALL, MUTED);
        canvas.text((MARGIN, self.counts()), "rows", SMALL, MUTED);
        for (tenths, number) in [(0, "0.0"), (2, "0.2"), (4, "0.4"), (6, "0.6"), (8, "0.8"), (10, "1.0")] {
            let y = self.y(f64::from(tenths) / 10.0);
            let colour = if tenths == 0 { MUTED } else { FAINT };
            canvas.fill((self.left, y), (self.classes * self.pitch, 1), colour);
            canvas.ending((self.left - 8, y - SMALL.height() / 2), number, SMALL, MUTED);
        }
    }

    fn group(&self, canvas: &mut Canvas, class: usize, series: &[(String, Vec<Option<f64>>)]) {
        let left = self.left + class as u32 * self.pitch + self.inset;
        for (way, ((_, recalls), &colour)) in series.iter().zip(COLOURS.iter().cycle()).enumerate() {
            let Some(recall) = recalls[class] else { continue };
            let zero = self.top + PLOT;
            // Recall 0 is a mark below the axis, so that it differs from no recall and from any bar; the least bar is two pixels high.
            let (y, height) = match recall == 0.0 {
                true => (zero + 1, 2),
                false => {
                    let y = self.y(recall).min(zero - 2);
                    (y, zero - y)
                }
            };
            let space = u32::from(self.bar > 4);
            canvas.fill((left + way as u32 * self.bar, y), (self.bar - space, height), colour);
        }
    }

    fn label(&self, canvas: &mut Canvas, class: usize, name: &str, count: u64) {
        let x = self.left + class as u32 * self.pitch + self.pitch / 2;
        for (i, line) in wrapped(name, self.pitch).iter().enumerate() {
            canvas.centred((x, self.top + PLOT + 10 + i as u32 * LINE), line, SMALL, INK);
        }
        canvas.centred(
            (x, self.counts()),
            &SMALL.fit(&count.to_string(), self.pitch),
            SMALL,
            MUTED,
        );
    }
}

/// The name of a class, in lines that fit under its group.
fn wrapped(name: &str, pitch: u32) -> Vec<String> {
    SMALL.wrap(name, pitch.saturating_sub(4))
}

/// How many lines the legend takes between the margin and `right`.
fn legend_lines(series: &[(String, Vec<Option<f64>>)], right: u32) -> u32 {
    Canvas::new(0, 0).legend((MARGIN, 0), right, &legend(series)) / LEGEND_LINE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bars(series: &[(&str, &[Option<f64>])], counts: &[u64]) -> Result<RgbImage> {
        let classes: Vec<_> = (0..counts.len()).map(|i| format!("class {i}")).collect();
        let series: Vec<_> = series
            .iter()
            .map(|(name, recalls)| ((*name).to_owned(), recalls.to_vec()))
            .collect();
        recall_bars("Recall", &classes, &series, counts)
    }

    fn area(picture: &RgbImage, colour: Rgb<u8>) -> usize {
        picture.pixels().filter(|&&pixel| pixel == colour).count()
    }

    #[test]
    fn bars_are_as_high_as_their_recall() {
        let square = 13 * 13;
        for (recall, height) in [(Some(1.0), 260), (Some(0.5), 130), (Some(0.0), 2), (None, 0)] {
            let picture = bars(&[("a", &[recall])], &[5]).unwrap();
            assert_eq!(area(&picture, COLOURS[0]), square + 13 * height);
        }
    }

    #[test]
    fn a_recall_of_nothing_has_no_bar() {
        let lowest = |recall: f64| {
            let picture = bars(&[("a", &[Some(recall)])], &[5]).unwrap();
            let rows = picture.enumerate_pixels().filter(|(.., pixel)| **pixel == COLOURS[0]);
            rows.map(|(_, y, _)| y).max().unwrap()
        };
        // The axis itself lies between: its first line is the one below the bars.
        assert_eq!(lowest(1.0), lowest(1e-4));
        assert_eq!(lowest(0.0), lowest(1.0) + 3);
    }

    #[test]
    fn refuses_what_does_not_fit() {
        assert!(bars(&[("a", &[Some(1.0)])], &[5, 6]).is_err());
        assert!(recall_bars("", &["a".into()], &[], &[]).is_err());
    }

    #[test]
    fn draws_none_and_many() {
        assert!(bars(&[], &[]).is_ok());
        assert!(bars(&[("", &[])], &[]).is_ok());
        let many = vec![Some(f64::NAN); 1000];
        let wide = bars(&[("a", &many), ("b", &many)], &vec![1; 1000]).unwrap();
        assert!(wide.width() < 6000);
    }
}
