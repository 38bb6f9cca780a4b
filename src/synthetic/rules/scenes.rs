//! A simulator of photos with objects in them.

use super::canvas::Canvas;
use super::cutout::Cutout;
use crate::columns::{bytes_of, column_of_bytes};
use crate::dataset::{Dataset, Provenance, Stable};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::{Decoder, Pixels};
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::Labels;
use crate::spec::Spec;
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, GeneratorSpec, SampleId};
use arrow::array::{
    ArrayRef, BinaryArray, FixedSizeListArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef};
use futures::future::BoxFuture;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// How often a place is looked for where an object hides no more of others than it may.
const ATTEMPTS: usize = 30;

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
/// | `mask` | PNG of grey levels: 0 for the background, else the class and 1 |
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

/// The parameters of [`Scenes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScenesSpec {
    /// Column of pictures that objects are cut out of. Defaults to "image".
    pub column: String,
    /// Levels up to this one are background where they reach the picture's edge. Defaults to 20.
    pub threshold: u8,
    /// Width of a scene in pixels, `16..=4096`. Defaults to 160.
    pub width: u32,
    /// Height of a scene in pixels, `16..=4096`. Defaults to 120.
    pub height: u32,
    /// The most objects in a scene, `1..=255`: from one to so many, each number as often. Defaults to 5; there are fewer where no place
    /// is found.
    pub objects: u32,
    /// Size of an object, times that of its picture, above 0 and up to 64. Defaults to `0.8..=2.0`.
    #[serde(with = "crate::spec::range")]
    pub scale: RangeInclusive<f32>,
    /// Brightness of an object's colour, `0..=1`. Defaults to `0.4..=1.0`.
    #[serde(with = "crate::spec::range")]
    pub light: RangeInclusive<f32>,
    /// Deviation of the blur in pixels, `0..=16`. Defaults to `0.0..=0.8`.
    #[serde(with = "crate::spec::range")]
    pub blur: RangeInclusive<f32>,
    /// Deviation of the noise, a share of white, `0..=1`. Defaults to `0.0..=0.04`.
    #[serde(with = "crate::spec::range")]
    pub noise: RangeInclusive<f32>,
    /// The largest share of an object that others hide or that lies outside, `0..=0.9`. Defaults to 0.3.
    pub occlusion: f32,
}

impl Default for ScenesSpec {
    fn default() -> Self {
        Self {
            column: "image".to_owned(),
            threshold: 20,
            width: 160,
            height: 120,
            objects: 5,
            scale: 0.8..=2.0,
            light: 0.4..=1.0,
            blur: 0.0..=0.8,
            noise: 0.0..=0.04,
            occlusion: 0.3,
        }
    }
}

impl Spec for ScenesSpec {
    const NAME: &'static str = "scenes";

    fn check(&self) -> Result<()> {
        for (name, side) in [("width", self.width), ("height", self.height)] {
            if !(16..=4096).contains(&side) {
                return Err(Error::config(format!(
                    "{name} is {side}, but has to lie in 16..=4096 pixels"
                )));
            }
        }
        if !(1..=255).contains(&self.objects) {
            return Err(Error::config(format!(
                "objects is {}, but has to lie in 1..=255",
                self.objects
            )));
        }
        let within = |name: &str, range: &RangeInclusive<f32>, (low, high): (f32, f32)| match low <= *range.start()
            && range.start() <= range.end()
            && *range.end() <= high
        {
            true => Ok(()),
            false => Err(Error::config(format!(
                "{name} is {range:?}, but has to be a range within {low}..={high}"
            ))),
        };
        within("scale", &self.scale, (0.01, 64.0))?;
        within("light", &self.light, (0.0, 1.0))?;
        within("blur", &self.blur, (0.0, 16.0))?;
        within("noise", &self.noise, (0.0, 1.0))?;
        within("occlusion", &(self.occlusion..=self.occlusion), (0.0, 0.9))
    }
}

/// An object of a scene that is to be painted.
#[derive(Clone, Copy, Debug)]
struct Planned {
    class: u32,
    parent: u64,
    scale: f32,
    mirrored: bool,
    tint: [f32; 3],
}

/// An object as it is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    class: u32,
    bbox: [f32; 4],
    area: i64,
}

