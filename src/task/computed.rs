//! What a head trains on that was computed once.

use super::prepare::{MapFeatures, PooledFeatures};
use crate::error::Result;
use crate::model::MapShapes;
use crate::model::head::{Head, HeadConfig};
use crate::rows::Cached;
use burn::tensor::Device;

/// What was computed once of all rows and views, and the head trains on.
#[derive(Clone, Copy)]
pub(super) enum Computed<'a> {
    Pooled(&'a PooledFeatures),
    Maps(&'a MapFeatures),
}

impl<'a> Computed<'a> {
    pub(super) fn valid(self) -> &'a Cached {
        match self {
            Self::Pooled(features) => &features.valid,
            Self::Maps(maps) => &maps.valid,
        }
    }

    pub(super) fn selection(self) -> Option<&'a Cached> {
        match self {
            Self::Pooled(features) => features.selection.as_ref(),
            Self::Maps(maps) => maps.selection.as_ref(),
        }
    }

    /// The maps of a row; none where it has pooled features.
    pub(super) fn shapes(self) -> Option<&'a MapShapes> {
        match self {
            Self::Pooled(_) => None,
            Self::Maps(maps) => Some(&maps.shapes),
        }
    }

    pub(super) fn init(self, head: &HeadConfig, device: &Device) -> Result<Head> {
        match self {
            Self::Pooled(features) => head.init(features.train.mean.len(), &[], device),
            Self::Maps(maps) => {
                let channels: Vec<usize> = maps.shapes.0.iter().map(|shape| shape[0]).collect();
                head.init(0, &channels, device)
            }
        }
    }
}
