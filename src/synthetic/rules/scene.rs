//! One scene: where its objects come, and what is seen of them.

use super::background::{SceneBackground, part_of};
use super::canvas::Canvas;
use super::cutout::Cutout;
use super::keypoints::keypoints;
use super::scenes_spec::ScenesSpec;
use super::shape::{Outline, SceneShape};
use crate::error::{Error, Result};
use crate::image::Pixels;
use crate::rng::Rng;
use std::f32::consts::TAU;
use std::ops::RangeInclusive;

/// How often a place is looked for where an object hides no more of others than it may.
const ATTEMPTS: usize = 30;

/// The largest share of a scene's width and of its height that the object of its class takes which is wider or higher than the scene.
const LARGEST: f32 = 0.75;

/// How far a shadow falls, a share of the object's size.
const SHADOW: f32 = 0.15;

/// An object of a scene that is to be painted.
#[derive(Clone, Debug)]
pub(super) struct Planned {
    pub(super) class: u32,
    /// The row that it is cut out of, or its shape and how large it is in pixels.
    pub(super) what: What,
    pub(super) scale: f32,
    pub(super) mirrored: bool,
    /// How far it is turned, in degrees.
    pub(super) turned: f32,
    /// Its brightness, and its colour where it gets one.
    pub(super) light: f32,
    pub(super) tint: [f32; 3],
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Parent(u64),
    Shape(Outline, f32),
}

/// What is behind the objects.
#[derive(Clone, Debug)]
pub(super) enum Behind {
    /// The pattern that the scene's own stream draws.
    Usual,
    Made(SceneBackground),
    /// A row of the given pictures.
    Picture(u64),
}

/// An object that was painted: the number of its pixels, and of those of them that are seen.
#[derive(Debug)]
struct Painted {
    /// None for what only hides others.
    class: Option<u32>,
    all: usize,
    seen: usize,
    keypoints: Vec<[f32; 2]>,
}

/// An object as it is seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) class: u32,
    pub(super) bbox: [f32; 4],
    pub(super) area: i64,
    /// Left, top, and whether it is seen, as COCO has them: 2 if it is, 1 if something hides it, and all 0 outside of the picture.
    pub(super) keypoints: Vec<[f32; 3]>,
}

pub(super) struct Scene {
    pub(super) image: Vec<u8>,
    pub(super) mask: Vec<u8>,
    pub(super) objects: Vec<Seen>,
}

pub(super) fn between(range: &RangeInclusive<f32>, rng: &mut Rng) -> f32 {
    range.start() + (range.end() - range.start()) * rng.unit()
}

