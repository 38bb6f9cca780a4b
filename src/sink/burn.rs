//! The only place that knows Burn's loader traits.

use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::loader::{Batch, Blocking, Feed, Loader, LoaderBuilder};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Turns a batch into what the model takes, on a device.
type Make<O> = Arc<dyn Fn(&Batch, &Device) -> Result<O> + Send + Sync>;

impl LoaderBuilder {
    /// A loader for Burn's trainer. Each call of its `iter` is one epoch, which goes on where the last one ended; after
    /// [`resume`](LoaderBuilder::resume) the first is the rest of the epoch that was interrupted.
    ///
    /// `make` turns a batch into the model's input on the given device. A failure ends the training, as Burn has it.
    ///
    /// # Errors
    ///
    /// As [`build`](LoaderBuilder::build); `Config` for an endless dataset.
    pub fn into_burn<O: Send + 'static>(
        self,
        device: &Device,
        make: impl Fn(&Batch, &Device) -> Result<O> + Send + Sync + 'static,
    ) -> Result<Arc<dyn DataLoader<O>>> {
        let place = Place::new(self.start(), None);
        Ok(Arc::new(self.burn_loader(place, device, Arc::new(make))?))
    }

    /// As [`into_burn`](Self::into_burn), with a handle that tells where the loader is, and moves it.
    ///
    /// # Errors
    ///
    /// As [`into_burn`](Self::into_burn).
    pub fn into_burn_tracked<O: Send + 'static>(
        self,
        device: &Device,
        make: impl Fn(&Batch, &Device) -> Result<O> + Send + Sync + 'static,
    ) -> Result<(Arc<dyn DataLoader<O>>, Track)> {
        let place = Place::new(self.start(), Some(Mutex::default()));
        let loader = self.burn_loader(Arc::clone(&place), device, Arc::new(make))?;
        let feed = Arc::clone(&loader.feed);
        Ok((Arc::new(loader), Track { feed, place }))
    }

    fn burn_loader<O>(self, place: Arc<Place>, device: &Device, make: Make<O>) -> Result<BurnLoader<O>> {
        let feed = self.feed()?;
        let rows = feed
            .len()
            .finite()
            .ok_or_else(|| Error::config("Burn's trainer needs epochs with an end"))?;
        Ok(BurnLoader {
            feed,
            rows,
            place,
            device: device.clone(),
            make,
            refused: None,
        })
    }
}

/// Where a loader in the hands of Burn's trainer is, which Burn's own traits have no room for: what a checkpoint needs.
///
/// Clones, and the loaders that [`to_device`](DataLoader::to_device) returns, are all of one place; slices go their own way.
#[derive(Clone, Debug)]
pub struct Track {
    feed: Arc<Feed>,
    place: Arc<Place>,
}

impl Track {
    /// Where the next batch starts.
    pub fn cursor(&self) -> Cursor {
        self.feed.cursor(self.place.position())
    }

    /// The batch that was delivered last, once.
    pub fn take(&self) -> Option<Batch> {
        self.place.batch()?.take()
    }

    /// Moves the loader to `cursor`: its next epoch is the rest of the one that was interrupted there.
    ///
    /// # Errors
    ///
    /// `Resume` where the cursor belongs to another pipeline or seed, naming what differs.
    pub fn resume(&self, cursor: &Cursor) -> Result<()> {
        self.feed.check(cursor)?;
        self.place.go_to(cursor.position());
        Ok(())
    }
}

/// Where the next batch starts, and the last one for whoever tracks it.
#[derive(Debug)]
struct Place {
    position: AtomicU64,
    last: Option<Mutex<Option<Batch>>>,
}

impl Place {
    fn new(position: u64, last: Option<Mutex<Option<Batch>>>) -> Arc<Self> {
        let position = AtomicU64::new(position);
        Arc::new(Self { position, last })
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::SeqCst)
    }

    fn go_to(&self, position: u64) {
        self.position.store(position, Ordering::SeqCst);
    }

    fn batch(&self) -> Option<std::sync::MutexGuard<'_, Option<Batch>>> {
        let last = self.last.as_ref()?;
        Some(last.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn delivered(&self, batch: &Batch) {
        self.go_to(batch.next_position());
        if let Some(mut last) = self.batch() {
            *last = Some(batch.clone());
        }
    }
}

