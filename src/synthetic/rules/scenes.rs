//! A simulator of photos with objects in them.

use super::cutout::Cutout;
use super::scene::{Planned, between, draw};
use super::scene_columns::{batch, schema};
use super::scenes_spec::ScenesSpec;
use crate::columns::{bytes_of, column_of_bytes};
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Decoder;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use rayon::prelude::*;
use std::sync::Arc;

/// Scenes of objects on procedural backgrounds, whose boxes and masks are exact: a detection dataset by rule.
///
/// Objects are cut out of stored pictures with a dark background ([`ScenesSpec::column`]). A scene of class `c` has one of that class and
/// others of classes that have at least as many rows, so `c` is the rarest one in it. They are scaled, mirrored, lit and tinted, may hide
/// each other in part, and the whole is blurred and gets noise.
///
/// Rows have columns of their own, in the layout of Hugging Face's detection datasets:
///
/// | column | what |
/// |---|---|
/// | `image` | struct of `bytes` (PNG) and `path` (null) |
/// | `mask` | PNG of grey levels: 0 for the background, else the class and 1; their names are those of the field |
/// | `objects` | struct of the lists `bbox` (`[x, y, width, height]` of what is seen, in pixels), `category` and `area` (pixels that are seen) |
/// | `label` | the class that was asked for, Int64 |
#[derive(Debug)]
pub struct Scenes {
    parents: Parents,
    /// Classes with at least as many rows, by class.
    companions: Vec<Vec<u32>>,
    at: usize,
    spec: ScenesSpec,
    schema: SchemaRef,
}

impl Scenes {
    const NAME: &str = ScenesSpec::NAME;

    /// Makes scenes of the objects in `rows`, training rows alone.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds no bytes; `Config` for parameters out of range, and for more than 255 classes.
    pub fn new(rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: ScenesSpec) -> Result<Self> {
        spec.check()?;
        if labels.names().len() > 255 {
            return Err(Error::config(format!(
                "{} classes, but a mask's levels tell 255 apart",
                labels.names().len()
            )));
        }
        let at = column_of_bytes(&rows.schema(), &spec.column)?;
        let counts = labels.counts();
        let as_frequent = |&class: &u64| {
            let others = counts
                .iter()
                .zip(0..)
                .filter(|(count, _)| **count >= class && **count > 0);
            others.map(|(_, other)| other).collect()
        };
        let companions = counts.iter().map(as_frequent).collect();
        Ok(Self {
            parents: Parents::new(rows, labels)?,
            companions,
            at,
            spec,
            schema: schema(labels.names()),
        })
    }

    /// The columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The objects of a scene, and the stream that continues with their places.
    fn plan(&self, cx: &Context, sample: SampleId) -> (Vec<Planned>, Rng) {
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[u64::from(sample.class), sample.index]));
        let (spec, companions) = (&self.spec, &self.companions[sample.class as usize]);
        let count = 1 + rng.below(u64::from(spec.objects));
        let planned = (0..count).map(|nth| {
            let class = match nth {
                0 => sample.class,
                _ => companions[rng.below(companions.len() as u64) as usize],
            };
            let pool = self.parents.of(class);
            let parent = pool[rng.below(pool.len() as u64) as usize];
            let scale = between(&spec.scale, &mut rng);
            let mirrored = rng.chance(0.5);
            let light = between(&spec.light, &mut rng);
            let tint = std::array::from_fn(|_| light * rng.range(0.5, 1.0));
            Planned {
                class,
                parent,
                scale,
                mirrored,
                tint,
            }
        });
        (planned.collect(), rng)
    }
}

impl Generator for Scenes {
    fn describe(&self) -> Plan {
        Plan::of(&self.spec)
            .random()
            .param("decoders", Decoder::default().fingerprint())
            .input(self.parents.base.describe())
    }

