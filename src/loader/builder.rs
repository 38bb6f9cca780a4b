use super::batch_sampler::{BatchSampler, LastBatch};
use super::depth;
use super::fetcher::{Fetcher, row_bytes};
use super::journal::Quarantine;
use super::on_error::OnError;
use super::pass::Pass;
use super::spec::LoaderSpec;
use super::stream::{Blocking, Loader};
use super::synthetic_cost::synthetic_cost;
use crate::cursor::Cursor;
use crate::dataset::{Dataset, Len};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::exec::memory_bound::LoaderNeeds;
use crate::mix::Feedback;
use crate::plan::Plan;
use crate::quote::counted;
use crate::spec::Spec;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// `bytes` in whole MiB, or KiB where they are less than one, rounded up.
fn in_units(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MiB", bytes.div_ceil(1 << 20)),
    }
}

/// How batches are cut and fetched; made by [`loader`](crate::DatasetExt::loader).
#[derive(Clone, Debug)]
#[must_use]
pub struct LoaderBuilder {
    pub(super) dataset: Arc<dyn Dataset>,
    cx: Context,
    /// The seed is the context's.
    pub(super) spec: LoaderSpec,
    pub(super) resumed: Option<Cursor>,
    /// Batches that whoever takes them has at a time.
    delivered: u64,
    skip: u64,
    quarantine: Option<Quarantine>,
    journal: Option<PathBuf>,
    pub(super) feedback: Option<Feedback>,
    /// What a pass over all rows is called.
    pass: Pass,
}

impl LoaderBuilder {
    pub(crate) fn new(dataset: Arc<dyn Dataset>, cx: &Context) -> Self {
        Self {
            dataset,
            cx: cx.clone(),
            spec: LoaderSpec::default(),
            resumed: None,
            delivered: 1,
            skip: 0,
            quarantine: None,
            journal: None,
            feedback: None,
            pass: Pass::EPOCH,
        }
    }

    /// Sets all parameters at once. A seed that it does not have stays as it is.
    ///
    /// [`build`](Self::build) refuses those that make no sense.
    pub fn with(mut self, spec: &LoaderSpec) -> Self {
        self.spec = spec.clone();
        match spec.seed {
            Some(seed) => self.seed(seed),
            None => self,
        }
    }

    /// Its parameters.
    pub fn spec(&self) -> LoaderSpec {
        LoaderSpec {
            seed: Some(self.cx.seed()),
            ..self.spec.clone()
        }
    }

    /// Rows in a batch (in a global batch, where there are several ranks); 32 where nothing else is said.
    pub fn batch_size(mut self, rows: u64) -> Self {
        self.spec.batch_size = rows;
        self
    }

    /// The seed of every random draw in this run: the same seed gives the same rows.
    pub fn seed(mut self, seed: u64) -> Self {
        self.cx = self.cx.with_seed(seed);
        self
    }

    /// Batches that are made ahead of the trainer, inside the byte budget. Changes no row.
    ///
    /// Where nothing else is said: two more than there are threads (at least 4), and while the run goes on one more, up to
    /// four times as many, whenever the trainer waits for a batch behind which most others are ready. Batches of less than a
    /// mebibyte are taken several at a time, so that there are as many more of them.
    pub fn depth(mut self, batches: usize) -> Self {
        self.spec.depth = Some(batches.max(1));
        self
    }

    /// Ends after so many epochs; else the loader goes on for ever. A dataset without an end has no epochs.
    pub fn epochs(mut self, epochs: u64) -> Self {
        self.spec.epochs = Some(epochs);
        self
    }

    /// What happens to an epoch's last, short batch.
    pub fn last_batch(mut self, last: LastBatch) -> Self {
        self.spec.last_batch = last;
        self
    }

    /// Takes part `rank` of `world` of every global batch. Nothing needs to be divisible by anything: parts differ by at
    /// most one row, and every rank sees the same number of batches.
    pub fn shard(mut self, rank: u64, world: u64) -> Self {
        (self.spec.rank, self.spec.world) = (rank, world);
        self
    }

    /// What is done with a row that cannot be made; where nothing else is said, it ends the run.
    pub fn on_error(mut self, on_error: OnError) -> Self {
        self.spec.on_error = on_error;
        self
    }

    /// Writes every row that was replaced into `path`, as JSON lines: `position`, `by` (the position that came in its
    /// place), `reason` and `replay`, the command that takes the bad row again.
    ///
    /// A line is written when its batch is delivered. A run that resumes takes out the lines from its place on, so that
    /// none is there twice. `command` is that command, with `{position}` where the position goes; a program that is its
    /// own replay tool gives its own, others `""` for the call that does it.
    pub fn quarantine(mut self, path: impl AsRef<Path>, command: &str) -> Self {
        let seed = self.cx.seed();
        let call = format!("dataset.take(&cx.with_seed({seed}), &[{{position}}])");
        self.quarantine = Some(Quarantine {
            path: path.as_ref().to_owned(),
            command: if command.is_empty() { call } else { command.to_owned() },
        });
        self
    }

