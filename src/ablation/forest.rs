//! A random forest (Breiman 2001) on the rows of a table.

use crate::error::{Error, Result};
use smartcore::ensemble::random_forest_classifier::{RandomForestClassifier, RandomForestClassifierParameters};
use smartcore::linalg::basic::matrix::DenseMatrix;

/// Trees, grown to their ends, each on a bootstrap sample of the rows and with the root of the numbers tried at each split.
const TREES: u16 = 100;

/// Fits a forest to rows of `width` numbers and their `classes`, and says which class each of the rows `others` has.
pub(super) fn predicted(
    (rows, classes): (&[f32], &[u32]),
    others: &[f32],
    width: usize,
    seed: u64,
) -> Result<Vec<usize>> {
    let failed = |error: smartcore::error::Failed| Error::stage(format!("a forest: {error}"));
    let matrix =
        |values: &[f32]| DenseMatrix::new(values.len() / width.max(1), width, values.to_vec(), false).map_err(failed);
    let parameters = RandomForestClassifierParameters::default()
        .with_n_trees(TREES)
        .with_seed(seed);
    let classes = classes.to_vec();
    let forest = RandomForestClassifier::fit(&matrix(rows)?, &classes, parameters).map_err(failed)?;
    let predicted = forest.predict(&matrix(others)?).map_err(failed)?;
    Ok(predicted.into_iter().map(|class: u32| class as usize).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forest_learns_what_no_line_does_and_is_the_same_under_a_seed() {
        // The four quarters of a square, opposite ones alike.
        let row = |at: u32| [(at % 20) as f32 / 10.0 - 0.95, (at / 20) as f32 / 10.0 - 0.95];
        let rows: Vec<[f32; 2]> = (0..400).map(row).collect();
        let classes: Vec<u32> = rows.iter().map(|row| u32::from(row[0] * row[1] > 0.0)).collect();
        let others = [[0.52, 0.48], [-0.61, 0.33], [0.4, -0.7], [-0.3, -0.31]];
        let flat = |rows: &[[f32; 2]]| rows.concat();
        let found = predicted((&flat(&rows), &classes), &flat(&others), 2, 3).unwrap();
        assert_eq!(found, [1, 0, 0, 1]);
        let noise: Vec<u32> = (0..400_u32).map(|at| (at * 7919 % 13) % 2).collect();
        let all = flat(&rows);
        let of = |seed| predicted((&all, &noise), &all, 2, seed).unwrap();
        assert_eq!(of(5), of(5));
    }
}
