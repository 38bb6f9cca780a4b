//! What is tried inside the training rows.

use super::arms::SyntheticShare;
use super::generators::{Space, Synthetic, generator, tried};
use super::rows::Input;
use super::spec::Ablation;

/// How much is tried inside the training rows.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Search {
    /// Parts of each cross-validation.
    pub(super) folds: usize,
    /// The shares with which each generator is screened.
    pub(super) shares: &'static [f64],
    /// How many of them are tried anew.
    pub(super) finalists: usize,
    /// Each of them with these ends of the synthetic rows.
    pub(super) until: &'static [f64],
    /// How many of them, the best, are tried behind a gate, too: it judges several rows for each that passes, and a network takes ten times as long with it.
    pub(super) gated: usize,
    /// Whether networks that make rows are tried, which are trained anew for each part.
    pub(super) networks: bool,
    /// Cross-validations that decide.
    pub(super) repetitions: u64,
}

impl Ablation {
    /// How much is tried for `input`. Tables have a split and so a choice for each seed.
    pub(super) fn search(&self, input: Input) -> Search {
        let (finalists, repetitions) = match (input, self.quick) {
            (Input::Columns, true) => (2, 1),
            (Input::Columns, false) => (3, 3),
            (_, true) => (3, 2),
            (_, false) => (4, 5),
        };
        Search {
            folds: self.folds(),
            shares: match (input, self.quick) {
                (Input::Columns, true) => &[0.5],
                (_, true) => &[0.5, 1.0],
                (_, false) => &[0.25, 0.5, 1.0],
            },
            finalists,
            until: if self.quick { &[1.0] } else { &[1.0, 0.75] },
            gated: if self.quick { 1 } else { finalists },
            networks: !self.quick,
            repetitions,
        }
    }
}

impl Search {
    /// How many networks are trained for `input`.
    pub(super) fn networks(&self, input: Input) -> u64 {
        let screened = tried(input, self.networks).count() * self.shares.len();
        let finalists = self.finalists.min(screened);
        // One more of two in turn.
        let finals = finalists * self.until.len() + self.gated.min(finalists) + 1;
        self.folds as u64 * (1 + screened as u64 + (1 + finals as u64) * self.repetitions)
    }

    pub(super) fn screened(&self, input: Input) -> Vec<SyntheticShare> {
        let of = |name: &'static str| self.shares.iter().map(move |&share| SyntheticShare::new(name, share));
        tried(input, self.networks)
            .flat_map(|generator| of(generator.name))
            .collect()
    }

    /// The best of those that were screened, of which the first is the best: each with all ends, and behind a gate if it makes what a gate compares. And the best one in
    /// turn with the best of another family, half of its share each.
    pub(super) fn finals(&self, ranked: &[&SyntheticShare]) -> Vec<SyntheticShare> {
        let variants = |(at, of): (usize, &&SyntheticShare)| {
            let is_compared = generator(&of.generator).is_some_and(|generator| generator.space == Space::Inputs);
            let until = self.until.iter().map(|&until| SyntheticShare {
                until,
                ..(**of).clone()
            });
            let gated = (at < self.gated && is_compared).then(|| SyntheticShare {
                gate: true,
                ..(**of).clone()
            });
            until.chain(gated).collect::<Vec<_>>()
        };
        let singles = ranked.iter().take(self.finalists).enumerate().flat_map(variants);
        let family = |of: &SyntheticShare| generator(&of.generator).map(Synthetic::family);
        let pair = ranked.first().and_then(|&best| {
            let mut others = ranked.iter().copied();
            let other = others.find(|&of| family(of) != family(best))?;
            Some(best.and(other))
        });
        singles.chain(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_are_tried_anew_with_ends_and_gate() {
        let search = Search {
            folds: 5,
            shares: &[0.5, 1.0],
            finalists: 2,
            until: &[1.0, 0.75],
            gated: 2,
            networks: false,
            repetitions: 3,
        };
        let [smote, copula, jitter] = ["SMOTE", "copula", "jitter"].map(|name| SyntheticShare::new(name, 0.5));
        let finals: Vec<String> = search
            .finals(&[&smote, &copula, &jitter])
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            finals,
            [
                "SMOTE, share 0.5",
                "SMOTE, share 0.5, off after 0.75 of the training",
                "SMOTE behind a gate, share 0.5",
                "copula, share 0.5",
                "copula, share 0.5, off after 0.75 of the training",
                "SMOTE and copula, share 0.5",
            ]
        );
        let quick = Search {
            gated: 1,
            ..search.clone()
        };
        let gated = |search: &Search| search.finals(&[&smote, &jitter]).iter().filter(|of| of.gate).count();
        assert_eq!([gated(&search), gated(&quick)], [2, 1]);
        // Two strengths of one generator are no pair.
        let [strong, weak] = ["jitter x 2", "jitter"].map(|name| SyntheticShare::new(name, 0.5));
        let pairs = |ranked: &[&SyntheticShare]| {
            let finals = search.finals(ranked);
            finals
                .iter()
                .filter(|of| of.beside.is_some())
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(pairs(&[&strong, &weak]), [""; 0]);
        assert_eq!(pairs(&[&strong, &weak, &smote]), ["jitter x 2 and SMOTE, share 0.5"]);
        let screened = search.screened(Input::Pretrained);
        assert_eq!(screened[1], SyntheticShare::new("SMOTE", 1.0));
        // Five folds of repeats and of all that is screened, and of repeats, six finals and a pair in each of three more.
        let networks = 5 * (1 + screened.len() + 3 * 8);
        assert_eq!(search.networks(Input::Pretrained), networks as u64);
    }
}
