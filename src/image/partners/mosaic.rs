use super::collage::Collage;
use super::instances::Instances;
use super::resample::{Level, Span, resample};
use crate::dataset::Len;
use crate::error::{Error, Result};
use crate::image::Motion;
use crate::image::drawn::Drawn;
use crate::image::operation::{Operation, Subject};
use crate::image::targets::Boxes;
use crate::plan::Plan;
use crate::rng::Rng;
use crate::rows::{Bound, Draws, Element, Lying, Out, Partner, Partners, Row, Stage, StageColumns, Windows};
use crate::spec::{Description, Spec};
use arrow::datatypes::Schema;
use serde::{Deserialize, Serialize};
use std::any::Any;
use std::ops::RangeInclusive;

/// Puts four rows of a batch together in one picture (YOLOv4, Bochkovskiy et al. 2020), as albumentations' `Mosaic`: small objects, and objects in
/// other surroundings.
///
/// A centre is drawn; the row itself is above it to the left, its three partners are to the right, below, and both. Each picture is made as
/// small as covers its quarter, so that nothing is squashed, with the corner at the centre that points there; what does not fit is cut off.
/// Boxes are clipped to their quarter and stay by the rules of their [`Boxes`]. See [`mosaic`](crate::DatasetExt::mosaic).
///
/// Pictures are put together as the image stage leaves them: those that are [letterboxed](crate::image::Image::letterbox) bring their bars, which then lie inside of
/// the mosaic. A [`random_resized_crop`](crate::image::Image::random_resized_crop), or a picture that is squashed, has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mosaic {
    p: f32,
    #[serde(with = "crate::spec::range")]
    center: RangeInclusive<f32>,
    window: u64,
    boxes: Option<Boxes>,
    masks: Vec<String>,
    instances: Vec<String>,
}

impl Default for Mosaic {
    fn default() -> Self {
        Self {
            p: 1.0,
            center: 0.3..=0.7,
            window: 64,
            boxes: None,
            masks: Vec::new(),
            instances: Vec::new(),
        }
    }
}

impl Spec for Mosaic {
    const NAME: &'static str = "mosaic";

    fn check(&self) -> Result<()> {
        let (start, end) = (*self.center.start(), *self.center.end());
        let mistake = if !(0.0..=1.0).contains(&self.p) {
            format!("p is {}, but has to lie in 0..=1", self.p)
        } else if !(start > 0.0 && start <= end && end < 1.0) {
            format!("center is {start:?}..={end:?}, but has to be a range above 0 and below 1")
        } else if !(4..=65_536).contains(&self.window) {
            format!("window is {}, but has to lie in 4..=65536", self.window)
        } else {
            return Ok(());
        };
        Err(Error::config(mistake))
    }
}

impl Mosaic {
    /// Of each row and three others, without boxes or masks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a mosaic of a row with this probability, in `0..=1`. Defaults to 1. Other rows stay as they are.
    #[must_use]
    pub fn p(mut self, probability: f32) -> Self {
        self.p = probability;
        self
    }

    /// Where the centre is, as shares of width and height, each drawn evenly. Defaults to 0.3 to 0.7.
    #[must_use]
    pub fn center(mut self, center: RangeInclusive<f32>) -> Self {
        self.center = center;
        self
    }

    /// Partners come from the same aligned window of so many positions, in `4..=65536`. Defaults to 64. A
    /// batch whose size is a multiple of it needs no rows besides its own.
    #[must_use]
    pub fn window(mut self, positions: u64) -> Self {
        self.window = positions;
        self
    }

