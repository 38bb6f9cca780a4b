//! Some of several operations.

use super::choose::Choose;
use super::operations::Operations;
use crate::error::{Error, Result};
use crate::image::parameters::check_p;
use crate::rng::{Permutation, Rng};
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;
use std::ops::RangeInclusive;

/// Runs `n` of its operations, all as likely as each other: albumentations' `SomeOf`.
///
/// `n` is a number, or a range of which each number is as likely as the others. They are run in the order of the list, or in a random
/// one where [`random_order`](Self::random_order) says so.
///
/// Of `m` operations each is run on a share `p * n / m` of the rows; with [replacement](Self::replace), where one may be chosen several
/// times, on `p * (1 - (1 - 1 / m)^n)` of them at least once. Of a range it is the mean over its numbers.
///
/// ```
/// use millstream::image::{GaussianBlur, Image, GaussianNoise, Rotate, SomeOf};
///
/// // One or two of three: half of the rows are turned.
/// let some = SomeOf::new(1..=2, (Rotate::new(10.0), GaussianBlur::new(0.1..=2.0), GaussianNoise::new(0.02)));
/// let train = Image::new(224).with(some);
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SomeOf {
    #[serde(with = "super::count")]
    n: RangeInclusive<usize>,
    operations: Operations,
    replace: bool,
    random_order: bool,
    p: f32,
}

impl SomeOf {
    /// `n` operations: `n..=n` for the same number in every row. At most as many as there are, at least 1 at the end of the range.
    pub fn new(n: RangeInclusive<usize>, operations: impl Into<Operations>) -> Self {
        Self {
            n,
            operations: operations.into(),
            replace: false,
            random_order: false,
            p: 1.0,
        }
    }

    /// Whether one may be chosen several times; it then draws anew each time. Defaults to false.
    #[must_use]
    pub fn replace(mut self, replace: bool) -> Self {
        self.replace = replace;
        self
    }

    /// Whether they are run in a random order, as albumentations' `RandomOrder` with an `n` does. Defaults to false: in the order of the
    /// list.
    #[must_use]
    pub fn random_order(mut self, random_order: bool) -> Self {
        self.random_order = random_order;
        self
    }

    /// The probability, in `0..=1`, that any are run at all. Defaults to 1.
    #[must_use]
    pub fn p(mut self, p: f32) -> Self {
        self.p = p;
        self
    }
}

impl Default for SomeOf {
    fn default() -> Self {
        Self::new(1..=1, Operations::new())
    }
}

impl Spec for SomeOf {
    const NAME: &'static str = "some_of";

    fn check(&self) -> Result<()> {
        check_p(self.p)?;
        self.operations.check("operations")?;
        let (low, high, among) = (*self.n.start(), *self.n.end(), self.operations.len());
        let wrong = |why: String| {
            Err(Error::config(format!(
                "n is {}, {why}",
                super::count::in_words(&self.n)
            )))
        };
        match (low, high) {
            _ if low > high => wrong("but its first number has to be at most the second".to_owned()),
            (_, 0) => wrong("so nothing would ever be run".to_owned()),
            _ if high > among && !self.replace => wrong(format!(
                "but there are {among} operations: more can be chosen with replace = true"
            )),
            _ if high > super::count::MOST => wrong(format!("but has to be at most {}", super::count::MOST)),
            _ => Ok(()),
        }
    }
}

impl Choose for SomeOf {
    fn operations(&self) -> &Operations {
        &self.operations
    }

    fn with_operations(self, operations: Operations) -> Self {
        Self { operations, ..self }
    }

    fn choose(&self, rng: &mut Rng) -> Vec<usize> {
        if !rng.chance(self.p) {
            return Vec::new();
        }
        let (low, high, among) = (*self.n.start(), *self.n.end(), self.operations.len() as u64);
        let n = low + rng.below((high - low) as u64 + 1) as usize;
        let mut chosen: Vec<usize> = match self.replace {
            true => (0..n).map(|_| rng.below(among) as usize).collect(),
            false => {
                let order = Permutation::new(among, rng);
                (0..n as u64).map(|at| order.get(at) as usize).collect()
            }
        };
        if !self.random_order {
            chosen.sort_unstable();
        }
        chosen
    }

    fn may_follow(&self, before: usize, after: usize) -> bool {
        let may = match before.cmp(&after) {
            Ordering::Less => true,
            Ordering::Equal => self.replace,
            Ordering::Greater => self.random_order,
        };
        may && *self.n.end() > 1
    }

    fn share_of(&self, _: usize) -> f64 {
        let among = self.operations.len() as f64;
        let share = |n: usize| match self.replace {
            true => 1.0 - (0..n).fold(1.0, |left, _| left * (1.0 - 1.0 / among)),
            false => n as f64 / among,
        };
        let numbers = self.n.clone().count() as f64;
        f64::from(self.p) * self.n.clone().map(share).sum::<f64>() / numbers
    }
}
