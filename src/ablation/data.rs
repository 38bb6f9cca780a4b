//! A data set that was opened.

use super::detection::OpenDetection;
use super::pictures::{Opened, PictureRows};
use super::rows::{Input, Rows};
use super::spec::{Ablation, DataSet};
use super::tables::{KeelTable, Table};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::task::event::Callback;
use burn::tensor::Device;
use std::borrow::Cow;
use std::path::Path;

#[derive(Debug)]
pub(super) enum OpenData {
    Pictures(PictureRows),
    Table(Table),
}

impl OpenData {
    /// Refuses data that cannot be opened, before anything is written.
    pub(super) fn check(cx: &Context, data: &DataSet, folds: usize, device: &Device) -> Result<()> {
        match data {
            DataSet::Pictures(pictures) => {
                let opened = Opened::new(cx, pictures, folds, device);
                opened.map(drop).map_err(|error| error.context(data.name()))
            }
            DataSet::Keel(path) => KeelTable::read(path).map(drop),
            DataSet::Detection(detection) => {
                let opened = OpenDetection::new(cx, detection, false, device);
                opened.map(drop).map_err(|error| error.context(data.name()))
            }
        }
    }

    /// Opens `data`; features are kept below the folder `cache`.
    pub(super) fn open(
        cx: &Context,
        ablation: &Ablation,
        data: &DataSet,
        cache: &Path,
        device: &Device,
        callback: Callback<'_>,
    ) -> Result<Self> {
        match data {
            DataSet::Detection(_) => Err(Error::config("boxes are no rows of one class")),
            DataSet::Pictures(pictures) => {
                let rows = PictureRows::open(
                    cx,
                    pictures,
                    (ablation.quick, ablation.folds(), cache),
                    device,
                    callback,
                );
                Ok(Self::Pictures(rows.map_err(|error| error.context(data.name()))?))
            }
            DataSet::Keel(path) => Ok(Self::Table(Table::open(cx, path, ablation.quick)?)),
        }
    }

    pub(super) fn inputs(&self) -> Vec<Input> {
        match self {
            Self::Pictures(pictures) => pictures.inputs.iter().map(|rows| rows.input).collect(),
            Self::Table(_) => vec![Input::Columns, Input::Forest],
        }
    }

    /// The input in which a way is chosen and compared.
    pub(super) fn best_input(&self) -> Input {
        match self {
            Self::Pictures(_) => Input::Pretrained,
            Self::Table(_) => Input::Columns,
        }
    }

    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Pictures(pictures) => pictures.fingerprint().to_owned(),
            Self::Table(table) => table.fingerprint(),
        }
    }

    /// Which split the rows of `seed` are: pictures have one, and a table one a seed.
    pub(super) fn split(&self, seed: u64) -> u64 {
        match self {
            Self::Pictures(_) => 0,
            Self::Table(_) => seed,
        }
    }

    /// The rows of `split`.
    pub(super) fn rows(&self, cx: &Context, input: Input, split: u64, device: &Device) -> Result<Cow<'_, Rows>> {
        match self {
            Self::Pictures(pictures) => {
                let found = pictures.inputs.iter().find(|rows| rows.input == input);
                let rows = found.ok_or_else(|| Error::config(format!("pictures have no {input}")))?;
                Ok(Cow::Borrowed(rows))
            }
            Self::Table(table) => Ok(Cow::Owned(table.rows(cx, input, split, device)?)),
        }
    }
}
