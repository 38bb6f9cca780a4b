//! Which synthetic rows, how many and when: chosen inside the training rows.

use super::arms::{SyntheticShare, Way, baseline_way, synthetic};
use super::figures::Figures;
use super::fitted::FittedGenerators;
use super::gain::{self, Gain};
use super::rows::Rows;
use super::search::Search;
use super::side_by_side;
use crate::error::{Error, ErrorKind, Result};
use crate::exec::Context;
use crate::order::stratified_folds;
use crate::report::Confusion;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What cross-validations inside the training rows say of one way to make synthetic rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The generator, its share, its schedule, and whether there is a gate.
    pub synthetic: SyntheticShare,
    /// The mean of its figures over the cross-validations, each on all rows that were held out, each once.
    pub figures: Figures,
    /// Its balanced accuracy less that of repeats in the same cross-validations.
    pub balanced_accuracy: Gain,
    /// The same of the recall of the rarest third.
    pub rarest_third: Gain,
}

/// What was tried inside the training rows, and what was chosen.
///
/// All are screened in one cross-validation. The best of them are tried anew in others, with other parts and seeds, each also with a schedule and with a gate
/// where there is time, and so are the best two of different kinds in turn. These cross-validations alone decide, so that a way that was lucky in the first does not win by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyntheticChoice {
    /// Parts of each cross-validation.
    pub folds: usize,
    /// Cross-validations that decide.
    pub repetitions: u64,
    /// The mean of the figures of repeats (with augmentation, of pictures) in those that decide.
    pub repeats: Figures,
    /// What was tried in the first.
    pub screened: Vec<Tried>,
    /// What was tried in those that decide.
    pub tried: Vec<Tried>,
    /// Ways of which a row did not pass its gate, however often it was drawn: in a cross-validation, or of the rows that would be made of all training rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<SyntheticShare>,
    /// Which of those that were tried was chosen: of those that lose no balanced accuracy (the mean difference from repeats is at least its standard error) the
    /// one with the highest recall of the rarest third; where there is none, the one with the highest balanced accuracy. Of equal ones the first.
    pub chosen: usize,
}

impl Tried {
    fn new(synthetic: SyntheticShare, ours: &[Figures], repeats: &[Figures]) -> Self {
        Self {
            synthetic,
            figures: Figures::mean(ours),
            balanced_accuracy: Gain::of(ours, repeats, |figures| figures.balanced_accuracy),
            rarest_third: Gain::of(ours, repeats, |figures| figures.rarest_third),
        }
    }

    /// Whether it loses no balanced accuracy.
    fn keeps(&self) -> bool {
        self.balanced_accuracy.is_beyond_error()
    }

    fn score(&self) -> f64 {
        gain::score(
            self.balanced_accuracy,
            self.figures.balanced_accuracy,
            self.figures.rarest_third,
        )
    }
}

impl SyntheticChoice {
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
        let why = match chosen.keeps() {
            true => "the highest recall of the rarest third among those that lose no balanced accuracy",
            false => "all lose balanced accuracy, and it the least",
        };
        let refused: Vec<String> = self.refused.iter().map(SyntheticShare::to_string).collect();
        let refused = match refused.as_slice() {
            [] => String::new(),
            all => format!("; a row of {} did not pass the gate", all.join(" and one of ")),
        };
        format!(
            "{} was chosen of {} in {} of {} folds inside the training rows ({}; repeats: {}): {why}{refused}",
            chosen.synthetic,
            self.screened.len() + self.tried.len(),
            crate::quote::counted(1 + self.repetitions, "cross-validation"),
            self.folds,
            figures(&chosen.figures),
            figures(repeats)
        )
    }
}

/// What was tried, the highest score first.
fn ranked(tried: &[Tried]) -> Vec<&SyntheticShare> {
    let mut order: Vec<&Tried> = tried.iter().collect();
    order.sort_by(|a, b| b.score().total_cmp(&a.score()));
    order.into_iter().map(|tried| &tried.synthetic).collect()
}

/// Which of `tried` has the highest score; of equal ones the first.
fn best(tried: &[Tried]) -> usize {
    gain::highest(tried.iter().map(Tried::score))
}

/// Cross-validations inside the training rows.
struct Trials<'a> {
    rows: &'a Rows,
    cx: &'a Context,
    /// Those of all training rows, which say where those of their parts lie.
    fitted: &'a FittedGenerators,
    folds: usize,
    device: &'a Device,
    done: &'a mut dyn FnMut(u64),
    trained: u64,
}

