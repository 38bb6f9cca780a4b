//! Exact numbers of rows in every batch, by class and origin.

use crate::error::{Error, Result};
use crate::mix::batch_pattern::BatchPattern;
use crate::mix::cycle::Cycle;
use crate::quote::{counted, shown};
use crate::spec::{nearest_in_words, one_or_more};
use crate::synthetic::Generator;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What every batch is made of: `{ size = 64, parts = [{ class = "cat", share = 0.5 }, { share = 0.25 }, { origin = "synthetic", share = 0.25 }] }`.
///
/// Each batch has `share * size` rows of each part: exactly, where that is a whole number; else it is rounded up or down, so that the rows of all
/// batches of the run so far are never off by a whole row. The batch is the global one, whatever the number of ranks. A rank's piece of it has
/// its part of each number: exactly where that divides, and within two rows where it does not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchSpec {
    /// Rows of a batch, as the loader cuts them.
    pub size: u64,
    /// What it is made of. The shares sum to 1.
    pub parts: Vec<BatchPart>,
}

/// A part of every batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchPart {
    /// Its class, or its classes. Defaults to all that no other part of the same origin names. Where there are several, the target divides the part among
    /// them, as far as they have rows or the generator can make them.
    #[serde(default, with = "one_or_more", skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<String>,
    /// Whether its rows are stored ones or those of a generator. Defaults to stored ones.
    #[serde(default, skip_serializing_if = "PartOrigin::is_real")]
    pub origin: PartOrigin,
    /// Its share of the batch, above 0.
    pub share: f64,
}

/// Where the rows of a part come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartOrigin {
    /// Stored rows, with or without random augmentation.
    #[default]
    Real,
    /// A generator.
    Synthetic,
}

impl PartOrigin {
    fn is_real(&self) -> bool {
        *self == Self::Real
    }
}

impl BatchPart {
    /// `share` of a batch for stored rows of `class`.
    pub fn of(class: &str, share: f64) -> Self {
        Self {
            class: vec![class.to_owned()],
            ..Self::others(share)
        }
    }

    /// `share` of a batch for stored rows of all classes that no other such part names.
    pub fn others(share: f64) -> Self {
        Self {
            class: Vec::new(),
            origin: PartOrigin::Real,
            share,
        }
    }

    /// The same with rows of the generator in place of stored ones.
    #[must_use]
    pub fn synthetic(self) -> Self {
        Self {
            origin: PartOrigin::Synthetic,
            ..self
        }
    }
}

impl BatchSpec {
    /// What `part`, which is one of its own, is called in messages.
    fn named(&self, part: &BatchPart) -> String {
        let (origin, can) = match part.origin {
            PartOrigin::Real => ("stored", ""),
            PartOrigin::Synthetic => ("synthetic", " that can be made"),
        };
        // Parts of the other origin leave it all classes.
        let own = |other: &&BatchPart| other.origin == part.origin;
        let others = match self.parts.iter().filter(own).any(|other| !other.class.is_empty()) {
            true => "all other classes",
            false => "all classes",
        };
        match part.class.as_slice() {
            [] => format!("{origin} rows of {others}{can}"),
            classes => format!("{origin} rows of {}", shown(&classes.join(", "), 60)),
        }
    }

