//! Columns whose values number the objects of a picture: where a picture is made of several, each of its objects keeps a number of its own.

use super::collage::Collage;
use crate::error::{Error, Result};
use crate::rows::{DType, Out, Read};
use crate::stored_rows::INSTANCES;
use std::collections::BTreeSet;
use std::ops::Range;

/// The most that a mask holds.
const MOST: i64 = u8::MAX as i64;

/// The columns of a collage in which values above 0 are the numbers of objects, masks and label fields of the boxes.
#[derive(Clone, Debug, Default)]
pub(super) struct Instances {
    /// Their numbers among the columns that are read.
    columns: Vec<usize>,
}

impl Instances {
    /// Those that are `named`, and those that are called as an import calls its masks: `instances`, or `objects.instances`.
    ///
    /// # Errors
    ///
    /// `Config` for a name of what numbers no objects.
    pub(super) fn of(collage: &Collage, named: &[String]) -> Result<Self> {
        let names = || collage.reads().iter().filter_map(Read::column).enumerate().skip(1);
        let numbers = |at: usize| match at.checked_sub(collage.boxes_at()) {
            None => true,
            Some(0) => false,
            Some(list) => collage
                .lists
                .get(list)
                .is_some_and(|lists| lists.inner.is_empty() && matches!(lists.dtype, DType::U8 | DType::I64)),
        };
        let is_there = |name: &String| names().any(|(at, column)| column == name && numbers(at));
        if let Some(other) = named.iter().find(|name| !is_there(name)) {
            return Err(Error::config(format!(
                "instances: \"{other}\" is neither a mask of those that are named nor a label field of the boxes with a whole number for each: name it there, too"
            )));
        }
        let is_called = |column: &str| column.rsplit('.').next() == Some(INSTANCES);
        let own = names()
            .filter(|(at, column)| numbers(*at) && (is_called(column) || named.iter().any(|name| name == column)));
        Ok(Self {
            columns: own.map(|(at, _)| at).collect(),
        })
    }

    /// Whether there are any.
    pub(super) fn is_any(&self) -> bool {
        !self.columns.is_empty()
    }

    /// Whether it has column number `at`.
    pub(super) fn has(&self, at: usize) -> bool {
        self.columns.contains(&at)
    }

    /// Where its lists end so far, as [`raise`](Self::raise) takes it.
    pub(super) fn ends(&self, collage: &Collage, out: &mut Out<'_>) -> Vec<usize> {
        let end = |&at: &usize| match collage.list_type(at) {
            None => 0,
            Some(DType::I64) => out.ragged::<i64>(at).len(),
            Some(_) => out.ragged::<u8>(at).len(),
        };
        self.columns.iter().map(end).collect()
    }

    /// Raises the numbers of a picture that was put at `place` (left, top, width and height), and whose items begin at `ends`, by `by`, which is the highest
    /// number of the pictures before it; and gives the highest one so far.
    ///
    /// # Errors
    ///
    /// `Data` for a number that a column cannot hold.
    pub(super) fn raise(
        &self,
        collage: &Collage,
        (place, ends): ([usize; 4], &[usize]),
        by: i64,
        out: &mut Out<'_>,
    ) -> Result<i64> {
        let mut highest = by;
        for (&at, &end) in self.columns.iter().zip(ends) {
            let own = match collage.list_type(at) {
                None => {
                    let mask = out.fixed::<u8>(at);
                    let mut most = Ok(0);
                    for line in lines(place, collage.width) {
                        most = most.and_then(|most| Ok(raised(&mut mask[line], by)?.max(most)));
                    }
                    most
                }
                Some(DType::I64) => raised(&mut out.ragged::<i64>(at)[end..], by),
                Some(_) => raised(&mut out.ragged::<u8>(at)[end..], by),
            };
            let own = own.map_err(|number| {
                let held = match collage.list_type(at) {
                    Some(DType::I64) => i64::MAX,
                    _ => MOST,
                };
                Error::data(format!(
                    "column \"{}\" numbers the objects of each picture, and of the pictures that are put together here one would have the number {number}, \
                     where a column of this type holds up to {held}: number the objects of each picture from 1 on, put fewer pictures together (`p`), or take \
                     the column away with `project`",
                    collage.name(at)
                ))
            })?;
            highest = highest.max(own);
        }
        Ok(highest)
    }