/// Paints a scene. `rng` has the draws of places, blur and noise, `extra` those of all that a spec may have besides.
pub(super) fn draw(
    spec: &ScenesSpec,
    objects: &[(Planned, Option<Cutout>)],
    (behind, picture): (&Behind, Option<&[u8]>),
    rng: &mut Rng,
    extra: &mut Rng,
) -> Result<Scene> {
    let mut canvas = background(spec, behind, picture, rng, extra)?;
    let sun = extra.range(0.0, TAU);
    let (gradient, shadow) = (between(&spec.gradient, extra), between(&spec.shadow, extra));
    let away = [-libm::cosf(sun), -libm::sinf(sun)];
    let mut painted: Vec<Painted> = Vec::new();
    for (nth, (planned, cutout)) in objects.iter().enumerate() {
        let sized = |scale: f32| sized(planned, cutout.as_ref(), scale);
        let Some(cutout) = sized(planned.scale) else { continue };
        let found = match nth {
            // The object that gives the scene its class.
            0 => Some(place_own(spec, &canvas, (planned, cutout), sized, rng)?),
            _ => place(spec, &canvas, &cutout, &painted, rng).map(|at| (cutout, at)),
        };
        let Some((cutout, at)) = found else { continue };
        if shadow > 0.0 {
            let far = SHADOW * cutout.width.max(cutout.height) as f32;
            canvas.shade(&cutout, at, away.map(|way| way * far), shadow);
        }
        let tint = match cutout.colors {
            // Its own colours are lit, and not tinted.
            Some(_) => [planned.light; 3],
            None => planned.tint,
        };
        let points = keypoints(spec.keypoints, &cutout, at);
        paint(
            &mut canvas,
            &mut painted,
            &cutout,
            at,
            tint,
            Some(planned.class),
            points,
        );
    }
    for _ in 0..extra.below(u64::from(spec.occluders) + 1) {
        let (cutout, tint) = occluder(spec, extra);
        if let Some(at) = place(spec, &canvas, &cutout, &painted, extra) {
            paint(&mut canvas, &mut painted, &cutout, at, tint, None, Vec::new());
        }
    }
    if gradient > 0.0 {
        canvas.light(sun, gradient);
    }
    canvas.blur(between(&spec.blur, rng));
    let pixels = canvas.finish(between(&spec.noise, rng), rng);
    let mut mask = Pixels::new(spec.width, spec.height);
    for (levels, shows) in mask.levels.chunks_exact_mut(3).zip(&canvas.shows) {
        let object = usize::from(*shows).checked_sub(1).and_then(|at| painted[at].class);
        levels.fill(object.map_or(0, |class| class as u8 + 1));
    }
    Ok(Scene {
        image: pixels.to_png()?,
        mask: mask.to_png()?,
        objects: (1..)
            .zip(&painted)
            .filter_map(|(number, object)| seen(&canvas, number, object))
            .collect(),
    })
}

/// The object at `scale`, as it is mirrored and turned; none of a row that was not read.
fn sized(planned: &Planned, cutout: Option<&Cutout>, scale: f32) -> Option<Cutout> {
    if let What::Shape(outline, size) = &planned.what {
        return Some(outline.cutout(size * scale));
    }
    let scaled = cutout?.scaled(scale, planned.mirrored);
    Some(match planned.turned == 0.0 {
        true => scaled,
        false => scaled.turned(planned.turned),
    })
}

/// The first object of a scene, and its place: it is always there. One that is wider or higher than the scene is made smaller first; where no
/// place is found by chance, it is in the middle.
fn place_own(
    spec: &ScenesSpec,
    canvas: &Canvas,
    (planned, mut cutout): (&Planned, Cutout),
    sized: impl Fn(f32) -> Option<Cutout>,
    rng: &mut Rng,
) -> Result<(Cutout, (isize, isize))> {
    if cutout.width > canvas.width || cutout.height > canvas.height {
        let share = |of: usize, length: usize| LARGEST * of as f32 / length as f32;
        let smaller = share(canvas.width, cutout.width).min(share(canvas.height, cutout.height));
        cutout = sized(planned.scale * smaller).unwrap_or(cutout);
    }
    if let Some(at) = place(spec, canvas, &cutout, &[], rng) {
        return Ok((cutout, at));
    }
    if (0..cutout.alpha.len()).any(|at| cutout.covers(at)) {
        let middle = |of: usize, length: usize| (of as isize - length as isize) / 2;
        let at = (middle(canvas.width, cutout.width), middle(canvas.height, cutout.height));
        return Ok((cutout, at));
    }
    let size = format!("covers no pixel at {} x {}", cutout.width, cutout.height);
    Err(Error::data(match planned.what {
        What::Parent(row) => format!(
            "the object that is cut out of training row {row} {size}: its picture is nowhere brighter than threshold, or what is cut out is too small; lower threshold, give a mask, enlarge scale, or leave out that row"
        ),
        What::Shape(..) => {
            format!("the shape of the scene's class {size}: it is too thin or too small; enlarge shape_size or scale")
        }
    }))
}

