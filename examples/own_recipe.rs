//! A program of your own whose recipes name a source and an operation that it brings: a source that draws discs, and torchvision's
//! `RandomSolarize(128)`. The same operation stands in the recipe of a fine-tuning run.

use futures::future::BoxFuture;
use millstream::arrow::array::{ArrayRef, AsArray, BinaryArray, RecordBatch};
use millstream::arrow::datatypes::UInt8Type;
use millstream::image::{Drawn, Image, Operation, Pixels, Subject};
use millstream::loader::LoaderSpec;
use millstream::source::{Memory, SourceSpec};
use millstream::spec::{Named, Spec, from_toml, read_toml};
use millstream::{Context, DatasetExt, Result, Stable, registry::Registry, rng::Rng, task::FinetuneSpec};
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
            let column: ArrayRef = Arc::new(BinaryArray::from_iter_values(pngs));
            let rows = RecordBatch::try_from_iter([("image", column)])?;
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

/// `operations = [{ solarize = { p = 0.5 } }]`: inverts the levels from 128 on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Solarize {
    p: f32,
}
impl Spec for Solarize {
    const NAME: &'static str = "solarize";
}
impl Operation for Solarize {
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
image = { size = 32, as_u8 = true, operations = [{ solarize = { p = 0.5 } }] }
loader = { batch_size = 50, epochs = 1, seed = 7 }
"#;

pub(crate) fn main() -> Result<()> {
    let (cx, registry) = (
        Context::new()?,
        Registry::new().source::<Discs>().operation::<Solarize>(),
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
    let run = "[augment]\noperations = [{ solarize = { p = 0.1 } }, { rotate = { degrees = 5 } }]";
    let run: FinetuneSpec = registry.reading(|| read_toml(run))?;
    assert_eq!(run.augment.operations[0].name(), "solarize");
    assert!(read_toml::<FinetuneSpec>("augment.operations = [\"solarize\"]").is_err()); // not known outside of `reading`
    Ok(())
}
