//! Maps of fixed views for the stages that train, computed once.

use super::datasets::Datasets;
use super::event::{Callback, Event};
use super::finetune::Finetune;
use super::strategy::Strategy;
use super::training_order::TrainingOrder;
use crate::columns::{index_of, shape_of};
use crate::dataset::{Dataset, Stable};
use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::loader::LoaderBuilder;
use crate::model::{FeatureModel, FrozenBackbone, FrozenMaps};
use crate::rows::Cached;
use crate::train::{Extractor, FeatureProgress};
use std::sync::Arc;

/// Height and width of the pictures in `column`.
pub(super) fn input_size(images: &dyn Dataset, column: &str) -> Result<[usize; 2]> {
    let schema = images.schema();
    match shape_of(schema.field(index_of(&schema, column)?))[..] {
        [3, height, width] => Ok([height, width]),
        ref other => Err(Error::schema(format!(
            "column \"{column}\" holds tensors of {other:?}, and a network takes pictures of [3, height, width]"
        ))),
    }
}

/// What the stages below those that train make of every view of the training rows.
pub(super) struct FixedMaps {
    pub(super) rows: Arc<Cached>,
    /// Channels, rows and columns of a map.
    pub(super) shape: [usize; 3],
}

impl Finetune {
    /// Refuses fixed views where there is nothing to keep or what cannot be kept.
    pub(super) fn check_fixed_views(&self, datasets: &Datasets, strategy: &Strategy) -> Result<()> {
        if !self.spec.train.fixed_views {
            return Ok(());
        }
        let pooled = datasets.task.bind(&datasets.targets)?.head().is_pooled();
        let refused = match (self.spec.train.unfreeze, pooled, strategy.is_synthetic()) {
            (0, ..) => "are about stages that train, and none do",
            (_, false, _) => "keep one map of each view, and the head takes maps of several depths",
            (_, _, true) => "are of stored pictures, and synthetic ones are made anew in each epoch",
            _ => return Ok(()),
        };
        Err(Error::config(format!("fixed views {refused}")))
    }

    /// The maps of all views of the training rows, made or found where the run keeps its features.
    pub(super) fn fixed_maps(&self, cx: &Context, datasets: &Datasets, callback: Callback<'_>) -> Result<FixedMaps> {
        let network = FrozenBackbone::load(&self.spec.model.pretrained()?, &self.spec.machine.device)?;
        let first = network.stages().saturating_sub(self.spec.train.unfreeze);
        let images = Arc::clone(&self.images(datasets)?[0]);
        let size = input_size(&images, &datasets.image)?;
        let maps = FrozenMaps::new(network, first, size, &self.spec.machine.device)?;
        let (shape, width) = (maps.shapes().0[0], maps.width() as u64);
        let total = images.len().finite().unwrap_or(0);
        // They lie in memory in pieces and as a whole while they are put together.
        let (bytes, room) = (total.saturating_mul(4 * width), cx.memory() / 2);
        if bytes > room {
            return Err(Error::config(format!(
                "the maps of {total} fixed views take {} MiB, and may take {}, half of the memory: give more, or fewer views",
                bytes.div_ceil(1 << 20),
                room >> 20
            ))
            .with_remedy(Remedy::Memory));
        }
        let folder = self.folder();
        let cache = folder.has_manifest().then(|| folder.features());
        callback(Event::Begin {
            what: "maps of fixed views",
            total,
        });
        let mut done = |progress: &FeatureProgress| callback(Event::Features(progress));
        let rows = Extractor::new(maps).features(cx, images, &datasets.image, cache.as_deref(), &mut done);
        callback(Event::End);
        Ok(FixedMaps {
            rows: Arc::new(rows?),
            shape,
        })
    }

    /// The loader of fixed views: in the shares of `strategy` where each row has one class, else in random order.
    pub(super) fn map_loader(
        &self,
        cx: &Context,
        datasets: &Datasets,
        maps: &FixedMaps,
        strategy: &Strategy,
    ) -> Result<LoaderBuilder> {
        let rows = Arc::clone(&maps.rows) as Arc<dyn Stable>;
        let order = TrainingOrder::new(cx, rows, datasets, &self.wanted(strategy, true)?)?;
        let feedback = order.feedback().cloned();
        Ok(self.batches(Arc::new(order).into_loader(cx), feedback.as_ref()))
    }
}
