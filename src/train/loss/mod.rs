//! Losses of classifiers that know how often each class is emitted.
//!
//! | loss | what it does | from |
//! |---|---|---|
//! | [`CrossEntropy`] | `-log p(y)`, with label smoothing | Szegedy et al. 2016 |
//! | [`BalancedSoftmax`] | adds `tau log(emitted / target)` to the logits while training | Menon et al. 2021, Ren et al. 2020 |
//! | [`ClassWeights`] | multiplies a row's loss by `target / emitted` of its class | Cui et al. 2019 |
//! | [`Focal`] | `(1 - p)^gamma` of it: less for rows that are recognised already | Lin et al. 2017 |
//! | [`Ldam`] | asks for a larger margin of rarer classes | Cao et al. 2019 |
//!
//! Each is a [`Spec`](crate::spec::Spec), [`Loss`] is any of them, and `init` makes of it a [`ClassificationLoss`] for Burn's tensors.
//!
//! # Sampling and loss never correct twice
//!
//! A balance changes how often a class comes; a loss changes what a class that comes counts. Each of these losses is therefore given
//! the [`ClassPrior`](crate::loader::ClassPrior) of what is *emitted*, and corrects what the sampling left: the ratio of the
//! emitted share of a class to the share that it should have (`target`, uniform unless said otherwise). Rows as they are stored get
//! the whole correction, a balance to the square root half of it, and after a uniform balance nothing is left: then balanced softmax and
//! class weights are cross-entropy, and the margins of LDAM are equal.
//!
//! A class that is never emitted is not corrected for: it is an ordinary wrong answer.
//!
//! ```
//! # use arrow::array::{ArrayRef, RecordBatch, StringArray};
//! use burn::tensor::{Device, Tensor};
//! use millstream::loader::ClassPrior;
//! use millstream::train::loss::{BalancedSoftmax, ClassificationLoss, Targets};
//! # use millstream::mix::Target;
//! # use millstream::source::Memory;
//! # use millstream::{Context, DatasetExt, Result};
//!
//! # fn main() -> Result<()> {
//! # let cx = Context::new()?;
//! # let labels: ArrayRef = std::sync::Arc::new(StringArray::from([vec!["cat"; 90], vec!["dog"; 10]].concat()));
//! # let rows = Memory::new(vec![RecordBatch::try_from_iter([("label", labels)])?])?;
//! let balanced = cx.block_on(rows.balance(&cx, "label", Target::Sqrt))?;
//! let stored = ClassPrior::from(&**balanced.labels());
//! let loader = balanced.loader(&cx).batch_size(4);
//! let loss = BalancedSoftmax::new().init(&loader.class_prior(0)?, &stored)?;
//!
//! let device = Device::flex().autodiff();
//! let batch = loader.blocking()?.next().unwrap()?;
//! let logits = Tensor::<2>::zeros([4, 2], &device); // of the model
//! let value = loss.forward(logits, &Targets::of(batch.rows(), "label", &device)?)?;
//! # let _ = value;
//! # Ok(())
//! # }
//! ```

mod any;
mod balanced_softmax;
mod class_weights;
mod cross_entropy;
pub mod detection;
mod focal;
mod forward;
mod ldam;
mod ratio;
mod targets;

pub use any::Loss;
pub use balanced_softmax::{BalancedSoftmax, BalancedSoftmaxLoss};
pub use class_weights::{ClassWeights, ClassWeightsLoss};
pub use cross_entropy::{CrossEntropy, CrossEntropyLoss};
pub use focal::{Focal, FocalLoss};
pub use forward::ClassificationLoss;
pub use ldam::{Ldam, LdamLoss};
pub use targets::Targets;
