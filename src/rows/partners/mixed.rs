use super::cutmix::{Cut, CutMix};
use super::mixup::{MixUp, blend};
use super::soft::{self, Soft};
use super::windows::Windows;
use crate::columns::{gather_one, index_of, into_list, shape_of, tensor_values};
use crate::dataset::{Blocks, Dataset, Len, Origin, Provenance};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::plan::Plan;
use crate::prepared::Prepared;
use crate::rng::Rng;
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Most positions in a window: each one that a call touches is worked out as a whole.
const MOST: u64 = 65_536;

/// Rows that are mixed with others; made by [`mixup`](crate::DatasetExt::mixup) and [`cutmix`](crate::DatasetExt::cutmix).
///
/// The tensor column keeps its shape. The label column becomes one of class probabilities, f32 tensors of shape `[classes]`
/// that sum to 1: a row that was not mixed is one-hot.
#[derive(Debug)]
pub struct Mixed<D> {
    inner: D,
    rule: Rule,
    settings: Settings,
    columns: Arc<Columns>,
}

/// What [`MixUp`] and [`CutMix`] are set by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Settings {
    pub(crate) alpha: f32,
    pub(crate) p: f32,
    pub(crate) window: u64,
    pub(crate) classes: Option<usize>,
}

/// Which of the two.
#[derive(Clone, Copy, Debug)]
enum Rule {
    MixUp,
    CutMix([usize; 2]),
}

/// What the partner gives to a row.
#[derive(Clone, Debug)]
enum Mixture {
    Blend(f32),
    Paste(Cut),
}

/// Where the columns are, and what comes of them.
#[derive(Debug)]
struct Columns {
    /// The tensor column's.
    at: usize,
    /// The label column's.
    label: usize,
    classes: usize,
    schema: SchemaRef,
    /// What errors say that was being done.
    doing: String,
}

/// The rows that some positions need from below, each once, and what is made of them.
#[derive(Debug, Default)]
struct Needs {
    positions: Vec<u64>,
    /// For each position its own row, and its partner's if it is mixed, as indices of `positions`.
    pairs: Vec<(usize, Option<(usize, Mixture)>)>,
}

impl Settings {
    pub(crate) fn new(alpha: f32) -> Self {
        Self {
            alpha,
            p: 1.0,
            window: 64,
            classes: None,
        }
    }

    fn check(&self) -> Result<()> {
        let mistake = if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            format!("alpha is {}, but has to be a number above 0", self.alpha)
        } else if !(0.0..=1.0).contains(&self.p) {
            format!("p is {}, but has to lie in 0..=1", self.p)
        } else if !(2..=MOST).contains(&self.window) {
            format!("window is {}, but has to lie in 2..={MOST}", self.window)
        } else {
            return Ok(());
        };
        Err(Error::config(mistake))
    }
}

impl Rule {
    fn name(self) -> &'static str {
        match self {
            Self::MixUp => MixUp::NAME,
            Self::CutMix(_) => CutMix::NAME,
        }
    }

    fn draw(self, alpha: f32, rng: &mut Rng) -> Mixture {
        let lambda = rng.beta(alpha);
        match self {
            Self::MixUp => Mixture::Blend(lambda),
            Self::CutMix(size) => Mixture::Paste(Cut::draw(lambda, size, rng)),
        }
    }
}

impl Mixture {
    /// The row's own share.
    fn own(&self) -> f32 {
        match self {
            Self::Blend(lambda) => *lambda,
            Self::Paste(cut) => cut.outside(),
        }
    }

    fn apply(&self, own: &[f32], partner: &[f32], out: &mut [f32]) {
        match self {
            Self::Blend(lambda) => blend(*lambda, own, partner, out),
            Self::Paste(cut) => {
                out.copy_from_slice(own);
                cut.paste(partner, out);
            }
        }
    }
}

impl<D: Dataset> Mixed<D> {
    pub(crate) fn up(inner: D, column: &str, label: &str, with: MixUp) -> Result<Self> {
        Self::new(inner, [column, label], Rule::MixUp, with.0)
    }

    pub(crate) fn cut(inner: D, column: &str, label: &str, with: CutMix) -> Result<Self> {
        let schema = inner.schema();
        let shape = shape_of(schema.field(index_of(&schema, column)?));
        let [.., height, width] = shape[..] else {
            let message = format!("column \"{column}\" has values of shape {shape:?}, not [.., height, width]");
            return Err(Error::schema(message));
        };
        Self::new(inner, [column, label], Rule::CutMix([height, width]), with.0)
    }

