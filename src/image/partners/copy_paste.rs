use super::collage::Collage;
use super::resample::Level;
use crate::dataset::{Dataset, Len};
use crate::error::{Error, Result};
use crate::image::operation::{Drawn, Operation, Subject};
use crate::image::targets::Boxes;
use crate::plan::Plan;
use crate::quote::quoted;
use crate::rng::Rng;
use crate::rows::{Bound, DType, Draws, Element, Out, Partner, Partners, Row, Stage, StageColumns, Windows};
use crate::spec::{Description, Spec};
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Places that are tried for an object.
const TRIES: usize = 10;

/// Pastes objects of a partner into rows (Ghiasi et al. 2021), so that rare ones are seen more often and in other surroundings.
///
/// Of a row's partner up to [`most`](Self::most) objects of the chosen classes are drawn. Each is pasted at its own size to a place that
/// is drawn evenly, ten times at the most, until it covers no more than [`cover`](Self::cover) of any box that is there; where none is
/// found it is left out. What is pasted is the object's pixels by its mask, where there is a column of masks: those with the most
/// frequent value above 0 inside its box. Without one it is its box, which fades out over [`edge`](Self::edge) pixels inside of it. Its box and all of its label fields are added
/// to those of the row. See [`copy_paste`](crate::DatasetExt::copy_paste).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyPaste {
    p: f32,
    boxes: Boxes,
    classes_in: Option<String>,
    classes: Vec<PastedClass>,
    most: u32,
    cover: f32,
    edge: f32,
    mask: Option<String>,
    window: u64,
}

/// A class whose objects are pasted: its number, or its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum PastedClass {
    Number(i64),
    Name(String),
}

impl Default for CopyPaste {
    fn default() -> Self {
        Self {
            p: 1.0,
            boxes: Boxes::default(),
            classes_in: None,
            classes: Vec::new(),
            most: 3,
            cover: 0.3,
            edge: 3.0,
            mask: None,
            window: 64,
        }
    }
}

impl Spec for CopyPaste {
    const NAME: &'static str = "copy_paste";

    fn check(&self) -> Result<()> {
        let mistake = if !(0.0..=1.0).contains(&self.p) {
            format!("p is {}, but has to lie in 0..=1", self.p)
        } else if !(0.0..=1.0).contains(&self.cover) {
            format!("cover is {}, but has to lie in 0..=1", self.cover)
        } else if !(self.edge >= 0.0 && self.edge.is_finite()) {
            format!("edge is {}, but has to be 0 or more pixels", self.edge)
        } else if !(2..=65_536).contains(&self.window) {
            format!("window is {}, but has to lie in 2..=65536", self.window)
        } else {
            return Ok(());
        };
        Err(Error::config(mistake))
    }
}

impl CopyPaste {
    /// Pastes objects with these boxes, whose label fields are theirs. Boxes are those that an image stage leaves: `xyxy` in pixels.
    pub fn new(boxes: Boxes) -> Self {
        Self {
            boxes,
            ..Self::default()
        }
    }

    /// The same with the boxes of a run, whose classes are those in the label field `classes_in`.
    #[cfg(feature = "train")]
    pub(crate) fn of_run(&self, boxes: Boxes, classes_in: &str) -> Self {
        Self {
            boxes,
            classes_in: (!self.classes.is_empty()).then(|| classes_in.to_owned()),
            ..self.clone()
        }
    }

    /// The column of masks, if there is one.
    #[cfg(feature = "train")]
    pub(crate) fn mask_column(&self) -> Option<&str> {
        self.mask.as_deref()
    }

    /// Pastes into a row with this probability, in `0..=1`. Defaults to 1.
    #[must_use]
    pub fn p(mut self, probability: f32) -> Self {
        self.p = probability;
        self
    }

    /// Pastes objects of these classes alone; `column` is the label field with the classes. By default all are pasted.
    #[must_use]
    pub fn classes(mut self, column: &str, classes: &[i64]) -> Self {
        self.classes_in = Some(column.to_owned());
        self.classes = classes.iter().copied().map(PastedClass::Number).collect();
        self
    }

