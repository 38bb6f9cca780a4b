use super::compared::{Compared, RowFeatures};
use super::fitting::{Distances, GateFit, distances};
use super::memory::kept_bytes;
use super::spec::GateSpec;
use crate::dataset::Stable;
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::quote::counted;
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::kept::Kept;
use crate::synthetic::quality::{Matrix, Rows, any_near, check_widths};
use arrow::array::RecordBatch;
use serde::Serialize;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// Which rows pass, as training rows say: neither copies nor far from all of their class.
///
/// Values of columns of numbers are compared in units of their standard deviation, two categories are 1 apart (also one that no training row has), and a
/// tensor column is compared as it is. Encoded pictures are compared by features that something makes of them ([`fit_features`](Self::fit_features)).
///
/// # Memory
///
/// What training rows are compared by is kept once, 4 bytes a value, and 8 bytes a row beside it. It is charged to the budget, and in the plan of what is behind the gate. While it is fitted, the columns are in memory, and of
/// rows of up to 15 values these twice more. That has to fit into half of the memory, or 32 MiB, whatever is more: else [`fit`](Self::fit) ends with `Budget`, which says what it takes and what may be taken, before a row is read (of
/// categories and features as soon as it is known how many values a row has). Of rows of up to 15 values the nearest ones are found in a tree; of wider ones the
/// time goes with the square of the rows.
#[derive(Clone, Debug)]
pub struct Gate {
    fitted: Arc<Fitted>,
}

#[derive(Debug)]
pub(super) struct Fitted {
    spec: GateSpec,
    compared: Compared,
    /// The training rows, class after class.
    training: Arc<Matrix>,
    /// For each of them the squared radius of its ball.
    radii: Vec<f64>,
    /// Where the rows of each class begin, and behind the last class where these end.
    starts: Vec<usize>,
    /// What the classes are called.
    names: Vec<String>,
    /// The distance that is too near.
    too_near: f64,
    /// The least and the largest value of each column that pass.
    range: Option<Vec<[f32; 2]>>,
    /// A hash of the training rows and their classes.
    content: String,
    kept: Kept,
}

/// Why a row does not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// It is a copy of a training row, or nearly.
    TooNear,
    /// It lies in the ball of no training row of its class.
    OutsideManifold,
    /// A value lies outside of the range of the training rows.
    OutOfRange,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::TooNear, Self::OutsideManifold, Self::OutOfRange];

    /// The reason as JSON has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::TooNear => "too_near",
            Self::OutsideManifold => "outside_manifold",
            Self::OutOfRange => "out_of_range",
        }
    }

    /// The reason in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::TooNear => "too near to a training row",
            Self::OutsideManifold => "far from all training rows of the class",
            Self::OutOfRange => "out of the range of training rows",
        }
    }
}

impl Gate {
    /// The gate of `rows`, which are training rows alone, and their `labels`. Reads the columns that rows are compared by, which stay in memory.
    ///
    /// # Errors
    ///
    /// `Schema` for a column that is missing or holds something else; `Data` for a number that is not finite; `Config` for
    /// parameters out of range; `Budget` where it takes more than half of the memory, and more than 32 MiB.
    pub async fn fit(cx: &Context, rows: &impl Stable, labels: &Labels, spec: GateSpec) -> Result<Self> {
        Self::fit_told(cx, rows, labels, spec, None, &mut |_| ()).await
    }

