use super::rows::Rows;
use crate::machine::Machine;
use crate::output::{shown, tell};
use crate::progress::Progress;
use crate::values::Balance;
use clap::Args;
use millstream::burn::tensor::Device;
use millstream::generative::learned_generators;
use millstream::mix::Target;
use millstream::quote::counted_with;
use millstream::spec::Spec;
use millstream::synthetic::learned::{LearnedModel, RowsFile, spread};
use millstream::synthetic::{Gate, GateSpec};
use millstream::task::{FinetuneSpec, PictureFeatures};
use millstream::{Context, Error, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// Write rows that a generator makes to a Parquet file, which finetune and others read like any other.
#[derive(Args)]
pub(crate) struct Sample {
    /// The folder with the generator
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    /// Rows in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rows: u64,
    /// Of these classes alone; of all that were learnt if left out
    #[arg(long, value_name = "NAME", num_args = 1..)]
    classes: Vec<String>,
    /// Which share of the rows each class gets: none has those of the training rows; uniform if left out
    #[arg(long, value_name = "none|sqrt|uniform", value_parser = Balance::read)]
    balance: Option<Balance>,
    /// Seed of the rows; 0 if left out
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=FinetuneSpec::MAX_SEED))]
    seed: Option<u64>,
    /// Where to write them; a file in this folder that is named by the kind, the hash of the generator and the seed if left out
    #[arg(long, value_name = "PARQUET")]
    out: Option<PathBuf>,
    /// Replace the file of that name if a generator made the rows in it
    #[arg(long)]
    overwrite: bool,
    /// Write no row that is a copy of a training row or far from all those of its class, and make others in its place: pictures are compared by features of the
    /// carried network, through which every training picture and every candidate goes, tables by their columns. Alone it is as usual; JSON says otherwise: '{"manifold": 10, "least_distance": 0.2, "attempts": 32}'; with
    /// "limits": {"precision": 0.5} the generator is refused, too, where its rows of a class as a whole lie beyond a limit
    #[arg(long, value_name = "JSON", num_args = 0..=1, default_missing_value = "{}", value_parser = gate, requires = "train")]
    gate: Option<GateSpec>,
    /// The data that the generator was fitted on, which --gate compares with
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "gate")]
    train: Vec<String>,
    #[command(flatten)]
    of_rows: Rows,
    #[command(flatten)]
    machine: Machine,
}

/// The parameters of a gate, but for the columns, which are those of the generator.
fn gate(text: &str) -> std::result::Result<GateSpec, String> {
    let spec: GateSpec = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if spec.columns != GateSpec::default().columns {
        return Err("columns are those of the generator's rows: leave them out".to_owned());
    }
    spec.check().map_err(|error| error.to_string())?;
    Ok(spec)
}

impl Sample {
    pub(crate) fn run(self) -> Result<()> {
        let seed = self.seed.unwrap_or(0);
        let model = LearnedModel::load(&self.model, &learned_generators())?;
        let named = || {
            PathBuf::from(format!(
                "{}-{}-{seed}.parquet",
                model.about().name(),
                &model.hash()[..16]
            ))
        };
        let out = self.out.clone().unwrap_or_else(named);
        let file = RowsFile::new(&out, self.overwrite);
        // The rows that it was fitted on are inputs as well, where they still lie there.
        let fitted_on = model.about().fitted_on.files().map(PathBuf::from);
        let inputs: Vec<PathBuf> = fitted_on
            .chain([self.model.clone()])
            .filter(|path| path.exists())
            .collect();
        file.check(&inputs)?;
        let rows = self.rows_of_classes(&model)?;
        let cx = self.machine.context()?.with_seed(seed);
        let gate = self.gate_of(&cx, &model, &file)?;
        let mut progress = Progress::new("rows", self.rows);
        let mut reached = |done| {
            progress.reached(done);
            Ok(())
        };
        let judged = match &gate {
            None => file.write(&cx, &model, &rows, &mut reached).map(|()| None)?,
            Some(gate) => Some(file.write_accepted(&cx, &model, &rows, gate, &mut reached)?),
        };
        progress.end();
        if let Some(judged) = judged {
            tell(&judged.in_words());
        }
        tell(&format!(
            "{} in {}",
            counted_with(self.rows, "row", ["is", "are"]),
            shown(&out)
        ));
        Ok(())
    }

    /// The gate, if there is to be one, fitted on the rows that the generator was fitted on.
    fn gate_of(&self, cx: &Context, model: &LearnedModel, file: &RowsFile) -> Result<Option<Gate>> {
        let Some(spec) = &self.gate else { return Ok(None) };
        let (schema, about) = (model.schema(), model.about());
        let picture = schema.fields().iter().find(|field| field.data_type().is_nested());
        // The rows that were held out of the fit are told by its seed.
        let rows = self
            .of_rows
            .open(cx, self.train.clone(), about.seed, picture.is_some())?;
        file.check(&rows.inputs)?;
        let training = rows.training;
        model.check_training(&training)?;
        let columns = schema.fields().iter().map(|field| field.name());
        let spec = GateSpec {
            columns: columns.filter(|name| **name != about.label).cloned().collect(),
            ..spec.clone()
        };
        let gate = match picture {
            None => cx.block_on(Gate::fit(cx, &training.rows, &training.labels, spec)),
            Some(field) => {
                let features = Arc::new(PictureFeatures::carried(field.name(), &Device::flex())?);
                let mut progress = Progress::new("training rows", training.labels.len());
                let mut reached = |done| progress.reached(done);
                let gate = Gate::fit_features(cx, &training.rows, &training.labels, spec, features, &mut reached);
                let gate = cx.block_on(gate);
                progress.end();
                gate
            }
        };
        gate.map(Some)
    }

    /// Rows of each class.
    fn rows_of_classes(&self, model: &LearnedModel) -> Result<Vec<u64>> {
        let about = model.about();
        let named = self.classes.iter().map(|name| about.class(name));
        let named = named.collect::<Result<Vec<u32>>>()?;
        let is_wanted = |class: u32| about.supports(class) && (named.is_empty() || named.contains(&class));
        let counts = (0..).zip(&about.counts);
        let counts: Vec<u64> = counts
            .map(|(class, &rows)| if is_wanted(class) { rows } else { 0 })
            .collect();
        let target = match &self.balance {
            None => Target::Uniform,
            Some(Balance::Target(target)) => target.clone(),
            Some(Balance::Auto) => {
                return Err(Error::config(
                    "--balance auto is of a training, which compares shares: name none, sqrt or uniform",
                ));
            }
        };
        Ok(spread(self.rows, &target.shares(&counts, &about.classes)?))
    }
}