struct Scene {
    image: Vec<u8>,
    mask: Vec<u8>,
    objects: Vec<Seen>,
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

fn between(range: &RangeInclusive<f32>, rng: &mut Rng) -> f32 {
    range.start() + (range.end() - range.start()) * rng.unit()
}

/// Paints a scene.
fn draw(spec: &ScenesSpec, objects: &[(Planned, Cutout)], rng: &mut Rng) -> Result<Scene> {
    let mut canvas = Canvas::new(spec.width as usize, spec.height as usize, rng);
    // Of each object that was painted: its class, its pixels, and those of them that are seen.
    let mut painted: Vec<(u32, usize, usize)> = Vec::new();
    for (planned, cutout) in objects {
        let cutout = cutout.scaled(planned.scale, planned.mirrored);
        let Some(at) = place(spec, &canvas, &cutout, &painted, rng) else {
            continue;
        };
        let all = (0..cutout.alpha.len()).filter(|&at| cutout.covers(at)).count();
        let places = canvas.places(&cutout, at);
        let seen = places.iter().filter(|(from, _)| cutout.covers(*from));
        for (_, to) in seen.clone() {
            if let Some(under) = usize::from(canvas.shows[*to]).checked_sub(1) {
                painted[under].2 -= 1;
            }
        }
        painted.push((planned.class, all, seen.count()));
        canvas.paint(&cutout, at, planned.tint, painted.len() as u16);
    }
    canvas.blur(between(&spec.blur, rng));
    let pixels = canvas.finish(between(&spec.noise, rng), rng);
    let mut mask = Pixels::new(spec.width, spec.height);
    for (levels, shows) in mask.levels.chunks_exact_mut(3).zip(&canvas.shows) {
        let class = usize::from(*shows).checked_sub(1).map(|at| painted[at].0 as u8 + 1);
        levels.fill(class.unwrap_or(0));
    }
    Ok(Scene {
        image: pixels.to_png()?,
        mask: mask.to_png()?,
        objects: (1..)
            .zip(&painted)
            .filter_map(|(number, object)| seen(&canvas, number, object.0))
            .collect(),
    })
}

/// A place for an object where it hides no more of any other than it may, and lies inside for as much; none if none is found.
fn place(
    spec: &ScenesSpec,
    canvas: &Canvas,
    cutout: &Cutout,
    painted: &[(u32, usize, usize)],
    rng: &mut Rng,
) -> Option<(isize, isize)> {
    let least = |all: usize| (1.0 - spec.occlusion) * all as f32;
    let all = (0..cutout.alpha.len()).filter(|&at| cutout.covers(at)).count();
    // As far outside as would hide the allowed share of a full rectangle.
    let range = |length: usize, of: usize| {
        let over = (length as f32 * spec.occlusion) as isize;
        (-over, of as isize - length as isize + over)
    };
    let (across, down) = (range(cutout.width, canvas.width), range(cutout.height, canvas.height));
    let mut pick = |(low, high): (isize, isize)| {
        let draw = rng.below(high.abs_diff(low) as u64 + 1) as isize;
        low.min(high) + draw
    };
    (0..ATTEMPTS).find_map(|_| {
        let at = (pick(across), pick(down));
        let mut hidden = vec![0; painted.len()];
        let mut inside = 0;
        for (from, to) in canvas.places(cutout, at) {
            if cutout.covers(from) {
                inside += 1;
                if let Some(under) = usize::from(canvas.shows[to]).checked_sub(1) {
                    hidden[under] += 1;
                }
            }
        }
        let shown = |(&(_, all, seen), hidden): (&(u32, usize, usize), &usize)| (seen - hidden) as f32 >= least(all);
        (inside > 0 && inside as f32 >= least(all) && painted.iter().zip(&hidden).all(shown)).then_some(at)
    })
}

/// The box around what is seen of an object.
fn seen(canvas: &Canvas, number: u16, class: u32) -> Option<Seen> {
    let at = |at: usize| (at % canvas.width, at / canvas.width);
    let pixels = || {
        (0..canvas.shows.len())
            .filter(|&pixel| canvas.shows[pixel] == number)
            .map(at)
    };
    let (left, right) = (pixels().map(|p| p.0).min()?, pixels().map(|p| p.0).max()?);
    let (top, bottom) = (pixels().map(|p| p.1).min()?, pixels().map(|p| p.1).max()?);
    Some(Seen {
        class,
        bbox: [left, top, right + 1 - left, bottom + 1 - top].map(|side| side as f32),
        area: pixels().count() as i64,
    })
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
            self.batch(&scenes.await?, samples)
        })
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let (plan, _) = self.plan(cx, sample);
        let parents: Vec<u64> = plan.iter().map(|planned| planned.parent).collect();
        self.parents.provenance(cx, sample, &parents, Self::NAME)
    }
}

