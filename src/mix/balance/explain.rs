//! What `explain()` prints of a balance, and what its fingerprint hashes.

use super::builder::Balance;
use super::read_plan::ReadPlan;
use crate::dataset::{Dataset, Stable};
use crate::mix::cycle::Cycle;
use crate::mix::piecewise::Piecewise;
use crate::order::BlockShuffle;
use crate::plan::Plan;
use crate::quote::counted;
use crate::rows::Labels;
use std::ops::RangeInclusive;

/// Characters of a name in a table at least, and for how many at most there is room in all lines.
const NAMES: RangeInclusive<usize> = 12..=40;

impl<D: Stable> Balance<D> {
    pub(super) fn plan(&self) -> Plan {
        let plan = Plan::of(&self.spec())
            .random()
            .proportions()
            .made(self.sampler.pools.iter().map(|pool| pool.synthetic).sum())
            .param("epoch", self.sampler.rows)
            .param("window", self.layout.window)
            .param(
                "blocks",
                BlockShuffle::over(&self.base.blocks(), self.layout.window as usize).layout(),
            )
            .resident(self.resident_bytes());
        let plan = match self.cap {
            Some(times) => plan.note(self.changed(times)),
            None => plan,
        };
        let plan = self.with_cells(self.with_rarest(plan));
        let plan = match &self.batch {
            Some(batch) => batch.in_words().into_iter().fold(
                plan.param("rows of a batch", batch.pattern.size()).note(format_args!(
                    "of each batch of {} rows, over rounds of {}:",
                    batch.pattern.size(),
                    counted(batch.pattern.batches(), "batch")
                )),
                Plan::note,
            ),
            None => plan,
        };
        let plan = match &self.sampler.feedback {
            Some(shares) => plan.note(format_args!(
                "the shares of an epoch follow from the report two epochs before ({} so far); the first epoch:",
                shares.feedback.reports()
            )),
            None => plan,
        };
        let plan = match &self.sampler.scheduled {
            Some(_) if self.is_repeated() && self.toward.is_none() => plan.note(
                "rows are dealt over the whole run: one that is due 2.5 times an epoch comes five times in two; the first epoch:",
            ),
            Some(scheduled) => plan.note(format_args!(
                "a step function of {} steps of whole rows, each a cycle of up to {} rows, until row {}; the first epoch:",
                scheduled.classes.ranges().count(),
                Piecewise::SLOTS,
                scheduled.classes.settles()
            )),
            None => plan,
        };
        let plan = self.with_quotas(plan);
        let by = if self.is_by_cells() { "cells" } else { "classes" };
        let pools = self.sampler.pools.iter().zip(self.labels().names());
        let plan = match pools.max_by_key(|(pool, _)| pool.len()) {
            Some((pool, name)) => {
                let (own, uniform) = pool.quality();
                plan.note(format_args!(
                    "{by} are mixed by quota; a pass over {name}: neighbours from one block {:.1} % (uniform {:.1} %)",
                    own.adjacent * 100.0,
                    uniform.adjacent * 100.0
                ))
            }
            None => plan,
        };
        let plan = match self.layout.bytes > 0 && self.sampler.views == 1 {
            true => plan.note(self.reads()),
            false => plan,
        };
        let plan = match &self.filler {
            Some(filler) => {
                let rows = self.sampler.stored * self.sampler.views;
                match self.layout.bytes {
                    0 => plan,
                    bytes => plan.note(format_args!(
                        "a stored row takes about {} bytes decoded, and as many for each parent of a synthetic one",
                        bytes / rows.max(1)
                    )),
                }
                .input(filler.generator.describe())
            }
            None => plan,
        };
        plan.input(self.base.describe())
    }

    /// Bytes of its tables: of rows and classes, of cells, and of the quotas of some epochs where these differ.
    fn resident_bytes(&self) -> u64 {
        let cells = if self.is_by_cells() { self.labels().bytes() } else { 0 };
        let epochs = self.sampler.feedback.as_ref().map_or(0, |shares| shares.bytes());
        self.sampler.table.bytes() + cells + epochs
    }

    /// The cells, where it is by another key than the class.
    fn with_cells(&self, plan: Plan) -> Plan {
        if !self.is_by_cells() {
            return plan;
        }
        let cells = self.labels();
        plan.param("cells of", cells.column())
            .param("cells", format_args!("{:?}", cells.names()))
            .param("rows in cells", format_args!("{:016x}", cells.hash()))
            .note("the label of a row stays its class; what follows is by cell")
    }

