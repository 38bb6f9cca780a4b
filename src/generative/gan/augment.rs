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

#[cfg(test)]
mod tests {
    use super::*;

    const SIDE: usize = 16;
    const PIXELS: usize = SIDE * SIDE;

    /// Pictures all of whose levels are 1: no brightness makes one 0.
    fn ones(n: usize, channels: usize, device: &Device) -> Tensor<4> {
        Tensor::ones([n, channels, SIDE, SIDE], device)
    }

    fn values(tensor: Tensor<4>) -> Vec<f32> {
        tensor.into_data().iter::<f32>().collect()
    }

    fn draw(seed: u64, n: usize, device: &Device) -> Augment {
        Augment::draw(&mut Rng::new(seed, "augment", 0), n, SIDE, device)
    }

    #[test]
    fn pictures_are_lit_shifted_and_cut_as_far_as_is_said() {
        let device = Device::flex();
        let (n, channels) = (40, 3);
        let changed = values(draw(1, n, &device).apply(ones(n, channels, &device)));
        // A square of half the side, and what two shifts by an eighth leave empty.
        let most = (SIDE / 2) * (SIDE / 2) + 2 * (SIDE / 8) * SIDE;
        let mut lights = Vec::new();
        for picture in changed.chunks(channels * PIXELS) {
            let first = &picture[..PIXELS];
            // All channels alike.
            assert!(picture.chunks(PIXELS).all(|channel| channel == first));
            let empty = first.iter().filter(|level| **level == 0.0).count();
            assert!(empty <= most, "{empty} of {PIXELS} pixels are empty, {most} may be");
            let light = first.iter().copied().find(|level| *level != 0.0).unwrap();
            let is_even = first.iter().all(|level| *level == 0.0 || (level - light).abs() < 1e-6);
            assert!(is_even && (0.5..=1.5).contains(&light), "{light}");
            lights.push(light);
        }
        // Each picture has changes of its own.
        lights.sort_by(f32::total_cmp);
        lights.dedup();
        assert!(lights.len() > n / 2, "{lights:?}");
        assert!(lights[0] < 0.75 && lights[lights.len() - 1] > 1.25, "{lights:?}");
        assert!(changed.contains(&0.0), "nothing is cut out");
    }

    #[test]
    fn a_draw_is_the_same_for_whatever_it_changes() {
        let device = Device::flex();
        let mut rng = Rng::new(9, "pictures", 0);
        let levels: Vec<f32> = (0..4 * PIXELS).map(|_| rng.range(-1.0, 1.0)).collect();
        let pictures = Tensor::<4>::from_data(TensorData::new(levels, [4, 1, SIDE, SIDE]), &device);
        let augment = draw(2, 4, &device);
        let once = values(augment.apply(pictures.clone()));
        assert_eq!(once, values(augment.apply(pictures.clone())));
        assert_eq!(once, values(draw(2, 4, &device).apply(pictures.clone())));
        assert_ne!(once, values(pictures.clone()));
        assert_ne!(once, values(draw(3, 4, &device).apply(pictures)));
    }

    /// What is seen of a picture has the gradient 1, what is cut out or shifted away 0.
    #[test]
    fn gradients_go_through_to_what_is_seen() {
        let device = Device::flex().autodiff();
        let n = 6;
        let pictures = ones(n, 1, &device).require_grad();
        let changed = draw(4, n, &device).apply(pictures.clone());
        let gradients = changed.clone().sum().backward();
        let slopes = values(pictures.grad(&gradients).unwrap());
        let changed = values(changed);
        assert!(slopes.iter().all(|slope| *slope == 0.0 || (slope - 1.0).abs() < 1e-6));
        for (slopes, changed) in slopes.chunks(PIXELS).zip(changed.chunks(PIXELS)) {
            let [with_slope, seen] = [slopes, changed].map(|of| of.iter().filter(|value| **value != 0.0).count());
            assert_eq!(with_slope, seen);
            assert!(seen > PIXELS / 4);
        }
    }
}