impl Scenes {
    fn batch(&self, scenes: &[Scene], samples: &[SampleId]) -> Result<RecordBatch> {
        let pictures: ArrayRef = Arc::new(BinaryArray::from_iter_values(scenes.iter().map(|scene| &scene.image)));
        let paths: ArrayRef = Arc::new(StringArray::new_null(scenes.len()));
        let offsets = OffsetBuffer::from_lengths(scenes.iter().map(|scene| scene.objects.len()));
        let seen: Vec<Seen> = scenes.iter().flat_map(|scene| scene.objects.iter().copied()).collect();
        let boxes = Float32Array::from_iter_values(seen.iter().flat_map(|seen| seen.bbox));
        let boxes = FixedSizeListArray::try_new(item(DataType::Float32), 4, Arc::new(boxes), None)?;
        let values: [ArrayRef; 3] = [
            Arc::new(boxes),
            Arc::new(Int64Array::from_iter_values(
                seen.iter().map(|seen| i64::from(seen.class)),
            )),
            Arc::new(Int64Array::from_iter_values(seen.iter().map(|seen| seen.area))),
        ];
        let list = |values: ArrayRef| {
            let list = ListArray::try_new(item(values.data_type().clone()), offsets.clone(), values, None)?;
            Ok(Arc::new(list) as ArrayRef)
        };
        let objects = values.into_iter().map(list).collect::<Result<Vec<_>>>()?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StructArray::try_new(image_fields(), vec![pictures, paths], None)?),
            Arc::new(BinaryArray::from_iter_values(scenes.iter().map(|scene| &scene.mask))),
            Arc::new(StructArray::try_new(objects_fields(), objects, None)?),
            Arc::new(Int64Array::from_iter_values(
                samples.iter().map(|sample| i64::from(sample.class)),
            )),
        ];
        Ok(RecordBatch::try_new(self.schema(), columns)?)
    }
}

fn item(of: DataType) -> Arc<Field> {
    Arc::new(Field::new(Field::LIST_FIELD_DEFAULT_NAME, of, true))
}

fn image_fields() -> Fields {
    Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ])
}

fn objects_fields() -> Fields {
    let list = |of: DataType| DataType::List(item(of));
    Fields::from(vec![
        Field::new("bbox", list(DataType::FixedSizeList(item(DataType::Float32), 4)), true),
        Field::new("category", list(DataType::Int64), true),
        Field::new("area", list(DataType::Int64), true),
    ])
}

/// The columns, and what Hugging Face's `datasets` calls them.
fn schema(names: &[String]) -> SchemaRef {
    let value = |dtype: &str| json!({"dtype": dtype, "_type": "Value"});
    let label = json!({"names": names, "_type": "ClassLabel"});
    let features = json!({
        "image": {"_type": "Image"},
        "mask": value("binary"),
        "objects": {"_type": "Sequence", "length": -1, "feature": {
            "bbox": {"_type": "Sequence", "length": 4, "feature": value("float32")},
            "category": label,
            "area": value("int64"),
        }},
        "label": label,
    });
    let metadata = HashMap::from([(
        "huggingface".to_owned(),
        json!({"info": {"features": features}}).to_string(),
    )]);
    let fields = vec![
        Field::new("image", DataType::Struct(image_fields()), true),
        Field::new("mask", DataType::Binary, true),
        Field::new("objects", DataType::Struct(objects_fields()), true),
        Field::new("label", DataType::Int64, true),
    ];
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

impl GeneratorSpec for ScenesSpec {
    fn fit<'a>(
        &'a self,
        _: &'a Context,
        rows: Arc<dyn Stable>,
        labels: &'a Arc<Labels>,
    ) -> BoxFuture<'a, Result<Arc<dyn Generator>>> {
        Box::pin(async move {
            let scenes = Scenes::new(rows, labels, self.clone())?;
            Ok(Arc::new(scenes) as Arc<dyn Generator>)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Pixels;
    use crate::rows::Labels;
    use crate::source::Memory;
    use arrow::array::{AsArray, StringArray};
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
            "width is 8, but has to lie in 16..=4096 pixels"
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