    fn new(inner: D, names: [&str; 2], rule: Rule, settings: Settings) -> Result<Self> {
        settings.check().map_err(|error| error.context(rule.name()))?;
        let below = inner.schema();
        let (at, label) = (index_of(&below, names[0])?, index_of(&below, names[1])?);
        check_tensor(below.field(at))?;
        if at == label {
            let message = format!("{}: \"{}\" is both the column and its label", rule.name(), names[0]);
            return Err(Error::config(message));
        }
        let classes = soft::classes(below.field(label), settings.classes)?;
        let mut fields = below.fields().to_vec();
        fields[label] = Arc::new(soft::field(below.field(label), classes)?);
        let columns = Columns {
            at,
            label,
            classes,
            schema: Arc::new(Schema::new_with_metadata(fields, below.metadata().clone())),
            doing: format!("{} \"{}\"", rule.name(), names[0]),
        };
        Ok(Self {
            inner,
            rule,
            settings,
            columns: Arc::new(columns),
        })
    }

    /// What each of `positions` is mixed with, and how; none for one that stays as it is.
    fn mixtures(&self, seed: u64, positions: &[u64]) -> Vec<Option<(u64, Mixture)>> {
        let windows = Windows {
            len: self.inner.len(),
            size: self.settings.window,
        };
        let partners = windows.partners(seed, self.rule.name(), positions);
        let draw = |(&position, partner): (&u64, u64)| {
            let mut rng = Rng::new(seed, self.rule.name(), position);
            let mixed = partner != position && rng.chance(self.settings.p);
            let mixture = mixed.then(|| self.rule.draw(self.settings.alpha, &mut rng))?;
            (mixture.own() < 1.0).then_some((partner, mixture))
        };
        positions.iter().zip(partners).map(draw).collect()
    }

    fn needs(&self, seed: u64, positions: &[u64]) -> Needs {
        let (mut needs, mut known) = (Needs::default(), HashMap::new());
        let all = &mut needs.positions;
        let mut index = |position: u64| {
            *known.entry(position).or_insert_with(|| {
                all.push(position);
                all.len() - 1
            })
        };
        let own: Vec<usize> = positions.iter().map(|&position| index(position)).collect();
        let mixtures = self.mixtures(seed, positions).into_iter();
        let partners = mixtures.map(|mixed| mixed.map(|(partner, mixture)| (index(partner), mixture)));
        needs.pairs = own.into_iter().zip(partners).collect();
        needs
    }
}

impl Needs {
    /// A failure among the rows from below is one among the positions: of the row itself, or else of one whose partner it is.
    fn moved(&self, error: Error) -> Error {
        let Some(bad) = error.index() else { return error };
        if let Some(at) = self.pairs.iter().position(|(own, _)| *own == bad) {
            return error.at(at);
        }
        let is_partner =
            |(_, mixed): &(_, Option<(usize, _)>)| mixed.as_ref().is_some_and(|(partner, _)| *partner == bad);
        match self.pairs.iter().position(is_partner) {
            Some(at) => error
                .context(format!("its partner at position {}", self.positions[bad]))
                .at(at),
            None => error.unplaced(),
        }
    }
}

fn check_tensor(field: &Field) -> Result<()> {
    match field.data_type() {
        DataType::FixedSizeList(item, _) if *item.data_type() == DataType::Float32 => Ok(()),
        other => Err(Error::schema(format!(
            "column \"{}\" holds {other}, not tensors of f32",
            field.name()
        ))),
    }
}