impl Trials<'_> {
    /// The figures of each of `ways` in one cross-validation under `seed`, on all rows that were held out, each once; none of a way whose rows did not pass
    /// their gate. Generators are fitted on the other parts alone.
    fn cross_validation(&mut self, ways: &[Way], seed: u64) -> Result<Vec<Option<Figures>>> {
        let mut sums: Vec<Option<Vec<Vec<u64>>>> = vec![Some(Vec::new()); ways.len()];
        let splits = stratified_folds(self.rows.labels.iter(), self.folds, seed);
        for (part, split) in splits.iter().enumerate() {
            let fold = self.rows.fold(self.cx, split, self.device)?;
            let fitted = self.fitted.inside(seed, part);
            let (left, out): (Vec<usize>, Vec<usize>) = (0..ways.len()).partition(|&at| sums[at].is_some());
            self.trained += out.len() as u64;
            // Of one that did not pass its gate there is no confusion.
            let trained = |&at: &usize| match fold.trained(self.cx, &ways[at], &fitted, seed, self.device) {
                Err(error) if ways[at].is_gated() && error.kind() == ErrorKind::Stage => Ok((at, None)),
                trained => Ok((at, Some(trained?))),
            };
            side_by_side::each(self.cx.threads(), &left, trained, |(at, confusion)| {
                match (&mut sums[at], confusion) {
                    (Some(sum), Some(confusion)) => add(sum, &confusion),
                    (sum, _) => *sum = None,
                }
                self.trained += 1;
                (self.done)(self.trained);
                Ok(())
            })?;
        }
        let counts = self.rows.labels.counts();
        let figures = |sum: Option<Vec<Vec<u64>>>| {
            sum.map(|sum| Ok(Figures::of(&Confusion::try_from(sum)?, &counts)))
                .transpose()
        };
        sums.into_iter().map(figures).collect()
    }

    /// Each of `synthetic` beside repeats, in a cross-validation under each of `seeds`: the figures of repeats, what was tried, and what was refused.
    fn tried(
        &mut self,
        synthetic: &[SyntheticShare],
        seeds: &[u64],
    ) -> Result<(Figures, Vec<Tried>, Vec<SyntheticShare>)> {
        let input = self.rows.input;
        let mut ways = vec![baseline_way(input)];
        ways.extend(synthetic.iter().map(|of| self::synthetic(input, of.clone())));
        let mut figures: Vec<Option<Vec<Figures>>> = vec![Some(Vec::new()); ways.len()];
        for &seed in seeds {
            for (all, of) in figures.iter_mut().zip(self.cross_validation(&ways, seed)?) {
                match (all.as_mut(), of) {
                    (Some(all), Some(of)) => all.push(of),
                    _ => *all = None,
                }
            }
        }
        let mut figures = figures.into_iter();
        let repeats = figures.next().flatten();
        let repeats = repeats.ok_or_else(|| Error::stage("nothing was tried"))?;
        let (mut tried, mut refused) = (Vec::new(), Vec::new());
        for (of, figures) in synthetic.iter().zip(figures) {
            match figures {
                Some(figures) => tried.push(Tried::new(of.clone(), &figures, &repeats)),
                None => refused.push(of.clone()),
            }
        }
        Ok((Figures::mean(&repeats), tried, refused))
    }
}

impl Rows {
    /// Chooses what `search` says, in cross-validations of the training rows of `split`, for `seeds`, under which what is chosen has to pass its gate as well. `done` is told how many
    /// networks were trained.
    pub(super) fn choose(
        &self,
        cx: &Context,
        search: &Search,
        (split, seeds): (u64, &[u64]),
        fitted: &FittedGenerators,
        device: &Device,
        done: &mut dyn FnMut(u64),
    ) -> Result<SyntheticChoice> {
        let mut trials = Trials {
            rows: self,
            cx,
            fitted,
            folds: search.folds,
            device,
            done,
            trained: 0,
        };
        // No two splits and no two cross-validations have a seed in common.
        let seed = |at: u64| split * (1 + search.repetitions) + at;
        let (_, screened, _) = trials.tried(&search.screened(self.input), &[seed(0)])?;
        let repeated: Vec<u64> = (1..=search.repetitions).map(seed).collect();
        let (repeats, mut tried, mut refused) = trials.tried(&search.finals(&ranked(&screened)), &repeated)?;
        let chosen = loop {
            if tried.is_empty() {
                return Err(Error::stage("no way to make rows passes its gate"));
            }
            let at = best(&tried);
            if self.passes(cx, &synthetic(self.input, tried[at].synthetic.clone()), fitted, seeds)? {
                break at;
            }
            refused.push(tried.remove(at).synthetic);
        };
        fitted.forget_inside()?;
        Ok(SyntheticChoice {
            folds: search.folds,
            repetitions: search.repetitions,
            repeats,
            chosen,
            screened,
            tried,
            refused,
        })
    }
}

