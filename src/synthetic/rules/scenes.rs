//! A simulator of photos with objects in them.

use super::cutout::Cutout;
use super::scene::{Behind, Planned, What, between, draw};
use super::scene_columns::{batch, schema};
use super::scenes_spec::ScenesSpec;
use super::shape::SceneShape;
use crate::columns::{bytes_of, column_of_bytes};
use crate::dataset::{Dataset, Provenance, Stable, StoredRows};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::image::Decoder;
use crate::plan::Plan;
use crate::rng::{Rng, stream};
use crate::rows::{Labels, stored_rows};
use crate::spec::{Spec, nearest};
use crate::synthetic::parents::Parents;
use crate::synthetic::{Generator, SampleId, costs};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use futures::future::BoxFuture;
use rayon::prelude::*;
use std::sync::Arc;

/// Scenes of objects on procedural backgrounds, whose boxes and masks are exact: a detection dataset by rule.
///
/// Objects are cut out of stored pictures with a dark background ([`ScenesSpec::column`]). A scene of class `c` has one of that class and
/// others of classes that have at least as many rows, so `c` is the rarest one in it. The object of class `c` is always seen: it is painted first, made
/// smaller where it is larger than the scene, and others hide no more of it than [`ScenesSpec::occlusion`]; a row of which no pixel can be an object is an error (`Data`). They are scaled, mirrored, lit and tinted, may hide
/// each other in part, and the whole is blurred and gets noise. Where the spec says so, objects are cut out by masks or are
/// [shapes](ScenesSpec::shapes), backgrounds are of other kinds or [given pictures](ScenesSpec::pictures), light comes from one side, objects throw shadows, and what
/// is of no class hides parts of them.
///
/// Rows have columns of their own, in the layout of Hugging Face's detection datasets:
///
/// | column | what |
/// |---|---|
/// | `image` | struct of `bytes` (PNG) and `path` (null) |
/// | `mask` | PNG of grey levels: 0 for the background, else the class and 1; their names are those of the field |
/// | `objects` | struct of the lists `bbox` (`[x, y, width, height]` of what is seen, in pixels), `category`, `area` (pixels that are seen), and, where there are any, `keypoints` (each `[x, y, v]`: `v` is 2 where it is seen, 1 where it is hidden, and all are 0 outside) |
/// | `label` | the class that was asked for, Int64 |
#[derive(Debug)]
pub struct Scenes {
    parents: Parents,
    /// Classes with at least as many rows, by class.
    companions: Vec<Vec<u32>>,
    at: usize,
    /// The column of masks.
    mask: Option<usize>,
    /// The shape of each class that has one.
    shapes: Vec<Option<SceneShape>>,
    /// Pictures that are backgrounds, and their column.
    pictures: Option<(Arc<dyn Stable>, usize)>,
    /// Where these are stored.
    given: StoredRows,
    spec: ScenesSpec,
    schema: SchemaRef,
}

/// What is drawn of a scene before any row is read.
struct Sketch {
    objects: Vec<Planned>,
    behind: Behind,
    /// Continues with places, blur and noise.
    rng: Rng,
    /// Continues with all that a spec may have besides.
    extra: Rng,
}

impl Scenes {
    const NAME: &str = ScenesSpec::NAME;

    /// Makes scenes of the objects in `rows`, training rows alone.
    ///
    /// # Errors
    ///
    /// `Schema` where the column is missing or holds no bytes; `Config` for parameters out of range, for more than 255 classes, for a shape of a
    /// class that there is not, and for [pictures](ScenesSpec::pictures) as backgrounds, which are opened by [`open`](Self::open).
    pub fn new(rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: ScenesSpec) -> Result<Self> {
        match spec.pictures {
            Some(_) => Err(Error::config("pictures: these are opened: use `Scenes::open`")),
            None => Self::build(rows, labels, spec, None),
        }
    }

    /// As [`new`](Self::new), with the pictures that are backgrounds opened.
    ///
    /// # Errors
    ///
    /// As those of `new`, and of opening the pictures.
    pub async fn open(cx: &Context, rows: Arc<dyn Stable>, labels: &Arc<Labels>, spec: ScenesSpec) -> Result<Self> {
        let pictures = match &spec.pictures {
            None => None,
            Some(pictures) => {
                let place = |error: Error| error.context("pictures");
                let opened = pictures.source.open(cx).await.map_err(place)?;
                let at = column_of_bytes(&opened.schema(), &pictures.column).map_err(place)?;
                Some((opened, at))
            }
        };
        let given = pictures.as_ref().map(|(pictures, _)| stored_rows(cx, &**pictures));
        Ok(Self {
            given: given.unwrap_or_default(),
            ..Self::build(rows, labels, spec, pictures)?
        })
    }

