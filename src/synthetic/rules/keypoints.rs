//! Places of an object that are known exactly.

use super::cutout::Cutout;
use serde::{Deserialize, Serialize};

/// The keypoints of each object of a scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SceneKeypoints {
    /// Five: the middle of its pixels, and those furthest left, up, right and down.
    Extremes,
    /// Four: the corners of the rectangle around it, as it is turned, from the top left one clockwise before the turn.
    Corners,
}

impl SceneKeypoints {
    /// How many there are of an object.
    pub(super) fn count(self) -> usize {
        match self {
            Self::Extremes => 5,
            Self::Corners => 4,
        }
    }
}

/// Those of an object with its top left corner at `at`, whether they are seen or not, as `[x, y]`.
pub(super) fn keypoints(which: Option<SceneKeypoints>, cutout: &Cutout, at: (isize, isize)) -> Vec<[f32; 2]> {
    let moved = |[x, y]: [f32; 2]| [x + at.0 as f32, y + at.1 as f32];
    let points = match which {
        None => Vec::new(),
        Some(SceneKeypoints::Corners) => cutout.corners.to_vec(),
        Some(SceneKeypoints::Extremes) => extremes(cutout),
    };
    points.into_iter().map(moved).collect()
}

fn extremes(cutout: &Cutout) -> Vec<[f32; 2]> {
    let middle = |at: usize| [(at % cutout.width) as f32 + 0.5, (at / cutout.width) as f32 + 0.5];
    let pixels: Vec<[f32; 2]> = (0..cutout.alpha.len())
        .filter(|&at| cutout.covers(at))
        .map(middle)
        .collect();
    let mean = |of: &[&[f32; 2]], axis: usize| of.iter().map(|pixel| pixel[axis]).sum::<f32>() / of.len() as f32;
    let all: Vec<&[f32; 2]> = pixels.iter().collect();
    if all.is_empty() {
        return vec![[0.0; 2]; SceneKeypoints::Extremes.count()];
    }
    // Of several that are as far, the one in the middle.
    let furthest = |axis: usize, sign: f32| {
        let reach = all
            .iter()
            .map(|pixel| sign * pixel[axis])
            .fold(f32::NEG_INFINITY, f32::max);
        let mut ends: Vec<&[f32; 2]> = all
            .iter()
            .copied()
            .filter(|pixel| sign * pixel[axis] == reach)
            .collect();
        ends.sort_by(|a, b| a[1 - axis].total_cmp(&b[1 - axis]));
        *ends[ends.len() / 2]
    };
    vec![
        [mean(&all, 0), mean(&all, 1)],
        furthest(0, -1.0),
        furthest(1, -1.0),
        furthest(0, 1.0),
        furthest(1, 1.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_pixels_of_the_object() {
        // A cross.
        let mut alpha = vec![0.0; 25];
        [2, 7, 10, 11, 12, 13, 14, 17, 22]
            .into_iter()
            .for_each(|at: usize| alpha[at] = 1.0);
        let cross = Cutout {
            width: 5,
            height: 5,
            light: vec![1.0; 25],
            colors: None,
            alpha,
            corners: [[0.0, 0.0], [5.0, 0.0], [5.0, 5.0], [0.0, 5.0]],
        };
        assert_eq!(
            keypoints(Some(SceneKeypoints::Extremes), &cross, (10, -1)),
            [[12.5, 1.5], [10.5, 1.5], [12.5, -0.5], [14.5, 1.5], [12.5, 3.5]]
        );
        assert_eq!(keypoints(Some(SceneKeypoints::Corners), &cross, (1, 2))[2], [6.0, 7.0]);
        assert!(keypoints(None, &cross, (0, 0)).is_empty());
    }
}