struct BurnLoader<O> {
    feed: Arc<Feed>,
    /// Rows in an epoch, over all ranks.
    rows: u64,
    /// Shared by what `to_device` returns.
    place: Arc<Place>,
    device: Device,
    make: Make<O>,
    /// Why a slice that was asked for cannot be had.
    refused: Option<Error>,
}

impl<O> BurnLoader<O> {
    fn with(&self, feed: Arc<Feed>, place: Arc<Place>, device: &Device) -> Self {
        let (make, refused) = (Arc::clone(&self.make), self.refused.clone());
        Self {
            feed,
            rows: self.rows,
            place,
            device: device.clone(),
            make,
            refused,
        }
    }

    fn items(&self) -> u64 {
        self.feed.rows_until_end(self.rows)
    }

    /// What is left of the epoch at `position`, or the whole next one where no batch is left.
    fn rest(&self, position: u64) -> (u64, u64) {
        let end = (position / self.rows + 1) * self.rows;
        if self.feed.has_batch(end - position) {
            (position, end)
        } else {
            (end, end + self.rows)
        }
    }
}

impl<O> fmt::Debug for BurnLoader<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnLoader")
            .field("feed", &self.feed)
            .field("position", &self.place.position)
            .finish_non_exhaustive()
    }
}

impl<O: Send + 'static> DataLoader<O> for BurnLoader<O> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<O> + 'a> {
        let (start, end) = self.rest(self.place.position());
        let done = self.feed.rows_before(self.rows - (end - start));
        let total = done + self.feed.rows_until_end(end - start);
        let batches = self
            .refused
            .is_none()
            .then(|| Blocking::from(Loader::new(self.feed.until(end), start)));
        Box::new(Epoch {
            loader: self,
            batches,
            end,
            done,
            total,
            refused: self.refused.clone(),
        })
    }

    fn num_items(&self) -> usize {
        self.items() as usize
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<O>> {
        Arc::new(self.with(Arc::clone(&self.feed), Arc::clone(&self.place), device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<O>> {
        let place = Place::new(self.place.position(), None);
        match part_of(start, end, self.num_items(), self.feed.batch_size() as usize) {
            Some((rank, world)) if world > 1 && !self.feed.is_sharded() => {
                Arc::new(self.with(self.feed.sharded(rank, world), place, &self.device))
            }
            Some((0, 1)) => Arc::new(self.with(Arc::clone(&self.feed), place, &self.device)),
            _ => {
                let why = format!(
                    "slice({start}, {end}) of {} items in batches of {}: a loader is cut once, into equal parts, each with \
                     rows of every batch",
                    self.num_items(),
                    self.feed.batch_size(),
                );
                let mut refused = self.with(Arc::clone(&self.feed), place, &self.device);
                refused.refused = Some(Error::config(why));
                Arc::new(refused)
            }
        }
    }
}

/// Which part of how many `start..end` is, as Burn cuts loaders for several devices: parts of `items / n`, the last one
/// with the rest. None for more than `most` parts, and where it could be a part of two different numbers.
fn part_of(start: usize, end: usize, items: usize, most: usize) -> Option<(u64, u64)> {
    if start == 0 && end == items {
        return Some((0, 1));
    }
    let fits = |&n: &usize| {
        let (step, rank) = (items / n, start / (items / n));
        let last = rank + 1 == n;
        start == rank * step && rank < n && end == if last { items } else { start + step }
    };
    let mut worlds = (2..=items.min(most)).filter(fits);
    let world = worlds.next().filter(|_| worlds.next().is_none())?;
    Some(((start / (items / world)) as u64, world as u64))
}

struct Epoch<'a, O> {
    loader: &'a BurnLoader<O>,
    batches: Option<Blocking>,
    end: u64,
    done: u64,
    total: u64,
    refused: Option<Error>,
}

impl<O: Send + 'static> Iterator for Epoch<'_, O> {
    type Item = Result<O, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(refused) = self.refused.take() {
            return Some(Err(DatasetError::new(refused)));
        }
        let Some(batch) = self.batches.as_mut()?.next() else {
            self.loader.place.go_to(self.end);
            return None;
        };
        let made = batch.and_then(|batch| {
            self.loader.place.delivered(&batch);
            self.done += batch.len() as u64;
            (self.loader.make)(&batch, &self.loader.device)
        });
        Some(made.map_err(DatasetError::new))
    }
}

impl<O: Send + 'static> DataLoaderIterator<O> for Epoch<'_, O> {
    fn progress(&self) -> Progress {
        Progress::new(self.done as usize, self.total as usize, Some("items".to_owned()))
    }
}
