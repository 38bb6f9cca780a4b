use super::fitted::{Gate, Refusal};
use super::judged::{Judged, reasons};
use crate::columns::gather;
use crate::dataset::{Provenance, StoredRows};
use crate::error::{Error, Result};
use crate::exec::{Context, OwnThread};
use crate::plan::Plan;
use crate::quote::{counted, quoted};
use crate::rows::Labels;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// A generator whose rows have to pass a [`Gate`].
///
/// Row `i` of a class is the first of the generator's rows `i * attempts`, `i * attempts + 1`, .. that passes, so it depends on (seed, class, index)
/// alone, and no candidate serves two rows. Where none of `attempts` candidates passes, the row is an error (`Stage`) that says why; a loader
/// can skip or replace it.
pub struct Gated {
    inner: Arc<Inner>,
}

struct Inner {
    generator: Arc<dyn Generator>,
    gate: Gate,
    counts: Mutex<Judged>,
    /// Which candidate passed, of rows that were made: [`Generator::provenance`] asks for it.
    chosen: Mutex<HashMap<SampleId, u16>>,
    /// What finds it out again where it was forgotten: a thread and a context of its own, so that waiting for it holds up nothing else.
    apart: OnceLock<Result<(OwnThread, Context)>>,
}

/// The candidates for some rows.
struct Tried {
    batches: Vec<RecordBatch>,
    /// For each row the batch, the place in it, and the candidate.
    places: Vec<(usize, usize, u16)>,
    /// For each row why candidates were refused.
    refused: Vec<Vec<Refusal>>,
    /// The first row for which no candidate passes.
    without: Option<usize>,
}

/// Rows that are judged at a time where they are only counted.
const COUNTED: usize = 256;
/// Rows of which is remembered which candidate passed.
const REMEMBERED: usize = 1 << 16;
/// Bytes of these at most: two places for each, and half as many more while the table grows.
const CHOSEN: u64 = 3 * REMEMBERED as u64 * (size_of::<(SampleId, u16)>() as u64 + 1);
/// Memory of the context that finds out what was forgotten.
const APART: u64 = 64 << 20;

impl Gated {
    /// `generator` behind `gate`.
    pub fn new(generator: Arc<dyn Generator>, gate: Gate) -> Self {
        Self {
            inner: Arc::new(Inner {
                generator,
                gate,
                counts: Mutex::default(),
                chosen: Mutex::default(),
                apart: OnceLock::new(),
            }),
        }
    }

    /// The gate.
    pub fn gate(&self) -> &Gate {
        &self.inner.gate
    }

    /// What the gate made of candidates so far, over all requests for rows; a request for provenance is none. A row that is made twice counts twice, and so do rows that a loader makes ahead and
    /// that nobody takes: how many these are depends on time.
    pub fn judged(&self) -> Judged {
        self.inner.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the gate makes of the candidates for `samples`, under the seed of `cx`: it follows from them alone. They are made once more for that, and
    /// are not in [`judged`](Self::judged). A row for which no candidate passes is counted, too.
    ///
    /// # Errors
    ///
    /// Whatever making rows and [`Gate::judge`] give.
    pub async fn judged_of(&self, cx: &Context, samples: &[SampleId]) -> Result<Judged> {
        let inner = &self.inner;
        let tried = samples.chunks(COUNTED).map(move |samples| async move {
            let tried = inner.tried(cx, samples).await?;
            let mut judged = Judged::default();
            inner.count(&mut judged, samples, &tried.refused);
            Ok::<_, Error>(judged)
        });
        let mut tried = stream::iter(tried).buffered(cx.threads());
        let mut all = Judged::default();
        while let Some(judged) = tried.next().await {
            all.add(judged?);
        }
        Ok(all)
    }
}

impl Gated {
    /// The candidate that passed for `sample`; where none does, the first.
    fn passed(&self, cx: &Context, sample: SampleId) -> SampleId {
        let known = |inner: &Inner| {
            inner
                .chosen
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get(&sample)
                .copied()
        };
        let attempt = known(&self.inner).or_else(|| {
            let apart = || Ok((OwnThread::start("gate")?, Context::with(1, APART)?));
            let (thread, context) = self.inner.apart.get_or_init(apart).as_ref().ok()?;
            let (inner, context) = (Arc::clone(&self.inner), context.with_seed(cx.seed()));
            // Nobody asks for the row itself, so that it does not count.
            let again = move || context.block_on(inner.tried(&context, &[sample]));
            let tried = thread.wait(again).ok().filter(|tried| tried.without.is_none())?;
            let attempt = tried.places.first()?.2;
            self.inner.remember(&[sample], &[attempt]);
            Some(attempt)
        });
        self.inner.candidate(sample, attempt.unwrap_or(0))
    }
}

impl std::fmt::Debug for Gated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gated")
            .field("generator", &self.inner.generator)
            .field("gate", self.inner.gate.spec())
            .finish()
    }
}

