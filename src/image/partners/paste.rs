//! The stage that pastes objects.

use super::collage::Collage;
use super::copy_paste::{CopyPaste, PastedClass};
use super::instances::Instances;
use super::resample::Level;
use crate::dataset::{Dataset, Len};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::quote::quoted;
use crate::rng::Rng;
use crate::rows::{Bound, DType, Draws, Element, Lying, Out, Partner, Partners, Row, Stage, StageColumns, Windows};
use crate::spec::{Description, Spec, nearest};
use arrow::datatypes::Schema;
use std::sync::Arc;

/// Places that are tried for an object.
const TRIES: usize = 10;

/// What would tell of another picture than the one with pasted objects. Keypoints of the row stay right: those of what is pasted are missing.
const LEFT: [Lying; 2] = [Lying::Mask, Lying::Boxes];

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
        let boxes = self.copy_paste.boxes.clone().unwrap_or_default();
        let paste = CopyPaste {
            boxes: Some(boxes.clone()),
            ..self.copy_paste.clone()
        };
        paste.check()?;
        if boxes.is_oriented() {
            return Err(Error::config("oriented boxes are not pasted"));
        }
        boxes.check_pasted()?;
        let masks: Vec<String> = paste.mask.iter().cloned().collect();
        let collage = Collage::of(below, &self.column, &masks, Some(&boxes))?;
        let chosen = paste.chosen(&collage)?;
        collage.refuse_places(
            below,
            "copy_paste",
            "keypoints that the image stage moves with `Image::keypoints` need not be label fields here, and stay those of the row alone; take any other such \
             column away with `project`",
        )?;
        let left = collage.left_behind(below)?;
        left.refuse(
            &LEFT,
            "copy_paste",
            "name a mask with `CopyPaste::mask`, and what belongs to each box with `Boxes::label_fields` of its boxes",
        )?;
        collage.refuse_beside(below, "each object that is pasted adds a box")?;
        let numbered = Instances::of(&collage, &paste.instances)?;
        let givers = Givers {
            p: paste.p,
            window: paste.window,
            others: self.from.as_ref().map(|from| from.len()),
        };
        if let Some(from) = &self.from {
            let schema = from.schema();
            let same = Collage::of(&schema, &self.column, &masks, Some(&boxes))?;
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
                Some((giver, mut rng)) => {
                    paste.run((&collage, &numbered), chosen.as_ref(), (row, &giver), &mut rng, out)
                }
                None => Ok(()),
            }
        };
        let bound = columns.columns(Bound::new(run)).partners(givers).fills();
        let bound = match left.note(&LEFT, "stays as it is: nothing is added to it for what is pasted") {
            Some(note) => bound.note(note),
            None => bound,
        };
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
        Ok(Some((
            at,
            self.numbers(&collage.lists[at].class_names())?.unwrap_or_default(),
        )))
    }

    /// The numbers of the classes whose objects are pasted, among those called `names`, of which there may be none; none where all are.
    ///
    /// # Errors
    ///
    /// `Config` for a class that there is not.
    pub(crate) fn numbers(&self, names: &[String]) -> Result<Option<Vec<i64>>> {
        let number = |class: &PastedClass| match class {
            PastedClass::Number(number) => match usize::try_from(*number) {
                Ok(class) if names.is_empty() || class < names.len() => Ok(*number),
                _ => Err(Error::config(format!(
                    "classes: {number} is none of the classes, which are {}",
                    match names.len() {
                        0 => "0 and above".to_owned(),
                        many => format!("0 to {}", many - 1),
                    }
                ))),
            },
            PastedClass::Name(name) if names.is_empty() => Err(Error::config(format!(
                "classes: {} is a name, and the label field has no names of its classes: give their numbers",
                quoted(name)
            ))),
            PastedClass::Name(name) => names.iter().position(|known| known == name).map_or_else(
                || {
                    let known = match nearest(name, names.iter().map(String::as_str)) {
                        Some(near) => format!(": do you mean {}?", quoted(near)),
                        None => {
                            let known: Vec<String> = names.iter().map(|name| quoted(name)).collect();
                            format!(" {}", known.join(", "))
                        }
                    };
                    Err(Error::config(format!(
                        "classes: {} is none of the classes{known}",
                        quoted(name)
                    )))
                },
                |at| Ok(at as i64),
            ),
        };
        match self.classes.as_slice() {
            [] => Ok(None),
            classes => classes.iter().map(number).collect::<Result<_>>().map(Some),
        }
    }

    fn run(
        &self,
        (collage, numbered): (&Collage, &Instances),
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
        // Numbers of the objects that are there, as far as objects have any.
        let mut taken = numbered.taken(collage, out);
        let mut pasted = 0;
        while pasted < self.most && !chosen.is_empty() {
            let number = match numbered.free(collage, &taken) {
                None => break,
                free => free.filter(|_| numbered.is_any()),
            };
            let item = chosen.swap_remove(rng.below(chosen.len() as u64) as usize);
            let Some((object, corners)) = self.placed(collage, stored[item], &there, rng) else {
                continue;
            };
            let of_mask = match self.mask {
                Some(_) => of_mask(giver.values::<u8>(1)?, collage.width, object.from),
                None => None,
            };
            let is_cut = of_mask.is_some();
            let alpha = of_mask.unwrap_or_else(|| faded(object.from, self.edge));
            match collage.levels {
                true => blend(collage, giver.values::<u8>(0)?, &object, &alpha, out.fixed::<u8>(0)),
                false => blend(collage, giver.values::<f32>(0)?, &object, &alpha, out.fixed::<f32>(0)),
            }
            if self.mask.is_some() {
                let values = giver.values::<u8>(1)?;
                let to = out.fixed::<u8>(1);
                // A box without an object of the mask has nothing to number.
                let own = number.filter(|_| is_cut && numbered.has(1)).map(|number| number as u8);
                places(&object, collage.width)
                    .zip(&alpha)
                    .filter(|(_, alpha)| **alpha > 0.5)
                    .for_each(|((from, place), _)| to[place] = own.unwrap_or(values[from]));
            }
            let size = [collage.width as u32, collage.height as u32];
            // They were set when the stage was bound.
            let written = self.boxes.as_ref().map(|boxes| boxes.written(corners, size));
            out.ragged::<f32>(at).extend(written.into_iter().flatten());
            for (nth, lists) in collage.lists.iter().enumerate().skip(1) {
                lists.keep(giver, out, (at + nth, at + nth), (&[item], stored.len()), &[])?;
            }
            if let Some(number) = number {
                numbered.number_last(collage, number, is_cut, out);
                taken.insert(number);
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

/// 1 where a mask has the most frequent value above 0 inside a box, the lowest of them; none where it has no such value there.
fn of_mask(mask: &[u8], width: usize, [left, top, across, down]: [usize; 4]) -> Option<Vec<f32>> {
    let values = || (top..top + down).flat_map(|y| mask[y * width + left..y * width + left + across].iter().copied());
    let mut counts = [0_usize; 256];
    values().for_each(|value| counts[usize::from(value)] += 1);
    let most = (1..256).rev().max_by_key(|&value| counts[value])?;
    let alpha = values().map(|value| f32::from(u8::from(usize::from(value) == most)));
    (counts[most] > 0).then(|| alpha.collect())
}

fn blend<T: Level + Element>(collage: &Collage, from: &[T], object: &Pasted, alpha: &[f32], to: &mut [T]) {
    let pixels = collage.width * collage.height;
    for (from, to) in from.chunks_exact(pixels).zip(to.chunks_exact_mut(pixels)) {
        for ((at, place), alpha) in places(object, collage.width).zip(alpha) {
            let own = to[place].number();
            to[place] = match *alpha < 1.0 {
                true => T::rounded(own + (from[at].number() - own) * alpha),
                // To the last bit, which a sum with a large number does not keep.
                false => from[at],
            };
        }
    }
}
