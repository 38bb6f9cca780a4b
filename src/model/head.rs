//! Heads: what turns a backbone's features into a task's outputs.

use super::detection_head::DetectionHead;
use super::initial::Initial;
use super::map_head::added;
use super::segmentation_head::SegmentationHead;
use crate::error::{Error, Result};
use burn::module::{Initializer, Module, ModuleMapper, Param};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig2d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// What a head takes of a backbone.
#[derive(Clone, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a batch has one, and Burn's tensors are handles of that size"
)]
pub enum Features {
    /// One vector a row, averaged over the picture: `[n, features]`.
    Pooled(Tensor<2>),
    /// Maps at several depths, the finest first: each `[n, channels, height, width]`.
    Maps(Vec<Tensor<4>>),
}

/// What a head makes of features.
#[derive(Clone, Debug)]
pub enum Outputs {
    /// So many numbers a row: `[n, outputs]`.
    Rows(Tensor<2>),
    /// So many numbers at each place of a map: `[n, outputs, height, width]`.
    Map(Tensor<4>),
}

impl Outputs {
    /// The outputs of a [linear](HeadConfig::Linear) head, `[n, outputs]`.
    ///
    /// # Errors
    ///
    /// `Config` where there is a map instead.
    pub fn rows(&self) -> Result<Tensor<2>> {
        match self {
            Self::Rows(rows) => Ok(rows.clone()),
            Self::Map(_) => Err(Error::config(
                "the head gives a map, and the task takes one vector a row",
            )),
        }
    }

    /// The outputs of a [dense](HeadConfig::Dense) head, `[n, outputs, height, width]`.
    ///
    /// # Errors
    ///
    /// `Config` where there is one vector a row instead.
    pub fn map(&self) -> Result<Tensor<4>> {
        match self {
            Self::Map(map) => Ok(map.clone()),
            Self::Rows(_) => Err(Error::config(
                "the head gives one vector a row, and the task takes a map",
            )),
        }
    }
}

/// Which head a task has, and its initial values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeadConfig {
    /// A linear layer on pooled features. It can train on features that were computed once. All weights begin at 0.
    Linear {
        /// Numbers a row.
        outputs: usize,
        /// What the outputs begin with, one number each; empty for 0.
        #[serde(default)]
        bias: Vec<f32>,
    },
    /// Convolutions on maps, which are brought to the size of the finest one and added. The last layer's weights begin at 0.
    Dense {
        /// Numbers at each place.
        outputs: usize,
        /// Channels of the layers between.
        width: usize,
        /// Convolutions of 3 x 3 before the last one, which is 1 x 1.
        depth: usize,
        /// What the outputs begin with, one number each; empty for 0.
        #[serde(default)]
        bias: Vec<f32>,
    },
    /// A [`DetectionHead`] on maps.
    Detection {
        /// Classes of boxes.
        classes: usize,
        /// Channels of the layers between, a multiple of 8.
        width: usize,
        /// Convolutions of 3 x 3.
        depth: usize,
    },
    /// A [`SegmentationHead`] on maps.
    Segmentation {
        /// Classes of pixels.
        classes: usize,
        /// Channels of the layers between, a multiple of 8.
        width: usize,
        /// Depthwise separable convolutions of 3 x 3.
        depth: usize,
    },
}

impl HeadConfig {
    /// A linear head of so many outputs, which begin at 0.
    pub fn linear(outputs: usize) -> Self {
        Self::Linear {
            outputs,
            bias: Vec::new(),
        }
    }