    /// The boxes of the pictures, with their label fields and the rules by which they stay, `min_visibility` and the like. Not oriented ones. Their
    /// format is the one in which the image stage left them, its [`output`](Boxes::output): [`BoxFormat::Xyxy`](crate::rows::BoxFormat::Xyxy),
    /// pixels of the picture, where it names no other. Lists beside the boxes are to be [label fields](Boxes::label_fields), or are refused: they would stay
    /// those of the row alone. Keypoints, a second column of boxes, and a list of masks are refused as label fields, too: those are copied as they are, and a
    /// mosaic moves none of these.
    #[must_use]
    pub fn boxes(mut self, boxes: Boxes) -> Self {
        self.boxes = Some(boxes);
        self
    }

    /// A column of masks. Values stay as they are, where they do not [number objects](Self::instances).
    #[must_use]
    pub fn mask(mut self, column: &str) -> Self {
        self.masks.push(column.to_owned());
        self
    }

    /// Says that the values above 0 in these columns, masks and label fields of whole numbers that are named as such, too, number the objects of a picture: each
    /// object of a mosaic keeps a number of its own. Those of each picture are raised by the highest one that is seen of the pictures before it, in all these
    /// columns alike, so that a label field goes on naming the values of a mask. A row with a number that its column does not hold (a mask holds up to 255) is an
    /// error. Columns that are called `instances`, as the masks of an import are, or `objects.instances` number objects anyway.
    #[must_use]
    pub fn instances(mut self, columns: &[&str]) -> Self {
        self.instances.extend(columns.iter().map(|&column| column.to_owned()));
        self
    }

    /// The same with the boxes of a run.
    ///
    /// # Errors
    ///
    /// `Config` where it has boxes, masks or instances of its own.
    #[cfg(feature = "train")]
    pub(crate) fn of_run(&self, boxes: Boxes) -> Result<Self> {
        let has_masks = !(self.masks.is_empty() && self.instances.is_empty());
        if self.boxes.as_ref().is_some_and(|own| *own != Boxes::default()) || has_masks {
            return Err(Error::config(
                "boxes are those of the task, and masks are not learnt: leave out boxes, masks and instances",
            ));
        }
        Ok(self.clone().boxes(boxes))
    }

    /// Refuses to put nothing together.
    #[cfg(feature = "train")]
    pub(crate) fn check_joins(&self) -> Result<()> {
        match self.p > 0.0 {
            true => Ok(()),
            false => Err(Error::config("p is 0, so that no mosaic is made: leave it out")),
        }
    }

    /// The centre of the mosaic of a row whose generator is `rng`, as shares; none where it stays as it is.
    fn centred(&self, rng: &mut Rng) -> Option<[f32; 2]> {
        let drawn = rng.chance(self.p);
        drawn.then(|| [0; 2].map(|_| rng.range(*self.center.start(), *self.center.end())))
    }
}

