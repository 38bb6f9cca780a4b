use super::fitted::Refusal;
use crate::quote::counted;
use std::collections::BTreeMap;

/// Refused candidates, by class and reason.
pub type GateCounts = BTreeMap<(u32, Refusal), u64>;

/// What a gate made of candidates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Candidates that were judged.
    pub candidates: u64,
    /// Those that were refused, by class and reason.
    pub refused: GateCounts,
}

impl Judged {
    /// How many were refused, and why, in a sentence: `gate: 3 of 40 candidates refused (3 too near to a training row)`.
    pub fn in_words(&self) -> String {
        let of = |why: Refusal| -> u64 {
            let of_reason = self.refused.iter().filter(|((_, other), _)| *other == why);
            of_reason.map(|(_, rows)| rows).sum()
        };
        let (all, candidates) = (
            self.refused.values().sum::<u64>(),
            counted(self.candidates, "candidate"),
        );
        match all {
            0 => format!("gate: none of {candidates} refused"),
            _ => format!("gate: {all} of {candidates} refused ({})", listed(of)),
        }
    }

    /// Adds what was made of others.
    pub(crate) fn add(&mut self, other: Self) {
        self.candidates += other.candidates;
        let refused = other.refused.into_iter();
        refused.for_each(|(of, rows)| *self.refused.entry(of).or_insert(0) += rows);
    }

    pub(in crate::synthetic) fn refuse(&mut self, class: u32, why: Refusal) {
        *self.refused.entry((class, why)).or_insert(0) += 1;
    }
}

/// `refused` reasons in words, each with how often it was: `2 too near to a training row`.
pub(in crate::synthetic) fn reasons(refused: &[Refusal]) -> String {
    listed(|why| refused.iter().filter(|other| **other == why).count() as u64)
}

/// The reasons that there were in words, each with how often it was, which `of` says.
fn listed(of: impl Fn(Refusal) -> u64) -> String {
    let whys = Refusal::ALL.into_iter().filter(|&why| of(why) > 0);
    let whys: Vec<String> = whys.map(|why| format!("{} {}", of(why), why.in_words())).collect();
    whys.join(", ")
}
