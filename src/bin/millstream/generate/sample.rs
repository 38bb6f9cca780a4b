use super::gated_progress::{GateFitProgress, GatedProgress};
use super::numbers::in_all_numbers;
use super::rows::Rows;
use super::told_columns::told;
use crate::machine::Machine;
use crate::output::{shown, tell};
use crate::progress::Progress;
use crate::values::{Balance, generator};
use clap::{ArgGroup, Args};
use millstream::burn::tensor::Device;
use millstream::generative::learned_generators;
use millstream::mix::Target;
use millstream::quote::counted_with;
use millstream::report::shown as text;
use millstream::spec::{Named, Spec};
use millstream::synthetic::learned::{FittedGenerator, LearnedModel, RowMaker, RowsFile, Training, spread};
use millstream::synthetic::{Gate, GateSpec, GeneratorSpec, RowFeatures};
use millstream::task::{FinetuneSpec, PictureFeatures};
use millstream::{Context, Error, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Write rows that a generator makes to a Parquet file, which finetune and others read like any other.
#[derive(Args)]
#[command(group(ArgGroup::new("made_by").args(["model", "generator"]).required(true)))]
#[command(group(ArgGroup::new("reads").args(["generator", "gate"]).multiple(true)))]
pub(crate) struct Sample {
    /// The folder with a generator that was fitted (generate fit)
    #[arg(long, value_name = "DIR", conflicts_with = "generator")]
    model: Option<PathBuf>,
    /// Any other generator, fitted on --train: scenes, blend, smote, smote_nc, borderline_smote, adasyn, jitter, copula, or one with its parameters as JSON, such as
    /// '{"smote": {"columns": ["age", "height"]}}' or '{"scenes": {"width": 320}}'
    #[arg(long, value_name = "NAME", value_parser = generator, requires = "train")]
    generator: Option<Named<dyn GeneratorSpec>>,
    /// Rows in all
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rows: u64,
    /// Of these classes alone; of all that rows can be made of if left out
    #[arg(long, value_name = "NAME", num_args = 1..)]
    classes: Vec<String>,
    /// Which share of the rows each class gets: none has those of the training rows; uniform if left out
    #[arg(long, value_name = "none|sqrt|uniform", value_parser = Balance::read)]
    balance: Option<Balance>,
    /// Seed of the rows, and with --generator of those that are held out, as finetune has it; 0 if left out
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
    /// The data that --generator is fitted on; with --model those that it was fitted on, which --gate compares with
    #[arg(long, num_args = 1.., value_name = "DATA", requires = "reads")]
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

/// The gate that `spec` says for rows of `maker`, fitted on the rows that this was fitted on; pictures in the column `picture` are compared by their features.
fn gate_on(
    cx: &Context,
    spec: &GateSpec,
    maker: &dyn RowMaker,
    training: &Training,
    picture: Option<&str>,
) -> Result<Gate> {
    let (schema, label) = (maker.schema(), &maker.about().label);
    let names = schema.fields().iter().map(|field| field.name());
    let columns = match picture {
        Some(picture) => vec![picture.to_owned()],
        None => names.filter(|name| *name != label).cloned().collect(),
    };
    let spec = GateSpec {
        columns,
        ..spec.clone()
    };
    let features = match picture {
        None => None,
        Some(picture) => {
            let features = PictureFeatures::carried(picture, &Device::flex())?;
            Some(Arc::new(features) as Arc<dyn RowFeatures>)
        }
    };
    let mut progress = GateFitProgress::new(training.labels.len());
    let gate = cx.block_on(Gate::fit_told(
        cx,
        &training.rows,
        &training.labels,
        spec,
        features,
        &mut |at| progress.reached(at),
    ));
    progress.end();
    gate
}

impl Sample {
    pub(crate) fn run(self) -> Result<()> {
        match (&self.model, &self.generator) {
            (Some(folder), _) => self.of_model(folder),
            (None, Some(generator)) => self.of_generator(&**generator),
            (None, None) => Err(Error::config(
                "name the folder of a generator (--model), or a generator (--generator)",
            )),
        }
    }

    /// Rows of the generator that was fitted to `folder`.
    fn of_model(&self, folder: &Path) -> Result<()> {
        let model = LearnedModel::load(folder, &learned_generators())?;
        let (out, file) = self.file(&model);
        // The rows that it was fitted on are inputs as well, where they still lie there.
        let fitted_on = model.about().fitted_on.files().map(PathBuf::from);
        let inputs: Vec<PathBuf> = fitted_on
            .chain([folder.to_owned()])
            .filter(|path| path.exists())
            .collect();
        file.check(&inputs)?;
        let rows = self.rows_of_classes(&model)?;
        let cx = self.machine.context()?.with_seed(self.seed());
        let gate = self.gate_of(&cx, &model, &file)?;
        self.write(&cx, (&*out, &file), &model, &rows, gate.as_ref())
    }

    /// Rows of `generator`, fitted on the training rows.
    fn of_generator(&self, generator: &dyn GeneratorSpec) -> Result<()> {
        if let Some(out) = &self.out {
            // Before anything is read.
            RowsFile::new(out, self.overwrite).check(&[])?;
        }
        let cx = self.machine.context()?.with_seed(self.seed());
        let rows = self.of_rows.open_for(&cx, self.train.clone(), self.seed(), generator)?;
        rows.notes.iter().for_each(|note| tell(note));
        let training = &rows.training;
        let generator = rows.generator.as_deref().unwrap_or(generator);
        let numbers = in_all_numbers(generator, &training.rows.schema(), training.labels.column())?;
        if let Some((_, note)) = &numbers {
            tell(note);
        }
        let is_all = numbers.is_some();
        let generator = numbers.as_ref().map_or(generator, |(generator, _)| &**generator);
        told(&cx, generator, is_all, training)?
            .iter()
            .for_each(|note| tell(note));
        let maker = FittedGenerator::fit(generator, training)?.beside(&rows.columns);
        let (out, file) = self.file(&maker);
        file.check(&rows.inputs)?;
        let counts = self.rows_of_classes(&maker)?;
        let picture = generator.makes_pictures().then(|| generator.reads().into_iter().next());
        let gate = match &self.gate {
            Some(spec) => Some(gate_on(
                &cx,
                spec,
                &maker,
                &rows.training,
                picture.flatten().as_deref(),
            )?),
            None => None,
        };
        self.write(&cx, (&*out, &file), &maker, &counts, gate.as_ref())
    }

    fn seed(&self) -> u64 {
        self.seed.unwrap_or(0)
    }

    /// Where the rows of `maker` go to.
    fn file(&self, maker: &dyn RowMaker) -> (PathBuf, RowsFile) {
        let named = || {
            PathBuf::from(format!(
                "{}-{}-{}.parquet",
                maker.about().name(),
                &maker.hash()[..16],
                self.seed()
            ))
        };
        let out = self.out.clone().unwrap_or_else(named);
        let file = RowsFile::new(&out, self.overwrite);
        (out, file)
    }

    fn write(
        &self,
        cx: &Context,
        (out, file): (&Path, &RowsFile),
        maker: &dyn RowMaker,
        rows: &[u64],
        gate: Option<&Gate>,
    ) -> Result<()> {
        match gate {
            None => {
                let mut progress = Progress::new("rows", self.rows);
                file.write(cx, maker, rows, &mut |done| {
                    progress.reached(done);
                    Ok(())
                })?;
                progress.end();
            }
            Some(gate) => {
                let mut progress = GatedProgress::new(self.rows);
                let judged = file.write_accepted(cx, maker, rows, gate, &mut |at| {
                    progress.reached(at);
                    Ok(())
                })?;
                progress.end();
                tell(&judged.in_words());
            }
        }
        tell(&format!(
            "{} in {}",
            counted_with(self.rows, "row", ["is", "are"]),
            shown(out)
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
        model.check_training(&rows.training)?;
        let picture = picture.map(|field| field.name().as_str());
        gate_on(cx, spec, model, &rows.training, picture).map(Some)
    }

    /// Rows of each class.
    fn rows_of_classes(&self, maker: &dyn RowMaker) -> Result<Vec<u64>> {
        let about = maker.about();
        let named = self.classes.iter().map(|name| maker.class(name));
        let named = named.collect::<Result<Vec<u32>>>()?;
        let is_wanted = |class: u32| maker.check_class(class).is_ok() && (named.is_empty() || named.contains(&class));
        if named.is_empty() {
            let left_out = (0..)
                .zip(&about.classes)
                .filter(|&(class, _)| maker.check_class(class).is_err());
            let left_out: Vec<String> = left_out.map(|(_, name)| text(name, 60)).collect();
            if !left_out.is_empty() {
                tell(&format!(
                    "left out, since no rows can be made of them (most generators need two stored rows of a class): {}",
                    left_out.join(", ")
                ));
            }
        }
        let counts = (0..).zip(&about.counts);
        // A class of shapes needs no rows.
        let counts: Vec<u64> = counts
            .map(|(class, &rows)| if is_wanted(class) { rows.max(1) } else { 0 })
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
