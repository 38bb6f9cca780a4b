use super::mixing::{Mixing, mixing_parameters};
use crate::error::Result;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Pastes a box of another row of their batch into rows: CutMix (Yun et al. 2019), as torchvision's `CutMix`, but with a box
/// of its own for each row.
///
/// The box has the share `1 - lambda` of the height times the width, with `lambda` from Beta(alpha, alpha), and its centre is
/// anywhere; what of it lies outside is cut off. The label takes the share of the pixels that really changed. See
/// [`cutmix`](crate::DatasetExt::cutmix).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CutMix(pub(crate) Mixing);

mixing_parameters!(CutMix);

impl Spec for CutMix {
    const NAME: &'static str = "cutmix";

    fn check(&self) -> Result<()> {
        self.0.check()
    }
}

impl CutMix {
    /// `alpha` is the parameter of the beta distribution, finite and above 0; 1 makes boxes of every area equally likely.
    pub fn new(alpha: f32) -> Self {
        Self(Mixing {
            alpha,
            ..Mixing::default()
        })
    }
}

/// A box of a picture.
#[derive(Clone, Debug)]
pub(crate) struct Cut {
    rows: Range<usize>,
    columns: Range<usize>,
    size: [usize; 2],
}

impl Cut {
    /// The box of `lambda` in a picture of `size` (height and width), its centre drawn evenly.
    pub(crate) fn draw(lambda: f32, size: [usize; 2], rng: &mut Rng) -> Self {
        let half = 0.5 * f64::from(1.0 - lambda).sqrt();
        let mut side = |length: usize| {
            let (centre, half) = (rng.below(length as u64) as usize, (half * length as f64) as usize);
            centre.saturating_sub(half)..(centre + half).min(length)
        };
        let columns = side(size[1]);
        Self {
            rows: side(size[0]),
            columns,
            size,
        }
    }

    /// Share of the picture outside the box.
    pub(crate) fn outside(&self) -> f32 {
        let ([height, width], inside) = (self.size, self.rows.len() * self.columns.len());
        (1.0 - inside as f64 / (height * width) as f64) as f32
    }

    /// Copies the box of `partner`, in every channel, into `out`.
    pub(crate) fn paste(&self, partner: &[f32], out: &mut [f32]) {
        let [height, width] = self.size;
        let channels = out
            .chunks_exact_mut(height * width)
            .zip(partner.chunks_exact(height * width));
        for (out, partner) in channels {
            for row in self.rows.clone() {
                let line = row * width + self.columns.start..row * width + self.columns.end;
                out[line.clone()].copy_from_slice(&partner[line]);
            }
        }
    }
}