/// In the `operations` of a [run](crate::task::AugmentOptions) alone, where it comes last and takes the boxes of the task:
/// `{ mosaic = { p = 0.5 } }`. An image stage has one row at a time and refuses it.
impl Operation for Mosaic {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn with_partners(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

impl Partners for Mosaic {
    fn of(&self, seed: u64, name: &str, len: Len, positions: &[u64]) -> Vec<Vec<Partner>> {
        let windows = Windows { len, size: self.window };
        let partner = |position| Partner {
            dataset: 0,
            position,
            share: 0.0,
        };
        let others = windows.successors(seed, name, positions, 3);
        let drawn = positions.iter().zip(others).map(|(&position, others)| {
            match self.centred(&mut Rng::new(seed, name, position)) {
                Some(_) => others.into_iter().map(partner).collect(),
                None => Vec::new(),
            }
        });
        drawn.collect()
    }

    fn most(&self) -> usize {
        3
    }
}

/// What is wrong once its picture is one of four rows.
const LEFT: [Lying; 3] = [Lying::Mask, Lying::Boxes, Lying::Keypoints];

/// A [`Mosaic`] of a column of pictures.
#[derive(Clone, Debug)]
pub(crate) struct Quarters {
    pub(crate) column: String,
    pub(crate) mosaic: Mosaic,
}

/// Where a picture is in a mosaic.
struct Quarter {
    /// Left, top, width and height in the mosaic.
    place: [usize; 4],
    /// The part of the picture that is seen.
    across: Span,
    down: Span,
    motion: Motion,
}

impl Quarter {
    /// Number `at` of four (right ones are odd, lower ones above 1) of pictures of `size` about a centre.
    fn new(at: usize, size: [usize; 2], center: [f32; 2]) -> Self {
        let middle: [usize; 2] = std::array::from_fn(|axis| {
            let length = size[axis];
            ((center[axis] * length as f32).round() as usize).clamp(1.min(length), length.saturating_sub(1).max(1))
        });
        let behind = [at % 2 == 1, at / 2 == 1];
        let first: [usize; 2] = std::array::from_fn(|axis| if behind[axis] { middle[axis] } else { 0 });
        let own: [usize; 2] = std::array::from_fn(|axis| match behind[axis] {
            true => size[axis] - middle[axis].min(size[axis]),
            false => middle[axis],
        });
        let scale = (0..2)
            .map(|axis| own[axis] as f64 / size[axis] as f64)
            .fold(0.0, f64::max);
        let span: [Span; 2] = std::array::from_fn(|axis| {
            let length = own[axis] as f64 / scale;
            Span {
                start: if behind[axis] { 0.0 } else { size[axis] as f64 - length },
                length,
            }
        });
        let (from, to) = (size.map(|side| side as u32), own.map(|side| side as u32));
        let matrix = [scale, 0.0, -span[0].start * scale, 0.0, scale, -span[1].start * scale];
        Self {
            place: [first[0], first[1], own[0], own[1]],
            across: span[0],
            down: span[1],
            motion: Motion::affine(from, to, matrix).unwrap_or_else(|| Motion::resize(from, to)),
        }
    }
}

impl Stage for Quarters {
    fn describe(&self) -> Plan {
        let columns = StageColumns {
            column: self.column.clone(),
            label: None,
        };
        Plan::of(&self.mosaic)
            .random()
            .part("", &Description::of(&columns))
            .note(format_args!(
                "a batch of a multiple of {} rows needs no others; a smaller one needs up to four times its rows",
                self.mosaic.window
            ))
    }

    fn bind(&self, below: &Schema) -> Result<Bound> {
        let mosaic = self.mosaic.clone();
        mosaic.check()?;
        let collage = Collage::of(below, &self.column, &mosaic.masks, mosaic.boxes.as_ref())?;
        if mosaic.boxes.as_ref().is_some_and(Boxes::is_oriented) {
            return Err(Error::config("a mosaic has no oriented boxes"));
        }
        collage.refuse_places(
            below,
            "a mosaic",
            "a mosaic moves one column of boxes, masks of whole pictures, and no keypoints, so take the column away with `project`",
        )?;
        let left = collage.left_behind(below)?;
        left.refuse(
            &LEFT,
            "a mosaic",
            "name boxes and their label fields with `Mosaic::boxes` and masks with `Mosaic::mask` (a mosaic moves no keypoints)",
        )?;
        collage.refuse_beside(below, "a mosaic has the boxes of four rows")?;
        let numbered = Instances::of(&collage, &mosaic.instances)?;
        let (columns, partners) = (collage.clone(), mosaic.clone());
        let run = move |row: &Row<'_>, draws: Draws<'_>, out: &mut Out<'_>| {
            let center = match row.partners() {
                0 => None,
                _ => draws.rng().and_then(|mut rng| mosaic.centred(&mut rng)),
            };
            match center {
                None => collage.copy(row, out),
                Some(center) => {
                    let placed = |highest: i64, at: usize| {
                        let quarter = Quarter::new(at, [collage.width, collage.height], center);
                        let row = if at == 0 { *row } else { row.partner(at - 1) };
                        let ends = numbered.ends(&collage, out);
                        collage.place(&row, &quarter, out)?;
                        numbered.raise(&collage, (quarter.place, &ends), highest, out)
                    };
                    (0..4).try_fold(0, placed).map(drop)
                }
            }
        };
        let bound = columns.columns(Bound::new(run)).partners(partners).fills();
        Ok(
            match left.note(
                &LEFT,
                "is not moved with the picture: if it lies there, name it, or take keypoints, which a mosaic does not move, away with `project`",
            ) {
                Some(note) => bound.note(note),
                None => bound,
            },
        )
    }
}

impl Collage {
    /// The row as it is.
    pub(super) fn copy(&self, row: &Row<'_>, out: &mut Out<'_>) -> Result<()> {
        match self.levels {
            true => out.fixed::<u8>(0).copy_from_slice(row.values::<u8>(0)?),
            false => out.fixed::<f32>(0).copy_from_slice(row.values::<f32>(0)?),
        }
        for mask in 1..=self.masks {
            out.fixed::<u8>(mask).copy_from_slice(row.values::<u8>(mask)?);
        }
        let items = self.items(row)?;
        let all: Vec<usize> = (0..items).collect();
        for (nth, lists) in self.lists.iter().enumerate() {
            let at = self.boxes_at() + nth;
            lists.keep(row, out, (at, at), (&all, items), &[])?;
        }
        Ok(())
    }

