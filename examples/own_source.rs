//! A source of your own that never ends: numbers that seed and position alone decide.

use millstream::arrow::array::{AsArray, Float32Array, RecordBatch, make_array};
use millstream::arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef};
use millstream::dataset::{Blocks, Len, Provenance};
use millstream::{Context, Dataset, DatasetExt, Prepared, Result, plan::Plan, rng::Rng};

#[derive(Debug)]
struct Normal;
impl Dataset for Normal {
    fn schema(&self) -> SchemaRef {
        Schema::new(vec![Field::new("x", DataType::Float32, false)]).into()
    }
    fn len(&self) -> Len {
        Len::Endless
    }
    fn blocks(&self) -> Blocks {
        [].into()
    }
    fn describe(&self) -> Plan {
        Plan::new("normal").random()
    }
    fn prepare(&self, cx: &Context, positions: &[u64]) -> Prepared {
        let draw = |&position: &u64| Rng::new(cx.seed(), "normal", position).normal();
        let x = make_array(Float32Array::from_iter_values(positions.iter().map(draw)).into());
        Prepared::new(async move { Ok(RecordBatch::try_from_iter([("x", x)])?) })
    }
    fn provenance(&self, _: &Context, _: u64) -> Provenance {
        Provenance::default()
    }
}

pub(crate) fn main() -> Result<()> {
    for batch in Normal.loader(&Context::new()?).batch_size(10_000).blocking()?.take(3) {
        let sum: f32 = batch?.rows()["x"].as_primitive::<Float32Type>().values().iter().sum();
        assert!(sum.abs() < 500.0); // within five deviations of 0
    }
    Ok(())
}
