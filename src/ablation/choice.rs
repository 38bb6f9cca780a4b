//! Which synthetic rows, how many and when: chosen inside the training rows.

use super::arms::{SyntheticShare, Way, baseline_way, generators, synthetic};
use super::cell::FittedGenerators;
use super::figures::Figures;
use super::rows::Rows;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::order::stratified_folds;
use crate::report::Confusion;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What a cross-validation inside the training rows says of one way to make synthetic rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The generator, its share and its schedule.
    pub synthetic: SyntheticShare,
    /// Its figures on all rows that were held out, each once.
    pub figures: Figures,
}

/// What was tried inside the training rows, and what was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyntheticChoice {
    /// Parts of the cross-validation.
    pub folds: usize,
    /// The figures of repeats (with augmentation, of pictures) on the same rows.
    pub repeats: Figures,
    /// What was tried.
    pub tried: Vec<Tried>,
    /// Which of them was chosen: of those whose balanced accuracy is at least that of repeats, the one with the highest recall of the rarest
    /// third; where none is, the one with the highest balanced accuracy. Of equal ones the first.
    pub chosen: usize,
}

impl SyntheticChoice {
    fn of(folds: usize, repeats: Figures, tried: Vec<Tried>) -> Self {
        let keeps = |tried: &Tried| tried.figures.balanced_accuracy >= repeats.balanced_accuracy;
        let any = tried.iter().any(keeps);
        let score = |tried: &Tried| match any {
            true if keeps(tried) => tried.figures.rarest_third,
            true => f64::NEG_INFINITY,
            false => tried.figures.balanced_accuracy,
        };
        let chosen = (1..tried.len()).fold(0, |best, at| {
            if score(&tried[at]) > score(&tried[best]) {
                at
            } else {
                best
            }
        });
        Self {
            folds,
            repeats,
            tried,
            chosen,
        }
    }

    /// What was chosen.
    pub fn synthetic(&self) -> &SyntheticShare {
        &self.tried[self.chosen].synthetic
    }

    /// What was chosen and why, in a sentence.
    pub fn in_words(&self) -> String {
        let (chosen, repeats) = (&self.tried[self.chosen], &self.repeats);
        let figures = |of: &Figures| {
            format!(
                "balanced accuracy {:.3}, rarest third {:.3}",
                of.balanced_accuracy, of.rarest_third
            )
        };
        let why = match chosen.figures.balanced_accuracy >= repeats.balanced_accuracy {
            true => "the highest recall of the rarest third among those that lose no balanced accuracy",
            false => "all lose balanced accuracy, and it the least",
        };
        format!(
            "{} was chosen of {} in a cross-validation of {} folds inside the training rows ({}; repeats: {}): {why}",
            chosen.synthetic,
            self.tried.len(),
            self.folds,
            figures(&chosen.figures),
            figures(repeats)
        )
    }
}

impl Rows {
    /// Chooses among the generators and `shares` (with the share of the training after which they end) on parts of the training rows.
    /// Generators are fitted on the other parts alone. `done` is told how many networks were trained.
    pub(super) fn choose(
        &self,
        cx: &Context,
        (folds, shares): (usize, &[(f64, f64)]),
        seed: u64,
        device: &Device,
        done: &mut dyn FnMut(u64),
    ) -> Result<SyntheticChoice> {
        let mut ways: Vec<Way> = vec![baseline_way(self.input)];
        for generator in generators(self.input) {
            let of = |&(share, until): &(f64, f64)| synthetic(self.input, generator.name, share, until);
            ways.extend(shares.iter().map(of));
        }
        let mut sums: Vec<Vec<Vec<u64>>> = Vec::new();
        let mut trained = 0;
        for split in stratified_folds(self.labels.iter(), folds, seed) {
            let fold = self.fold(cx, &split, device)?;
            let mut fitted = FittedGenerators::default();
            for (at, way) in ways.iter().enumerate() {
                let confusion = fold.trained(cx, way, &mut fitted, seed, device)?;
                add(&mut sums, at, &confusion);
                trained += 1;
                done(trained);
            }
        }
        let counts = self.labels.counts();
        let figures = |sum: Vec<Vec<u64>>| Ok(Figures::of(&Confusion::try_from(sum)?, &counts));
        let mut figures = sums.into_iter().map(figures).collect::<Result<Vec<_>>>()?.into_iter();
        let repeats = figures.next().ok_or_else(|| Error::stage("nothing was tried"))?;
        let synthetic = ways.into_iter().skip(1).filter_map(|way| way.synthetic);
        let tried = synthetic
            .zip(figures)
            .map(|(synthetic, figures)| Tried { synthetic, figures });
        Ok(SyntheticChoice::of(folds, repeats, tried.collect()))
    }

    /// How many networks [`choose`](Self::choose) trains.
    pub(super) fn tries(&self, folds: usize, shares: usize) -> u64 {
        (folds * (1 + generators(self.input).count() * shares)) as u64
    }
}

fn add(sums: &mut Vec<Vec<Vec<u64>>>, at: usize, confusion: &Confusion) {
    let rows = Vec::<Vec<u64>>::from(confusion.clone());
    match sums.get_mut(at) {
        None => sums.push(rows),
        Some(sum) => {
            let pairs = sum.iter_mut().flatten().zip(rows.into_iter().flatten());
            pairs.for_each(|(sum, count)| *sum += count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(repeats: [f64; 2], tried: &[[f64; 2]]) -> SyntheticChoice {
        let figures = |[balanced_accuracy, rarest_third]: [f64; 2]| Figures {
            balanced_accuracy,
            rarest_third,
            ..Figures::default()
        };
        let tried = tried.iter().zip(1..).map(|(of, share)| Tried {
            synthetic: SyntheticShare {
                generator: "SMOTE".to_owned(),
                share: f64::from(share) / 4.0,
                until: 1.0,
            },
            figures: figures(*of),
        });
        SyntheticChoice::of(5, figures(repeats), tried.collect())
    }

    #[test]
    fn the_rarest_third_chooses_among_those_that_lose_nothing() {
        // The second loses balanced accuracy, the fourth is equal to the third.
        let chosen = choice([0.6, 0.4], &[[0.6, 0.42], [0.59, 0.6], [0.61, 0.45], [0.7, 0.45]]);
        assert_eq!(chosen.chosen, 2);
        assert_eq!(
            chosen.in_words(),
            "SMOTE, share 0.75 was chosen of 4 in a cross-validation of 5 folds inside the training rows (balanced accuracy 0.610, rarest \
             third 0.450; repeats: balanced accuracy 0.600, rarest third 0.400): the highest recall of the rarest third among those that \
             lose no balanced accuracy"
        );
        let all_lose = choice([0.6, 0.4], &[[0.5, 0.9], [0.59, 0.1]]);
        assert_eq!(all_lose.chosen, 1);
        assert!(
            all_lose
                .in_words()
                .ends_with("all lose balanced accuracy, and it the least")
        );
    }
}