/// Adapters of generators, as methods.
pub trait GeneratorExt: Generator + Sized {
    /// Lets only rows through that pass `gate`; others are drawn anew.
    ///
    /// ```
    /// use millstream::arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch};
    /// use millstream::rows::Labels;
    /// use millstream::source::Memory;
    /// use millstream::synthetic::{Blend, Gate, GateSpec, Generator, GeneratorExt, SampleId};
    /// # use millstream::dataset::Provenance;
    /// # use millstream::plan::Plan;
    /// # use millstream::rng::{Rng, stream};
    /// # use millstream::{Context, Result};
    /// # use std::sync::Arc;
    /// # #[derive(Debug)]
    /// # struct Wide;
    /// # impl Generator for Wide {
    /// #     fn describe(&self) -> Plan { Plan::new("wide").random() }
    /// #     fn supports(&self, _: u32) -> bool { true }
    /// #     fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> futures::future::BoxFuture<'a, Result<RecordBatch>> {
    /// #         let x = samples.iter().map(|s| Rng::new(cx.seed(), "wide", stream(&[s.class.into(), s.index])).range(-50.0, 150.0));
    /// #         let x: ArrayRef = Arc::new(Float32Array::from_iter_values(x));
    /// #         let label: ArrayRef = Arc::new(Int64Array::from_iter_values(samples.iter().map(|s| s.class.into())));
    /// #         Box::pin(async move { Ok(RecordBatch::try_from_iter([("x", x), ("label", label)])?) })
    /// #     }
    /// #     fn provenance(&self, _: &Context, _: SampleId) -> Provenance { Provenance::default() }
    /// # }
    /// # let x: ArrayRef = Arc::new(Float32Array::from_iter_values((0..100).map(|row| row as f32)));
    /// # let label: ArrayRef = Arc::new(Int64Array::from(vec![0; 100]));
    /// # let rows = Memory::new(vec![RecordBatch::try_from_iter([("x", x), ("label", label)])?])?;
    ///
    /// let cx = Context::new()?;
    /// // `rows` have an x of 0 to 99, and the generator `Wide` makes some of -50 to 150.
    /// let labels = cx.block_on(Labels::scan(&cx, &rows, "label"))?;
    /// let gate = cx.block_on(Gate::fit(&cx, &rows, &labels, GateSpec::new(["x"])))?;
    /// let gated = Wide.accept(gate);
    /// let wanted: Vec<SampleId> = (0..50).map(|index| SampleId { class: 0, index }).collect();
    /// let made = cx.block_on(gated.generate(&cx, &wanted))?;
    /// assert_eq!(made.num_rows(), 50);
    /// assert!(gated.judged().refused.values().sum::<u64>() > 20);
    /// # Ok::<(), millstream::Error>(())
    /// ```
    fn accept(self, gate: Gate) -> Gated {
        Gated::new(Arc::new(self), gate)
    }
}

impl<G: Generator> GeneratorExt for G {}

impl Inner {
    /// The candidate `attempt` of `sample`, in the generator's own numbers.
    fn candidate(&self, sample: SampleId, attempt: u16) -> SampleId {
        let attempts = u64::from(self.gate.spec().attempts);
        SampleId {
            class: sample.class,
            index: sample.index.wrapping_mul(attempts).wrapping_add(attempt.into()),
        }
    }

    /// The rows of `samples`, and which candidate each of them is.
    async fn made(&self, cx: &Context, samples: &[SampleId]) -> Result<(RecordBatch, Vec<u16>)> {
        let tried = self.tried(cx, samples).await?;
        {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            self.count(&mut counts, samples, &tried.refused);
        }
        if let Some(at) = tried.without {
            return Err(self.exhausted(samples[at], &tried.refused[at]).at(at));
        }
        let schema = tried.batches[0].schema();
        let all: Vec<&RecordBatch> = tried.batches.iter().collect();
        let of: Vec<(usize, usize)> = tried.places.iter().map(|&(batch, row, _)| (batch, row)).collect();
        Ok((
            gather(&schema, &all, &of)?,
            tried.places.into_iter().map(|(.., attempt)| attempt).collect(),
        ))
    }

