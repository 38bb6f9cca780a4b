//! An image operation of your own: levels from 128 on are mirrored about the middle, as `RandomSolarize(128)` of torchvision does.

use millstream::arrow::array::AsArray;
use millstream::arrow::compute::max;
use millstream::arrow::datatypes::UInt8Type;
use millstream::image::{Drawn, Image, Operation, Subject};
use millstream::{Context, DatasetExt, Result, rng::Rng, source::Parquet, spec::Spec};
use serde::{Deserialize, Serialize};

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

pub(crate) fn main() -> Result<()> {
    let cx = Context::new()?;
    let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-test.parquet"))?;
    let rows = rows.image("image", Image::new(28).as_u8().with(FoldLevels { p: 0.5 }))?;
    for batch in rows.loader(&cx).batch_size(1000).epochs(1).blocking()? {
        let pictures = batch?.rows()["image"].as_fixed_size_list().clone();
        let dark = |picture: &_| max(AsArray::as_primitive::<UInt8Type>(picture)) < Some(128);
        assert!((430..570).contains(&pictures.iter().flatten().filter(dark).count())); // half of all
    }
    Ok(())
}