    /// As [`fit`](Self::fit), for rows that are compared by `features`, in place of columns of their own: encoded pictures by a frozen network's
    /// ([`task::PictureFeatures`](crate::task::PictureFeatures)). Of several views of a row the first counts. `progress` is told the rows that are done.
    ///
    /// Every candidate goes through the network, also where a loader takes rows behind this gate. What a network computes is not promised
    /// across machines, so its weights and kernels are in the plan, and a run is refused that would go on with others. Rows that are made once and written to a
    /// file ([`RowsFile`](crate::synthetic::learned::RowsFile)) go through it once.
    ///
    /// # Errors
    ///
    /// As [`fit`](Self::fit), and whatever taking rows and `features` give.
    pub async fn fit_features(
        cx: &Context,
        rows: &impl Stable,
        labels: &Labels,
        spec: GateSpec,
        features: Arc<dyn RowFeatures>,
        progress: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Self> {
        let mut told = |at: GateFit| {
            if let GateFit::Features(rows) = at {
                progress(rows);
            }
        };
        Self::fit_told(cx, rows, labels, spec, Some(features), &mut told).await
    }

    /// As [`fit`](Self::fit), or with `features` as [`fit_features`](Self::fit_features). `told` is told how far it is: of many rows it takes minutes, since each is compared
    /// with all others.
    ///
    /// # Errors
    ///
    /// As these.
    pub async fn fit_told<F: FnMut(GateFit)>(
        cx: &Context,
        rows: &impl Stable,
        labels: &Labels,
        spec: GateSpec,
        features: Option<Arc<dyn RowFeatures>>,
        told: &mut F,
    ) -> Result<Self> {
        Spec::check(&spec).map_err(|error| error.context(GateSpec::NAME))?;
        let (compared, training) = match features {
            None => Compared::fit(cx, rows, &spec).await?,
            Some(features) => {
                let mut made = |rows: u64| told(GateFit::Features(rows));
                Compared::fit_features(cx, rows, features, &mut made).await?
            }
        };
        if training.rows() as u64 != labels.len() {
            return Err(Error::config(format!(
                "{} and {} to fit a gate on: give the labels of these rows",
                counted(training.rows(), "row"),
                counted(labels.len(), "label")
            )));
        }
        let kept = Kept::new(cx, kept_bytes(labels.len(), training.width()));
        let (of, names) = (labels.iter().collect::<Vec<u32>>(), labels.names().to_vec());
        let classes = names.len();
        let (content, training, starts) = cx
            .compute(move || {
                let mut content = Xxh3::new();
                content.update(bytemuck::cast_slice(training.values()));
                content.update(bytemuck::cast_slice(&of));
                let (training, starts) = by_class(training, &of, classes);
                Ok((format!("{:032x}", content.digest128()), Arc::new(training), starts))
            })
            .await?;
        let mut measured = |rows: u64| told(GateFit::Compared(rows));
        let Distances { radii, apart } = distances(cx, &training, &starts, &spec, &mut measured).await?;
        let fitted = cx
            .compute(move || {
                Ok(Fitted {
                    content,
                    range: spec.range.map(|share| ranges(&training, share)),
                    too_near: spec.least_distance * median_apart(apart),
                    compared,
                    training,
                    radii,
                    starts,
                    names,
                    spec,
                    kept,
                })
            })
            .await?;
        Ok(Self {
            fitted: Arc::new(fitted),
        })
    }

    /// Its parameters.
    pub fn spec(&self) -> &GateSpec {
        &self.fitted.spec
    }

    /// What it is, for plans: its parameters, the training rows, and what makes features, if something does.
    pub(super) fn describe(&self) -> Plan {
        let plan = Plan::of(&self.fitted.spec).param("rows", &self.fitted.content);
        match self.fitted.compared.features() {
            Some(features) => plan.input(features),
            None => plan,
        }
    }

    /// How many classes there are.
    pub(super) fn classes(&self) -> u32 {
        self.fitted.names.len() as u32
    }

    /// How many training rows there are.
    pub(super) fn rows(&self) -> usize {
        self.fitted.training.rows()
    }

    /// Bytes that it keeps in memory.
    pub(super) fn bytes(&self) -> u64 {
        self.fitted.kept.bytes()
    }

    /// What `class` is called.
    pub(super) fn name_of(&self, class: u32) -> &str {
        &self.fitted.names[class as usize]
    }

    /// The training rows of `class`.
    pub(super) fn of_class(&self, class: u32) -> Rows<'_> {
        self.fitted.of_class(class as usize).0
    }

    /// The values that rows are compared by.
    pub(super) async fn values(&self, cx: &Context, rows: &RecordBatch) -> Result<Matrix> {
        let found = self.fitted.compared.values(cx, rows).await?;
        self.fits(found)
    }

    /// As [`values`](Self::values); `told` is told of how many rows they are known.
    pub(super) async fn values_told<F: FnMut(u64)>(
        &self,
        cx: &Context,
        rows: &RecordBatch,
        told: &mut F,
    ) -> Result<Matrix> {
        let found = self.fitted.compared.values_told(cx, rows, told).await?;
        self.fits(found)
    }

    /// `values`, if they are as many a row as those of the training rows.
    fn fits(&self, values: Matrix) -> Result<Matrix> {
        let (own, other) = (self.fitted.training.width(), values.width());
        match own == other {
            true => Ok(values),
            false => Err(Error::schema(format!(
                "the gate was fitted on rows of {own} values, and these have {other}"
            ))),
        }
    }

    /// Whether each of `rows`, of the classes `classes`, passes, and if not, why; of several reasons the first of: out of range, far, near.
    ///
    /// # Errors
    ///
    /// `Schema` where a column is missing or holds something else; `Data` for a null where no training row has one, and for a number that is not finite.
    pub async fn judge(&self, cx: &Context, rows: &RecordBatch, classes: &[u32]) -> Result<Vec<Option<Refusal>>> {
        let values = self.values(cx, rows).await?;
        self.judged(cx, values, classes).await
    }

