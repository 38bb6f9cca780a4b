//! One segment of a stream: its rows in memory, and the balance over them.

use super::spec::SegmentsSpec;
use crate::columns::compact;
use crate::dataset::Dataset;
use crate::error::{Error, ErrorKind, Remedy, Result};
use crate::exec::Context;
use crate::exec::stream_room::StreamRoom;
use crate::mix::balance::Balance;
use crate::mix::schedule::Schedule;
use crate::mix::target::Target;
use crate::rows::{ClassEncoded, Labels};
use crate::source::Memory;
use crate::synthetic::Generator;
use arrow::compute::concat_batches;
use std::ops::Range;
use std::sync::Arc;

/// Rows that are read at a time, so that a segment which is too large is found out early.
const CHUNK: u64 = 256;

/// A segment that has been read.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) balance: Balance<Memory>,
    /// Positions of the stream.
    pub(super) rows: Range<u64>,
    pub(super) bytes: u64,
}

/// What a segment is made of.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Positions of the stream, and the seed of its order.
    pub(super) rows: Range<u64>,
    pub(super) seed: u64,
    /// Rows that come of it.
    pub(super) emit: u64,
}

/// How rows are labelled and filled up.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) spec: SegmentsSpec,
    /// The classes; empty labels, whose names count.
    pub(super) classes: Labels,
    /// What makes synthetic rows, and their share of what a class is given beyond its rows of the segment.
    pub(super) filler: Option<(Arc<dyn Generator>, f64)>,
}

impl Segment {
    /// The segment that is `wanted`, in the `room` that segments of its stream have.
    pub(super) async fn load<D: Dataset>(
        cx: &Context,
        base: &D,
        rules: &Rules,
        (wanted, room): (&Wanted, &StreamRoom),
    ) -> Result<Self> {
        let Range { start, end } = wanted.rows;
        let named = |error: Error| {
            error
                .unplaced()
                .context(format!("segment of rows {start} to {}", end - 1))
        };
        let (mut batches, mut bytes) = (Vec::new(), 0);
        for first in (start..end).step_by(CHUNK as usize) {
            let positions: Vec<u64> = (first..end.min(first + CHUNK)).collect();
            let rows = base.take(cx, &positions).await.map_err(named)?;
            let rows = compact(&rows, cx.buffers())?;
            bytes += rows.get_array_memory_size() as u64;
            let read = first + positions.len() as u64 - start;
            if bytes > rules.spec.most_bytes {
                return Err(named(Error::new(
                    ErrorKind::Budget,
                    format!(
                        "its first {read} rows take {bytes} bytes, and a segment may take {}: take fewer rows a segment, or raise most_bytes",
                        rules.spec.most_bytes
                    ),
                )));
            }
            if bytes > room.of_segment() {
                // As large as the rest will be, if its rows are.
                let whole = (u128::from(bytes) * u128::from(end - start)).div_ceil(u128::from(read));
                return Err(named(Error::new(
                    ErrorKind::Budget,
                    format!(
                        "its first {read} rows take {bytes} bytes, and the budget of {} MiB has {} for a segment: take fewer rows a segment, or {}",
                        cx.memory() >> 20,
                        room.of_segment(),
                        room.remedy(u64::try_from(whole).unwrap_or(u64::MAX))
                    ),
                ))
                .with_remedy(Remedy::Memory));
            }
            batches.push(rows);
        }
        let all = cx
            .compute(move || Ok(concat_batches(&batches[0].schema(), &batches)?))
            .await?;
        let memory = Memory::new(vec![all])?;
        let labels = Labels::scan_as(cx, &memory, &rules.spec.column, &rules.classes)
            .await
            .map_err(named)?;
        let labels = Arc::new(labels);
        let target = of_segment(&rules.spec.target, &labels).map_err(named)?;
        let encoded = ClassEncoded::new(memory, (&labels).into())?;
        let balance = Balance::new(cx, encoded, labels, None, target).map_err(named)?;
        let balance = balance.rows(wanted.emit);
        Ok(Self {
            balance: match &rules.filler {
                Some((generator, share)) => balance.fill(Arc::clone(generator), Schedule::constant(*share))?,
                None => balance,
            },
            rows: wanted.rows.clone(),
            bytes,
        })
    }
}

/// `target` without the classes that a segment has no rows of.
fn of_segment(target: &Target, labels: &Labels) -> Result<Target> {
    let (counts, names) = (labels.counts(), labels.names());
    let given = |class: usize| match target {
        Target::Weights(weights) => weights.get(class).copied(),
        Target::Shares(shares) => Some(shares.get(&names[class]).copied().unwrap_or(0.0)),
        _ => None,
    };
    let weights: Option<Vec<f64>> = (0..names.len())
        .map(|class| given(class).map(|weight| if counts[class] > 0 { weight } else { 0.0 }))
        .collect();
    match weights {
        None => Ok(target.clone()),
        Some(weights) if weights.iter().all(|weight| *weight == 0.0) => Err(Error::data(
            "none of its rows is of a class that has a share: take more rows a segment",
        )),
        Some(weights) => Ok(Target::Weights(weights)),
    }
}