    /// Boxes of the row.
    pub(super) fn items(&self, row: &Row<'_>) -> Result<usize> {
        match self.boxes {
            Some(_) => Ok(row.values::<f32>(self.boxes_at())?.len() / 4),
            None => Ok(0),
        }
    }

    /// The row in its quarter.
    fn place(&self, row: &Row<'_>, quarter: &Quarter, out: &mut Out<'_>) -> Result<()> {
        match self.levels {
            true => self.planes(row.values::<u8>(0)?, quarter, out.fixed::<u8>(0)),
            false => self.planes(row.values::<f32>(0)?, quarter, out.fixed::<f32>(0)),
        }
        let [left, top, width, height] = quarter.place;
        for mask in 1..=self.masks {
            let (values, to) = (row.values::<u8>(mask)?, out.fixed::<u8>(mask));
            let columns = quarter.across.nearest(self.width, width);
            for (y, from) in quarter.down.nearest(self.height, height).into_iter().enumerate() {
                for (x, column) in columns.iter().enumerate() {
                    to[(top + y) * self.width + left + x] = values[from * self.width + column];
                }
            }
        }
        let Some(boxes) = &self.boxes else { return Ok(()) };
        let (at, mut kept) = (self.boxes_at(), Vec::new());
        let values = row.values::<f32>(at)?;
        let size = [self.width as u32, self.height as u32];
        let moved = out.ragged::<f32>(at);
        for (item, values) in values.as_chunks::<4>().0.iter().enumerate() {
            if let Some(corners) = boxes.corners(*values, &quarter.motion) {
                let [x, y] = [left as f32, top as f32];
                let corners = [corners[0] + x, corners[1] + y, corners[2] + x, corners[3] + y];
                moved.extend(boxes.written(corners, size));
                kept.push(item);
            }
        }
        for (nth, lists) in self.lists.iter().enumerate().skip(1) {
            let at = at + nth;
            lists.keep(row, out, (at, at), (&kept, values.len() / 4), &[])?;
        }
        Ok(())
    }

    fn planes<T: Level + Element>(&self, from: &[T], quarter: &Quarter, to: &mut [T]) {
        let [left, top, width, height] = quarter.place;
        let pixels = self.width * self.height;
        for (from, to) in from.chunks_exact(pixels).zip(to.chunks_exact_mut(pixels)) {
            resample(
                from,
                self.width,
                [quarter.across, quarter.down],
                [width, height],
                |x, y, level| {
                    to[(top + y) * self.width + left + x] = level;
                },
            );
        }
    }
}
