//! The operations inside of another one.

use crate::error::{Error, Result};
use crate::image::operation::{Drawn, Operation, Subject};
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
/// use millstream::image::{Blur, Noise, Operations, Rotate};
///
/// let three = Operations::from((Rotate::new(10.0), Blur::new(0.1..=2.0), Noise::new(0.02)));
/// let same = Operations::from(Rotate::new(10.0)).with(Blur::new(0.1..=2.0)).with(Noise::new(0.02));
/// assert_eq!(serde_json::to_string(&three)?, serde_json::to_string(&same)?);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Operations(Vec<Arc<dyn Operation>>);

impl Operations {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more at the end.
    #[must_use]
    pub fn with(mut self, operation: impl Operation) -> Self {
        self.0.push(Arc::new(operation));
        self
    }

    /// All of them.
    pub fn as_slice(&self) -> &[Arc<dyn Operation>] {
        &self.0
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is [random](Operation::is_random).
    pub fn are_random(&self) -> bool {
        self.0.iter().any(|operation| operation.is_random())
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

    /// What those at the indices `chosen` draw, in words: `rotate: -8.20 degrees, blur: sigma 1.30`.
    pub fn in_words(&self, chosen: &[usize], subject: &Subject, key: u64) -> String {
        let mut subject = *subject;
        let again = self.streams(chosen, key);
        let named = self.streams(chosen, key).zip(again).zip(chosen);
        let words = named.map(|(((operation, mut rng), (_, mut same)), &at)| {
            let (name, words) = (name(&self.0, at), operation.in_words(&subject, &mut rng));
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
        if self.0.is_empty() {
            return Err(Error::config(format!(
                "{field} is empty, but needs at least one operation"
            )));
        }
        if self.0.iter().any(|operation| depth(&**operation) >= DEPTH) {
            return Err(Error::config(format!(
                "{field}: more than {DEPTH} operations stand inside of each other"
            )));
        }
        for (at, operation) in self.0.iter().enumerate() {
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
            let operation = &*self.0[index];
            (operation, Rng::new(key, operation.name(), nth(&self.0, index)))
        })
    }
}

/// How many of the operations before it have the name of number `at`.
pub(in crate::image) fn nth(all: &[Arc<dyn Operation>], at: usize) -> u64 {
    let name = all[at].name();
    all[..at].iter().filter(|other| other.name() == name).count() as u64
}

/// The name of number `at` in plans: `blur`, and then `blur#2`.
pub(in crate::image) fn name(all: &[Arc<dyn Operation>], at: usize) -> String {
    match nth(all, at) {
        0 => all[at].name().to_owned(),
        nth => format!("{}#{}", all[at].name(), nth + 1),
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
        self.0.fmt(f)
    }
}

impl From<Vec<Arc<dyn Operation>>> for Operations {
    fn from(all: Vec<Arc<dyn Operation>>) -> Self {
        Self(all)
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
                Self(vec![Arc::new($first), $(Arc::new($rest)),*])
            }
        }
        from_tuples!($($rest)*);
    };
}
from_tuples!(A B C D E F G H I J K L);

impl Serialize for Operations {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.0.iter().map(|operation| Named::new(Arc::clone(operation))))
    }
}

impl<'de> Deserialize<'de> for Operations {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let named = Vec::<Named<dyn Operation>>::deserialize(from)?;
        Ok(Self(named.into_iter().map(Named::into_inner).collect()))
    }
}