    /// As [`classes`](Self::classes), by their names, which the column has to have: [`objects`](crate::DatasetExt::objects) writes them.
    ///
    /// ```
    /// use millstream::image::{Boxes, CopyPaste};
    /// use millstream::rows::BoxFormat;
    ///
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]);
    /// let rare = CopyPaste::new(boxes).class_names("objects.category", &["bus"]).p(0.5);
    /// ```
    #[must_use]
    pub fn class_names(mut self, column: &str, names: &[&str]) -> Self {
        self.classes_in = Some(column.to_owned());
        self.classes = names.iter().map(|&name| PastedClass::Name(name.to_owned())).collect();
        self
    }

    /// The most objects that are pasted into a row. Defaults to 3.
    #[must_use]
    pub fn most(mut self, objects: u32) -> Self {
        self.most = objects;
        self
    }

    /// The share of a box that may be covered, in `0..=1`. Defaults to 0.3.
    #[must_use]
    pub fn cover(mut self, share: f32) -> Self {
        self.cover = share;
        self
    }

    /// Pixels over which a box without a mask fades out. Defaults to 3.
    #[must_use]
    pub fn edge(mut self, pixels: f32) -> Self {
        self.edge = pixels;
        self
    }

    /// The column of masks, which the image stage has moved with the picture. It has the values of what is pasted then.
    #[must_use]
    pub fn mask(mut self, column: &str) -> Self {
        self.mask = Some(column.to_owned());
        self
    }

    /// Partners come from the same aligned window of so many positions, in `2..=65536`. Defaults to 64. Has no effect where partners come
    /// from another dataset.
    #[must_use]
    pub fn window(mut self, positions: u64) -> Self {
        self.window = positions;
        self
    }
}

/// In the `operations` of a [run](crate::task::AugmentOptions) alone, where it comes last and takes the boxes of the task:
/// `{ copy_paste = { classes = ["bus"], p = 0.5 } }`. An image stage has one row at a time and refuses it.
impl Operation for CopyPaste {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn copy_paste(&self) -> Option<&CopyPaste> {
        Some(self)
    }
}

/// A [`CopyPaste`] into a column of pictures.
#[derive(Clone, Debug)]
pub(crate) struct Paste {
    pub(crate) column: String,
    pub(crate) copy_paste: CopyPaste,
    /// Where partners come from, if not from the rows themselves.
    pub(crate) from: Option<Arc<dyn Dataset>>,
}

/// Which row is the partner of each.
struct Givers {
    p: f32,
    window: u64,
    /// Rows of the other dataset.
    others: Option<Len>,
}

impl Partners for Givers {
    fn of(&self, seed: u64, name: &str, len: Len, positions: &[u64]) -> Vec<Vec<Partner>> {
        let windows = Windows { len, size: self.window };
        let own = match self.others {
            None => windows.partners(seed, name, positions),
            Some(_) => Vec::new(),
        };
        let partner = |(at, &position): (usize, &u64)| {
            let mut rng = Rng::new(seed, name, position);
            if !rng.chance(self.p) {
                return Vec::new();
            }
            let (dataset, position) = match self.others {
                None => (0, own[at]),
                Some(others) => (1, rng.below(others.finite().unwrap_or(u64::MAX).max(1))),
            };
            vec![Partner {
                dataset,
                position,
                share: 0.0,
            }]
        };
        positions.iter().enumerate().map(partner).collect()
    }

    fn most(&self) -> usize {
        1
    }
}

impl Stage for Paste {
    fn describe(&self) -> Plan {
        let columns = StageColumns {
            column: self.column.clone(),
            label: None,
        };
        let plan = Plan::of(&self.copy_paste).random().part("", &Description::of(&columns));
        match self.from {
            Some(_) => plan.note("each row needs a row of the other dataset"),
            None => plan.note(format_args!(
                "a batch of a multiple of {} rows needs no others; a smaller one needs up to twice its rows",
                self.copy_paste.window
            )),
        }
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        let paste = self.copy_paste.clone();
        paste.check()?;
        if paste.boxes.is_oriented() {
            return Err(Error::config("oriented boxes are not pasted"));
        }
        let masks: Vec<String> = paste.mask.iter().cloned().collect();
        let collage = Collage::of(below, &self.column, &masks, Some(&paste.boxes))?;
        let chosen = paste.chosen(&collage)?;
        let givers = Givers {
            p: paste.p,
            window: paste.window,
            others: self.from.as_ref().map(|from| from.len()),
        };
        if let Some(from) = &self.from {
            let schema = from.schema();
            let same = Collage::of(&schema, &self.column, &masks, Some(&paste.boxes))?;
            if (same.channels, same.width, same.height, same.levels)
                != (collage.channels, collage.width, collage.height, collage.levels)
            {
                return Err(Error::schema(format!(
                    "\"{}\" of the other dataset has pictures of another shape or type",
                    self.column
                )));
            }
        }
        let (columns, reads) = (collage.clone(), collage.reads().to_vec());
        let run = move |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            collage.copy(row, out)?;
            let giver = (row.partners() > 0).then(|| row.partner(0));
            match giver.zip(draws.stream("objects")) {
                Some((giver, mut rng)) => paste.run(&collage, chosen.as_ref(), (row, &giver), &mut rng, out),
                None => Ok(()),
            }
        };
        let bound = columns.columns(Bound::new(run)).partners(givers).fills();
        Ok(match &self.from {
            Some(from) => bound.other(Arc::clone(from), reads),
            None => bound,
        })
    }
}

