//! The only place that knows Burn's loader traits.

use crate::cursor::Cursor;
use crate::error::{Error, Result};
use crate::exec::catch;
use crate::loader::{Batch, Blocking, Fetcher, Loader, LoaderBuilder};
use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
        Ok(Arc::new(self.burn_loader(false, device, Arc::new(make))?))
    }

    /// As [`into_burn`](Self::into_burn), with a handle that tells where the loader is, and moves it.
    ///
    /// # Errors
    ///
    /// As [`into_burn`](Self::into_burn).
    pub fn into_burn_with_handle<O: Send + 'static>(
        self,
        device: &Device,
        make: impl Fn(&Batch, &Device) -> Result<O> + Send + Sync + 'static,
    ) -> Result<(Arc<dyn DataLoader<O>>, LoaderHandle)> {
        let loader = self.burn_loader(true, device, Arc::new(make))?;
        let (fetcher, place) = (Arc::clone(&loader.fetcher), Arc::clone(&loader.place));
        Ok((Arc::new(loader), LoaderHandle { fetcher, place }))
    }

    fn burn_loader<O>(self, tracked: bool, device: &Device, make: Make<O>) -> Result<BurnLoader<O>> {
        let fetcher = self.begun()?;
        if let Some(mistake) = fetcher.sampler().empty_part() {
            return Err(Error::config(mistake));
        }
        let rows = fetcher
            .sampler()
            .len
            .finite()
            .ok_or_else(|| Error::config("Burn's trainer needs epochs with an end"))?;
        let place = SharedPosition::new(fetcher.start().clone(), tracked);
        Ok(BurnLoader {
            fetcher,
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
pub struct LoaderHandle {
    fetcher: Arc<Fetcher>,
    place: Arc<SharedPosition>,
}

impl LoaderHandle {
    /// Where the next batch starts.
    pub fn cursor(&self) -> Cursor {
        self.place.cursor()
    }

    /// The batch that was delivered last, once.
    pub fn take(&self) -> Option<Batch> {
        self.place.now().last.take()
    }

    /// Moves the loader to `cursor`: its next epoch is the rest of the one that was interrupted there.
    ///
    /// # Errors
    ///
    /// `Resume` where the cursor belongs to another pipeline or seed, naming what differs.
    pub fn resume(&self, cursor: &Cursor) -> Result<()> {
        self.fetcher.check(cursor)?;
        self.place.now().cursor = cursor.clone();
        Ok(())
    }
}

/// Where the next batch starts, and the last one, for trackers.
#[derive(Debug)]
struct SharedPosition {
    tracked: bool,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    cursor: Cursor,
    last: Option<Batch>,
}

impl SharedPosition {
    fn new(cursor: Cursor, tracked: bool) -> Arc<Self> {
        let now = Mutex::new(Now { cursor, last: None });
        Arc::new(Self { tracked, now })
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cursor(&self) -> Cursor {
        self.now().cursor.clone()
    }

    /// Passes over what is left of an epoch, which has no batch.
    fn ended(&self, end: u64) {
        let mut now = self.now();
        now.cursor = now.cursor.after(end, 0);
    }

    fn delivered(&self, batch: &Batch) {
        let mut now = self.now();
        now.cursor = batch.cursor();
        now.last = self.tracked.then(|| batch.clone());
    }
}

struct BurnLoader<O> {
    fetcher: Arc<Fetcher>,
    /// Rows in an epoch, over all ranks.
    rows: u64,
    /// Shared by what `to_device` returns.
    place: Arc<SharedPosition>,
    device: Device,
    make: Make<O>,
    /// Why a slice that was asked for cannot be had.
    refused: Option<Error>,
}

impl<O> BurnLoader<O> {
    fn with(&self, fetcher: Arc<Fetcher>, place: Arc<SharedPosition>, device: &Device) -> Self {
        let (make, refused) = (Arc::clone(&self.make), self.refused.clone());
        Self {
            fetcher,
            rows: self.rows,
            place,
            device: device.clone(),
            make,
            refused,
        }
    }

    fn items(&self) -> u64 {
        self.fetcher.sampler().rows_until_end(self.rows)
    }

    /// What is left of the epoch at `position`, or the whole next one where no batch is left.
    fn rest(&self, position: u64) -> (u64, u64) {
        let end = (position / self.rows + 1) * self.rows;
        if self.fetcher.sampler().has_batch(end - position) {
            (position, end)
        } else {
            (end, end + self.rows)
        }
    }
}

impl<O> fmt::Debug for BurnLoader<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BurnLoader")
            .field("fetcher", &self.fetcher)
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

impl<O: Send + 'static> DataLoader<O> for BurnLoader<O> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<O> + 'a> {
        let cursor = self.place.cursor();
        let (start, end) = self.rest(cursor.position());
        let sampler = self.fetcher.sampler();
        let done = sampler.rows_before(self.rows - (end - start));
        let total = done + sampler.rows_until_end(end - start);
        let batches = self
            .refused
            .is_none()
            .then(|| Blocking::from(Loader::new(self.fetcher.until(end), cursor.after(start, 0))));
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
        Arc::new(self.with(Arc::clone(&self.fetcher), Arc::clone(&self.place), device))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<O>> {
        let place = SharedPosition::new(self.place.cursor(), false);
        match part_of(start, end, self.num_items(), self.fetcher.sampler().batch_size as usize) {
            Some((rank, world)) if world > 1 && self.fetcher.sampler().shard == (0, 1) => {
                let fetcher = self.fetcher.sharded(rank, world);
                let sampler = fetcher.sampler();
                let mistake = sampler.mistake().or_else(|| sampler.empty_part()).map(Error::config);
                let mut part = self.with(fetcher, place, &self.device);
                part.refused = part.refused.or(mistake);
                Arc::new(part)
            }
            Some((0, 1)) => Arc::new(self.with(Arc::clone(&self.fetcher), place, &self.device)),
            _ => {
                let why = format!(
                    "slice({start}, {end}) of {} items in batches of {}: a loader is cut once, into equal parts, each with \
                     rows of every batch",
                    self.num_items(),
                    self.fetcher.sampler().batch_size,
                );
                let mut refused = self.with(Arc::clone(&self.fetcher), place, &self.device);
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
            self.loader.place.ended(self.end);
            return None;
        };
        let made = batch.and_then(|batch| {
            self.loader.place.delivered(&batch);
            self.done += batch.len() as u64;
            let made = catch(|| (self.loader.make)(&batch, &self.loader.device));
            made.map_err(|error| {
                error.context(format!(
                    "into_burn, batch that ends at position {}",
                    batch.cursor().position()
                ))
            })
        });
        Some(made.map_err(DatasetError::new))
    }
}

impl<O: Send + 'static> DataLoaderIterator<O> for Epoch<'_, O> {
    fn progress(&self) -> Progress {
        Progress::new(self.done as usize, self.total as usize, Some("items".to_owned()))
    }
}