    /// Keeps a journal in `path`, as JSON lines: where the run started and resumed, and what it skipped.
    pub fn journal(mut self, path: impl AsRef<Path>) -> Self {
        self.journal = Some(path.as_ref().to_owned());
        self
    }

    /// Goes on where `cursor` was taken.
    ///
    /// Batch size, depth, threads, memory and world size may be others than before; the pipeline, its data and the seed
    /// may not.
    ///
    /// # Errors
    ///
    /// `Resume` where the cursor belongs to another pipeline or seed, naming what differs.
    pub fn resume(mut self, cursor: &Cursor) -> Result<Self> {
        cursor.check(&self.dataset.describe(), self.cx.seed())?;
        self.resumed = Some(cursor.clone());
        Ok(self)
    }

    /// Leaves out the next `batches` global batches, after a loss spike, say. Cursors from then on say so, and the
    /// [journal](Self::journal) does.
    pub fn skip(mut self, batches: u64) -> Self {
        self.skip = batches;
        self
    }

    /// Calls a pass over all rows so: [`explain`](Self::explain) says it.
    #[cfg(feature = "train")]
    pub(crate) fn pass(mut self, pass: Pass) -> Self {
        self.pass = pass;
        self
    }

    /// What will be loaded: the pipeline from the top down, its classes, windows and bytes. Parameters of a node go on in another line after
    /// 120 columns, whatever the terminal; what the program prints around it is wrapped at 80.
    pub fn explain(&self) -> String {
        let len = match self.dataset.len() {
            Len::Finite(rows) => format!("{} {}", counted(rows.get(), "row"), self.pass.a),
            Len::Endless => "endless".to_owned(),
        };
        let below = self.dataset.describe();
        let chosen = self.chosen_over(&below);
        let plan = Plan::of(&self.spec()).note(len).note(format_args!(
            "at most {} of memory, of a budget of {}",
            in_units(self.memory_bound()),
            in_units(self.cx.memory())
        ));
        let synthetic = synthetic_cost(&*self.dataset, &below, &self.cx, self.pass);
        let plan = chosen.into_iter().chain(synthetic).fold(plan, Plan::note);
        plan.input(below).to_string()
    }

    /// Threads, budget and depth, why they are what they are, and whether the window fits, a line each.
    pub(crate) fn chosen(&self) -> Vec<String> {
        self.chosen_over(&self.dataset.describe())
    }

    fn chosen_over(&self, below: &Plan) -> Vec<String> {
        let [threads, budget] = self.cx.why();
        let (batch, room) = (self.batch_bytes(), self.cx.batches_share());
        let fitting = (room / batch.max(1)).max(1);
        let depth = match self.spec.depth {
            Some(_) => "as asked".to_owned(),
            None => {
                let together = match depth::together(batch) {
                    1 => String::new(),
                    together => {
                        format!(", times {together}, because batches this small are taken {together} at a time")
                    }
                };
                format!(
                    "two more than threads, at least {}{together}; up to {} while the trainer waits and batches behind are ready",
                    depth::LEAST,
                    depth::most(self.first_depth())
                )
            }
        };
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let mut lines = vec![
            format!("{}: {threads}", counted(self.cx.threads(), "thread")),
            format!("{} of memory: {budget}", in_units(self.cx.memory())),
            format!(
                "{} ahead: {depth}; the budget has room for {fitting} of {} KiB",
                counted(self.first_depth(), "batch"),
                batch >> 10
            ),
        ];
        let settings = below.settings();
        let sorted = settings
            .iter()
            .find_map(|setting| setting.strip_prefix("buckets.batch_size="));
        if let Some(rows) = sorted.and_then(|rows| rows.parse::<u64>().ok())
            && rows % self.spec.batch_size.max(1) != 0
        {
            lines.push(format!(
                "`buckets` sorts rows into batches of {rows}, and the loader's have {}: give both the same size, or most of the \
                 padding stays",
                self.spec.batch_size
            ));
        }
        let needs = self.needs(below);
        if let Some(least) = needs.least().filter(|least| *least > self.cx.memory()) {
            lines.push(format!(
                "a stream in segments takes no more than the budget where that is at least {}: this one is too small",
                in_units(least)
            ));
        }
        let (open, cache) = (needs.plan.open, self.cx.blocks_share());
        let blocks = format!("the {} MiB of blocks that are open at once", mib(open));
        if open > cache {
            lines.push(format!(
                "{blocks} do not fit into {} MiB (half of the budget): rows are read page by page or blocks again and again; a budget of {} \
                 MiB, or smaller row groups, would be faster",
                mib(cache),
                mib(open.saturating_mul(8) / 3)
            ));
        } else if open > 0 {
            lines.push(format!(
                "{blocks} fit into {} MiB (half of the budget): each is read about once {}",
                mib(cache),
                self.pass.a
            ));
        }
        lines
    }

