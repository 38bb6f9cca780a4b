//! A backbone with a linear head.

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};

use super::backbone::Backbone;

/// A backbone and a linear head: images in, logits out.
///
/// A head alone is trained on features that were computed once ([`forward_head`](Self::forward_head)); with
/// [`unfreeze_last`](Self::unfreeze_last) the upper stages of the backbone train with it.
#[derive(Module, Debug)]
pub struct Classifier {
    /// Images to pooled features.
    pub backbone: Backbone,
    /// Pooled features to logits, weight `[features, classes]`.
    pub head: Linear,
}

impl Classifier {
    /// `backbone` under a fresh head of `classes` classes, which trains.
    pub fn new(backbone: impl Into<Backbone>, classes: usize, device: &Device) -> Self {
        let backbone = backbone.into();
        let head = LinearConfig::new(backbone.features(), classes).init(device);
        Self { backbone, head }
    }

    /// Logits `[n, classes]` of images `[n, 3, height, width]`, normalised as the backbone expects.
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_head(self.backbone.forward_features(images))
    }

    /// Logits `[n, classes]` of pooled features `[n, features]`.
    pub fn forward_head(&self, features: Tensor<2>) -> Tensor<2> {
        self.head.forward(features)
    }

    /// Lets the head and the last `n` stages of the backbone train, and freezes the rest.
    #[must_use]
    pub fn unfreeze_last(self, n: usize) -> Self {
        Self {
            backbone: self.backbone.unfreeze_last(n),
            head: self.head.unfreeze(),
        }
    }
}

/// Folds the standardisation of features into a head that was trained on standardised features, so that it takes raw ones:
/// `((x - mean) / std) w + b = x (w / std) + (b - (mean / std) w)`.
///
/// `mean` and `std` are `[features]`; a deviation of 0 (a constant feature) counts as 1, as scikit-learn has it.
pub fn fold_standardisation(head: &Linear, mean: Tensor<1>, std: Tensor<1>) -> Linear {
    let constant = std.clone().equal_elem(0.0);
    let weight = head.weight.val() / std.mask_fill(constant, 1.0).unsqueeze_dim(1);
    let shift = mean.unsqueeze_dim::<2>(0).matmul(weight.clone()).squeeze_dim::<1>(0);
    let bias = match &head.bias {
        Some(bias) => bias.val() - shift,
        None => shift.neg(),
    };
    Linear {
        weight: Param::from_tensor(weight.detach()),
        bias: Some(Param::from_tensor(bias.detach())),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Distribution, Tolerance};

    use super::*;

    fn device() -> Device {
        Device::flex()
    }

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &device())
    }

    #[test]
    fn a_folded_standardisation_gives_the_same_logits() {
        let head = LinearConfig::new(4, 3).init(&device());
        let mean = Tensor::from_floats([0.5, -1.0, 2.0, 7.0], &device());
        let std = Tensor::from_floats([2.0, 0.1, 1.0, 0.0], &device());
        let divisor = Tensor::<1>::from_floats([2.0, 0.1, 1.0, 1.0], &device());
        let features = random([5, 4]);
        let standardised = (features.clone() - mean.clone().unsqueeze()) / divisor.unsqueeze();
        let expected = head.forward(standardised).into_data();
        let folded = fold_standardisation(&head, mean, std).forward(features).into_data();
        folded.assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-4));
    }
}