    /// Numbers a row, or at each place.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Linear { outputs, .. } | Self::Dense { outputs, .. } => *outputs,
            Self::Detection { classes, .. } => classes + DetectionHead::BESIDE,
            Self::Segmentation { classes, .. } => *classes,
        }
    }

    /// Whether it takes pooled features, so that it can train on features that were computed once.
    pub fn is_pooled(&self) -> bool {
        matches!(self, Self::Linear { .. })
    }

    /// A fresh head on `device` for a backbone of so many pooled `features` and maps of so many `channels`; what is random in it follows from
    /// `seed`.
    ///
    /// # Errors
    ///
    /// `Config` for no outputs, no maps, or another number of initial values than of outputs.
    pub fn init(&self, features: usize, channels: &[usize], seed: u64, device: &Device) -> Result<Head> {
        match self {
            Self::Linear { outputs, bias } => {
                check(*outputs, bias)?;
                let head = LinearConfig::new(features, *outputs).with_initializer(Initializer::Zeros);
                let head = head.init(device);
                Ok(Head::Linear(Linear {
                    bias: begin(head.bias, bias, device),
                    weight: head.weight,
                }))
            }
            Self::Dense {
                outputs,
                width,
                depth,
                bias,
            } => {
                check(*outputs, bias)?;
                if channels.is_empty() {
                    return Err(Error::config("a dense head needs maps, and the backbone gives none"));
                }
                let mut initial = Initial::new(seed, device);
                let mut conv = |input: usize, size: usize| {
                    let config = Conv2dConfig::new([input, *width], [size; 2]);
                    initial.convolution(config.with_padding(PaddingConfig2d::Same))
                };
                let last = Conv2dConfig::new([*width, *outputs], [1, 1]).with_initializer(Initializer::Zeros);
                let last = last.init(device);
                Ok(Head::Dense(DenseHead {
                    lateral: channels.iter().map(|&channels| conv(channels, 1)).collect(),
                    layers: (0..*depth).map(|_| conv(*width, 3)).collect(),
                    last: Conv2d {
                        bias: begin(last.bias.clone(), bias, device),
                        ..last
                    },
                }))
            }
            Self::Detection { classes, width, depth } => {
                let head = DetectionHead::init(*classes, [*width, *depth], channels, seed, device)?;
                Ok(Head::Detection(head))
            }
            Self::Segmentation { classes, width, depth } => {
                let head = SegmentationHead::init(*classes, [*width, *depth], channels, seed, device)?;
                Ok(Head::Segmentation(head))
            }
        }
    }
}

/// Refuses no outputs, and another number of initial values than of outputs.
fn check(outputs: usize, bias: &[f32]) -> Result<()> {
    match outputs > 0 && (bias.is_empty() || bias.len() == outputs) {
        true => Ok(()),
        false => Err(Error::config(format!(
            "a head of {outputs} outputs has {} initial values",
            bias.len()
        ))),
    }
}

/// What outputs begin with: `values`, or as they are.
fn begin(plain: Option<Param<Tensor<1>>>, values: &[f32], device: &Device) -> Option<Param<Tensor<1>>> {
    match values {
        [] => plain,
        values => Some(Param::from_tensor(Tensor::from_floats(values, device))),
    }
}

/// A head with its values.
#[derive(Module, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are few, and none in a collection")]
pub enum Head {
    /// On pooled features: weight `[features, outputs]`.
    Linear(Linear),
    /// On maps.
    Dense(DenseHead),
    /// On maps, for boxes.
    Detection(DetectionHead),
    /// On maps, for the class of each pixel.
    Segmentation(SegmentationHead),
}

impl Head {
    /// The outputs of `features`.
    ///
    /// # Errors
    ///
    /// `Config` for maps where it takes pooled features, and the other way round.
    pub fn forward(&self, features: Features) -> Result<Outputs> {
        match (self, features) {
            (Self::Linear(head), Features::Pooled(features)) => Ok(Outputs::Rows(head.forward(features))),
            (Self::Dense(head), Features::Maps(maps)) => Ok(Outputs::Map(head.forward(maps))),
            (Self::Detection(head), Features::Maps(maps)) => Ok(Outputs::Map(head.forward(maps))),
            (Self::Segmentation(head), Features::Maps(maps)) => Ok(Outputs::Map(head.forward(maps))),
            (Self::Linear(_), Features::Maps(_)) => Err(Error::config("a linear head takes pooled features, not maps")),
            (Self::Dense(_) | Self::Detection(_) | Self::Segmentation(_), Features::Pooled(_)) => {
                Err(Error::config("a dense head takes maps, not pooled features"))
            }
        }
    }

    /// Numbers a row, or at each place.
    pub fn outputs(&self) -> usize {
        match self {
            Self::Linear(head) => head.weight.dims()[1],
            Self::Dense(head) => head.last.weight.dims()[0],
            Self::Detection(head) => head.outputs(),
            Self::Segmentation(head) => head.outputs(),
        }
    }

    /// The same values as parameters that train on `device`.
    #[must_use]
    pub fn training_on(&self, device: &Device) -> Self {
        self.clone().map(&mut TrainingOn(device))
    }

    /// The linear layer of a head on pooled features.
    pub fn linear(&self) -> Option<&Linear> {
        match self {
            Self::Linear(head) => Some(head),
            Self::Dense(_) | Self::Detection(_) | Self::Segmentation(_) => None,
        }
    }