    fn build(
        rows: Arc<dyn Stable>,
        labels: &Arc<Labels>,
        spec: ScenesSpec,
        pictures: Option<(Arc<dyn Stable>, usize)>,
    ) -> Result<Self> {
        spec.check()?;
        if labels.names().len() > 255 {
            return Err(Error::config(format!(
                "{} classes, but a mask's levels tell 255 apart",
                labels.names().len()
            )));
        }
        if let Some(class) = spec.shapes.keys().find(|class| !labels.names().contains(class)) {
            let near = nearest(class, labels.names().iter().map(String::as_str));
            let near = near.map_or_else(String::new, |near| format!(": do you mean {near:?}?"));
            return Err(Error::config(format!("shapes: there is no class {class:?}{near}")));
        }
        let shapes: Vec<_> = labels
            .names()
            .iter()
            .map(|class| spec.shapes.get(class).cloned())
            .collect();
        let at = column_of_bytes(&rows.schema(), &spec.column)?;
        let mask = spec
            .mask
            .as_ref()
            .map(|mask| column_of_bytes(&rows.schema(), mask))
            .transpose()?;
        let counts = labels.counts();
        let as_frequent = |&class: &u64| {
            let others = counts
                .iter()
                .zip(0_u32..)
                .filter(|(count, other)| **count >= class && (**count > 0 || shapes[*other as usize].is_some()));
            others.map(|(_, other)| other).collect()
        };
        let companions = counts.iter().map(as_frequent).collect();
        Ok(Self {
            parents: Parents::new(rows, labels)?,
            companions,
            at,
            mask,
            shapes,
            pictures,
            given: StoredRows::default(),
            schema: schema(labels.names(), spec.keypoints),
            spec,
        })
    }

    /// The columns of the rows.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn sketch(&self, cx: &Context, sample: SampleId) -> Sketch {
        let class = u64::from(sample.class);
        let mut rng = Rng::new(cx.seed(), Self::NAME, stream(&[class, sample.index]));
        let mut extra = Rng::new(cx.seed(), Self::NAME, stream(&[class, sample.index, 1]));
        let (spec, companions) = (&self.spec, &self.companions[sample.class as usize]);
        let count = 1 + rng.below(u64::from(spec.objects));
        let planned = (0..count).map(|nth| {
            let class = match nth {
                0 => sample.class,
                _ => companions[rng.below(companions.len() as u64) as usize],
            };
            let pool = self.parents.of(class);
            let row = rng.below(pool.len() as u64) as usize;
            let what = match &self.shapes[class as usize] {
                Some(shape) => What::Shape(shape.draw(&mut extra), between(&spec.shape_size, &mut extra)),
                None => What::Parent(pool[row]),
            };
            let scale = between(&spec.scale, &mut rng);
            let mirrored = rng.chance(0.5);
            let light = between(&spec.light, &mut rng);
            let tint = std::array::from_fn(|_| light * rng.range(0.5, 1.0));
            Planned {
                class,
                what,
                scale,
                mirrored,
                turned: between(&spec.rotate, &mut extra),
                light,
                tint,
            }
        });
        let objects = planned.collect();
        let behind = self.behind(&mut extra);
        Sketch {
            objects,
            behind,
            rng,
            extra,
        }
    }

    fn behind(&self, extra: &mut Rng) -> Behind {
        let kinds = &self.spec.backgrounds;
        let drawn = extra.below(kinds.len() as u64 + u64::from(self.pictures.is_some())) as usize;
        match (kinds.get(drawn), &self.pictures) {
            (Some(&kind), _) => Behind::Made(kind),
            (None, Some((pictures, _))) => {
                let rows = pictures.len().finite().unwrap_or(1) / pictures.views();
                Behind::Picture(extra.below(rows))
            }
            (None, None) => Behind::Usual,
        }
    }

    /// The encoded backgrounds of the scenes that have a given one, and for each scene which of them.
    async fn backgrounds(&self, cx: &Context, sketches: &[Sketch]) -> Result<(Option<ArrayRef>, Vec<Option<usize>>)> {
        let (mut rows, mut of, mut scenes) = (Vec::new(), Vec::new(), Vec::new());
        for (scene, sketch) in sketches.iter().enumerate() {
            of.push(match sketch.behind {
                Behind::Picture(row) => {
                    rows.push(row);
                    scenes.push(scene);
                    Some(rows.len() - 1)
                }
                _ => None,
            });
        }
        match &self.pictures {
            Some((pictures, at)) if !rows.is_empty() => {
                let placed = |error: Error| error.context("a background").moved(|row| scenes.get(row).copied());
                let taken = pictures.take(cx, &rows).await.map_err(placed)?;
                Ok((Some(Arc::clone(taken.column(*at))), of))
            }
            _ => Ok((None, of)),
        }
    }

    /// The rows that objects are cut out of, of all sketches.
    fn cut_out(sketches: &[Sketch]) -> Vec<u64> {
        let objects = sketches.iter().flat_map(|sketch| &sketch.objects);
        let parent = |planned: &Planned| match planned.what {
            What::Parent(row) => Some(row),
            What::Shape(..) => None,
        };
        objects.filter_map(parent).collect()
    }
}

