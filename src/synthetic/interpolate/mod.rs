//! New rows between stored ones.

mod blend;
mod elastic;
mod parents;
mod smote;

pub use blend::Blend;
pub use elastic::Elastic;
pub use smote::{Smote, SmoteSpec};
