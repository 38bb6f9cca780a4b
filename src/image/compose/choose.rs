//! Operations that run some of a list of others: what they have in common.

use super::operations::Operations;
use crate::image::drawn::Drawn;
use crate::image::operation::{Composite, Operation, Subject, resized};
use crate::rng::Rng;
use crate::spec::Spec;
use std::fmt;
use std::sync::Arc;

/// An operation that runs some of the others in its field `operations`, which it chooses for each row.
pub(in crate::image) trait Choose: Spec + Clone + fmt::Debug + Send + Sync + 'static {
    /// Those among which it chooses.
    fn operations(&self) -> &Operations;

    /// The same with other operations.
    fn with_operations(self, operations: Operations) -> Self;

    /// The indices of those that a row gets, in the order in which they run. Their key is taken from `rng` before.
    fn choose(&self, rng: &mut Rng) -> Vec<usize>;

    /// What [`Composite::share`] says.
    fn share_of(&self, index: usize) -> f64;

    /// Whether the operation at index `after` may be run behind that at `before` for one row; with the same index for both, whether one may
    /// be run twice. By default in the order of the list.
    fn may_follow(&self, before: usize, after: usize) -> bool {
        before < after
    }

    /// What [`Operation::is_random`] says.
    fn chooses_at_random(&self) -> bool {
        true
    }

    /// What [`Composite::is_sequence`] says.
    fn runs_all_in_order(&self) -> bool {
        false
    }

    /// What [`Composite::resized`] says.
    fn leaves(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        resized(self.operations().as_slice(), self.runs_all_in_order(), size)
    }
}

impl<C: Choose> Operation for C {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let (key, chosen) = (rng.next_u64(), self.choose(rng));
        self.operations().draw(&chosen, subject, key)
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let (key, chosen) = (rng.next_u64(), self.choose(rng));
        Some(self.operations().in_words(&chosen, subject, key))
    }

    fn is_random(&self) -> bool {
        self.chooses_at_random()
    }

    fn moves_changed_values(&self) -> bool {
        let all = self.operations().as_slice();
        moves_behind_changes(all, |before, after| self.may_follow(before, after))
    }

    fn composite(&self) -> Option<&dyn Composite> {
        Some(self)
    }
}

/// Whether one of `operations` may move pixels behind a change of values of its own, or of one behind which it `may_follow`.
pub(in crate::image) fn moves_behind_changes(
    operations: &[Arc<dyn Operation>],
    may_follow: impl Fn(usize, usize) -> bool,
) -> bool {
    let is_followed = |before: usize| {
        let mut all = operations.iter().enumerate();
        all.any(|(after, operation)| operation.moves() && may_follow(before, after))
    };
    let mut all = operations.iter().enumerate();
    all.any(|(at, operation)| operation.moves_changed_values() || operation.changes_values() && is_followed(at))
}

impl<C: Choose> Composite for C {
    fn lists(&self) -> Vec<(&'static str, &[Arc<dyn Operation>])> {
        vec![("operations", self.operations().as_slice())]
    }

    fn with_lists(&self, lists: Vec<Vec<Arc<dyn Operation>>>) -> Arc<dyn Operation> {
        let operations = lists.into_iter().next().unwrap_or_default();
        Arc::new(self.clone().with_operations(operations.into()))
    }

    fn share(&self, _: usize, index: usize) -> Option<f64> {
        Some(self.share_of(index))
    }

    fn is_sequence(&self) -> bool {
        self.runs_all_in_order()
    }

    fn resized(&self, size: [u32; 2]) -> Option<[u32; 2]> {
        self.leaves(size)
    }
}
