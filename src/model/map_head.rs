//! What heads on maps of several depths share.

use crate::error::{Error, Result};
use burn::nn::conv::Conv2d;
use burn::nn::{GroupNorm, GroupNormConfig};
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};

/// Channels that are normalised together.
const GROUP: usize = 8;

/// Refuses what no head can be made of; `head` is what messages call it.
pub(super) fn check(head: &str, classes: usize, channels: &[usize], width: usize) -> Result<()> {
    if classes == 0 || channels.is_empty() {
        return Err(Error::config(format!("{head} needs at least one class and one map")));
    }
    if width == 0 || !width.is_multiple_of(GROUP) {
        return Err(Error::config(format!(
            "{head}'s width is {width}, and has to be a multiple of {GROUP}"
        )));
    }
    Ok(())
}

/// The normalisation of a layer of `width` channels.
pub(super) fn norm(width: usize, device: &Device) -> GroupNorm {
    GroupNormConfig::new(width / GROUP, width).init(device)
}

/// What `lateral` makes of `maps`, brought to the size of the first one and added.
pub(super) fn added(lateral: &[Conv2d], maps: Vec<Tensor<4>>) -> Tensor<4> {
    let size = maps.first().map(|map| [map.dims()[2], map.dims()[3]]);
    let options = InterpolateOptions::new(InterpolateMode::Nearest);
    let maps = lateral.iter().zip(maps).map(|(lateral, map)| {
        let map = lateral.forward(map);
        match size {
            Some(size) if [map.dims()[2], map.dims()[3]] != size => {
                interpolate(map, options.clone().with_output_size(size))
            }
            _ => map,
        }
    });
    maps.reduce(|sum, map| sum + map).expect("a head of at least one map")
}