impl Columns {
    /// What becomes of `rows`, which are those of `needs`.
    fn mix(&self, cx: &Context, rows: &RecordBatch, needs: &Needs) -> Result<RecordBatch> {
        let placed = |error: Error| needs.moved(error.context(&self.doing));
        let tensor = tensor(cx, rows.column(self.at), needs).map_err(placed)?;
        let label = self.soft(rows.column(self.label), needs).map_err(placed)?;
        let mut made = [(self.at, tensor), (self.label, label)];
        made.sort_by_key(|(at, _)| *at);
        let rest: Vec<usize> = (0..rows.num_columns())
            .filter(|at| made.iter().all(|(made, _)| made != at))
            .collect();
        let own: Vec<u64> = needs.pairs.iter().map(|(own, _)| *own as u64).collect();
        let mut columns = gather_one(&rows.project(&rest)?, &own)?.columns().to_vec();
        for (at, values) in made {
            columns.insert(at, into_list(self.schema.field(at), values)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// The class probabilities of the positions, row by row.
    fn soft(&self, column: &ArrayRef, needs: &Needs) -> Result<Vec<f32>> {
        let soft = Soft::of(column)?;
        let mut out = vec![0.0; self.classes * needs.pairs.len()];
        for (out, (own, mixed)) in out.chunks_exact_mut(self.classes).zip(&needs.pairs) {
            let share = mixed.as_ref().map_or(1.0, |(_, mixture)| mixture.own());
            soft.add(*own, share, out).map_err(|error| error.at(*own))?;
            if let Some((partner, _)) = mixed {
                soft.add(*partner, 1.0 - share, out)
                    .map_err(|error| error.at(*partner))?;
            }
        }
        Ok(out)
    }
}

/// The values of the positions, row by row. An error's index is among the rows of `column`.
fn tensor(cx: &Context, column: &ArrayRef, needs: &Needs) -> Result<Vec<f32>> {
    let (list, values, width) = tensor_values(column).ok_or_else(|| null(column))?;
    let row = |at: usize| &values.values()[list.value_offset(at) as usize..][..width];
    let mut out = vec![0.0; width * needs.pairs.len()];
    let slots = out.par_chunks_mut(width.max(1)).zip(&needs.pairs);
    slots.try_for_each(|(out, (own, mixed))| {
        if cx.stopped() {
            return Err(Error::stage("the loader was dropped"));
        }
        match mixed {
            Some((partner, mixture)) => mixture.apply(row(*own), row(*partner), out),
            None => out.copy_from_slice(row(*own)),
        }
        Ok(())
    })?;
    Ok(out)
}

/// Why `column` has no values that can be mixed.
fn null(column: &ArrayRef) -> Error {
    let has_null = |list: &FixedSizeListArray, row: usize| list.is_null(row) || list.value(row).null_count() > 0;
    let list = column.as_fixed_size_list_opt();
    match list.and_then(|list| (0..list.len()).find(|&row| has_null(list, row))) {
        Some(row) => Error::data("the value is null").at(row),
        None => Error::schema(format!("{} is not tensors of f32", column.data_type())),
    }
}

impl<D: Dataset> Dataset for Mixed<D> {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns.schema)
    }

    fn len(&self) -> Len {
        self.inner.len()
    }

    fn blocks(&self) -> Blocks {
        self.inner.blocks()
    }

    fn describe(&self) -> Plan {
        let (below, window) = (self.inner.schema(), self.settings.window);
        Plan::new(self.rule.name())
            .random()
            .param("column", below.field(self.columns.at).name())
            .param("label", below.field(self.columns.label).name())
            .param("classes", self.columns.classes)
            .param("alpha", self.settings.alpha)
            .param("p", self.settings.p)
            .param("window", window)
            .note(format_args!(
                "a batch of a multiple of {window} rows needs no others; a smaller one needs up to twice its rows"
            ))
            .input(self.inner.describe())
    }

    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let needs = Arc::new(self.needs(cx.seed(), positions));
        let (columns, of, inner) = (Arc::clone(&self.columns), Arc::clone(&needs), cx.clone());
        let below = self.inner.prepare(cx, &needs.positions);
        let below = below.map_err(move |error| of.moved(error));
        below.and_then(move |rows| async move {
            let cx = inner.clone();
            inner.compute(move || columns.mix(&cx, &rows, &needs)).await
        })
    }

    fn provenance(&self, cx: &Context, position: u64) -> Provenance {
        let own = self.inner.provenance(cx, position);
        let Some(Some((partner, mixture))) = self.mixtures(cx.seed(), &[position]).pop() else {
            return own;
        };
        let other = self.inner.provenance(cx, partner);
        Provenance {
            places: [own.places, other.places].concat(),
            class: if mixture.own() < 0.5 { other.class } else { own.class },
            origin: Origin::Synthetic,
            generator: Some(self.rule.name().into()),
            occurrence: 0,
        }
    }
}
