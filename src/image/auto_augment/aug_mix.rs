//! AugMix.

use super::space::{self, AUG_MIX};
use super::transform::{Chosen, all_drawn, all_in_words};
use crate::error::{Error, Result};
use crate::image::drawn::Drawable;
use crate::image::parameters::check_number;
use crate::image::wide::wide;
use crate::image::{Depth, Drawn, KEPT, Operation, Pixels, Subject};
use crate::rng::Rng;
use crate::spec::Spec;
use pulp::NullaryFnOnce;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::thread::LocalKey;

/// Bins of the scale, of which the first `severity` are used.
const BINS: u32 = 10;
/// Transforms that every AugMix has; `all_ops` adds the rest of the space.
const FEW: usize = 9;

/// The sum of the pictures, and one of them.
type Scratch<L> = RefCell<(Vec<f32>, Pixels<L>)>;

/// A level of pictures that can be mixed.
trait Mixed: Drawable {
    fn mixing() -> &'static LocalKey<Scratch<Self>>;

    /// A sum as a level, the nearest one.
    fn nearest(sum: f32) -> Self;
}

macro_rules! mixed {
    ($type:ty, |$sum:ident| $nearest:expr) => {
        impl Mixed for $type {
            fn mixing() -> &'static LocalKey<Scratch<Self>> {
                thread_local! {
                    static SCRATCH: Scratch<$type> = RefCell::default();
                }
                &SCRATCH
            }

            #[inline(always)]
            fn nearest($sum: f32) -> Self {
                $nearest
            }
        }
    };
}
mixed!(u8, |sum| (sum + 0.5) as u8);
mixed!(f32, |sum| sum);

/// Mixes the picture with several that chains of transforms make of it (Hendrycks et al. 2020): torchvision's `AugMix`, with its
/// transforms, magnitudes and defaults.
///
/// Of each of `mixture_width` chains the picture goes through `chain_depth` transforms (one to three, all numbers as likely, where that is
/// -1), each as likely as the others, in one of the `severity` weakest of ten bins. The weights of the chains are drawn from the Dirichlet
/// distribution with `alpha` everywhere; that of all of them against the picture itself from the beta distribution with `alpha` twice.
///
/// | transform | from bin 0 to bin 9 |
/// |---|---|
/// | autocontrast, equalize | one strength |
/// | shear x, shear y | 0 to 0.3, either way, about the top left corner |
/// | translate x, translate y | 0 to a third of the side, in whole pixels, either way |
/// | rotate | 0 to 30 degrees, either way |
/// | posterize | 4 to 0 bits |
/// | solarize | a threshold of 255 to 0 |
/// | with `all_ops`: brightness, color (saturation), contrast, sharpness | a factor of 1 to 0.1 or 1.9 |
///
/// Unlike in torchvision the mean is rounded to the nearest level, not down (of pictures of `f32` it is not rounded). As there it takes pictures alone: what it mixes was moved in
/// different ways, so a stage with masks, boxes or keypoints refuses it.
///
/// ```
/// use millstream::image::{AugMix, Image};
///
/// let train = Image::new(224).with(AugMix::new().severity(2));
/// # train.check().unwrap();
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugMix {
    severity: u32,
    mixture_width: u32,
    chain_depth: i32,
    alpha: f32,
    all_ops: bool,
}

/// What was drawn for a row.
struct Mixture {
    /// The weight of the picture itself.
    own: f32,
    chains: Vec<(f32, Vec<Chosen>)>,
}

impl AugMix {
    /// Three chains of one to three transforms, of severity 3, alpha 1, with all transforms.
    pub fn new() -> Self {
        Self {
            severity: 3,
            mixture_width: 3,
            chain_depth: -1,
            alpha: 1.0,
            all_ops: true,
        }
    }

    /// How many of the ten bins are used, in `1..=10`. Defaults to 3.
    #[must_use]
    pub fn severity(mut self, severity: u32) -> Self {
        self.severity = severity;
        self
    }

    /// Chains, in `1..=16`. Defaults to 3.
    #[must_use]
    pub fn mixture_width(mut self, width: u32) -> Self {
        self.mixture_width = width;
        self
    }

    /// Transforms of a chain, in `1..=16`, or -1 for one to three. Defaults to -1.
    #[must_use]
    pub fn chain_depth(mut self, depth: i32) -> Self {
        self.chain_depth = depth;
        self
    }

