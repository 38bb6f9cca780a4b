//! A program of your own whose recipes name a source and an operation that it brings: a source that draws discs, and an
//! operation that mirrors levels about the middle, as `RandomSolarize(128)` of torchvision does. Both stand in the recipe of a fine-tuning run, too, which goes on and is measured as one on files.

use futures::future::BoxFuture;
use millstream::arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch, StringArray};
use millstream::arrow::datatypes::UInt8Type;
use millstream::image::{Drawn, Image, Operation, Pixels, Subject};
use millstream::loader::LoaderSpec;
use millstream::source::{Memory, SourceSpec};
use millstream::spec::{Named, Spec, from_toml, read_toml};
use millstream::task::{Evaluate, Finetune, FinetuneSpec, Predict};
use millstream::{Context, DatasetExt, Result, Stable, registry::Registry, rng::Rng};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// `source = { discs = { rows = 200 } }`
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Discs {
    rows: u32,
}
impl Spec for Discs {
    const NAME: &'static str = "discs";
}
impl SourceSpec for Discs {
    fn open<'a>(&'a self, _: &'a Context) -> BoxFuture<'a, Result<Arc<dyn Stable>>> {
        Box::pin(async move {
            let pngs = (0..self.rows)
                .map(|row| disc(row).to_png())
                .collect::<Result<Vec<_>, _>>()?;
            let images: ArrayRef = Arc::new(BinaryArray::from_iter_values(pngs));
            let sizes = (0..self.rows).map(|row| if row % 100 < 50 { "small" } else { "large" });
            let labels: ArrayRef = Arc::new(StringArray::from_iter_values(sizes));
            let rows = RecordBatch::try_from_iter([("image", images), ("label", labels)])?;
            Ok(Arc::new(Memory::new(vec![rows])?) as Arc<dyn Stable>)
        })
    }
}

/// A grey disc on black, which is larger in later rows.
fn disc(row: u32) -> Pixels {
    let mut pixels = Pixels::new(32, 32);
    let inside = |at: usize| (at / 32).abs_diff(16).pow(2) + (at % 32).abs_diff(16).pow(2) < 64 + row as usize % 100;
    for (at, pixel) in pixels.levels.chunks_exact_mut(3).enumerate() {
        pixel.fill(if inside(at) { 200 } else { 0 });
    }
    pixels
}

/// `operations = [{ fold_levels = { p = 0.5 } }]`: inverts the levels from 128 on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct FoldLevels {
    p: f32,
}
impl Spec for FoldLevels {
    const NAME: &'static str = "fold_levels";
}
impl Operation for FoldLevels {
    fn draw(&self, _: &Subject, rng: &mut Rng) -> Drawn {
        match rng.chance(self.p) {
            true => Drawn::values(|pixels| pixels.map(&std::array::from_fn(|level| level.min(255 - level) as u8))),
            false => Drawn::Nothing,
        }
    }
}

/// What a recipe of this program says.
#[derive(Deserialize)]
struct Recipe {
    source: Named<dyn SourceSpec>,
    image: Image,
    loader: LoaderSpec,
}

const RECIPE: &str = r#"
source = { discs = { rows = 200 } }
image = { size = 32, as_u8 = true, operations = [{ fold_levels = { p = 0.5 } }] }
loader = { batch_size = 50, epochs = 1, seed = 7 }
"#;

const RUN: &str = r#"
data.train = { discs = { rows = 100 } }
augment = { views = 1, operations = [{ fold_levels = { p = 0.1 } }, { rotate = { degrees = 5 } }] }
model = { backbone = "tests/fixtures/backbones/resnet18", size = 32 } # of a few channels
train.epochs = 5
"#;

pub(crate) fn main() -> Result<()> {
    let (cx, registry) = (
        Context::new()?,
        Registry::new().source::<Discs>().operation::<FoldLevels>(),
    );
    let recipe: Recipe = registry.reading(|| from_toml(RECIPE))?;
    let rows = cx.block_on(recipe.source.open(&cx))?.image("image", recipe.image)?;
    let mut middles = Vec::new();
    for batch in rows.loader(&cx).with(&recipe.loader).blocking()? {
        for picture in batch?.rows()["image"].as_fixed_size_list().iter().flatten() {
            middles.push(picture.as_primitive::<UInt8Type>().value(16 * 32 + 16));
        }
    }
    let inverted = middles.iter().filter(|level| **level == 55).count(); // 255 - 200
    assert!(middles.len() == 200 && (70..130).contains(&inverted), "{inverted}");
    let (run, out): (FinetuneSpec, _) = (registry.reading(|| read_toml(RUN))?, tempfile::tempdir().unwrap());
    Finetune::new(run.clone(), out.path()).run(&cx, &mut |_| ())?;
    let again = registry.reading(|| Finetune::of_folder(out.path()))?; // what `--resume` does
    assert_eq!(again.spec.data.train, run.data.train);
    let predict = Predict {
        files: run.data.train,
        ..Predict::new(out.path(), [""; 0])
    };
    assert_eq!(Evaluate::new(predict).run(&cx, &mut |_, _| ())?.figures.rows(), 100);
    assert!(read_toml::<FinetuneSpec>(RUN).is_err()); // not known outside of `reading`
    Ok(())
}
