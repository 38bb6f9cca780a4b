//! AutoAugment.

use super::policies::{self, Pair};
use super::space;
use super::transform::{Chosen, all_drawn, all_in_words};
use crate::image::{Depth, Drawn, Operation, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};

/// Bins of the scale.
const BINS: u32 = 10;

/// Runs one of 25 pairs of transforms that were learnt (Cubuk et al. 2019): torchvision's `AutoAugment`, with its policies, magnitudes and
/// probabilities. All pairs are as likely as each other; each transform of a pair is run with a probability of its own.
///
/// The transforms are those of [`RandAugment`](crate::image::RandAugment) and inversion, with ten bins. Unlike in torchvision pictures are
/// sampled bilinearly, what comes from outside is black, and masks and boxes move with the picture.
///
/// ```
/// use millstream::image::{AutoAugment, Image};
///
/// let train = Image::new(224).with(AutoAugment::new());
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AutoAugment {
    policy: AutoAugmentPolicy,
}

/// On which data a policy of [`AutoAugment`] was learnt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AutoAugmentPolicy {
    /// ImageNet.
    #[default]
    ImageNet,
    /// CIFAR-10.
    Cifar10,
    /// Street View House Numbers.
    Svhn,
}

impl AutoAugment {
    /// With the policy of ImageNet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With another policy. Defaults to that of ImageNet.
    #[must_use]
    pub fn policy(mut self, policy: AutoAugmentPolicy) -> Self {
        self.policy = policy;
        self
    }

    fn pairs(&self) -> &'static [Pair] {
        match self.policy {
            AutoAugmentPolicy::ImageNet => &policies::IMAGE_NET,
            AutoAugmentPolicy::Cifar10 => &policies::CIFAR10,
            AutoAugmentPolicy::Svhn => &policies::SVHN,
        }
    }

    fn choose(&self, subject: &Subject, rng: &mut Rng) -> Vec<Chosen> {
        let pairs = self.pairs();
        let pair = pairs[rng.below(pairs.len() as u64) as usize];
        let size = [subject.width, subject.height];
        let one = |(transform, p, bin)| {
            let (runs, is_negative) = (rng.chance(p), rng.chance(0.5));
            let entry = (transform, space::of_auto_augment(transform));
            runs.then(|| space::chosen(entry, bin, BINS, is_negative, size))
        };
        pair.into_iter().filter_map(one).collect()
    }
}

impl Spec for AutoAugment {
    const NAME: &'static str = "auto_augment";
}

impl Operation for AutoAugment {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        all_drawn(&self.choose(subject, rng), subject)
    }

    // Of all policies some pairs change values and then move, and some do one of both.
    fn moves(&self) -> bool {
        true
    }

    fn changes_values(&self) -> bool {
        true
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        Some(all_in_words(&self.choose(subject, rng)))
    }
}
