//! The objects of many rows, one after the other.

use super::classes::Classes;
use super::format::BoxFormat;
use super::layout::ObjectLayout;
use super::stored::{Categories, categories, stored};
use crate::error::Result;
use crate::rows::ports::DType;
use arrow::array::ArrayRef;
use std::ops::Range;

/// The field of areas.
pub(super) const AREA: &str = "area";

/// The objects of rows, one after the other.
#[derive(Debug)]
pub(super) struct Flat {
    /// Where the objects of each row end.
    pub(super) ends: Vec<usize>,
    pub(super) boxes: Vec<[f32; 4]>,
    pub(super) classes: Vec<i64>,
    /// The other fields, in the order of the layout.
    pub(super) numbers: Vec<Values>,
    /// x, y and visibility of each keypoint; empty where there are none.
    pub(super) points: Vec<f32>,
    /// Objects of each row that were left out.
    pub(super) degenerate: Vec<usize>,
    /// Rows that are null: they are without objects.
    pub(super) nulls: usize,
}

/// A number for each object.
#[derive(Clone, Debug)]
pub(super) enum Values {
    F32(Vec<f32>),
    I64(Vec<i64>),
    Bool(Vec<bool>),
}

impl Flat {
    /// The objects of row `row`.
    pub(super) fn range(&self, row: usize) -> Range<usize> {
        row.checked_sub(1).map_or(0, |before| self.ends[before])..self.ends[row]
    }
}

impl Values {
    pub(super) fn as_f32(&self, at: usize) -> f32 {
        match self {
            Self::F32(values) => values[at],
            Self::I64(values) => values[at] as f32,
            Self::Bool(values) => f32::from(u8::from(values[at])),
        }
    }

    /// Those of which `kept` holds.
    fn retain(&mut self, kept: &[bool]) {
        fn retain<T>(values: &mut Vec<T>, kept: &[bool]) {
            let mut kept = kept.iter();
            values.retain(|_| kept.next().is_none_or(|kept| *kept));
        }
        match self {
            Self::F32(values) => retain(values, kept),
            Self::I64(values) => retain(values, kept),
            Self::Bool(values) => retain(values, kept),
        }
    }
}

/// All objects of `array`.
pub(super) fn flat(layout: &ObjectLayout, format: BoxFormat, classes: &Classes, array: &ArrayRef) -> Result<Flat> {
    let stored = stored(layout, array)?;
    let boxes = stored.boxes(layout)?;
    let kept: Vec<bool> = boxes.iter().map(|values| !format.is_degenerate(*values)).collect();
    let class =
        |(at, class): (usize, Result<i64>)| class.map_err(|error| stored.refused(layout, at, &error.to_string()));
    let mut coded = match categories(layout, &stored)? {
        Categories::Integers(values) => {
            let coded = values.iter().map(|&value| classes.of_integer(value));
            coded.enumerate().map(class).collect::<Result<Vec<_>>>()?
        }
        Categories::Strings(values) => {
            let coded = values.iter().flatten().map(|value| classes.of_string(value));
            coded.enumerate().map(class).collect::<Result<Vec<_>>>()?
        }
    };
    let mut numbers = Vec::with_capacity(layout.numbers.len());
    for ((field, dtype), array) in layout.numbers.iter().zip(&stored.fields[2..]) {
        numbers.push(match dtype {
            DType::F32 => Values::F32(stored.numbers(layout, field, array)?),
            DType::Bool => Values::Bool(stored.numbers(layout, field, array)?),
            DType::I64 | DType::U8 => Values::I64(stored.numbers(layout, field, array)?),
        });
    }
    if let Some(field) = layout.numbers().position(|field| field == AREA) {
        let bad = |at: &usize| {
            let area = numbers[field].as_f32(*at);
            kept[*at] && !(area >= 0.0 && area.is_finite())
        };
        if let Some(at) = (0..kept.len()).find(bad) {
            let area = numbers[field].as_f32(at);
            let why = format!("the area of an object is {area}, and has to be 0 or more square pixels");
            return Err(stored.refused(layout, at, &why));
        }
    }
    let mut points = stored.points(layout)?;
    let (mut ends, mut degenerate, mut begin, mut end) = (Vec::new(), Vec::new(), 0, 0);
    for &of_row in &stored.ends {
        let good = kept[begin..of_row].iter().filter(|kept| **kept).count();
        degenerate.push(of_row - begin - good);
        (begin, end) = (of_row, end + good);
        ends.push(end);
    }
    let mut boxes: Vec<[f32; 4]> = boxes.into_iter().map(|values| format.corners(values)).collect();
    if end < boxes.len() {
        let all = |mut values: Values| {
            values.retain(&kept);
            values
        };
        numbers = numbers.into_iter().map(all).collect();
        if let Some((_, many)) = layout.keypoints {
            let objects = points.chunks_exact(3 * many).zip(&kept);
            points = objects
                .filter(|(_, kept)| **kept)
                .flat_map(|(points, _)| points.iter().copied())
                .collect();
        }
        let mut keep = kept.iter();
        boxes.retain(|_| keep.next().is_none_or(|kept| *kept));
        let mut keep = kept.iter();
        coded.retain(|_| keep.next().is_none_or(|kept| *kept));
    }
    Ok(Flat {
        ends,
        boxes,
        classes: coded,
        numbers,
        points,
        degenerate,
        nulls: stored.nulls,
    })
}
