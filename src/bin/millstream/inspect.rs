use crate::columns::Columns;
use crate::data::{TrainingData, split};
use crate::leaks::Leaks;
use crate::machine::Machine;
use crate::output::{print, print_json};
use crate::reading::Reading;
use crate::recipe::Recipe;
use crate::settings::set_files;
use crate::text::Text;
use crate::values::{boxes, boxes_of, with_boxes};
use clap::Args;
use millstream::rows::BoxFormat;
use millstream::source::Split;
use millstream::task::FinetuneSpec;
use millstream::{Error, Result, inspect};

/// Show files, columns, class counts, what is wrong with labels and pictures, and what balancing would cost; or, with --leaks, which rows
/// are on both sides of a split.
#[derive(Args)]
pub(crate) struct Inspect {
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    reading: Reading,
    /// What the four numbers of a box mean: xyxy, xywh, cxcywh, or one of these with _normalized; xywh, as COCO has it, if left out
    #[arg(long, value_name = "FORMAT", value_parser = boxes)]
    boxes: Option<BoxFormat>,
    /// Decode every picture, and not only some
    #[arg(long)]
    full: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    data: TrainingData,
    /// The split of a folder with several; all of them together if left out
    #[arg(long, value_name = "NAME", value_parser = split)]
    split: Option<Split>,
    #[command(flatten)]
    leaks: Leaks,
    #[command(flatten)]
    machine: Machine,
}

impl Inspect {
    pub(crate) fn run(mut self) -> Result<()> {
        let mut spec = self.recipe.read_or(FinetuneSpec::default())?;
        let data = &mut spec.data;
        if self.leaks.is_asked() {
            let held_out = [self.data.take_held_out()?, self.leaks.valid().to_vec()].concat();
            set_files(&mut data.valid, held_out);
        }
        self.data.apply(&mut data.train);
        self.columns.apply(data);
        if let Some(format) = self.boxes {
            spec.task = Some(with_boxes(spec.task.take(), format)?);
        }
        data.reading = self.reading.or(data.reading);
        self.machine.apply(&mut spec.machine);
        if self.recipe.printed(&spec)? {
            return Ok(());
        }
        self.recipe.check_named(&spec.data.train, "data.train")?;
        // Beside it data.label of the recipe names what no file has.
        if spec.data.label_by.is_some() && !self.columns.has_label() {
            return Err(Error::config(
                "data.label_by: the classes are worked out of other columns, and inspect looks at what is stored: name a stored column of labels (--label)",
            ));
        }
        let cx = spec.machine.context()?;
        if self.leaks.is_asked() {
            return self.leaks.run(&cx, spec, self.json);
        }
        let inspect = inspect::Inspect {
            files: spec.data.train.into_files("inspect")?,
            image: spec.data.image,
            label: spec.data.label,
            split: self.split,
            full: self.full,
            reading: spec.data.reading,
            boxes: boxes_of(spec.task.as_ref()),
        };
        let found = cx.block_on(inspect.run(&cx))?;
        if found.files.is_empty() {
            // There is nothing to show but the reason.
            return found.check();
        }
        match self.json {
            true => print_json(&found)?,
            false => print(Text(&found).to_string().trim_end())?,
        }
        found.check()
    }
}
