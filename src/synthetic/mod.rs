//! Synthetic rows: made by rule from real ones.

mod elastic;

pub use self::elastic::Elastic;