impl Generator for Scenes {
    fn describe(&self) -> Plan {
        let plan = Plan::of(&self.spec)
            .random()
            .resident(self.parents.bytes())
            .cost(costs::DRAWN)
            .note("each is drawn and encoded as PNG, which is decoded again: more work than decoding a small picture")
            .param("decoders", Decoder::default().fingerprint())
            .input(self.parents.base.describe());
        match &self.pictures {
            Some((pictures, _)) => plan.input(pictures.describe()),
            None => plan,
        }
    }

    fn supports(&self, class: u32) -> bool {
        let has_shape = self.shapes.get(class as usize).is_some_and(Option::is_some);
        has_shape || !self.parents.of(class).is_empty()
    }

    fn generate<'a>(&'a self, cx: &'a Context, samples: &'a [SampleId]) -> BoxFuture<'a, Result<RecordBatch>> {
        Box::pin(async move {
            let sketches: Vec<Sketch> = samples.iter().map(|&sample| self.sketch(cx, sample)).collect();
            let (backgrounds, background) = self.backgrounds(cx, &sketches).await?;
            let rows = Self::cut_out(&sketches);
            let stored = match rows.is_empty() {
                true => None,
                false => Some(self.parents.base.take(cx, &rows).await?),
            };
            let (at, mask, spec) = (self.at, self.mask, self.spec.clone());
            let label = format!("{} \"{}\"", Self::NAME, spec.column);
            let mut next = 0;
            let mut first = |sketch: &Sketch| {
                next += Self::cut_out(std::slice::from_ref(sketch)).len();
                next - Self::cut_out(std::slice::from_ref(sketch)).len()
            };
            let firsts: Vec<usize> = sketches.iter().map(&mut first).collect();
            let scenes = cx.compute(move || {
                let cut = |row: usize| {
                    let bytes = |at: usize| {
                        let bytes = stored.as_ref().and_then(|stored| bytes_of(stored.column(at), row));
                        bytes.ok_or_else(|| Error::data("a parent is null"))
                    };
                    Ok::<_, Error>(match mask {
                        Some(mask) => Cutout::of_mask(bytes(at)?, bytes(mask)?, !spec.recolor)?,
                        None => Cutout::of(bytes(at)?, spec.threshold, !spec.recolor)?,
                    })
                };
                let one = |(sample, ((sketch, first), background)): (usize, ((Sketch, usize), Option<usize>))| {
                    let mut rows = first..;
                    let object = |planned: Planned| match planned.what {
                        What::Shape(..) => Ok((planned, None)),
                        What::Parent(_) => {
                            let cutout = cut(rows.next().unwrap_or(first))?;
                            Ok((planned, Some(cutout)))
                        }
                    };
                    let objects = sketch.objects.into_iter().map(object).collect::<Result<Vec<_>>>();
                    let (mut rng, mut extra) = (sketch.rng, sketch.extra);
                    let picture = background.and_then(|row| bytes_of(backgrounds.as_ref()?, row));
                    let missing = background.is_some() && picture.is_none();
                    let scene = match missing {
                        true => Err(Error::data("a background is null")),
                        false => objects
                            .and_then(|objects| draw(&spec, &objects, (&sketch.behind, picture), &mut rng, &mut extra)),
                    };
                    scene.map_err(|error| error.context(&label).at(sample))
                };
                let all = sketches.into_par_iter().zip(firsts).zip(background);
                all.enumerate().map(one).collect::<Result<Vec<_>>>()
            });
            batch(&self.schema, self.spec.keypoints, &scenes.await?, samples)
        })
    }

    /// The pictures that are backgrounds.
    fn parents_elsewhere(&self) -> StoredRows {
        self.given.clone()
    }

    fn provenance(&self, cx: &Context, sample: SampleId) -> Provenance {
        let sketch = self.sketch(cx, sample);
        let parents = Self::cut_out(std::slice::from_ref(&sketch));
        let mut provenance = self.parents.provenance(cx, sample, &parents, Self::NAME);
        if let (Behind::Picture(row), Some((pictures, _))) = (sketch.behind, &self.pictures) {
            provenance.places.extend(pictures.provenance(cx, row).places);
        }
        provenance
    }
}

#[cfg(test)]
mod tests;