    /// Of rows with several classes, how many have each, and how often each of these comes.
    fn with_rarest(&self, plan: Plan) -> Plan {
        let labels = self.labels();
        let counts = labels.counts();
        let plan = match &self.with {
            Some(with) => plan.param("with", format_args!("{with:?}")).note(
                "a row counts for the rarest of its classes; of each class, rows that have it, and rows that count for it:",
            ),
            None => plan,
        };
        let width = width(labels.names().iter());
        let factors = self.target.factors(labels.len(), self.with.as_ref().unwrap_or(&counts));
        let rows = |plan: Plan, (class, name): (usize, &String)| {
            let counted = match &self.with {
                Some(_) if name == Labels::NO_CLASS => format!("{:>7}, {:>7}", counts[class], counts[class]),
                Some(with) => format!("{:>7}, {:>7}", with[class], counts[class]),
                None => String::new(),
            };
            match &factors {
                Some(factors) => plan.note(format_args!(
                    "{name:<width$} {counted} repeat factor {:.3}",
                    factors[class]
                )),
                None => plan.note(format_args!("{name:<width$} {counted}")),
            }
        };
        match self.with.is_some() || factors.is_some() {
            true => labels.names().iter().enumerate().fold(plan, rows),
            false => plan,
        }
    }

    /// What each class has and is given.
    fn with_quotas(&self, plan: Plan) -> Plan {
        let quotas = self.quotas();
        let empty: Vec<_> = quotas.iter().filter(|class| class.stored == 0).collect();
        let empty: Vec<_> = empty.iter().map(|class| format!("{:?}", class.name)).collect();
        let plan = match empty.is_empty() {
            true => plan,
            false if self.with.is_some() => plan.note(format_args!(
                "classes that no row counts for have the share 0: {}",
                empty.join(", ")
            )),
            false => plan.note(format_args!(
                "{} without rows have the share 0: {}",
                if self.is_by_cells() { "cells" } else { "classes" },
                empty.join(", ")
            )),
        };
        let shown = || quotas.iter().filter(|class| class.stored > 0);
        let width = width(shown().map(|class| &class.name));
        let of_each = if self.is_by_cells() { "cell" } else { "class" };
        shown().fold(
            plan.note(format_args!(
                "of each {of_each}, rows that are stored -> rows {}:",
                match self.sampler.feedback {
                    Some(_) => "of the first epoch",
                    None => "an epoch",
                }
            )),
            |plan, class| {
                let repeats = (class.rows - class.synthetic) as f64 / class.stored as f64;
                plan.note(format_args!(
                    "{:<width$} {:>7} -> {:>7}, each {repeats:.2} times, {} synthetic",
                    class.name, class.stored, class.rows, class.synthetic
                ))
            },
        )
    }

    /// What the cap of `times` has changed, in words.
    fn changed(&self, times: u64) -> String {
        let (before, rows) = (
            Cycle::new(&self.shares, self.sampler.block, self.rows.get()),
            self.sampler.rows,
        );
        let of = |(class, name): (usize, &String)| {
            let (was, is) = (before.count(class, self.rows.get()), self.sampler.pools[class].quota);
            (was != is).then(|| format!("{name} {was} -> {is}"))
        };
        let changed: Vec<_> = self.labels().names().iter().enumerate().filter_map(of).collect();
        let changed = if changed.is_empty() {
            "changes nothing".to_owned()
        } else {
            changed.join(", ")
        };
        let shorter = if rows < self.rows {
            format!("; {} an epoch, not {}", counted(rows.get(), "row"), self.rows)
        } else {
            String::new()
        };
        format!("cap {times}: {changed}{shorter}")
    }

    /// What an epoch reads, in words.
    fn reads(&self) -> String {
        let reads = ReadPlan::new(&self.sampler, self.layout);
        let rows: u64 = reads.held.iter().map(|&class| self.sampler.pools[class].len()).sum();
        let held = format!("{} of {}", counted(rows, "row"), counted(reads.held.len(), "class"));
        if reads.passes <= 0.0 && !reads.held.is_empty() {
            return format!("the data is read once, and then held in memory: {held}");
        }
        let ahead = match reads.budget.is_none() {
            true => "",
            false => "; those of others are read ahead of their turn",
        };
        format!(
            "an epoch reads the data at most {:.1} times; {held} {} held in memory{ahead}",
            reads.passes,
            if rows == 1 { "is" } else { "are" }
        )
    }
}

/// Characters for a name in a table of `names`: those of the longest one for which there is room.
fn width<'a>(names: impl Iterator<Item = &'a String>) -> usize {
    let (least, most) = (*NAMES.start(), *NAMES.end());
    let lengths = names.map(|name| name.chars().count()).filter(|length| *length <= most);
    lengths.max().unwrap_or(least).max(least)
}
