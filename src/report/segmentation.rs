//! What a semantic segmentation achieves.

use super::measured::{Figure, Measured};
use super::resamples::Resamples;
use crate::error::{Error, Result};

/// Figures of a class for each pixel: mean intersection over union (`mean_iou`, which chooses), the share of right pixels
/// (`pixel_accuracy`), the mean recall of the classes (`mean_accuracy`), and of each class `iou` and `accuracy` (its recall).
///
/// Pixels of all pictures are counted together, as torchmetrics and MMSegmentation do. A class that is neither in the truth nor predicted
/// has no intersection over union and is left out of the mean. Standard errors are those of 200 bootstrap samples of pictures, drawn with
/// a fixed seed. `tested` is the number of pictures in which a class is.
///
/// ```
/// use millstream::report::SegmentationFigures;
///
/// let mut figures = SegmentationFigures::new(2, Some(255));
/// figures.add([0, 0, 1, 255], [0, 1, 1, 1])?;
/// let measured = figures.measured();
/// assert_eq!((measured.value("mean_iou"), measured.value("pixel_accuracy")), (Some(0.5), Some(2.0 / 3.0)));
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SegmentationFigures {
    classes: usize,
    ignored: Option<i64>,
    /// Of each picture the classes that are in it or were predicted.
    pictures: Vec<Vec<(u32, Pixels)>>,
}

/// Pixels of one class.
#[derive(Clone, Copy, Debug, Default)]
struct Pixels {
    right: u64,
    truth: u64,
    predicted: u64,
}

impl SegmentationFigures {
    /// Figures over so many `classes`, of no picture yet. Pixels whose truth is `ignored` do not count, whatever was predicted there.
    pub fn new(classes: usize, ignored: Option<i64>) -> Self {
        Self {
            classes,
            ignored,
            pictures: Vec::new(),
        }
    }

    /// Adds a picture: the class of each pixel, and what was predicted.
    ///
    /// # Errors
    ///
    /// `Data` where one has more pixels than the other, and for a class that there is not.
    pub fn add<T, P>(&mut self, truth: T, predicted: P) -> Result<()>
    where
        T: IntoIterator<Item = i64>,
        P: IntoIterator<Item = i64>,
    {
        let mut counts = vec![Pixels::default(); self.classes];
        let (mut truth, mut predicted) = (truth.into_iter(), predicted.into_iter());
        loop {
            let (is, got) = match (truth.next(), predicted.next()) {
                (Some(is), Some(got)) => (is, got),
                (None, None) => break,
                _ => {
                    return Err(Error::data(
                        "truth and prediction of a picture differ in their number of pixels",
                    ));
                }
            };
            if self.ignored == Some(is) {
                continue;
            }
            let (is, got) = (self.class(is)?, self.class(got)?);
            counts[is].truth += 1;
            counts[got].predicted += 1;
            counts[is].right += u64::from(is == got);
        }
        let there = (0..)
            .zip(counts)
            .filter(|(_, pixels)| pixels.truth + pixels.predicted > 0);
        self.pictures.push(there.collect());
        Ok(())
    }

    fn class(&self, class: i64) -> Result<usize> {
        let known = usize::try_from(class).ok().filter(|&class| class < self.classes);
        known.ok_or_else(|| {
            Error::data(format!(
                "a pixel is of class {class}, and there are {} classes",
                self.classes
            ))
        })
    }

    /// The figures with their standard errors.
    pub fn measured(&self) -> Measured {
        let scores = |weights: &[u32]| self.scores(weights);
        let (values, errors) = Resamples::of(self.pictures.len()).errors(&scores);
        let figure = |at: usize| Figure::new(values[at], errors[at]);
        let of_classes = |at: usize| (0..self.classes).map(|class| figure(3 + 2 * class + at)).collect();
        let mut tested = vec![0; self.classes];
        let there = self.pictures.iter().flatten().filter(|(_, pixels)| pixels.truth > 0);
        there.for_each(|&(class, _)| tested[class as usize] += 1);
        Measured {
            tested,
            ..Measured::new(self.pictures.len() as u64, "mean_iou")
                .with("mean_iou", figure(0))
                .with("pixel_accuracy", figure(1))
                .with("mean_accuracy", figure(2))
                .with_classes("iou", of_classes(0))
                .with_classes("accuracy", of_classes(1))
        }
    }

    /// Mean intersection over union, pixel accuracy, mean accuracy, and both of each class.
    fn scores(&self, weights: &[u32]) -> Vec<Option<f64>> {
        let mut sums = vec![Pixels::default(); self.classes];
        for (picture, &weight) in self.pictures.iter().zip(weights) {
            for &(class, pixels) in picture {
                let (sum, weight) = (&mut sums[class as usize], u64::from(weight));
                sum.right += weight * pixels.right;
                sum.truth += weight * pixels.truth;
                sum.predicted += weight * pixels.predicted;
            }
        }
        let iou = |of: &Pixels| ratio(of.right, of.truth + of.predicted - of.right);
        let accuracy = |of: &Pixels| ratio(of.right, of.truth);
        let sum = |of: fn(&Pixels) -> u64| sums.iter().map(of).sum();
        let mut scores = vec![
            mean(sums.iter().filter_map(iou)),
            ratio(sum(|of| of.right), sum(|of| of.truth)),
            mean(sums.iter().filter_map(accuracy)),
        ];
        scores.extend(sums.iter().flat_map(|of| [iou(of), accuracy(of)]));
        scores
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_are_nowhere_and_ignored_pixels_do_not_count() {
        let mut figures = SegmentationFigures::new(4, Some(-1));
        figures.add([0, 0, 1, -1, -1, 1], [0, 1, 1, 3, 0, 1]).unwrap();
        figures.add([1, 1], [1, 2]).unwrap();
        let measured = figures.measured();
        // 1 of 2, 3 of 5, 0 of 1; class 3 was predicted where nothing counts.
        let ious: Vec<_> = measured
            .by_class
            .get("iou")
            .unwrap()
            .iter()
            .map(|figure| figure.value)
            .collect();
        assert_eq!(ious, [Some(0.5), Some(0.6), Some(0.0), None]);
        assert!((measured.value("mean_iou").unwrap() - 1.1 / 3.0).abs() < 1e-12);
        assert_eq!(measured.value("pixel_accuracy"), Some(4.0 / 6.0));
        assert_eq!(measured.value("mean_accuracy"), Some((0.5 + 0.75) / 2.0));
        assert_eq!((measured.rows, measured.tested), (2, vec![1, 2, 0, 0]));
        assert!(measured.figures.get("mean_iou").unwrap().standard_error.unwrap() > 0.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut figures = SegmentationFigures::new(2, None);
        assert!(figures.add([0, 1], [0]).is_err());
        let error = figures.add([0, 2], [0, 0]).unwrap_err();
        assert_eq!(error.to_string(), "a pixel is of class 2, and there are 2 classes");
        assert!(figures.add([0, 0], [0, -1]).is_err());
        assert_eq!(figures.measured().value("mean_iou"), None);
    }
}
