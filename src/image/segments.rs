//! What happens to the picture of one row: drawn before it is decoded, and put together to as few resamples as there can be.

use super::ImageError;
use super::builder::Image;
use super::drawn::{Change, Drawn};
use super::geometry::apply::Resampled;
use super::geometry::crop::Frame;
use super::geometry::motion::Motion;
use super::geometry::resampled_motions::ResampledMotions;
use super::level::Level;
use super::mask::Mask;
use super::operation::Subject;
use super::pixels::Pixels;
use std::any::Any;

/// The motions before the first change of values, and all that follows.
#[derive(Debug)]
pub(super) struct Segments {
    /// Of the frame; these are drawn together with the crop and the resize.
    pub(super) first: Motion,
    /// That of the crop and the resize.
    frame: Motion,
    later: Vec<Work>,
    /// All motions from the picture as it is stored to the end.
    pub(super) whole: Motion,
    /// Of the picture at the end.
    size: [u32; 2],
}

/// A part of the work behind the first resample.
enum Work {
    Motion(Motion),
    /// And the place of the operation in the list.
    Values(Change, usize),
    Floats(Change<f32>, usize),
}

impl Segments {
    /// What the row of key `key` and of `class` draws behind `frame`.
    pub(super) fn draw(image: &Image, frame: &Frame, key: u64, class: Option<u32>) -> Result<Self, ImageError> {
        let mut segments = Self {
            first: Motion::identity(frame.size),
            later: Vec::new(),
            frame: frame.motion(),
            whole: frame.motion(),
            size: frame.size,
        };
        let subject = Subject::new(frame.size).of_class(class).of_depth(image.depth);
        for (at, step) in image.operations.iter().enumerate() {
            let before = segments.size;
            let drawn = step.operation.draw(&subject.of_size(before), &mut step.rng(key));
            segments.add(drawn, at).map_err(|size| {
                let [[a, b], [c, d]] = [size, segments.size];
                let name = step.name();
                ImageError::Config(format!(
                    "{name} moves a picture of {a} x {b} pixels, but it has {c} x {d}"
                ))
            })?;
            // The stage was checked by what the operation says.
            if let Some([e, f]) = step.operation.resized(before).filter(|said| *said != segments.size) {
                let ([a, b], [c, d], name) = (before, segments.size, step.name());
                return Err(ImageError::Config(format!(
                    "{name}: its motion makes {c} x {d} pixels of {a} x {b}, and by its `Operation::resized` these are {e} x {f}: \
                     override `resized`, which says the size that the operation leaves"
                )));
            }
        }
        Ok(segments)
    }

    /// Fails with the size of the picture that a motion is for, where that is another one.
    fn add(&mut self, drawn: Drawn, at: usize) -> Result<(), [u32; 2]> {
        match drawn {
            Drawn::Nothing => {}
            Drawn::Sequence(all) => all.into_iter().try_for_each(|drawn| self.add(drawn, at))?,
            Drawn::Values(change) => self.later.push(Work::Values(change, at)),
            Drawn::Floats(change) => self.later.push(Work::Floats(change, at)),
            Drawn::Motion(motion) => {
                if motion.from() != self.size {
                    return Err(motion.from());
                }
                self.size = motion.to();
                // Who does not say what is beyond goes by those before, also behind a change of values.
                let motion = match (motion.beyond(), self.whole.beyond()) {
                    (None, Some(padding)) => motion.padding(padding),
                    _ => motion,
                };
                add(&mut self.whole, motion.clone());
                let beyond = self.whole.beyond();
                match self.later.last_mut() {
                    // The frame may have a colour of its own, which `whole` has from it.
                    None if motion.joins_beyond(beyond) => add(&mut self.first, motion),
                    Some(Work::Motion(last)) if last.joins(&motion) => add(last, motion),
                    _ => self.later.push(Work::Motion(motion)),
                }
            }
        }
        Ok(())
    }

    /// All that follows the first resample.
    pub(super) fn finish<L: Resampled>(
        self,
        image: &Image,
        pixels: &mut Pixels<L>,
        masks: &mut [Mask],
    ) -> Result<ResampledMotions, ImageError> {
        let mut behind = Vec::new();
        for work in self.later {
            let before = (pixels.width, pixels.height, pixels.levels.len());
            let (at, mistake) = match work {
                Work::Motion(motion) => {
                    motion.apply_to(pixels);
                    masks
                        .iter_mut()
                        .for_each(|mask| motion.apply_to_mask(mask, image.fill_mask));
                    behind.push(motion);
                    continue;
                }
                Work::Values(change, at) => (at, changed(pixels, change)),
                Work::Floats(change, at) => (at, changed(pixels, change)),
            };
            let sized = || {
                (before != (pixels.width, pixels.height, pixels.levels.len())).then_some("changed the picture's size")
            };
            if let Some(mistake) = mistake.or_else(sized) {
                let name = image.operations[at].name();
                return Err(ImageError::Config(format!("{name} {mistake}")));
            }
        }
        if behind.is_empty() {
            return Ok(ResampledMotions::once(self.whole));
        }
        behind.insert(0, self.frame.then(self.first));
        Ok(ResampledMotions::several(self.whole, behind))
    }
}

/// Changes the picture, if it is of the depth that the change is for; else what is wrong.
fn changed<L: Level, M: Level>(pixels: &mut Pixels<L>, change: Change<M>) -> Option<&'static str> {
    let pixels: &mut dyn Any = pixels;
    match pixels.downcast_mut() {
        None => Some("drew a change for pictures of another depth"),
        Some(pixels) => {
            change(pixels);
            None
        }
    }
}

fn add(motion: &mut Motion, next: Motion) {
    let before = std::mem::replace(motion, Motion::identity([0; 2]));
    *motion = before.then(next);
}

impl std::fmt::Debug for Work {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Motion(motion) => f.debug_tuple("Motion").field(motion).finish(),
            Self::Values(_, at) => f.debug_tuple("Values").field(at).finish(),
            Self::Floats(_, at) => f.debug_tuple("Floats").field(at).finish(),
        }
    }
}
