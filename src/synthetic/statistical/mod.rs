//! Rows drawn from distributions that were fitted to stored rows.

mod copula;
mod correlation;
mod marginal;
pub(in crate::synthetic) mod normal;

pub use copula::{Copula, CopulaModel, CopulaSpec};
