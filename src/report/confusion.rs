//! How well a classifier does, class by class.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// How often rows of each class were taken for each class: row = truth, column = prediction.
///
/// Serialises as its matrix, a list of rows. The figures are defined as in scikit-learn, also where a class is missing.
///
/// ```
/// # use millstream::report::Confusion;
/// let mut confusion = Confusion::new(2);
/// for (truth, predicted) in [(0, 0), (0, 0), (0, 0), (1, 0)] {
///     confusion.record(truth, predicted)?;
/// }
/// assert_eq!(confusion.accuracy(), 0.75);
/// assert_eq!(confusion.balanced_accuracy(), 0.5);
/// # Ok::<(), millstream::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<Vec<u64>>", try_from = "Vec<Vec<u64>>")]
pub struct Confusion {
    classes: usize,
    /// Row by row.
    counts: Vec<u64>,
}

impl Confusion {
    /// A matrix for `classes` classes, all zero.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Counts one row of class `truth` that was taken for class `predicted`.
    ///
    /// # Errors
    ///
    /// [`Data`](crate::error::ErrorKind::Data) where one of them is not below the number of classes; nothing is counted then.
    pub fn record(&mut self, truth: usize, predicted: usize) -> Result<()> {
        let worst = truth.max(predicted);
        if worst >= self.classes {
            return Err(Error::data(format!("class {worst} of {} classes", self.classes)));
        }
        self.counts[truth * self.classes + predicted] += 1;
        Ok(())
    }

    /// How many rows of class `truth` were taken for class `predicted`; 0 for classes that do not exist.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth.max(predicted) >= self.classes {
            return 0;
        }
        self.counts[truth * self.classes + predicted]
    }

    /// How many rows were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of rows that were taken for what they are, in `0..=1`; 0 where nothing was counted.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right(), self.total()).unwrap_or(0.0)
    }

    /// How many rows were taken for what they are.
    fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.count(class, class)).sum()
    }

    /// The mean recall over the classes that have rows, in `0..=1`; 0 where nothing was counted.
    ///
    /// scikit-learn's `balanced_accuracy_score`.
    pub fn balanced_accuracy(&self) -> f64 {
        mean(self.recalls().into_iter().flatten())
    }

    /// The mean F1 over the classes that have rows or were predicted, in `0..=1`; 0 where nothing was counted.
    ///
    /// scikit-learn's `f1_score(average="macro", zero_division=0)` without `labels`.
    pub fn macro_f1(&self) -> f64 {
        mean((0..self.classes).filter_map(|class| {
            let right = self.count(class, class);
            ratio(2 * right, self.of_class(class) + self.predicted(class))
        }))
    }

    /// The share of each class's rows that were recognised, in `0..=1`; `None` for a class without rows.
    pub fn recalls(&self) -> Vec<Option<f64>> {
        (0..self.classes)
            .map(|class| ratio(self.count(class, class), self.of_class(class)))
            .collect()
    }

    /// The standard error of [`accuracy`](Self::accuracy) as a share of independent rows, [that of a share](share_error); `None`
    /// where nothing was counted.
    pub fn accuracy_error(&self) -> Option<f64> {
        share_error(self.right(), self.total())
    }

    /// The standard error of [`balanced_accuracy`](Self::balanced_accuracy), `sqrt(sum of e_c^2) / K` over the `K` classes that have
    /// rows, with the standard error `e_c` [of a recall](Self::recall_errors); `None` where nothing was counted.
    pub fn balanced_accuracy_error(&self) -> Option<f64> {
        let errors: Vec<f64> = self.recall_errors().into_iter().flatten().collect();
        let squares: f64 = errors.iter().map(|error| error * error).sum();
        (!errors.is_empty()).then(|| squares.sqrt() / errors.len() as f64)
    }

    /// The standard error of each class's recall, [that of a share](share_error) of its rows; `None` for a class without rows.
    pub fn recall_errors(&self) -> Vec<Option<f64>> {
        (0..self.classes)
            .map(|class| share_error(self.count(class, class), self.of_class(class)))
            .collect()
    }

    /// The standard error of [`macro_f1`](Self::macro_f1) by the jackknife (Efron and Stein 1981): the square root of
    /// `(n - 1) / n` times the sum of the squared deviations of the `n` figures that leave one row out; `None` for fewer than two
    /// rows.
    pub fn macro_f1_error(&self) -> Option<f64> {
        let n = self.total();
        if n < 2 {
            return None;
        }
        // Twice the right rows of each class, and its rows and predictions together.
        let of = |class: usize| {
            (
                2 * self.count(class, class),
                self.of_class(class) + self.predicted(class),
            )
        };
        let parts: Vec<(u64, u64)> = (0..self.classes).map(of).collect();
        let all = parts.iter().filter_map(|&(right, rows)| ratio(right, rows));
        let (sum, classes) = all.fold((0.0, 0_u64), |(sum, classes), f1| (sum + f1, classes + 1));
        let mut figures = Vec::new();
        for cell in (0..self.counts.len()).filter(|&cell| self.counts[cell] > 0) {
            let (truth, predicted) = (cell / self.classes, cell % self.classes);
            // Without one row of this cell, in which all other classes stay as they are.
            let changed: &[(usize, u64, u64)] = match truth == predicted {
                true => &[(truth, 2, 2)],
                false => &[(truth, 0, 1), (predicted, 0, 1)],
            };
            let (mut sum, mut classes) = (sum, classes);
            for &(class, less_right, less) in changed {
                let (right, rows) = parts[class];
                sum -= right as f64 / rows as f64;
                match ratio(right - less_right, rows - less) {
                    Some(f1) => sum += f1,
                    None => classes -= 1,
                }
            }
            let figure = if classes == 0 { 0.0 } else { sum / classes as f64 };
            figures.push((self.counts[cell] as f64, figure));
        }
        let mean = figures.iter().map(|(rows, figure)| rows * figure).sum::<f64>() / n as f64;
        let squares = figures.iter().map(|(rows, figure)| rows * (figure - mean).powi(2));
        Some(((n - 1) as f64 / n as f64 * squares.sum::<f64>()).sqrt())
    }

    /// How many rows of class `truth` were counted; 0 for a class that does not exist.
    pub fn rows(&self, truth: usize) -> u64 {
        self.of_class(truth)
    }

    fn of_class(&self, truth: usize) -> u64 {
        (0..self.classes).map(|predicted| self.count(truth, predicted)).sum()
    }

    fn predicted(&self, predicted: usize) -> u64 {
        (0..self.classes).map(|truth| self.count(truth, predicted)).sum()
    }
}

