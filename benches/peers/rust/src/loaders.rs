//! The loaders: each gives batches of its own, epoch after epoch, to a consumer until that says `false`.
//!
//! Their rows are encoded photos, and what puts a batch together decodes them straight into their place in the batch: no
//! tensor of a single photo is made or copied.

use crate::photo::{self, BATCH, Photos};
use burn::data::dataloader::DataLoaderBuilder;
use burn::data::dataloader::batcher::Batcher;
use burn::data::dataset::{Dataset, DatasetError};
use burn::tensor::Device;
use bytes::Bytes;
use dataloader_rs::{Collator, DataLoader, RandomSampler};

/// What looks at a batch and says whether another one is wanted.
pub type Consumer<'a> = &'a mut dyn FnMut(&[f32]) -> bool;

struct Decode;

/// Burn's own loader with background threads. It has no `drop_last`: each worker's last batch of an epoch may be short.
pub fn burn(photos: Photos, threads: usize, consumer: Consumer<'_>) {
    let loader = DataLoaderBuilder::new(Decode)
        .batch_size(BATCH)
        .shuffle(0)
        .num_workers(threads)
        .set_device(Device::capture())
        .build(photos);
    while loader.iter().all(|batch| consumer(&batch.expect("a batch"))) {}
}

impl Dataset<Bytes> for Photos {
    fn get(&self, index: usize) -> Result<Bytes, DatasetError> {
        Ok(self.0[index].clone())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Batcher<Bytes, Vec<f32>> for Decode {
    fn batch(&self, photos: Vec<Bytes>, _: &Device) -> Vec<f32> {
        photo::batch(&photos)
    }
}

/// dataloader-rs with its default depth.
pub fn dataloader_rs(photos: Photos, threads: usize, consumer: Consumer<'_>) {
    let mut loader = DataLoader::builder(photos)
        .batch_size(BATCH)
        .drop_last(true)
        .sampler(RandomSampler::new(0))
        .collator(Decode)
        .num_workers(threads)
        .build();
    while loader.iter().all(|batch| consumer(&batch.expect("a batch"))) {}
}

impl dataloader_rs::Dataset for Photos {
    type Item = Bytes;

    fn get(&self, index: usize) -> dataloader_rs::Result<Bytes> {
        Ok(self.0[index].clone())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Collator<Bytes> for Decode {
    type Batch = Vec<f32>;

    fn collate(&self, photos: Vec<Bytes>) -> dataloader_rs::Result<Vec<f32>> {
        Ok(photo::batch(&photos))
    }
}
