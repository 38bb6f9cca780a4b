//! The pretrained network of a run.

use crate::error::Result;
use crate::model::{Preprocessing, Pretrained};
use crate::task::inputs;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Which pretrained network a run begins with: `[model]` of a recipe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelOptions {
    /// The pretrained network: a name, a folder or a file, as [`Pretrained::find`] has it. Defaults to `efficientnet-lite0`.
    pub backbone: String,
    /// Its weights, where they are in a file that `backbone` does not name.
    pub weights: Option<PathBuf>,
    /// Width and height that pictures are resized to, in pixels, `1..=8192`. Defaults to the size that the weights expect, 224 of
    /// `efficientnet-lite0`.
    pub size: Option<u32>,
    /// The height, where it is another one than [`size`](Self::size).
    pub height: Option<u32>,
}

impl Default for ModelOptions {
    fn default() -> Self {
        Self {
            backbone: "efficientnet-lite0".to_owned(),
            weights: None,
            size: None,
            height: None,
        }
    }
}

impl ModelOptions {
    /// Width and height at most, in pixels.
    pub const MAX_SIZE: u32 = 8192;

    /// The pretrained network.
    ///
    /// # Errors
    ///
    /// As [`Pretrained::find`].
    pub fn pretrained(&self) -> Result<Pretrained> {
        match &self.weights {
            Some(file) => Pretrained::find_with_weights(&self.backbone, file),
            None => Pretrained::find(&self.backbone),
        }
    }

    /// Width and height of the inputs, in pixels.
    ///
    /// # Errors
    ///
    /// As [`pretrained`](Self::pretrained).
    pub fn input_size(&self) -> Result<[usize; 2]> {
        let width = self.preprocessing()?.size;
        Ok([width, self.height.map_or(width, |height| height as usize)])
    }

    /// How pictures become inputs: with the mean, the deviation and, where none is [given](Self::size), the size that the weights
    /// expect. Where a `config.json` says so, interpolation and centre crop are theirs, too; else the whole picture is squashed to a
    /// square by bilinear interpolation. [`Preprocessing::differences`] are notes of the report.
    ///
    /// # Errors
    ///
    /// As [`pretrained`](Self::pretrained).
    pub fn preprocessing(&self) -> Result<Preprocessing> {
        Ok(inputs::preprocessing(&self.pretrained()?, self.size))
    }
}
