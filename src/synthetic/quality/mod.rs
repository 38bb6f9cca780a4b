//! How good synthetic rows are: figures of two sets of rows, each with its interval of 95 % confidence.
//!
//! All of them are functions of rows of numbers ([`Matrix`]) or of columns ([`Table`]), so that they hold for tables and for frozen
//! features of pictures alike. A figure of synthetic rows says little by itself: take the same figure of real rows that the generator
//! never saw, as many of them, beside it.
//!
//! | question | figures |
//! |---|---|
//! | fidelity | [`frechet`], [`kernel`], [`Manifold`], [`TwoSample`]; [`ks_complement`], [`tv_complement`], [`correlation_similarity`], [`contingency_similarity`] |
//! | usefulness | [`Usefulness`] |
//! | privacy | [`exact_copies`], [`near_copies`], [`nearer_to_training`], [`neighbour_ratio`], [`membership_inference`], [`SinglingOut`] |
//! | bias | [`by_group`], [`judge_groups`] |
//!
//! ```
//! use millstream::rng::Rng;
//! use millstream::synthetic::quality::{Matrix, nearer_to_training};
//!
//! let mut rng = Rng::new(1, "rows", 0);
//! let mut rows = |count: usize| Matrix::new((0..4 * count).map(|_| rng.normal()).collect(), 4);
//! let (training, holdout, honest) = (rows(200)?, rows(200)?, rows(200)?);
//! let copied = nearer_to_training(&training, &training, &holdout)?;
//! let honest = nearer_to_training(&honest, &training, &holdout)?;
//! assert_eq!(copied.value, 1.0);
//! assert!(honest.low < 0.5 && 0.5 < honest.high);
//! # Ok::<(), millstream::Error>(())
//! ```

mod auc;
mod closest;
mod copies;
mod frechet;
mod groups;
mod interval;
mod kernel;
mod linear_algebra;
mod logistic;
mod manifold;
mod marginals;
mod matrix;
mod neighbours;
mod pairs;
mod projection;
mod radii;
mod singling_out;
mod table;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_intervals;
mod two_sample;
mod usefulness;

pub use auc::auc;
pub use closest::{membership_inference, nearer_to_training, neighbour_ratio};
pub use copies::{exact_copies, near_copies, near_copy_distance};
pub use frechet::{frechet, frechet_distance};
pub use groups::{ComparedGroup, Group, GroupFigure, Grouped, JudgedGroups, by_group, judge_groups};
pub use interval::Interval;
pub use kernel::{kernel, kernel_distance};
pub use logistic::Logistic;
pub use manifold::Manifold;
pub use marginals::{ks_complement, tv_complement};
pub use matrix::Matrix;
pub(in crate::synthetic) use matrix::{Rows, check_widths};
pub(in crate::synthetic) use neighbours::any_near;
pub use neighbours::{Neighbour, closest, nearest, nearest_others};
pub use pairs::{Bins, contingency_similarity, correlation_similarity};
pub use projection::Projection;
pub(in crate::synthetic) use radii::{is_searched, radii_bytes, squared_radii_of};
pub use singling_out::SinglingOut;
pub use table::{Column, Encoding, Table};
pub use two_sample::TwoSample;
pub use usefulness::{Labelled, Skill, Usefulness};
