//! What a plan says of synthetic rows: how many come, what each costs and reads.

use super::Plan;
use std::fmt::Display;

impl Plan {
    /// Says of a generator what a row of it costs, in words: how many times a stored row, as it was measured. `explain()` has it beside how many such rows come, and it is no part of
    /// the fingerprint.
    #[must_use]
    pub fn cost(mut self, words: impl Display) -> Self {
        self.cost = Some(words.to_string());
        self
    }

    /// The [cost](Self::cost) that the first node called `name` says; none where there is no such node, and within it where that says nothing.
    pub(crate) fn cost_of(&self, name: &str) -> Option<Option<&str>> {
        match self.name == name {
            true => Some(self.cost.as_deref()),
            false => self.inputs.iter().find_map(|input| input.cost_of(name)),
        }
    }

    /// Says of a generator how many stored rows are read for a row, where more went into it, whose values it keeps.
    #[must_use]
    pub(crate) fn taken(mut self, rows: u64) -> Self {
        self.taken = Some(rows);
        self
    }

    /// The rows that the first node called `name` says that it [takes](Self::taken); none where it does not say.
    pub(crate) fn taken_of(&self, name: &str) -> Option<u64> {
        match self.name == name {
            true => self.taken,
            false => self.inputs.iter().find_map(|input| input.taken_of(name)),
        }
    }

    /// Says how many rows of an epoch a generator makes; of the first epoch, where epochs differ.
    #[must_use]
    pub(crate) fn made(mut self, rows: u64) -> Self {
        self.made = rows;
        self
    }

    /// The rows that the first nodes of which a generator [makes](Self::made) some say, all together.
    pub(crate) fn made_rows(&self) -> u64 {
        match self.made {
            0 => self.inputs.iter().map(Self::made_rows).fold(0, u64::saturating_add),
            rows => rows,
        }
    }
}