    /// Makes candidates for `samples` until one passes for each, or there are no more attempts.
    async fn tried(&self, cx: &Context, samples: &[SampleId]) -> Result<Tried> {
        let mut pending: Vec<usize> = (0..samples.len()).collect();
        let (mut batches, mut places) = (Vec::new(), vec![(0, 0, 0_u16); samples.len()]);
        let mut refused: Vec<Vec<Refusal>> = vec![Vec::new(); samples.len()];
        for attempt in 0..self.gate.spec().attempts {
            if pending.is_empty() && !batches.is_empty() {
                break;
            }
            let wanted: Vec<SampleId> = pending.iter().map(|&at| self.candidate(samples[at], attempt)).collect();
            let moved = |error: Error| error.moved(|row| pending.get(row).copied());
            let found = self.generator.generate(cx, &wanted).await.map_err(moved)?;
            let classes: Vec<u32> = wanted.iter().map(|sample| sample.class).collect();
            let judged = self.gate.judge(cx, &found, &classes).await;
            let judged = judged.map_err(moved)?;
            let mut next = Vec::new();
            for (row, (at, refusal)) in pending.into_iter().zip(judged).enumerate() {
                match refusal {
                    None => places[at] = (batches.len(), row, attempt),
                    Some(why) => {
                        refused[at].push(why);
                        next.push(at);
                    }
                }
            }
            batches.push(found);
            pending = next;
        }
        Ok(Tried {
            batches,
            places,
            refused,
            without: pending.first().copied(),
        })
    }

    /// Adds to `counts` what became of the candidates for `samples`.
    fn count(&self, counts: &mut Judged, samples: &[SampleId], refused: &[Vec<Refusal>]) {
        let attempts = usize::from(self.gate.spec().attempts);
        for (sample, refused) in samples.iter().zip(refused) {
            counts.candidates += (refused.len() + 1).min(attempts) as u64;
            refused.iter().for_each(|&why| counts.refuse(sample.class, why));
        }
    }

    fn exhausted(&self, sample: SampleId, refused: &[Refusal]) -> Error {
        Error::stage(format!(
            "class {}, synthetic row {}: none of {} candidates passes the gate ({}); let it be wider, allow more attempts, or leave the class out",
            quoted(self.gate.name_of(sample.class)),
            sample.index,
            refused.len(),
            reasons(refused)
        ))
    }

    fn remember(&self, samples: &[SampleId], attempts: &[u16]) {
        let mut chosen = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        if chosen.len() + samples.len() > REMEMBERED {
            chosen.clear();
        }
        chosen.extend(samples.iter().copied().zip(attempts.iter().copied()).take(REMEMBERED));
    }
}

impl Generator for Gated {
    fn describe(&self) -> Plan {
        self.inner
            .gate
            .describe()
            .note(format_args!(
                "up to {} are made for a row, until one passes; each costs what a row of the generator does, and is compared with up to {}",
                counted(self.inner.gate.spec().attempts, "candidate"),
                counted(self.inner.gate.rows(), "training row")
            ))
            // The context that finds out which candidate passed has a budget of its own.
            .resident(APART + CHOSEN + self.inner.gate.bytes())
            .input(self.inner.generator.describe())
    }

    fn supports(&self, class: u32) -> bool {
        self.inner.generator.supports(class)
    }

    fn cells(&self) -> Option<&Arc<Labels>> {
        self.inner.generator.cells()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (rows, attempts) = self.inner.made(cx, samples).await?;
            self.inner.remember(samples, &attempts);
            Ok(rows)
        })
    }

    fn parents_elsewhere(&self) -> StoredRows {
        self.inner.generator.parents_elsewhere()
    }

    fn parents(&self, cx: &Context, sample: SampleId) -> Vec<u64> {
        self.inner.generator.parents(cx, self.passed(cx, sample))
    }

    fn along(&self, cx: &Context, sample: SampleId) -> Option<f32> {
        self.inner.generator.along(cx, self.passed(cx, sample))
    }

    /// That of the candidate that passed. Of a row that was not made before, or so long ago that it is forgotten, candidates are made again; of
    /// one for which none passes it is that of the first. Whoever asks for classes and origins alone ([`class_prior`](crate::loader::LoaderBuilder::class_prior), `explain`) is told that of the
    /// first, since these two are the same of all, and no candidate is made.
    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let candidate = match cx.is_for_origins() {
            true => self.inner.candidate(sample, 0),
            false => self.passed(cx, sample),
        };
        self.inner.generator.provenance(cx, candidate)
    }
}
