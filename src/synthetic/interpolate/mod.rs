//! New rows between stored ones, and beside them.

mod adasyn;
mod all_classes;
mod between;
mod blend;
mod borderline_smote;
mod elastic;
mod jitter;
mod neighbourhood;
mod pairs;
mod smote;
mod smote_nc;
mod space;

pub use adasyn::{Adasyn, AdasynSpec};
pub use blend::{Blend, BlendSpec};
pub use borderline_smote::{BorderlineKind, BorderlineSmote, BorderlineSmoteSpec};
pub use elastic::Elastic;
pub use jitter::{Jitter, JitterSpec};
pub use smote::{Smote, SmoteSpec};
pub use smote_nc::{SmoteNc, SmoteNcSpec};
pub(super) use space::{check_finite, floats};