    /// As [`judge`](Self::judge), of what rows are compared by.
    pub(super) async fn judged(&self, cx: &Context, values: Matrix, classes: &[u32]) -> Result<Vec<Option<Refusal>>> {
        let (fitted, classes) = (Arc::clone(&self.fitted), classes.to_vec());
        cx.compute(move || fitted.judge(&values, &classes)).await
    }
}

impl Fitted {
    /// The rows of `class`, and the squared radii of their balls.
    fn of_class(&self, class: usize) -> (Rows<'_>, &[f64]) {
        let rows = self.starts[class]..self.starts[class + 1];
        (self.training.part(rows.clone()), &self.radii[rows])
    }

    fn judge(&self, values: &Matrix, classes: &[u32]) -> Result<Vec<Option<Refusal>>> {
        check_widths(values, &self.training)?;
        let mut found = vec![None; values.rows()];
        if let Some(range) = &self.range {
            let outside = |row: &[f32]| {
                row.iter()
                    .zip(range)
                    .any(|(value, [low, high])| value < low || value > high)
            };
            let out = values.iter().map(outside);
            found
                .iter_mut()
                .zip(out)
                .filter(|(_, out)| *out)
                .for_each(|(found, _)| *found = Some(Refusal::OutOfRange));
        }
        if self.spec.manifold > 0 {
            for class in 0..self.names.len() {
                let (own, radii) = self.of_class(class);
                let of: Vec<usize> = (0..found.len())
                    .filter(|&row| found[row].is_none() && classes.get(row) == Some(&(class as u32)))
                    .collect();
                if of.is_empty() || own.count() == 0 {
                    continue;
                }
                let inside = any_near(
                    &values.select(&of),
                    own,
                    |row| radii[row],
                    |row, square| square <= radii[row],
                );
                let out = of.into_iter().zip(inside).filter(|(_, inside)| !inside);
                out.for_each(|(row, _)| found[row] = Some(Refusal::OutsideManifold));
            }
        }
        // The rows of all classes, so that this takes the longest: rows that are refused anyway are not compared.
        let left: Vec<usize> = (0..found.len()).filter(|&row| found[row].is_none()).collect();
        if self.too_near > 0.0 && !left.is_empty() {
            // Wider by more than the rounding of a square and its root.
            let limit = self.too_near * self.too_near * (1.0 + 1e-9);
            let near = any_near(
                &values.select(&left),
                &*self.training,
                |_| limit,
                |_, square| square.sqrt() < self.too_near,
            );
            let near = left.into_iter().zip(near).filter(|(_, near)| *near);
            near.for_each(|(row, _)| found[row] = Some(Refusal::TooNear));
        }
        Ok(found)
    }
}

/// `rows`, whose classes are `of`, class after class and else in their order, and where each class begins, with the end of the last.
fn by_class(rows: Matrix, of: &[u32], classes: usize) -> (Matrix, Vec<usize>) {
    let mut starts = vec![0; classes + 1];
    of.iter().for_each(|&class| starts[class as usize + 1] += 1);
    for class in 0..classes {
        starts[class + 1] += starts[class];
    }
    let (mut next, mut order) = (starts.clone(), vec![0; of.len()]);
    for (row, &class) in of.iter().enumerate() {
        let next = &mut next[class as usize];
        order[*next] = row;
        *next += 1;
    }
    (rows.in_order(order), starts)
}

/// The median of distances whose squares are `squares`, those that are 0 left out; 0 where there is none.
fn median_apart(mut squares: Vec<f64>) -> f64 {
    squares.retain(|&square| square > 0.0);
    squares.sort_unstable_by(f64::total_cmp);
    squares.get(squares.len() / 2).map_or(0.0, |square| square.sqrt())
}

/// The least and the largest value of each column, wider by `share` of what lies between, and by as much as `f32` can tell.
fn ranges(rows: &Matrix, share: f64) -> Vec<[f32; 2]> {
    let mut ends = vec![[f32::INFINITY, f32::NEG_INFINITY]; rows.width()];
    for row in rows.iter() {
        for ([low, high], &value) in ends.iter_mut().zip(row) {
            (*low, *high) = (low.min(value), high.max(value));
        }
    }
    let wider = |[low, high]: [f32; 2]| {
        let room = ((f64::from(high) - f64::from(low)) * (share + 1e-6)) as f32;
        [low - room, high + room]
    };
    ends.into_iter().map(wider).collect()
}