    /// The parameter of the distributions of the weights, above 0 and up to 1000. Defaults to 1: all weights are as likely as each other.
    #[must_use]
    pub fn alpha(mut self, alpha: f32) -> Self {
        self.alpha = alpha;
        self
    }

    /// Whether brightness, colour, contrast and sharpness are among the transforms. Defaults to true.
    #[must_use]
    pub fn all_ops(mut self, all_ops: bool) -> Self {
        self.all_ops = all_ops;
        self
    }

    fn choose(&self, subject: &Subject, rng: &mut Rng) -> Mixture {
        let size = [subject.width, subject.height];
        let space = if self.all_ops { &AUG_MIX[..] } else { &AUG_MIX[..FEW] };
        let own = rng.beta(self.alpha);
        let weights = rng.dirichlet(self.alpha, self.mixture_width as usize);
        let chains = weights.into_iter().map(|weight| {
            let drawn = 1 + rng.below(3) as u32;
            let depth = u32::try_from(self.chain_depth).unwrap_or(drawn);
            let bin = |rng: &mut Rng| rng.below(self.severity.into()) as u32;
            let chain = (0..depth).map(|_| space::choose(space, bin, BINS, size, rng));
            (weight * (1.0 - own), chain.collect())
        });
        let chains = chains.collect();
        Mixture { own, chains }
    }
}

impl Default for AugMix {
    fn default() -> Self {
        Self::new()
    }
}

impl Spec for AugMix {
    const NAME: &'static str = "aug_mix";

    fn check(&self) -> Result<()> {
        let wrong = |what: String| Err(Error::config(what));
        check_number("severity", self.severity, 1..=BINS)?;
        check_number("mixture_width", self.mixture_width, 1..=16)?;
        if !matches!(self.chain_depth, -1 | 1..=16) {
            return wrong(format!(
                "chain_depth is {}, but has to lie in 1..=16, or be -1 for one to three",
                self.chain_depth
            ));
        }
        match self.alpha > 0.0 && self.alpha <= 1000.0 {
            true => Ok(()),
            false => wrong(format!(
                "alpha is {}, but has to lie above 0 and up to 1000",
                self.alpha
            )),
        }
    }
}

impl Operation for AugMix {
    fn draw(&self, subject: &Subject, rng: &mut Rng) -> Drawn {
        let mixture = self.choose(subject, rng);
        match subject.depth {
            Depth::U8 => Drawn::values(move |pixels| mixture.mix(pixels)),
            Depth::F32 => Drawn::floats(move |pixels| mixture.mix(pixels)),
        }
    }

    fn supports(&self, _: Depth) -> bool {
        true
    }

    fn in_words(&self, subject: &Subject, rng: &mut Rng) -> Option<String> {
        let mixture = self.choose(subject, rng);
        let chains = mixture
            .chains
            .iter()
            .map(|(weight, chain)| format!("{weight:.2} of {}", all_in_words(chain)));
        let all: Vec<String> = std::iter::once(format!("{:.2} of itself", mixture.own))
            .chain(chains)
            .collect();
        Some(all.join("; "))
    }

    fn keeps_targets(&self) -> bool {
        false
    }
}

impl Mixture {
    fn mix<L: Mixed>(self, pixels: &mut Pixels<L>) {
        let (mut sum, mut one) = L::mixing().take();
        sum.clear();
        sum.extend(pixels.levels.iter().map(|&level| self.own * level.number()));
        for (weight, chain) in self.chains {
            one.clone_from(pixels);
            all_drawn(&chain, &Subject::of(pixels)).apply_to(&mut one);
            wide(Add {
                sum: &mut sum,
                levels: &one.levels,
                weight,
            });
        }
        wide(Nearest(&mut pixels.levels, &sum));
        if sum.capacity() <= KEPT {
            L::mixing().replace((sum, one));
        }
    }
}

/// Adds the levels of a picture, weighed.
struct Add<'a, L> {
    sum: &'a mut [f32],
    levels: &'a [L],
    weight: f32,
}

impl<L: Mixed> NullaryFnOnce for Add<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self { sum, levels, weight } = self;
        for (sum, level) in sum.iter_mut().zip(levels) {
            *sum += weight * level.number();
        }
    }
}

/// Makes levels of sums.
struct Nearest<'a, L>(&'a mut [L], &'a [f32]);

impl<L: Mixed> NullaryFnOnce for Nearest<'_, L> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        let Self(levels, sums) = self;
        for (level, sum) in levels.iter_mut().zip(sums) {
            *level = L::nearest(*sum);
        }
    }
}
