//! The network as it is when nothing trains: features of images, and maps for what trains above it.
//!
//! Long because the loops of all kinds of layers share one layout of maps.

use super::{EfficientNetLite0, block_range};
use crate::error::{Error, Result};
use crate::model::inverted_residual::InvertedResidual;
use crate::model::layers::ConvNorm;
use burn::nn::conv::Conv2d;
use burn::tensor::{Device, Tensor, TensorData};
use macerator::{AutoArch, Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// An [`EfficientNetLite0`] that only makes features and maps, and makes them several times faster.
///
/// The same numbers up to rounding. What is different: one image runs through all layers before the next one does, each on a
/// thread of its own, so that its maps stay in the processor's cache and no step is left to one thread; and the convolutions
/// that do not mix channels, the shifts and the activations are loops of our own. Those that do mix them are Burn's.
#[derive(Debug)]
pub struct Frozen {
    stem: Spatial,
    blocks: Vec<FrozenBlock>,
    top: Pointwise,
}

impl Frozen {
    /// Takes over the weights of `net`, its BatchNorms folded.
    ///
    /// # Errors
    ///
    /// `Stage` where the weights cannot be read back from their device.
    pub fn new(net: &EfficientNetLite0) -> Result<Self> {
        let blocks = net.blocks.iter().map(FrozenBlock::new);
        Ok(Self {
            stem: Spatial::new(&net.stem)?,
            blocks: blocks.collect::<Result<_>>()?,
            top: Pointwise::new(&net.top)?,
        })
    }

    /// Pooled features `[n, 1280]` of images `[n, 3, height, width]`, normalised as the weights expect. The features of an image do not depend on the others.
    ///
    /// # Errors
    ///
    /// `Stage` where a tensor cannot be read back from its device.
    pub fn features(&self, images: Tensor<4>) -> Result<Vec<f32>> {
        let mean = |plane: &[f32]| plane.iter().sum::<f32>() / plane.len() as f32;
        let features = Self::each(images, |image| {
            let map = self.run(image, 0..EfficientNetLite0::STAGES)?;
            Ok(map.values.chunks_exact(map.area()).map(mean).collect::<Vec<_>>())
        });
        Ok(features?.concat())
    }

    /// The maps that `stages` (in ascending order) take, `[n, channels, rows, columns]` each, of images `[n, 3, height, width]` as
    /// [`features`](Self::features) takes them: what [`Backbone::forward_until`](crate::model::Backbone::forward_until) gives. The
    /// maps of an image do not depend on the others.
    ///
    /// # Errors
    ///
    /// `Config` for no image; `Stage` where a tensor cannot be read back from its device.
    pub fn maps(&self, images: Tensor<4>, stages: &[usize]) -> Result<Vec<Tensor<4>>> {
        let device = images.device();
        let of_images = Self::each(images, |image| {
            let (mut map, mut from, mut maps) = (image, 0, Vec::with_capacity(stages.len()));
            for &stage in stages {
                map = self.run(map, from..stage)?;
                from = stage;
                maps.push(map.clone());
            }
            Ok(maps)
        })?;
        let Some(first) = of_images.first() else {
            return Err(Error::config("there are no images to make maps of"));
        };
        let shapes = first.iter().map(|map| {
            let channels = map.values.len() / map.area();
            [of_images.len(), channels, map.height, map.width]
        });
        let shapes: Vec<_> = shapes.collect();
        let tensor = |(at, shape): (usize, [usize; 4])| {
            let values = of_images.iter().flat_map(|maps| maps[at].values.iter().copied());
            let mut all = Vec::with_capacity(shape.iter().product());
            all.extend(values);
            Tensor::from_data(TensorData::new(all, shape), &device)
        };
        Ok(shapes.into_iter().enumerate().map(tensor).collect())
    }

    /// What `make` makes of each image, on all threads.
    fn each<T: Send>(images: Tensor<4>, make: impl Fn(Map) -> Result<T> + Sync) -> Result<Vec<T>> {
        let [_, channels, height, width] = images.dims();
        let values = read(images)?;
        let images = values.par_chunks_exact((channels * height * width).max(1));
        let map = |image: &[f32]| Map {
            values: image.to_vec(),
            height,
            width,
        };
        images.map(|image| make(map(image))).collect()
    }

    /// What `stages` make of the map that the first of them takes.
    fn run(&self, map: Map, stages: Range<usize>) -> Result<Map> {
        stages.into_iter().try_fold(map, |map, stage| match stage {
            0 => Ok(self.stem.run(&map)),
            8 => Ok(self.top.run(map)?.relu6(&self.top.bias)),
            _ => {
                let blocks = &self.blocks[block_range(stage..stage + 1)];
                blocks.iter().try_fold(map, |map, block| block.run(map))
            }
        })
    }
}

#[derive(Debug)]
struct FrozenBlock {
    expand: Option<Pointwise>,
    depthwise: Spatial,
    project: Pointwise,
    skip: bool,
}

impl FrozenBlock {
    fn new(block: &InvertedResidual) -> Result<Self> {
        Ok(Self {
            expand: block.expand.as_ref().map(Pointwise::new).transpose()?,
            depthwise: Spatial::new(&block.depthwise)?,
            project: Pointwise::new(&block.project)?,
            skip: block.skip,
        })
    }

    fn run(&self, x: Map) -> Result<Map> {
        let shortcut = self.skip.then(|| x.values.clone());
        let x = match &self.expand {
            Some(expand) => expand.run(x)?.relu6(&expand.bias),
            None => x,
        };
        let x = self.project.run(self.depthwise.run(&x))?;
        Ok(x.linear(&self.project.bias, shortcut.as_deref()))
    }
}

/// The planes of an image's channels, one after the other.
#[derive(Clone)]
struct Map {
    values: Vec<f32>,
    height: usize,
    width: usize,
}

impl Map {
    fn area(&self) -> usize {
        self.height * self.width
    }

    fn relu6(mut self, bias: &[f32]) -> Self {
        let planes = self.values.chunks_exact_mut(self.height * self.width);
        for (plane, bias) in planes.zip(bias) {
            plane
                .iter_mut()
                .for_each(|value| *value = (*value + bias).clamp(0.0, 6.0));
        }
        self
    }

    fn linear(mut self, bias: &[f32], shortcut: Option<&[f32]>) -> Self {
        let area = self.area();
        for (plane, bias) in self.values.chunks_exact_mut(area).zip(bias) {
            plane.iter_mut().for_each(|value| *value += bias);
        }
        let values = self.values.iter_mut().zip(shortcut.unwrap_or(&[]));
        values.for_each(|(value, shortcut)| *value += shortcut);
        self
    }
}

/// A 1x1 convolution: a matrix product, which is Burn's. What comes after it takes the bias.
#[derive(Debug)]
struct Pointwise {
    conv: Conv2d,
    bias: Vec<f32>,
    device: Device,
}

impl Pointwise {
    fn new(layer: &ConvNorm) -> Result<Self> {
        let (conv, bias) = taken_apart(layer)?;
        let device = conv.weight.device();
        Ok(Self { conv, bias, device })
    }

    fn run(&self, x: Map) -> Result<Map> {
        let Map { values, height, width } = x;
        let channels = values.len() / (height * width);
        let x = TensorData::new(values, [1, channels, height, width]);
        let values = read(self.conv.forward(Tensor::<4>::from_data(x, &self.device)))?;
        Ok(Map { values, height, width })
    }
}

/// A convolution of few input channels for each output channel, "same" padding, bias and ReLU6: depthwise ones and the stem.
///
/// Input planes are padded and split by `stride`, so that under each weight lies one contiguous run of values, and an output
/// plane is a sum of runs times weights. (A run goes on over the ends of rows; what lies there is left out at the end.)
#[derive(Debug)]
struct Spatial {
    /// `[channels, inputs, kernel, kernel]`.
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Input channels for each output channel.
    inputs: usize,
    depthwise: bool,
    kernel: usize,
    stride: usize,
}

impl Spatial {
    fn new(layer: &ConvNorm) -> Result<Self> {
        let (conv, bias) = taken_apart(layer)?;
        let [_, inputs, kernel, _] = conv.weight.dims();
        Ok(Self {
            inputs,
            depthwise: conv.groups > 1,
            kernel,
            stride: conv.stride[0],
            weights: read(conv.weight.val())?,
            bias,
        })
    }

    fn run(&self, x: &Map) -> Map {
        let (grid, area) = (Grid::new(self, x), x.area());
        let (height, width) = (grid.height, grid.width);
        let mut values = Vec::with_capacity(self.bias.len() * height * width);
        let mut split = vec![0.0; self.inputs * grid.channel()];
        let mut sums = vec![0.0; (height * grid.run).next_multiple_of(LANES)];
        let mut taps = vec![(0, 0.0); self.inputs * self.kernel * self.kernel];
        let weights = self.weights.chunks_exact(taps.len());
        for (channel, (weights, bias)) in weights.zip(&self.bias).enumerate() {
            if self.depthwise || channel == 0 {
                let first = channel * self.inputs * area;
                let inputs = x.values[first..first + self.inputs * area].chunks_exact(area);
                for (input, split) in inputs.zip(split.chunks_exact_mut(grid.channel())) {
                    grid.split(input, split);
                }
            }
            for (at, (tap, &weight)) in taps.iter_mut().zip(weights).enumerate() {
                *tap = (grid.offset(at), weight);
            }
            AutoArch::new().dispatch(Sum {
                values: &split,
                taps: &taps,
                bias: *bias,
                sums: &mut sums,
            });
            let rows = sums.chunks_exact(grid.run).take(height);
            rows.for_each(|row| values.extend_from_slice(&row[..width]));
        }
        Map { values, height, width }
    }
}

/// Where the values of a padded input plane lie once it is split into `stride x stride` phases: phase `(i, j)` has those of
/// the rows `i, i + stride, ..` and the columns `j, j + stride, ..`.
struct Grid {
    kernel: usize,
    stride: usize,
    /// Of the output.
    height: usize,
    width: usize,
    input_width: usize,
    /// Rows and columns of padding before the input.
    top: usize,
    left: usize,
    /// Columns of a phase.
    run: usize,
    /// Values of a phase, with what is read beyond its end.
    phase: usize,
}

impl Grid {
    fn new(layer: &Spatial, x: &Map) -> Self {
        let Spatial { kernel, stride, .. } = *layer;
        // TensorFlow's "same" padding, as Burn's layers have it: the smaller half comes first.
        let same = |len: usize| {
            let out = len.div_ceil(stride);
            (out, ((out - 1) * stride + kernel).saturating_sub(len) / 2)
        };
        let ((height, top), (width, left)) = (same(x.height), same(x.width));
        let more = (kernel - 1) / stride;
        let run = width + more;
        Self {
            kernel,
            stride,
            height,
            width,
            input_width: x.width,
            top,
            left,
            run,
            phase: (height + more) * run + more + LANES,
        }
    }

    /// Values of all phases of a channel.
    fn channel(&self) -> usize {
        self.stride * self.stride * self.phase
    }

    /// Where the run under the weight `at` of `[inputs, kernel, kernel]` begins.
    fn offset(&self, at: usize) -> usize {
        let (input, y, x) = (
            at / (self.kernel * self.kernel),
            at / self.kernel % self.kernel,
            at % self.kernel,
        );
        input * self.channel() + self.place(y, x)
    }

    /// Where a value of the padded plane lies.
    fn place(&self, y: usize, x: usize) -> usize {
        let phase = y % self.stride * self.stride + x % self.stride;
        phase * self.phase + y / self.stride * self.run + x / self.stride
    }

    /// Copies a plane to its places; those of the padding are never written.
    fn split(&self, plane: &[f32], split: &mut [f32]) {
        for (y, row) in plane.chunks_exact(self.input_width).enumerate() {
            for first in 0..self.stride.min(row.len()) {
                let place = self.place(y + self.top, first + self.left);
                let values = row[first..].iter().step_by(self.stride);
                split[place..].iter_mut().zip(values).for_each(|(to, &from)| *to = from);
            }
        }
    }
}

/// Values that are summed up at a time: they stay in registers over all taps.
const LANES: usize = 32;

/// `sums[i]` becomes the sum of `values[offset + i] * weight` over `taps`, plus `bias`, between 0 and 6.
struct Sum<'a> {
    values: &'a [f32],
    taps: &'a [(usize, f32)],
    bias: f32,
    sums: &'a mut [f32],
}

