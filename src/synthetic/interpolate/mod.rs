//! New rows between stored ones.

mod blend;
mod elastic;
mod smote;

pub use blend::{Blend, BlendSpec};
pub use elastic::Elastic;
pub use smote::{Smote, SmoteSpec};