fn add(sum: &mut Vec<Vec<u64>>, confusion: &Confusion) {
    let rows = Vec::<Vec<u64>>::from(confusion.clone());
    if sum.is_empty() {
        *sum = rows;
        return;
    }
    let pairs = sum.iter_mut().flatten().zip(rows.into_iter().flatten());
    pairs.for_each(|(sum, count)| *sum += count);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures([balanced_accuracy, rarest_third]: [f64; 2]) -> Figures {
        Figures {
            balanced_accuracy,
            rarest_third,
            ..Figures::default()
        }
    }

    /// Each of `tried` in as many cross-validations as `repeats` has figures of.
    fn choice<const N: usize>(repeats: [[f64; 2]; N], tried: &[[[f64; 2]; N]]) -> SyntheticChoice {
        let repeats = repeats.map(figures);
        let tried = tried.iter().zip(1..).map(|(of, share)| {
            let synthetic = SyntheticShare::new("SMOTE", f64::from(share) / 4.0);
            Tried::new(synthetic, &of.map(figures), &repeats)
        });
        let tried: Vec<Tried> = tried.collect();
        SyntheticChoice {
            folds: 5,
            repetitions: N as u64,
            repeats: Figures::mean(&repeats),
            chosen: best(&tried),
            screened: tried.clone(),
            tried,
            refused: Vec::new(),
        }
    }

    #[test]
    fn the_rarest_third_chooses_among_those_that_lose_nothing() {
        // The second loses balanced accuracy, the fourth is equal to the third.
        let tried = [[[0.6, 0.42]], [[0.59, 0.6]], [[0.61, 0.45]], [[0.7, 0.45]]];
        let chosen = choice([[0.6, 0.4]], &tried);
        assert_eq!(chosen.chosen, 2);
        assert_eq!(
            chosen.in_words(),
            "SMOTE, share 0.75 was chosen of 8 in 2 cross-validations of 5 folds inside the training rows (balanced accuracy 0.610, rarest \
             third 0.450; repeats: balanced accuracy 0.600, rarest third 0.400): the highest recall of the rarest third among those that \
             lose no balanced accuracy"
        );
        let all_lose = choice([[0.6, 0.4]], &[[[0.5, 0.9]], [[0.59, 0.1]]]);
        assert_eq!(all_lose.chosen, 1);
        assert!(
            all_lose
                .in_words()
                .ends_with("all lose balanced accuracy, and it the least")
        );
    }

    #[test]
    fn what_loses_nothing_comes_first() {
        let first = choice([[0.6, 0.4]], &[[[0.6, 0.42]], [[0.59, 0.6]], [[0.61, 0.45]]]);
        let shares: Vec<f64> = ranked(&first.screened).iter().map(|of| of.share).collect();
        assert_eq!(shares, [0.75, 0.25, 0.5]);
    }

    #[test]
    fn a_gain_of_balanced_accuracy_within_its_error_is_a_loss() {
        let repeats = [[0.6, 0.4], [0.7, 0.5]];
        // By .01 and .05 better: .03 with an error of .02. By -.02 and .06: .02 with one of .04.
        let chosen = choice(repeats, &[[[0.61, 0.5], [0.75, 0.6]], [[0.58, 0.6], [0.76, 0.9]]]);
        let gain = |at: usize| chosen.tried[at].balanced_accuracy;
        for (at, mean, error) in [(0, 0.03, 0.02), (1, 0.02, 0.04)] {
            assert!((gain(at).mean - mean).abs() < 1e-12 && (gain(at).error - error).abs() < 1e-12);
        }
        assert_eq!(chosen.chosen, 0);
        assert!((chosen.tried[1].rarest_third.mean - 0.3).abs() < 1e-12);
        assert!((chosen.repeats.rarest_third - 0.45).abs() < 1e-12);
    }
}
