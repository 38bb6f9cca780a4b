//! Learnt generators by name.

use super::definition::LearnedSpec;
use crate::spec::{Catalog, Spec, read};
use crate::synthetic::statistical::CopulaSpec;

/// The learnt generators that need no network, by name. [`generative::learned_generators`](crate::generative::learned_generators) has
/// all of them.
pub fn learned_generators() -> Catalog<dyn LearnedSpec> {
    Catalog::new("learnt generator").learned::<CopulaSpec>()
}

impl Catalog<dyn LearnedSpec> {
    /// With the learnt generator `G`, one of a user's own.
    #[must_use]
    pub fn learned<G: LearnedSpec + Spec>(self) -> Self {
        self.with::<G>(|from| Ok(Box::new(read::<G, _>(from)?)))
    }
}
