//! Differentiable augmentation (DiffAugment, Zhao et al. 2020): the discriminator sees real and made pictures through the same random
//! changes, so that it cannot learn a few hundred real ones by heart.

use crate::rng::Rng;
use burn::tensor::{Device, Tensor, TensorData};

/// The changes of some pictures: brightness by up to half of the whole range, a shift by up to an eighth of the side, and a square of half
/// the side that is cut out.
pub(super) struct Augment {
    /// What is added to the levels, `[n, 1, 1, 1]`.
    brightness: Tensor<4>,
    /// `[n, 1, side, side]`: from rows to rows, and from columns to columns. A matrix product is a shift whose gradient is one, too.
    rows: Tensor<4>,
    columns: Tensor<4>,
    /// 0 where it is cut out, else 1: `[n, 1, side, side]`.
    kept: Tensor<4>,
}

impl Augment {
    /// Draws the changes of `n` pictures of `side` pixels.
    pub(super) fn draw(rng: &mut Rng, n: usize, side: usize, device: &Device) -> Self {
        let most = (side / 8) as i64;
        let mut brightness = Vec::with_capacity(n);
        let [mut rows, mut columns] = [(); 2].map(|()| vec![0.0_f32; n * side * side]);
        let mut kept = vec![1.0_f32; n * side * side];
        for at in 0..n {
            brightness.push(rng.range(-0.5, 0.5));
            let mut shift = || rng.below(2 * most as u64 + 1) as i64 - most;
            let [down, right] = [shift(), shift()];
            for to in 0..side {
                let from = |shift: i64| usize::try_from(to as i64 - shift).ok().filter(|&from| from < side);
                if let Some(from) = from(down) {
                    rows[(at * side + to) * side + from] = 1.0;
                }
                if let Some(from) = from(right) {
                    columns[(at * side + from) * side + to] = 1.0;
                }
            }
            // The centre lies anywhere, so that a part of the square may lie outside.
            let half = (side / 4) as i64;
            let [top, left] = [(); 2].map(|()| rng.below(side as u64 + 1) as i64 - half);
            let inside = |from: i64| from.max(0) as usize..((from + 2 * half).max(0) as usize).min(side);
            for y in inside(top) {
                for x in inside(left) {
                    kept[(at * side + y) * side + x] = 0.0;
                }
            }
        }
        let maps = |values| Tensor::from_data(TensorData::new(values, [n, 1, side, side]), device);
        Self {
            brightness: Tensor::from_data(TensorData::new(brightness, [n, 1, 1, 1]), device),
            rows: maps(rows),
            columns: maps(columns),
            kept: maps(kept),
        }
    }

    /// The pictures `[n, channels, side, side]`, of levels around 0.
    pub(super) fn apply(&self, pictures: Tensor<4>) -> Tensor<4> {
        let [_, channels, _, _] = pictures.dims();
        let each = |maps: &Tensor<4>| match channels {
            1 => maps.clone(),
            _ => maps.clone().repeat_dim(1, channels),
        };
        let bright = pictures + self.brightness.clone();
        let shifted = each(&self.rows).matmul(bright).matmul(each(&self.columns));
        shifted * self.kept.clone()
    }
}