fn background(
    spec: &ScenesSpec,
    behind: &Behind,
    picture: Option<&[u8]>,
    rng: &mut Rng,
    extra: &mut Rng,
) -> Result<Canvas> {
    let (width, height) = (spec.width as usize, spec.height as usize);
    let colors = match (behind, picture) {
        (Behind::Made(background), _) => background.draw((width, height), extra),
        (Behind::Picture(_), Some(picture)) => {
            let part = part_of(picture, (width, height), extra);
            part.map_err(|error| Error::from(error).context("a background"))?
        }
        _ => return Ok(Canvas::new(width, height, rng)),
    };
    Ok(Canvas::of(width, height, colors))
}

/// Something of no class that hides others: of any shape and colour, up to a third of the scene.
fn occluder(spec: &ScenesSpec, rng: &mut Rng) -> (Cutout, [f32; 3]) {
    let shapes = [
        SceneShape::Ellipse { ratio: 0.3..=1.0 },
        SceneShape::Rectangle { ratio: 0.1..=1.0 },
        SceneShape::Polygon { sides: 3..=7 },
    ];
    let outline = shapes[rng.below(3) as usize].draw(rng);
    let size = rng.range(0.1, 0.33) * spec.width.min(spec.height) as f32;
    let tint = std::array::from_fn(|_| rng.range(0.05, 0.95));
    (outline.cutout(size.max(2.0)), tint)
}

/// Paints an object, over those that were painted before.
fn paint(
    canvas: &mut Canvas,
    painted: &mut Vec<Painted>,
    cutout: &Cutout,
    at: (isize, isize),
    tint: [f32; 3],
    class: Option<u32>,
    keypoints: Vec<[f32; 2]>,
) {
    let all = (0..cutout.alpha.len()).filter(|&at| cutout.covers(at)).count();
    let places = canvas.places(cutout, at);
    let covered = places.iter().filter(|(from, _)| cutout.covers(*from));
    for (_, to) in covered.clone() {
        if let Some(under) = usize::from(canvas.shows[*to]).checked_sub(1) {
            painted[under].seen -= 1;
        }
    }
    painted.push(Painted {
        class,
        all,
        seen: covered.count(),
        keypoints,
    });
    canvas.paint(cutout, at, tint, painted.len() as u16);
}

/// A place for an object where it hides no more of any other than it may, and lies inside for as much; none if none is found.
fn place(
    spec: &ScenesSpec,
    canvas: &Canvas,
    cutout: &Cutout,
    painted: &[Painted],
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
        let shown = |(object, hidden): (&Painted, &usize)| {
            object.class.is_none() || (object.seen - hidden) as f32 >= least(object.all)
        };
        (inside > 0 && inside as f32 >= least(all) && painted.iter().zip(&hidden).all(shown)).then_some(at)
    })
}

/// The box around what is seen of an object.
fn seen(canvas: &Canvas, number: u16, object: &Painted) -> Option<Seen> {
    let class = object.class?;
    let at = |at: usize| (at % canvas.width, at / canvas.width);
    let pixels = || {
        (0..canvas.shows.len())
            .filter(|&pixel| canvas.shows[pixel] == number)
            .map(at)
    };
    let (left, right) = (pixels().map(|p| p.0).min()?, pixels().map(|p| p.0).max()?);
    let (top, bottom) = (pixels().map(|p| p.1).min()?, pixels().map(|p| p.1).max()?);
    let point = |&[x, y]: &[f32; 2]| {
        let is_inside = (0.0..canvas.width as f32).contains(&x) && (0.0..canvas.height as f32).contains(&y);
        if !is_inside {
            return [0.0; 3];
        }
        let shows = canvas.shows[y as usize * canvas.width + x as usize];
        // What is painted later is before it.
        [x, y, if shows > number { 1.0 } else { 2.0 }]
    };
    Some(Seen {
        class,
        bbox: [left, top, right + 1 - left, bottom + 1 - top].map(|side| side as f32),
        area: pixels().count() as i64,
        keypoints: object.keypoints.iter().map(point).collect(),
    })
}
