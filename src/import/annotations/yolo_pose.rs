//! The keypoints of YOLO's labels.

use super::data_yaml::Data;
use super::mirror_names::pairs;
use crate::quote::{counted, quoted};
use crate::rows::KeypointNames;

/// Keypoints of an object at most.
const MOST: usize = 10_000;

/// What `data.yaml` says of keypoints.
#[derive(Clone, Debug)]
pub(super) struct Pose {
    points: usize,
    /// Of a point: x and y, or these and its visibility.
    numbers: usize,
    pub(super) known: KeypointNames,
    /// What else there is to say.
    pub(super) notes: Vec<String>,
    /// Points at 0, 0 without a visibility, which count as not labelled.
    pub(super) at_0: u64,
}

impl Pose {
    /// That of `data`; none where it says nothing of keypoints.
    ///
    /// # Errors
    ///
    /// Why it cannot be meant.
    pub(super) fn of(data: &Data) -> Result<Option<Self>, String> {
        let Some(shape) = &data.kpt_shape else { return Ok(None) };
        let (points, numbers) = match shape[..] {
            [points, numbers @ (2 | 3)] if (1..=MOST).contains(&points) => (points, numbers),
            _ => {
                return Err(format!(
                    "kpt_shape is {shape:?}, and has to be [points, 2] (x and y of each) or [points, 3] (and its visibility), of 1 to {MOST} points"
                ));
            }
        };
        let mut notes = Vec::new();
        let of_classes = data.kpt_names.as_ref().map_or(&[][..], |names| names.0.as_slice());
        let names = match of_classes {
            [] => Vec::new(),
            [first, ..] if of_classes.iter().any(|own| own != first) => {
                notes.push(
                    "kpt_names are others for some classes, and are left out: points keep their numbers".to_owned(),
                );
                Vec::new()
            }
            [first, ..] => first.clone(),
        };
        if !names.is_empty() && names.len() != points {
            return Err(format!(
                "kpt_names has {}, and kpt_shape {points} points: correct one of them",
                counted(names.len() as u64, "name")
            ));
        }
        let mirror_pairs = match data.flip_idx.as_deref().filter(|all| !all.is_empty()) {
            Some(all) => exchanged(all, points)?,
            None => {
                let (pairs, _) = pairs(&names);
                if pairs.is_empty() && points > 1 {
                    notes.push(
                        "no flip_idx says which keypoints change places where a picture is mirrored: add it to data.yaml where some are left \
                         and right of one another"
                            .to_owned(),
                    );
                }
                pairs
            }
        };
        Ok(Some(Self {
            points,
            numbers,
            known: KeypointNames {
                names,
                skeleton: Vec::new(),
                mirror_pairs,
            },
            notes,
            at_0: 0,
        }))
    }

    /// The numbers of a box among `words`, those behind the class of a line, and x, y and visibility of each point in pixels of a picture of this `size`: 2 where
    /// no visibility is written.
    ///
    /// # Errors
    ///
    /// What is wrong with the line.
    pub(super) fn read<'a, 'b>(
        &mut self,
        words: &'a [&'b str],
        size: [f64; 2],
        share: impl Fn(&str) -> Result<f64, String>,
    ) -> Result<(&'a [&'b str], Vec<f32>), String> {
        let (points, numbers) = (self.points, self.numbers);
        let all = 4 + points * numbers;
        if words.len() != all {
            return Err(format!(
                "{} behind the class: kpt_shape [{points}, {numbers}] makes them {all}, 4 of a box and {numbers} of each keypoint",
                counted(words.len() as u64, "number")
            ));
        }
        let (bbox, words) = words.split_at(4);
        let mut read = Vec::with_capacity(3 * points);
        for point in words.chunks_exact(numbers) {
            let visibility = match point.get(2) {
                Some(word) => visibility(word)?,
                // Programs have nothing else to write for a point that is not there.
                None if point.iter().all(|word| word.parse::<f64>() == Ok(0.0)) => {
                    self.at_0 += 1;
                    0.0
                }
                None => 2.0,
            };
            let place = |axis: usize| Ok::<f32, String>((share(point[axis])? * size[axis]) as f32);
            match visibility > 0.0 {
                true => read.extend([place(0)?, place(1)?, visibility]),
                false => read.extend([0.0; 3]),
            }
        }
        Ok((bbox, read))
    }
}

/// 0, 1 or 2, as COCO has them.
fn visibility(word: &str) -> Result<f32, String> {
    let known = word
        .parse::<f32>()
        .ok()
        .filter(|number| [0.0, 1.0, 2.0].contains(number));
    known.ok_or_else(|| {
        format!(
            "the visibility of a keypoint is {}, and has to be 0 (not labelled), 1 (hidden) or 2",
            quoted(word)
        )
    })
}

/// The pairs that `flip_idx` exchanges.
fn exchanged(all: &[usize], points: usize) -> Result<Vec<[usize; 2]>, String> {
    let comes_back = |(at, to): (usize, &usize)| all.get(*to) == Some(&at);
    match all.len() == points && all.iter().enumerate().all(comes_back) {
        true => Ok((all.iter().enumerate())
            .filter(|(at, to)| at < *to)
            .map(|(at, to)| [at, *to])
            .collect()),
        false => Err(format!(
            "flip_idx has to name for each of {} the one whose place it takes where a picture is mirrored, counted from 0, and that one has to name it: {all:?}",
            counted(points as u64, "keypoint")
        )),
    }
}