    /// Refuses what no rows could be made of.
    ///
    /// # Errors
    ///
    /// `Config` for no rows or parts, shares that are not above 0 or do not sum to 1, a part that is less than a row of every batch, and a class that
    /// stands in two parts of one origin.
    pub fn check(&self) -> Result<()> {
        if self.size == 0 {
            return Err(Error::config("size is 0, but a batch has at least one row"));
        }
        if self.parts.is_empty() {
            return Err(Error::config(
                "there are no parts, and a batch is made of at least one: name one, or leave the parts of a batch out",
            ));
        }
        let total: f64 = self.parts.iter().map(|part| part.share).sum();
        if let Some(part) = self.parts.iter().find(|part| !(part.share > 0.0 && part.share <= 1.0)) {
            return Err(Error::config(format!(
                "the share of {} is {}, and has to be above 0 and at most 1",
                self.named(part),
                part.share
            )));
        }
        if (total - 1.0).abs() > 1e-6 {
            return Err(Error::config(format!(
                "the shares of the parts sum to {total}, and have to sum to 1"
            )));
        }
        if let Some(part) = self
            .parts
            .iter()
            .find(|part| part.share * (self.size as f64) < 1.0 - 1e-9)
        {
            return Err(Error::config(format!(
                "a batch of {} cannot hold {}, of which it would have {:.2}: take batches of at least {} rows",
                counted(self.size, "row"),
                self.named(part),
                part.share * self.size as f64,
                (1.0 / part.share - 1e-9).ceil()
            )));
        }
        let mut met = BTreeSet::new();
        for part in &self.parts {
            let classes: Vec<Option<&String>> = match part.class.as_slice() {
                [] => vec![None],
                classes => classes.iter().map(Some).collect(),
            };
            if classes.into_iter().any(|class| !met.insert((class, part.origin))) {
                return Err(Error::config(format!(
                    "two parts are of {}: make one of them",
                    self.named(part)
                )));
            }
        }
        Ok(())
    }

    /// Refuses parts that no rows could be dealt to, as far as that is known before there is a generator: of classes that there are not, or that have no rows. Where it
    /// is known how many rows of a class synthetic ones are made of, these are `made_of`.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check); `Config` for a class that there is not, or that has too few rows.
    #[cfg(feature = "train")]
    pub(crate) fn check_for(&self, classes: OfClasses<'_>, made_of: Option<u64>) -> Result<()> {
        self.check()?;
        let (counts, names, _) = classes;
        for part in &self.parts {
            match part.origin {
                PartOrigin::Real => {
                    part_shares(self, part, classes, &|class| counts[class] > 0)?;
                }
                // Which classes share a part without names, the generator says.
                PartOrigin::Synthetic => {
                    let can = |class: usize| made_of.is_none_or(|rows| counts[class] >= rows);
                    named_classes(part, names, &can)?;
                }
            }
        }
        Ok(())
    }
}

/// The rows, the names and the target's shares of all classes.
pub(crate) type OfClasses<'a> = (&'a [u64], &'a [String], &'a [f64]);

/// Where a row of a batch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) class: usize,
    pub(super) is_synthetic: bool,
    /// Rows of this class and origin that come before it in the run.
    pub(super) rank: u64,
}

/// Which class and origin comes at each position of the run.
#[derive(Clone, Debug)]
pub(super) struct BatchQuotas {
    pub(super) spec: BatchSpec,
    pub(super) pattern: BatchPattern,
    /// For each part its classes, dealt in the proportion of the target.
    classes: Vec<Cycle>,
}

impl BatchQuotas {
    /// Rows after which the classes of a part are dealt anew, where their shares allow it.
    const BLOCK: u64 = 64;

    /// The quotas of `spec` for `classes`.
    pub(super) fn new(spec: BatchSpec, classes: OfClasses<'_>, generator: Option<&dyn Generator>) -> Result<Self> {
        spec.check()?;
        let (counts, ..) = classes;
        let stored: u64 = counts.iter().sum();
        let dealt = |part: &BatchPart| -> Result<Cycle> {
            let shares = match (part.origin, generator) {
                (PartOrigin::Real, _) => part_shares(&spec, part, classes, &|class| counts[class] > 0)?,
                (PartOrigin::Synthetic, Some(generator)) => {
                    part_shares(&spec, part, classes, &|class| generator.supports(class as u32))?
                }
                (PartOrigin::Synthetic, None) => {
                    return Err(Error::config(format!("{} need a generator", spec.named(part))));
                }
            };
            Ok(Cycle::new(&shares, Self::BLOCK, stored.max(1)))
        };
        let classes = spec.parts.iter().map(dealt).collect::<Result<_>>()?;
        let total: f64 = spec.parts.iter().map(|part| part.share).sum();
        let shares: Vec<f64> = spec.parts.iter().map(|part| part.share / total).collect();
        Ok(Self {
            pattern: BatchPattern::new(&shares, spec.size),
            spec,
            classes,
        })
    }