impl From<Confusion> for Vec<Vec<u64>> {
    fn from(confusion: Confusion) -> Self {
        confusion
            .counts
            .chunks(confusion.classes.max(1))
            .map(<[u64]>::to_vec)
            .collect()
    }
}

impl TryFrom<Vec<Vec<u64>>> for Confusion {
    type Error = Error;

    fn try_from(rows: Vec<Vec<u64>>) -> Result<Self> {
        let classes = rows.len();
        if rows.iter().any(|row| row.len() != classes) {
            return Err(Error::data("a confusion matrix has as many columns as rows"));
        }
        Ok(Self {
            classes,
            counts: rows.concat(),
        })
    }
}

/// The standard error of a share of `n` independent rows of which `right` count: `sqrt(q (1 - q) / n)`, with the true share put at
/// `q = (right + 1) / (n + 2)`, Laplace's rule of succession. Of many rows `q` is the share itself. Of few that are all right, or all
/// wrong, the error is not 0, which they do not prove: 0.47 of one row, 0.09 of ten. `None` for no row.
pub fn share_error(right: u64, n: u64) -> Option<f64> {
    let (right, rows) = (right as f64, n as f64);
    let share = (right + 1.0) / (rows + 2.0);
    (n > 0).then(|| (share * (1.0 - share) / rows).max(0.0).sqrt())
}

/// `None` for a denominator of 0.
fn ratio(numerator: u64, denominator: u64) -> Option<f64> {
    (denominator > 0).then(|| numerator as f64 / denominator as f64)
}

