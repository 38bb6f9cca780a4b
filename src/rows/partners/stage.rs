use super::cutmix::{Cut, CutMix};
use super::mixing::Mixing;
use super::mixup::{MixUp, blend};
use super::soft::{self, Soft};
use super::windows::Windows;
use crate::columns::{index_of, permutation_of, shape_of};
use crate::dataset::Len;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::rng::Rng;
use crate::rows::lying::LeftBehind;
use crate::rows::ports::{DType, Output, Read};
use crate::rows::stage::{Bound, Partner, Partners, Stage};
use crate::rows::stage_columns::StageColumns;
use crate::rows::{Draws, Out, Row};
use crate::spec::Description;
use arrow::datatypes::{DataType, Field, Schema};
use arrow_schema::extension::{EXTENSION_TYPE_METADATA_KEY, ExtensionType, FixedShapeTensor};

/// MixUp or CutMix of a tensor column and its label.
///
/// The tensor column keeps its shape. The label column becomes one of class probabilities, f32 tensors of shape `[classes]`
/// that sum to 1: a row that was not mixed is one-hot.
#[derive(Clone, Debug)]
pub(crate) struct MixStage {
    pub(crate) column: String,
    pub(crate) label: String,
    pub(crate) rule: Rule,
}

/// Which of the two.
#[derive(Clone, Debug)]
pub(crate) enum Rule {
    MixUp(MixUp),
    CutMix(CutMix),
}

/// What draws, for a column of pictures of `size` (height and width; CutMix alone needs it).
#[derive(Clone, Debug)]
struct Draw {
    mixing: Mixing,
    size: Option<[usize; 2]>,
}

/// What the partner gives to a row.
#[derive(Clone, Debug)]
enum Mixture {
    Blend(f32),
    Paste(Cut),
}

impl Rule {
    fn mixing(&self) -> &Mixing {
        match self {
            Self::MixUp(MixUp(mixing)) | Self::CutMix(CutMix(mixing)) => mixing,
        }
    }
}

impl Draw {
    /// What is drawn for a row whose generator is `rng`; none where it stays as it is.
    fn mixture(&self, rng: &mut Rng) -> Option<Mixture> {
        if !rng.chance(self.mixing.p) {
            return None;
        }
        let lambda = rng.beta(self.mixing.alpha);
        let mixture = match self.size {
            None => Mixture::Blend(lambda),
            Some(size) => Mixture::Paste(Cut::draw(lambda, size, rng)),
        };
        (mixture.own() < 1.0).then_some(mixture)
    }
}

impl Partners for Draw {
    fn of(&self, seed: u64, name: &str, len: Len, positions: &[u64]) -> Vec<Vec<Partner>> {
        let windows = Windows {
            len,
            size: self.mixing.window,
        };
        let drawn = |(&position, other): (&u64, u64)| {
            let mut rng = Rng::new(seed, name, position);
            let mixture = (other != position).then(|| self.mixture(&mut rng)).flatten();
            let partner = mixture.map(|mixture| Partner {
                dataset: 0,
                position: other,
                share: 1.0 - mixture.own(),
            });
            partner.into_iter().collect()
        };
        let others = windows.partners(seed, name, positions);
        positions.iter().zip(others).map(drawn).collect()
    }

    fn most(&self) -> usize {
        1
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

impl Stage for MixStage {
    fn describe(&self) -> Plan {
        let plan = match &self.rule {
            Rule::MixUp(mixup) => Plan::of(mixup),
            Rule::CutMix(cutmix) => Plan::of(cutmix),
        };
        let columns = StageColumns {
            column: self.column.clone(),
            label: Some(self.label.clone()),
        };
        plan.random().part("", &Description::of(&columns)).note(format_args!(
            "a batch of a multiple of {} rows needs no others; a smaller one needs up to twice its rows",
            self.rule.mixing().window
        ))
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        let mixing = self.rule.mixing().clone();
        mixing.check()?;
        let (field, label) = (
            below.field(index_of(below, &self.column)?),
            below.field(index_of(below, &self.label)?),
        );
        check_tensor(field)?;
        if self.column == self.label {
            let message = format!("\"{}\" is both the column and its label", self.column);
            return Err(Error::config(message));
        }
        let shape = shape_of(field);
        let mut mixed = Output::fixed(&self.column, DType::F32, shape.clone());
        // The names of the dimensions, and the order in which they are meant.
        if let (Some(FixedShapeTensor::NAME), Some(tensor)) =
            (field.extension_type_name(), field.extension_type_metadata())
        {
            mixed = mixed.metadata(EXTENSION_TYPE_METADATA_KEY, tensor);
        }
        let size = match &self.rule {
            Rule::MixUp(_) => None,
            Rule::CutMix(_) => {
                if let Some(order) = permutation_of(field) {
                    let message = format!(
                        "column \"{}\" has its dimensions stored in another order (permutation {order:?}), and CutMix needs \
                         [.., height, width] as they are stored: make such a column with `map`",
                        self.column
                    );
                    return Err(Error::schema(message));
                }
                let [.., height, width] = shape[..] else {
                    let message = format!(
                        "column \"{}\" has values of shape {shape:?}, not [.., height, width]",
                        self.column
                    );
                    return Err(Error::schema(message));
                };
                Some([height, width])
            }
        };
        let classes = soft::classes(label, mixing.num_classes)?;
        let soft = Soft::of(label);
        let draw = Draw { mixing, size };
        let partners = draw.clone();
        let read = match soft {
            Soft::Numbers => Read::values(&self.label, DType::I64),
            Soft::Probabilities => Read::values(&self.label, DType::F32),
        };
        let run = move |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            let own = row.values::<f32>(0)?;
            let mixture = match row.partners() {
                0 => None,
                _ => draws.rng().and_then(|mut rng| draw.mixture(&mut rng)),
            };
            let probabilities = out.fixed::<f32>(1);
            probabilities.fill(0.0);
            let share = mixture.as_ref().map_or(1.0, Mixture::own);
            soft.add(row, share, probabilities)?;
            match mixture {
                None => out.fixed::<f32>(0).copy_from_slice(own),
                Some(mixture) => {
                    let partner = row.partner(0);
                    soft.add(&partner, 1.0 - share, probabilities)?;
                    mixture.apply(own, partner.values::<f32>(0)?, out.fixed::<f32>(0));
                }
            }
            Ok(())
        };
        let bound = Bound::new(run)
            .reads(Read::values(&self.column, DType::F32))
            .reads(read)
            .writes(mixed)
            .writes(soft::output(label, classes))
            .partners(partners)
            .fills();
        // It is not refused: a model that learns the shares of the classes may have boxes beside them, which stay right for the row's own part.
        let left = LeftBehind::of(below, &self.column, &[self.label.as_str()])?;
        Ok(
            match left.note(
                &[],
                "stays that of the row alone, although its picture is part of another row's, too",
            ) {
                Some(note) => bound.note(note),
                None => bound,
            },
        )
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
