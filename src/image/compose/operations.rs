//! The operations inside of another one.

use crate::error::{Error, Result};
use crate::image::drawn::Drawn;
use crate::image::operation::{Operation, Subject};
use crate::rng::{Rng, stream};
use crate::spec::Named;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// How many operations may stand inside of each other.
const DEPTH: usize = 8;

/// The operations inside of another one, such as [`OneOf`](crate::image::OneOf), in their order.
///
/// Made of one operation, of up to twelve in a tuple, or [one by one](Self::with). It is written as a list of named operations, as the
/// image stage has them.
///
/// ```
/// use millstream::image::{GaussianBlur, GaussianNoise, Operations, Rotate};
///
/// let three = Operations::from((Rotate::new(10.0), GaussianBlur::new(0.1..=2.0), GaussianNoise::new(0.02)));
/// let same = Operations::from(Rotate::new(10.0)).with(GaussianBlur::new(0.1..=2.0)).with(GaussianNoise::new(0.02));
/// assert_eq!(serde_json::to_string(&three)?, serde_json::to_string(&same)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Operations {
    all: Vec<Arc<dyn Operation>>,
    /// Of each, how many of its name come before it.
    nths: Vec<u64>,
}

impl Operations {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more at the end.
    #[must_use]
    pub fn with(mut self, operation: impl Operation) -> Self {
        self.push(Arc::new(operation));
        self
    }

    fn push(&mut self, operation: Arc<dyn Operation>) {
        let is_same = |at: &usize| self.all[*at].name() == operation.name();
        let last = (0..self.all.len()).rev().find(is_same);
        self.nths.push(last.map_or(0, |at| self.nths[at] + 1));
        self.all.push(operation);
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Arc<dyn Operation>] {
        &self.all
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether one of them is [random](Operation::is_random).
    pub fn are_random(&self) -> bool {
        self.all.iter().any(|operation| operation.is_random())
    }

    /// What those at the indices `chosen` draw, one after the other.
    ///
    /// Each draws from a stream of its own under `key`, which is named after it, and after how many of its name come before it: adding,
    /// removing or re-tuning one leaves the draws of the others as they were. One that is chosen several times draws anew each time.
    /// `key` has to be the first number of 64 bits that the operation around them takes from its own generator: what is chosen does not
    /// move it then.
    pub fn draw(&self, chosen: &[usize], subject: &Subject, key: u64) -> Drawn {
        let mut subject = *subject;
        let draw = |(operation, mut rng): (&dyn Operation, Rng)| {
            let drawn = operation.draw(&subject, &mut rng);
            [subject.width, subject.height] = drawn.leaves(subject.size());
            drawn
        };
        self.streams(chosen, key).map(draw).collect()
    }

    /// What those at the indices `chosen` draw, in words: `rotate: -8.20 degrees, gaussian_blur: sigma 1.30`.
    pub fn in_words(&self, chosen: &[usize], subject: &Subject, key: u64) -> String {
        let mut subject = *subject;
        let again = self.streams(chosen, key);
        let named = self.streams(chosen, key).zip(again).zip(chosen);
        let words = named.map(|(((operation, mut rng), (_, mut same)), &at)| {
            let (name, words) = (
                numbered(operation.name(), self.nths[at]),
                operation.in_words(&subject, &mut rng),
            );
            [subject.width, subject.height] = operation.draw(&subject, &mut same).leaves(subject.size());
            match words {
                Some(words) => format!("{name}: {words}"),
                None => name,
            }
        });
        let words: Vec<String> = words.collect();
        match words.is_empty() {
            true => "unchanged".to_owned(),
            false => words.join(", "),
        }
    }

    /// Refuses a list without operations, mistakes in them, and operations inside of each other beyond a depth of 8.
    ///
    /// # Errors
    ///
    /// `Config` that begins with `field`, the name of the field that holds them.
    pub fn check(&self, field: &str) -> Result<()> {
        if self.all.is_empty() {
            return Err(Error::config(format!(
                "{field} is empty, but needs at least one operation"
            )));
        }
        if self.all.iter().any(|operation| depth(&**operation) >= DEPTH) {
            return Err(Error::config(format!(
                "{field}: more than {DEPTH} operations stand inside of each other"
            )));
        }
        for (at, operation) in self.all.iter().enumerate() {
            operation
                .check()
                .map_err(|error| error.context(operation.name()).context(format!("{field}[{at}]")))?;
        }
        Ok(())
    }

    fn streams(&self, chosen: &[usize], key: u64) -> impl Iterator<Item = (&dyn Operation, Rng)> {
        chosen.iter().enumerate().map(move |(at, &index)| {
            let before = chosen[..at].iter().filter(|&&other| other == index).count() as u64;
            let key = match before {
                0 => key,
                again => stream(&[key, again]),
            };
            let operation = &*self.all[index];
            (operation, Rng::new(key, operation.name(), self.nths[index]))
        })
    }
}

/// The names of `operations` in plans: `gaussian_blur`, and then `gaussian_blur#2`.
pub(in crate::image) fn names(operations: &[Arc<dyn Operation>]) -> Vec<String> {
    let all = Operations::from(operations.to_vec());
    let names = all.all.iter().zip(&all.nths);
    names.map(|(operation, &nth)| numbered(operation.name(), nth)).collect()
}

/// `gaussian_blur`, and `gaussian_blur#2` of one with another one of its name before it.
pub(in crate::image) fn numbered(name: &str, nth: u64) -> String {
    match nth {
        0 => name.to_owned(),
        nth => format!("{name}#{}", nth + 1),
    }
}

/// How many operations stand inside of each other: 1 for one that holds no others.
fn depth(operation: &dyn Operation) -> usize {
    let lists = operation
        .composite()
        .map_or_else(Vec::new, |composite| composite.lists());
    let inner = lists.iter().flat_map(|(_, list)| list.iter());
    1 + inner.map(|operation| depth(&**operation)).max().unwrap_or(0)
}

impl fmt::Debug for Operations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.all.fmt(f)
    }
}

impl From<Vec<Arc<dyn Operation>>> for Operations {
    fn from(all: Vec<Arc<dyn Operation>>) -> Self {
        let mut operations = Self::new();
        all.into_iter().for_each(|operation| operations.push(operation));
        operations
    }
}

impl<O: Operation> From<O> for Operations {
    fn from(operation: O) -> Self {
        Self::new().with(operation)
    }
}

macro_rules! from_tuples {
    () => {};
    ($first:ident $($rest:ident)*) => {
        impl<$first: Operation, $($rest: Operation),*> From<($first, $($rest,)*)> for Operations {
            #[allow(non_snake_case, reason = "the names of types are those of their values")]
            fn from(($first, $($rest,)*): ($first, $($rest,)*)) -> Self {
                Self::new().with($first)$(.with($rest))*
            }
        }
        from_tuples!($($rest)*);
    };
}
from_tuples!(A B C D E F G H I J K L);

impl Serialize for Operations {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.all.iter().map(|operation| Named::new(Arc::clone(operation))))
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let named = Vec::<Named<dyn Operation>>::deserialize(from)?;
        let all: Vec<_> = named.into_iter().map(Named::into_inner).collect();
        Ok(all.into())
    }
}