    /// The numbers above 0 in a row as it is so far.
    pub(super) fn taken(&self, collage: &Collage, out: &mut Out<'_>) -> BTreeSet<i64> {
        let mut taken = BTreeSet::new();
        for &at in &self.columns {
            match collage.list_type(at) {
                Some(DType::I64) => taken.extend(out.ragged::<i64>(at).iter().copied()),
                Some(_) => taken.extend(out.ragged::<u8>(at).iter().map(|&value| i64::from(value))),
                None => {
                    let mut seen = [false; 256];
                    out.fixed::<u8>(at)
                        .iter()
                        .for_each(|&value| seen[usize::from(value)] = true);
                    taken.extend((0..256).filter(|&value| seen[value as usize]));
                }
            }
        }
        taken.retain(|number| *number > 0);
        taken
    }

    /// The lowest number that is not `taken` and that all its columns hold; none where there is none.
    pub(super) fn free(&self, collage: &Collage, taken: &BTreeSet<i64>) -> Option<i64> {
        let is_wide = |at: &usize| collage.list_type(*at) == Some(DType::I64);
        let most = if self.columns.iter().all(is_wide) {
            i64::MAX
        } else {
            MOST
        };
        (1..=most).find(|number| !taken.contains(number))
    }

    /// Gives the last item of each list the number `number`; one that says that it has none keeps that, where `all` is not set.
    pub(super) fn number_last(&self, collage: &Collage, number: i64, all: bool, out: &mut Out<'_>) {
        for &at in &self.columns {
            match collage.list_type(at) {
                None => (),
                Some(DType::I64) => {
                    let last = out.ragged::<i64>(at).last_mut();
                    last.into_iter()
                        .filter(|own| all || **own > 0)
                        .for_each(|own| *own = number);
                }
                Some(_) => {
                    let last = out.ragged::<u8>(at).last_mut();
                    let last = last.into_iter().filter(|own| all || **own > 0);
                    // It is one that the column holds.
                    last.for_each(|own| *own = number as u8);
                }
            }
        }
    }
}

/// Where the lines of a place (left, top, width and height) lie in a plane of this width.
fn lines([left, top, across, down]: [usize; 4], width: usize) -> impl Iterator<Item = Range<usize>> {
    (top..top + down).map(move |y| y * width + left..y * width + left + across)
}

/// Raises all `numbers` above 0 by `by`, and gives the highest one, or one that its type cannot hold.
fn raised<T: Copy + TryFrom<i64> + Into<i64>>(numbers: &mut [T], by: i64) -> Result<i64, i64> {
    let mut highest = 0;
    for number in numbers {
        let own: i64 = (*number).into();
        if own > 0 {
            let new = own.saturating_add(by);
            *number = match own.checked_add(by).map(T::try_from) {
                Some(Ok(number)) => number,
                _ => return Err(new),
            };
            highest = highest.max(new);
        }
    }
    Ok(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_raised_while_their_type_holds_them() {
        let mut mask = [0_u8, 1, 3, 250];
        assert_eq!(raised(&mut mask, 5), Ok(255));
        assert_eq!(mask, [0, 6, 8, 255]);
        assert_eq!(raised(&mut mask, 1), Err(256));
        let mut list = [-1_i64, 0, 7];
        assert_eq!(raised(&mut list, 300), Ok(307));
        assert_eq!(list, [-1, 0, 307]);
        assert_eq!(raised(&mut [i64::MAX], 1), Err(i64::MAX));
        assert_eq!(raised::<u8>(&mut [], 9), Ok(0));
        assert_eq!(lines([1, 2, 3, 2], 10).collect::<Vec<_>>(), [21..24, 31..34]);
    }
}