/// 0 for nothing.
fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(rows: &[&[u64]]) -> Confusion {
        Confusion::try_from(rows.iter().map(|row| row.to_vec()).collect::<Vec<_>>()).unwrap()
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-15, "{found} is not {expected}");
    }

    /// The expected numbers below come from scikit-learn 1.9.1.
    #[test]
    fn agrees_with_scikit_learn() {
        let matrix = confusion(&[&[50, 3, 2], &[4, 10, 1], &[0, 2, 3]]);
        close(matrix.accuracy(), 0.84);
        close(matrix.balanced_accuracy(), 0.725_252_525_252_525_3);
        close(matrix.macro_f1(), 0.709_850_801_593_920_9);
        assert_eq!(
            matrix.recalls(),
            [Some(0.909_090_909_090_909_1), Some(0.666_666_666_666_666_6), Some(0.6)]
        );
    }

    /// The expected numbers below come from numpy: the formulas, and a jackknife row by row.
    #[test]
    fn standard_errors_are_those_of_the_formulas() {
        let matrix = confusion(&[&[50, 3, 2], &[4, 10, 1], &[0, 2, 3]]);
        let of = |found: Option<f64>, expected: f64| assert!((found.unwrap() - expected).abs() < 1e-12, "{found:?}");
        of(matrix.accuracy_error(), 0.043_255_397_391_504_05);
        of(matrix.balanced_accuracy_error(), 0.085_580_969_029_567_62);
        of(matrix.macro_f1_error(), 0.087_161_217_479_910_61);
        let recalls = [0.041_381_336, 0.123_389_276, 0.221_313_334];
        for (found, expected) in matrix.recall_errors().into_iter().zip(recalls) {
            assert!((found.unwrap() - expected).abs() < 1e-8, "{found:?}");
        }
        // Class 2 has one row, never right; class 3 has none.
        let matrix = confusion(&[&[3, 1, 0, 0], &[0, 2, 0, 0], &[1, 0, 0, 0], &[0; 4]]);
        of(matrix.macro_f1_error(), 0.3009430829364952);
        of(matrix.recall_errors()[2], 0.471_404_520_791_031_7);
        assert_eq!(matrix.recall_errors()[3], None);
        // It adds what it should: a mean of 0.583 of three classes, of four, two and one row.
        of(matrix.balanced_accuracy_error(), 0.203_176_928_310_108_22);
        let nothing = Confusion::new(3);
        assert_eq!(
            (nothing.accuracy_error(), nothing.balanced_accuracy_error()),
            (None, None)
        );
        assert_eq!(
            (nothing.macro_f1_error(), confusion(&[&[1]]).macro_f1_error()),
            (None, None)
        );
    }

    #[test]
    fn agrees_where_a_class_has_no_rows() {
        // Class 2 is only ever predicted; class 3 does not occur at all.
        let matrix = confusion(&[&[7, 1, 2, 0], &[3, 4, 1, 0], &[0; 4], &[0; 4]]);
        close(matrix.accuracy(), 0.611_111_111_111_111_2);
        close(matrix.balanced_accuracy(), 0.6);
        close(matrix.macro_f1(), 0.438_461_538_461_538_5);
        assert_eq!(matrix.recalls(), [Some(0.7), Some(0.5), None, None]);
    }

    #[test]
    fn agrees_where_a_class_is_never_predicted() {
        let matrix = confusion(&[&[9, 1, 0], &[2, 8, 0], &[3, 2, 0]]);
        close(matrix.accuracy(), 0.68);
        close(matrix.balanced_accuracy(), 0.566_666_666_666_666_8);
        close(matrix.macro_f1(), 0.503_968_253_968_254);
        assert_eq!(matrix.recalls(), [Some(0.9), Some(0.8), Some(0.0)]);
    }

    #[test]
    fn nothing_is_zero() {
        for matrix in [Confusion::new(0), Confusion::new(3)] {
            assert_eq!(
                (matrix.accuracy(), matrix.balanced_accuracy(), matrix.macro_f1()),
                (0.0, 0.0, 0.0)
            );
        }
    }

    #[test]
    fn refuses_classes_that_do_not_exist() {
        let mut matrix = Confusion::new(2);
        assert!(matrix.record(2, 0).is_err() && matrix.record(0, 2).is_err());
        assert_eq!((matrix.total(), matrix.count(0, 2)), (0, 0));
    }

    #[test]
    fn is_its_matrix_in_json() {
        let matrix = confusion(&[&[1, 2], &[3, 4]]);
        let json = serde_json::to_string(&matrix).unwrap();
        assert_eq!(json, "[[1,2],[3,4]]");
        assert_eq!(serde_json::from_str::<Confusion>(&json).unwrap(), matrix);
        assert!(serde_json::from_str::<Confusion>("[[1,2],[3]]").is_err());
    }
}
