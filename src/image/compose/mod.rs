//! Operations that run others: with a probability, one or some of them, in a random order, by class.
//!
//! | operation | runs | each of `m` operations is run on a share of the rows of |
//! |---|---|---|
//! | [`Sequential`](sequential::Sequential) | all, in order | 1 |
//! | [`RandomApply`](random_apply::RandomApply) | all with probability `p`, else none | `p` |
//! | [`OneOf`](one_of::OneOf) | one, by weights | `p * weight / sum of the weights` |
//! | [`SomeOf`](some_of::SomeOf) | `n`, or a number drawn from a range | `p * n / m`; with replacement `p * (1 - (1 - 1/m)^n)` |
//! | [`RandomOrder`](random_order::RandomOrder) | all, in a random order | 1 |
//! | [`ByClass`](by_class::ByClass) | one list for some classes, another for the rest | the share of these classes |
//!
//! Inside of each other the shares multiply; `explain()` has the products. All choices are independent of each other, of the picture and of
//! what the operations draw.

pub(in crate::image) mod builder;
pub(in crate::image) mod by_class;
mod choose;
pub(in crate::image) mod classes;
mod count;
pub(in crate::image) mod identity;
pub(in crate::image) mod inside;
pub(in crate::image) mod known;
mod names;
pub(in crate::image) mod one_of;
pub(in crate::image) mod operations;
pub(in crate::image) mod plan;
mod probability;
pub(in crate::image) mod random_apply;
pub(in crate::image) mod random_order;
pub(in crate::image) mod sequential;
pub(in crate::image) mod some_of;