    /// Batches ahead when the run begins.
    fn first_depth(&self) -> usize {
        let chosen = || depth::first(self.cx.threads(), self.batch_bytes());
        self.spec.depth.unwrap_or_else(chosen)
    }

    /// Batches ahead at most.
    fn most_depth(&self) -> usize {
        self.spec.depth.unwrap_or_else(|| depth::most(self.first_depth()))
    }

    fn batch_bytes(&self) -> u64 {
        row_bytes(&*self.dataset).saturating_mul(self.spec.batch_size)
    }

    /// Counts `batches` delivered ones in the [memory bound](Self::memory_bound), where whoever takes them has several at a time.
    #[cfg(feature = "train")]
    pub(crate) fn delivering(mut self, batches: u64) -> Self {
        self.delivered = batches;
        self
    }

    /// The most bytes that loading takes in memory, however many sources there are: the budget, or what of it the data can fill; what a single row group or
    /// batch needs beyond its share of it; what the pipeline keeps outside of it (labels, orders, rows in memory); and the
    /// batch that was delivered. A stream in [segments](crate::DatasetExt::segments) leaves room for these inside of the budget, if that is not too small
    /// for them, which `explain` says then.
    ///
    /// A row that is made of several, as a mosaic is, counts with these, and with the lists of all of them. Rows of another dataset count as large as those of
    /// this one.
    ///
    /// Rows of binary values count as large as those of the block are on average whose rows are the largest. Of pictures in files of their own, each
    /// a block, a batch counts as if each of its rows were the largest one: which rows a batch gets is up to the order above, which may put the largest
    /// ones into one batch, and a balance may repeat one of them. What a decoder of images needs while it works on
    /// one comes on top, for each thread.
    pub fn memory_bound(&self) -> u64 {
        self.needs(&self.dataset.describe()).bound(&self.cx)
    }

    /// What the pipeline `below` and its batches need in memory.
    fn needs(&self, below: &Plan) -> LoaderNeeds {
        let batch = self.batch_bytes();
        LoaderNeeds {
            plan: below.needs(),
            batch: (batch, self.most_depth() as u64),
            delivered: batch.saturating_mul(self.delivered),
        }
    }

    /// A stream of batches.
    ///
    /// # Errors
    ///
    /// `Config` for a batch of no rows, a rank outside the world, more ranks than rows in a batch, epochs of a dataset without an end, full batches alone of a dataset that cannot fill one, or two stages that
    /// draw under one name; `Resume` where the seed was changed after [`resume`](Self::resume); `Io` where the quarantine
    /// file or the journal cannot be written.
    pub fn build(self) -> Result<Loader> {
        Loader::open(
            self.begun()?,
            self.quarantine.as_ref(),
            self.journal.as_deref(),
            self.resumed.is_some(),
        )
    }

    /// What the batches are made with.
    #[cfg(feature = "train")]
    pub(crate) fn context(&self) -> &Context {
        &self.cx
    }

    /// An iterator over batches, for programs without tokio.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn blocking(self) -> Result<Blocking> {
        Ok(Blocking::from(self.build()?))
    }

    /// The run, its first place after what is skipped.
    pub(crate) fn fetcher(&self) -> Result<Arc<Fetcher>> {
        self.spec.check()?;
        let len = self.dataset.len();
        if len == Len::Endless && self.spec.epochs.is_some() {
            return Err(Error::config("epochs: the dataset has no end, so it has no epochs"));
        }
        let sampler = BatchSampler {
            len,
            batch_size: self.spec.batch_size,
            last: self.spec.last_batch,
            shard: (self.spec.rank, self.spec.world),
            end: self
                .spec
                .epochs
                .zip(len.finite())
                .map(|(epochs, rows)| epochs.saturating_mul(rows)),
        };
        if let Some(mistake) = sampler.mistake() {
            return Err(Error::config(mistake));
        }
        let plan = self.dataset.describe();
        if let Some(name) = plan.shared_name() {
            return Err(Error::config(format!(
                "two stages named \"{name}\" would draw the same random numbers; use one of them, or give a stage of \
                 your own another name"
            )));
        }
        self.check_balance(&plan)?;
        if let Some(cursor) = &self.resumed {
            cursor.check(&plan, self.cx.seed())?;
        }
        let start = self.resumed.clone();
        let start = start.unwrap_or_else(|| Cursor::new(&plan, self.cx.seed()));
        let fetcher = Fetcher {
            dataset: Arc::clone(&self.dataset),
            cx: self.cx.clone(),
            start: start.skipped_to(sampler.after(start.position(), self.skip))?,
            sampler,
            depth: self.first_depth(),
            most: self.most_depth(),
            on_error: self.spec.on_error,
            feedback: self.feedback.clone(),
        };
        let start = fetcher.marked(fetcher.start.clone());
        Ok(Arc::new(Fetcher { start, ..fetcher }))
    }
}
