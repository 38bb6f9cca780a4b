//! A Gaussian copula for each class.

mod columns;
mod fit;
mod generator;
mod learned;
mod model;
mod spec;
#[cfg(test)]
mod tests;

pub use generator::Copula;
pub use model::CopulaModel;
pub use spec::CopulaSpec;
