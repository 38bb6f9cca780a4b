//! An image operation of your own: torchvision's `RandomSolarize(128)`, which inverts the levels from 128 on.

use millstream::arrow::array::AsArray;
use millstream::arrow::compute::max;
use millstream::arrow::datatypes::UInt8Type;
use millstream::image::{Drawn, Image, Operation, Subject};
use millstream::{Context, DatasetExt, Result, rng::Rng, source::Parquet, spec::Spec};
use serde::{Deserialize, Serialize};

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

pub(crate) fn main() -> Result<()> {
    let cx = Context::new()?;
    let rows = cx.block_on(Parquet::open(&cx, "examples/data/fashion-mnist-test.parquet"))?;
    let rows = rows.image("image", Image::new(28).as_u8().with(Solarize { p: 0.5 }))?;
    for batch in rows.loader(&cx).batch_size(1000).epochs(1).blocking()? {
        let pictures = batch?.rows()["image"].as_fixed_size_list().clone();
        let dark = |picture: &_| max(AsArray::as_primitive::<UInt8Type>(picture)) < Some(128);
        assert!((430..570).contains(&pictures.iter().flatten().filter(dark).count())); // half of all
    }
    Ok(())
}