impl WithSimd for Sum<'_> {
    type Output = ();

    // Plain loops: they are compiled once for each generation of vector instructions.
    #[inline(always)]
    fn with_simd<S: Simd>(self) {
        for (at, sums) in self.sums.chunks_exact_mut(LANES).enumerate() {
            let mut sum = [0.0_f32; LANES];
            for &(offset, weight) in self.taps {
                let values = &self.values[at * LANES + offset..][..LANES];
                for (sum, value) in sum.iter_mut().zip(values) {
                    *sum += value * weight;
                }
            }
            for (to, sum) in sums.iter_mut().zip(sum) {
                *to = (sum + self.bias).clamp(0.0, 6.0);
            }
        }
    }
}

/// The convolution of a folded layer without its bias, and that.
fn taken_apart(layer: &ConvNorm) -> Result<(Conv2d, Vec<f32>)> {
    let mut conv = layer.fold().conv;
    match conv.bias.take() {
        Some(bias) => Ok((conv, read(bias.val())?)),
        None => Err(Error::config("a layer has no BatchNorm and no bias")),
    }
}

fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>> {
    let values = tensor.into_data().try_into_vec();
    values.map_err(|error| Error::stage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Architecture, Backbone, Network};
    use burn::tensor::Distribution;

    #[test]
    fn features_are_those_of_the_whole_network() -> Result<()> {
        let device = Device::flex();
        let net = EfficientNetLite0::init(&Architecture::new(EfficientNetLite0::NAME), &device)?;
        let frozen = Frozen::new(&net)?;
        let net = Backbone::from(net);
        for [count, height, width] in [[2, 64, 64], [3, 33, 50], [2, 1, 1], [1, 7, 224], [0, 32, 32]] {
            let images = Tensor::random([count, 3, height, width], Distribution::Normal(0.0, 1.0), &device);
            let expected = read(net.forward_features(images.clone()))?;
            let largest = expected.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            let features = frozen.features(images)?;
            assert_eq!(features.len(), expected.len());
            for (a, b) in features.iter().zip(&expected) {
                assert!(
                    (a - b).abs() <= 1e-5 * largest,
                    "{height}x{width}: {a} and {b} of {largest}"
                );
            }
        }
        Ok(())
    }

    #[test]
    fn maps_are_those_of_the_whole_network_at_every_cut() -> Result<()> {
        let device = Device::flex();
        let net = EfficientNetLite0::init(&Architecture::new(EfficientNetLite0::NAME), &device)?;
        let frozen = Frozen::new(&net)?;
        let net = Backbone::from(net);
        let images = Tensor::random([2, 3, 50, 33], Distribution::Normal(0.0, 1.0), &device);
        let stages: Vec<usize> = (0..=EfficientNetLite0::STAGES).collect();
        let maps = frozen.maps(images.clone(), &stages)?;
        assert_eq!(maps.len(), stages.len());
        for (map, stage) in maps.into_iter().zip(stages) {
            let expected = net.forward_until(images.clone(), stage);
            assert_eq!(map.dims(), expected.dims(), "stage {stage}");
            let (map, expected) = (read(map)?, read(expected)?);
            let largest = expected.iter().fold(0.0, |a: f32, b| a.max(b.abs()));
            for (a, b) in map.iter().zip(&expected) {
                assert!(
                    (a - b).abs() <= 1e-5 * largest,
                    "stage {stage}: {a} and {b} of {largest}"
                );
            }
        }
        // One image alone has the same maps to the bit.
        let [both, one] = [images.clone(), images.narrow(0, 1, 1)].map(|images| frozen.maps(images, &[7]));
        let (both, one) = (read(both?.remove(0))?, read(one?.remove(0))?);
        assert!(both[one.len()..] == one);
        let none = frozen.maps(Tensor::zeros([0, 3, 8, 8], &device), &[1]);
        assert_eq!(none.unwrap_err().to_string(), "there are no images to make maps of");
        Ok(())
    }
}