    fn supports(&self, class: u32) -> bool {
        !self.parents.of(class).is_empty()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let (plans, rngs): (Vec<_>, Vec<_>) = samples.iter().map(|&sample| self.plan(cx, sample)).unzip();
            let rows: Vec<u64> = plans.iter().flatten().map(|planned: &Planned| planned.parent).collect();
            let stored = self.parents.base.take(cx, &rows).await?;
            let (column, spec) = (Arc::clone(stored.column(self.at)), self.spec.clone());
            let label = format!("{} \"{}\"", Self::NAME, spec.column);
            let firsts: Vec<usize> = plans
                .iter()
                .scan(0, |next, plan| {
                    *next += plan.len();
                    Some(*next - plan.len())
                })
                .collect();
            let scenes = cx.compute(move || {
                let one = |(sample, ((plan, mut rng), first)): (usize, ((Vec<Planned>, Rng), usize))| {
                    let cut = |(nth, planned): (usize, &Planned)| {
                        let bytes = bytes_of(&column, first + nth).ok_or_else(|| Error::data("a parent is null"))?;
                        Ok((*planned, Cutout::of(bytes, spec.threshold)?))
                    };
                    let objects = plan.iter().enumerate().map(cut).collect::<Result<Vec<_>>>();
                    let scene = objects.and_then(|objects| draw(&spec, &objects, &mut rng));
                    scene.map_err(|error| error.context(&label).at(sample))
                };
                let all = plans.into_par_iter().zip(rngs).zip(firsts);
                all.enumerate().map(one).collect::<Result<Vec<_>>>()
            });
            batch(&self.schema, &scenes.await?, samples)
        })
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let (plan, _) = self.plan(cx, sample);
        let parents: Vec<u64> = plan.iter().map(|planned| planned.parent).collect();
        self.parents.provenance(cx, sample, &parents, Self::NAME)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Seen;
    use super::*;
    use crate::image::Pixels;
    use crate::rows::Labels;
    use crate::source::Memory;
    use arrow::array::{ArrayRef, AsArray, BinaryArray, StringArray};
    use arrow::datatypes::{Float32Type, Int64Type};

    /// Squares of 10 pixels, `counts[c]` of class `c`.
    fn scenes(cx: &Context, counts: &[usize], spec: ScenesSpec) -> Scenes {
        let mut picture = Pixels::new(16, 16);
        for (at, pixel) in picture.levels.chunks_exact_mut(3).enumerate() {
            if (3..13).contains(&(at % 16)) && (3..13).contains(&(at / 16)) {
                pixel.fill(200);
            }
        }
        let png = picture.to_png().unwrap();
        let names: Vec<String> = counts
            .iter()
            .zip(0..)
            .flat_map(|(&n, c)| vec![format!("class {c}"); n])
            .collect();
        let columns: [(&str, ArrayRef); 2] = [
            (
                "image",
                Arc::new(BinaryArray::from_iter_values(names.iter().map(|_| &png))),
            ),
            ("label", Arc::new(StringArray::from(names))),
        ];
        let rows: Arc<dyn Stable> = Arc::new(Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap());
        let labels = cx.block_on(Labels::scan(cx, &rows, "label")).unwrap();
        Scenes::new(rows, &Arc::new(labels), spec).unwrap()
    }

    fn one(cx: &Context, scenes: &Scenes, class: u32, index: u64) -> (Pixels, Vec<Seen>) {
        let batch = cx.block_on(scenes.generate(cx, &[SampleId { class, index }])).unwrap();
        let mask = Pixels::decode(batch["mask"].as_binary::<i32>().value(0)).unwrap();
        let objects = batch["objects"].as_struct();
        let lists = |name: &str| objects.column_by_name(name).unwrap().as_list::<i32>().value(0);
        let boxes = lists("bbox")
            .as_fixed_size_list()
            .values()
            .as_primitive::<Float32Type>()
            .clone();
        let classes = lists("category").as_primitive::<Int64Type>().clone();
        let areas = lists("area").as_primitive::<Int64Type>().clone();
        let seen = (0..classes.len()).map(|at| Seen {
            class: classes.value(at) as u32,
            bbox: std::array::from_fn(|side| boxes.value(at * 4 + side)),
            area: areas.value(at),
        });
        (mask, seen.collect())
    }

    #[test]
    fn boxes_and_areas_are_those_of_the_mask() {
        let cx = Context::with(1, 1 << 26).unwrap();
        let lone = scenes(
            &cx,
            &[5, 5],
            ScenesSpec {
                objects: 1,
                ..ScenesSpec::default()
            },
        );
        for index in 0..40 {
            let (mask, seen) = one(&cx, &lone, 1, index);
            let shown: Vec<usize> = (0..160 * 120).filter(|at| mask.levels[at * 3] == 2).collect();
            let (xs, ys) = (shown.iter().map(|at| at % 160), shown.iter().map(|at| at / 160));
            let (left, top) = (xs.clone().min().unwrap(), ys.clone().min().unwrap());
            let (right, bottom) = (xs.max().unwrap() + 1, ys.max().unwrap() + 1);
            let bbox = [left, top, right - left, bottom - top].map(|side| side as f32);
            assert_eq!(
                seen,
                [Seen {
                    class: 1,
                    bbox,
                    area: shown.len() as i64
                }]
            );
            // A square of ten pixels, .8 to 2 times as large, of which .7 at least is seen.
            assert!(
                (0.7 * 64.0 - 8.0..=441.0).contains(&(shown.len() as f32)),
                "{}",
                shown.len()
            );
        }
    }

    #[test]
    fn others_are_as_frequent_and_no_object_is_hidden_by_more_than_is_allowed() {
        let cx = Context::with(1, 1 << 26).unwrap();
        let fixed = ScenesSpec {
            objects: 12,
            scale: 2.0..=2.0,
            occlusion: 0.2,
            ..ScenesSpec::default()
        };
        let many = scenes(&cx, &[30, 3, 10], fixed);
        let mut found = [0; 3];
        for index in 0..60 {
            let (_, seen) = one(&cx, &many, 2, index);
            assert_eq!(seen[0].class, 2);
            // 20 x 20 pixels, more or less one at each edge.
            assert!(seen.iter().all(|seen| seen.area >= 280), "{seen:?}");
            seen.iter().for_each(|seen| found[seen.class as usize] += 1);
        }
        assert!(found[0] > 60 && found[1] == 0 && found[2] > 60, "{found:?}");
    }

    #[test]
    fn wrong_parameters_are_named() {
        let wrong = |spec: ScenesSpec| Spec::check(&spec).unwrap_err().to_string();
        let base = ScenesSpec::default;
        assert_eq!(
            wrong(ScenesSpec { width: 8, ..base() }),
            "width is 8, but has to lie in 16..=4096"
        );
        assert_eq!(
            wrong(ScenesSpec { objects: 0, ..base() }),
            "objects is 0, but has to lie in 1..=255"
        );
        assert_eq!(
            wrong(ScenesSpec {
                light: 0.5..=1.5,
                ..base()
            }),
            "light is 0.5..=1.5, but has to be a range within 0..=1"
        );
    }
}
