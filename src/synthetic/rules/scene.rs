//! One scene: where its objects come, and what is seen of them.

use super::canvas::Canvas;
use super::cutout::Cutout;
use super::scenes_spec::ScenesSpec;
use crate::error::Result;
use crate::image::Pixels;
use crate::rng::Rng;
use std::ops::RangeInclusive;

/// How often a place is looked for where an object hides no more of others than it may.
const ATTEMPTS: usize = 30;

/// An object of a scene that is to be painted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Planned {
    pub(super) class: u32,
    pub(super) parent: u64,
    pub(super) scale: f32,
    pub(super) mirrored: bool,
    pub(super) tint: [f32; 3],
}

/// An object as it is seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) class: u32,
    pub(super) bbox: [f32; 4],
    pub(super) area: i64,
}

pub(super) struct Scene {
    pub(super) image: Vec<u8>,
    pub(super) mask: Vec<u8>,
    pub(super) objects: Vec<Seen>,
}

pub(super) fn between(range: &RangeInclusive<f32>, rng: &mut Rng) -> f32 {
    range.start() + (range.end() - range.start()) * rng.unit()
}

/// Paints a scene.
pub(super) fn draw(spec: &ScenesSpec, objects: &[(Planned, Cutout)], rng: &mut Rng) -> Result<Scene> {
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