/// An object that is pasted.
struct Pasted {
    /// Left, top, width and height at the giver.
    from: [usize; 4],
    /// Left and top at the row.
    to: [usize; 2],
}

impl CopyPaste {
    /// Among the lists of `collage`, the one with the classes; and the classes that are pasted, where not all are.
    ///
    /// # Errors
    ///
    /// `Config` for a column that is no such list, and for a class that there is not.
    fn chosen(&self, collage: &Collage) -> Result<Option<(usize, Vec<i64>)>> {
        let Some(column) = &self.classes_in else {
            return match self.classes.is_empty() {
                true => Ok(None),
                false => Err(Error::config("classes: no label field is named that has the classes")),
            };
        };
        let found = collage.lists.iter().position(|lists| lists.column == *column);
        let known = found.filter(|&at| at > 0 && collage.lists[at].dtype == DType::I64);
        let at = known.ok_or_else(|| {
            Error::config(format!(
                "classes: \"{column}\" is no label field of whole numbers of the boxes"
            ))
        })?;
        let names = collage.lists[at].class_names();
        let number = |class: &PastedClass| match class {
            PastedClass::Number(number) => Ok(*number),
            PastedClass::Name(name) => names.iter().position(|known| known == name).map_or_else(
                || {
                    let known: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                    Err(Error::config(format!(
                        "classes: {} is none of the classes {}",
                        quoted(name),
                        known.join(", ")
                    )))
                },
                |at| Ok(at as i64),
            ),
        };
        let classes: Vec<i64> = self.classes.iter().map(number).collect::<Result<_>>()?;
        Ok(Some((at, classes)))
    }

    fn run(
        &self,
        collage: &Collage,
        chosen: Option<&(usize, Vec<i64>)>,
        (row, giver): (&Row<'_>, &Row<'_>),
        rng: &mut Rng,
        out: &mut Out<'_>,
    ) -> Result<()> {
        let at = collage.boxes_at();
        let stored = giver.values::<f32>(at)?.as_chunks::<4>().0;
        let mut chosen: Vec<usize> = match chosen {
            None => (0..stored.len()).collect(),
            Some((field, wanted)) => {
                let classes = giver.values::<i64>(at + field)?;
                (0..stored.len().min(classes.len()))
                    .filter(|&item| wanted.contains(&classes[item]))
                    .collect()
            }
        };
        let mut there = row.values::<f32>(at)?.as_chunks::<4>().0.to_vec();
        let mut pasted = 0;
        while pasted < self.most && !chosen.is_empty() {
            let item = chosen.swap_remove(rng.below(chosen.len() as u64) as usize);
            let Some((object, corners)) = self.placed(collage, stored[item], &there, rng) else {
                continue;
            };
            let alpha = match self.mask {
                Some(_) => of_mask(giver.values::<u8>(1)?, collage.width, object.from),
                None => faded(object.from, self.edge),
            };
            match collage.levels {
                true => blend(collage, giver.values::<u8>(0)?, &object, &alpha, out.fixed::<u8>(0)),
                false => blend(collage, giver.values::<f32>(0)?, &object, &alpha, out.fixed::<f32>(0)),
            }
            if self.mask.is_some() {
                let values = giver.values::<u8>(1)?;
                let to = out.fixed::<u8>(1);
                places(&object, collage.width)
                    .zip(&alpha)
                    .filter(|(_, alpha)| **alpha > 0.5)
                    .for_each(|((from, place), _)| to[place] = values[from]);
            }
            out.ragged::<f32>(at).extend(
                self.boxes
                    .written(corners, [collage.width as u32, collage.height as u32]),
            );
            for (nth, lists) in collage.lists.iter().enumerate().skip(1) {
                lists.keep(giver, out, (at + nth, at + nth), (&[item], stored.len()), &[])?;
            }
            there.push(corners);
            pasted += 1;
        }
        Ok(())
    }