    /// Folds the standardisation of features into a head that was trained on standardised features, so that it takes raw ones;
    /// as [`fold_standardisation`](super::fold_standardisation). A head on maps comes back as it is.
    #[must_use]
    pub fn fold_features(&self, mean: Tensor<1>, std: Tensor<1>) -> Self {
        match self {
            Self::Linear(head) => Self::Linear(super::fold_standardisation(head, mean, std)),
            Self::Dense(_) | Self::Detection(_) | Self::Segmentation(_) => self.clone(),
        }
    }

    /// The head whose outputs are `scale x + shift` where those of this one are `x`. A detection or segmentation head comes back as it is.
    #[must_use]
    pub fn scaled(&self, scale: f32, shift: f32) -> Self {
        let vector = |bias: &Option<Param<Tensor<1>>>, outputs: usize, device: &Device| {
            let bias = bias
                .as_ref()
                .map_or_else(|| Tensor::zeros([outputs], device), |bias| bias.val());
            Some(Param::from_tensor((bias * scale + shift).detach()))
        };
        match self {
            Self::Linear(head) => Self::Linear(Linear {
                bias: vector(&head.bias, head.weight.dims()[1], &head.weight.device()),
                weight: Param::from_tensor((head.weight.val() * scale).detach()),
            }),
            Self::Dense(head) => {
                let last = &head.last;
                let mut scaled = last.clone();
                scaled.bias = vector(&last.bias, last.weight.dims()[0], &last.weight.device());
                scaled.weight = Param::from_tensor((last.weight.val() * scale).detach());
                Self::Dense(DenseHead {
                    last: scaled,
                    ..head.clone()
                })
            }
            Self::Detection(_) | Self::Segmentation(_) => self.clone(),
        }
    }
}

/// Makes new parameters of the values of old ones.
struct TrainingOn<'a>(&'a Device);

impl ModuleMapper for TrainingOn<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        Param::from_tensor(Tensor::from_data(param.val().into_data(), self.0))
    }
}

/// Convolutions on maps of several depths.
#[derive(Module, Debug)]
pub struct DenseHead {
    /// 1 x 1, one for each map.
    lateral: Vec<Conv2d>,
    /// 3 x 3, on their sum.
    layers: Vec<Conv2d>,
    /// 1 x 1, to the outputs.
    last: Conv2d,
}

impl DenseHead {
    fn forward(&self, maps: Vec<Tensor<4>>) -> Tensor<4> {
        let sum = added(&self.lateral, maps);
        let map = self
            .layers
            .iter()
            .fold(relu(sum), |map, layer| relu(layer.forward(map)));
        self.last.forward(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, Tolerance};

    fn random<const D: usize>(shape: [usize; D]) -> Tensor<D> {
        Tensor::random(shape, Distribution::Normal(0.0, 1.0), &Device::flex())
    }

    #[test]
    fn a_scaled_head_gives_scaled_outputs() {
        let device = Device::flex();
        let linear = Head::Linear(LinearConfig::new(5, 1).init(&device));
        let features = || Features::Pooled(random([4, 5]));
        let input = features();
        let plain = linear.forward(input.clone()).unwrap().rows().unwrap();
        let scaled = linear.scaled(3.0, -7.0).forward(input).unwrap().rows().unwrap();
        let expected = (plain * 3.0 - 7.0).into_data();
        scaled
            .into_data()
            .assert_approx_eq::<f32>(&expected, Tolerance::absolute(1e-5));
    }

    #[test]
    fn outputs_begin_with_the_initial_values() {
        let device = Device::flex();
        let bias = vec![-4.5, 0.25];
        let config = HeadConfig::Dense {
            outputs: 2,
            width: 8,
            depth: 1,
            bias: bias.clone(),
        };
        let maps = Features::Maps(vec![random([1, 3, 8, 6]), random([1, 5, 4, 3])]);
        let map = config
            .init(9, &[3, 5], 0, &device)
            .unwrap()
            .forward(maps)
            .unwrap()
            .map()
            .unwrap();
        assert_eq!(map.dims(), [1, 2, 8, 6]);
        let values: Vec<f32> = map.into_data().try_to_vec().unwrap();
        assert!(values[..48].iter().all(|value| *value == -4.5) && values[48..].iter().all(|value| *value == 0.25));
        let head = HeadConfig::Linear { outputs: 2, bias }
            .init(9, &[], 0, &device)
            .unwrap();
        assert!(head.forward(Features::Maps(vec![random([1, 3, 8, 6])])).is_err());
        let error = HeadConfig::Linear {
            outputs: 3,
            bias: vec![1.0],
        }
        .init(9, &[], 0, &device)
        .unwrap_err();
        assert_eq!(error.to_string(), "a head of 3 outputs has 1 initial values");
    }
}