    /// What comes at `position` of the run.
    pub(super) fn at(&self, position: u64) -> Turn {
        let (part, rank) = self.pattern.at(position);
        let (class, rank) = self.classes[part].at(rank);
        Turn {
            class,
            is_synthetic: self.is_synthetic(part),
            rank,
        }
    }

    fn is_synthetic(&self, part: usize) -> bool {
        self.spec.parts[part].origin == PartOrigin::Synthetic
    }

    /// Rows of `class` among the first `prefix` of the run, and how many of them are synthetic.
    pub(super) fn count(&self, class: usize, prefix: u64) -> (u64, u64) {
        let of = |part: usize| self.classes[part].count(class, self.pattern.count(part, prefix));
        let all = (0..self.classes.len()).map(|part| (of(part), self.is_synthetic(part)));
        all.fold((0, 0), |(rows, made), (more, is_synthetic)| {
            (rows + more, made + if is_synthetic { more } else { 0 })
        })
    }

    /// What a batch has of each part, in words.
    pub(super) fn in_words(&self) -> Vec<String> {
        let words = |(part, spec): (usize, &BatchPart)| {
            let rows = match self.pattern.range(part) {
                (least, most) if least == most => least.to_string(),
                (least, most) => format!("{least} or {most}"),
            };
            format!("{rows:>9} {}", self.spec.named(spec))
        };
        self.spec.parts.iter().enumerate().map(words).collect()
    }
}

/// Why a class has no rows of the origin of `part`.
fn cannot(part: &BatchPart) -> &'static str {
    match part.origin {
        PartOrigin::Real => "there are none",
        PartOrigin::Synthetic => "the generator cannot make any",
    }
}

/// The classes that `part` names, all of which have rows of its origin, as `can` says.
fn named_classes(part: &BatchPart, names: &[String], can: &dyn Fn(usize) -> bool) -> Result<Vec<usize>> {
    let class = |name: &String| {
        let class = names.iter().position(|other| other == name);
        let class = class.ok_or_else(|| {
            Error::config(format!(
                "there is no class {name:?}{}; the classes are {}",
                nearest_in_words(name, names),
                shown(&names.join(", "), 200)
            ))
        })?;
        match can(class) {
            true => Ok(class),
            false => Err(Error::config(format!(
                "a part of each batch is of the class {name:?}, and {}",
                cannot(part)
            ))),
        }
    };
    part.class.iter().map(class).collect()
}

/// The shares of all classes in `part`, which sum to 1, where `can` says which of them have rows of its origin.
fn part_shares(
    spec: &BatchSpec,
    part: &BatchPart,
    (_, names, shares): OfClasses<'_>,
    can: &dyn Fn(usize) -> bool,
) -> Result<Vec<f64>> {
    let is_named = |name: &String| {
        let mut others = spec.parts.iter().filter(|other| other.origin == part.origin);
        others.any(|other| other.class.contains(name))
    };
    let mut wanted = named_classes(part, names, can)?;
    if part.class.is_empty() {
        wanted = (0..names.len())
            .filter(|&class| !is_named(&names[class]) && can(class))
            .collect();
    }
    // One class has the whole part, whatever the target gives it.
    let weight = |class: usize| match wanted.as_slice() {
        [_] => 1.0,
        _ => shares[class],
    };
    let total: f64 = wanted.iter().map(|&class| weight(class)).sum();
    if total <= 0.0 {
        return Err(Error::config(format!(
            "a part of each batch is {}, and {}",
            spec.named(part),
            cannot(part)
        )));
    }
    Ok((0..names.len())
        .map(|class| {
            if wanted.contains(&class) {
                weight(class) / total
            } else {
                0.0
            }
        })
        .collect())
}