    /// Where an object with the box `corners` goes, beside the boxes that are `there`, and its box; none where no place is found.
    fn placed(
        &self,
        collage: &Collage,
        corners: [f32; 4],
        there: &[[f32; 4]],
        rng: &mut Rng,
    ) -> Option<(Pasted, [f32; 4])> {
        let [left, top, right, bottom] = corners;
        let (first, end) = ([left, top].map(f32::floor), [right, bottom].map(f32::ceil));
        let size = [collage.width as f32, collage.height as f32];
        let inside = (0..2).all(|axis| first[axis] >= 0.0 && end[axis] <= size[axis] && end[axis] > first[axis]);
        if !inside {
            return None;
        }
        let length: [f32; 2] = std::array::from_fn(|axis| end[axis] - first[axis]);
        let from = [first[0], first[1], length[0], length[1]].map(|value| value as usize);
        for _ in 0..TRIES {
            let to: [usize; 2] = std::array::from_fn(|axis| rng.below((size[axis] - length[axis]) as u64 + 1) as usize);
            let shift: [f32; 2] = std::array::from_fn(|axis| to[axis] as f32 - first[axis]);
            let moved = [left + shift[0], top + shift[1], right + shift[0], bottom + shift[1]];
            if there.iter().all(|there| covered(*there, moved) <= self.cover) {
                return Some((Pasted { from, to }, moved));
            }
        }
        None
    }
}

/// The share of the box `own` that `other` covers.
fn covered(own: [f32; 4], other: [f32; 4]) -> f32 {
    let shared = |axis: usize| (own[axis + 2].min(other[axis + 2]) - own[axis].max(other[axis])).max(0.0);
    let area = (own[2] - own[0]) * (own[3] - own[1]);
    if area > 0.0 { shared(0) * shared(1) / area } else { 0.0 }
}

/// The pixels of an object in the plane of the giver, and where each goes.
fn places(object: &Pasted, width: usize) -> impl Iterator<Item = (usize, usize)> + '_ {
    let ([left, top, across, down], [to_left, to_top]) = (object.from, object.to);
    let line = move |y: usize| {
        let (from, to) = ((top + y) * width + left, (to_top + y) * width + to_left);
        (0..across).map(move |x| (from + x, to + x))
    };
    (0..down).flat_map(line)
}

/// How much of each pixel of a box is pasted: all of it in the middle.
fn faded([_, _, width, height]: [usize; 4], edge: f32) -> Vec<f32> {
    let depth = |at: usize, length: usize| (at as f32 + 0.5).min(length as f32 - at as f32 - 0.5);
    let alpha = |y: usize, x: usize| match edge > 0.0 {
        true => (depth(x, width).min(depth(y, height)) / edge).min(1.0),
        false => 1.0,
    };
    (0..height).flat_map(|y| (0..width).map(move |x| alpha(y, x))).collect()
}

/// 1 where a mask has the most frequent value above 0 inside a box, the lowest of them.
fn of_mask(mask: &[u8], width: usize, [left, top, across, down]: [usize; 4]) -> Vec<f32> {
    let values = || (top..top + down).flat_map(|y| mask[y * width + left..y * width + left + across].iter().copied());
    let mut counts = [0_usize; 256];
    values().for_each(|value| counts[usize::from(value)] += 1);
    let most = (1..256).rev().max_by_key(|&value| counts[value]).unwrap_or(1);
    values()
        .map(|value| f32::from(u8::from(usize::from(value) == most)))
        .collect()
}

fn blend<T: Level + Element>(collage: &Collage, from: &[T], object: &Pasted, alpha: &[f32], to: &mut [T]) {
    let pixels = collage.width * collage.height;
    for (from, to) in from.chunks_exact(pixels).zip(to.chunks_exact_mut(pixels)) {
        for ((at, place), alpha) in places(object, collage.width).zip(alpha) {
            let own = to[place].number();
            to[place] = T::rounded(own + (from[at].number() - own) * alpha);
        }
    }
}
