//! Motions applied to pictures and masks that stand alone.

use std::cell::RefCell;
use std::thread::LocalKey;

use super::crop::Frame;
use super::exact::Exact;
use super::interpolation::Interpolation;
use super::mirror::Mirrored;
use super::motion::Motion;
use super::resample::Resample;
use super::warp::{Blended, Scratch};
use crate::image::KEPT;
use crate::image::mask::Mask;
use crate::image::pixels::Pixels;

/// What motions can be applied to.
pub(in crate::image) trait Resampled: Blended + Mirrored {
    /// Of pictures that are moved one by one.
    fn scratch() -> &'static LocalKey<RefCell<Scratch<Self>>>;
}

macro_rules! resampled {
    ($($type:ty),*) => {$(
        impl Resampled for $type {
            fn scratch() -> &'static LocalKey<RefCell<Scratch<Self>>> {
                thread_local! {
                    static SCRATCH: RefCell<Scratch<$type>> = RefCell::default();
                }
                &SCRATCH
            }
        }
    )*};
}
resampled!(u8, f32);

impl Motion {
    /// Moves the picture, which is as large as [`from`](Self::from) says and becomes as large as [`to`](Self::to). Whole pixels are copied, and
    /// what keeps sides sides is an antialiased resize. Otherwise the picture is made smaller, antialiased, where the motion would skip pixels, and the
    /// result is bilinear in that. Beyond the picture is black, or what [`padding`](Self::padding) says.
    pub fn apply(&self, pixels: &mut Pixels) {
        self.apply_to(pixels);
    }

    /// As [`apply`](Self::apply), of either depth.
    pub(in crate::image) fn apply_to<L: Resampled>(&self, pixels: &mut Pixels<L>) {
        let padding = self.beyond().unwrap_or_default();
        // A buffer of another length is the caller's mistake, and what it lacks is black.
        pixels.reshape(self.from()[0], self.from()[1], pixels.channels());
        let exact = Exact::of(self);
        if exact.is_some_and(|exact| exact.is_identity()) {
            return;
        }
        pixels.redraw_sized(self.to(), |old, new| {
            if let Some(exact) = exact {
                return exact.draw(old, new, padding);
            }
            let resample = Resample::new(&Frame::whole(self.from()), self);
            let mut scratch = L::scratch().take();
            let source = (old, resample.region());
            let done = resample.draw(Interpolation::Bilinear, source, &mut scratch, new);
            debug_assert!(done.is_ok(), "an area lies inside of its picture");
            scratch.trim(KEPT);
            L::scratch().replace(scratch);
        });
    }

    /// Moves a mask: each place has the value of the nearest one, and `fill` beyond it where the picture has a colour.
    pub(in crate::image) fn apply_to_mask(&self, mask: &mut Mask, fill: u8) {
        let padding = self.beyond().unwrap_or_default();
        let [width, height] = self.to();
        let mut values = vec![0; width as usize * height as usize];
        match Exact::of(self) {
            Some(exact) => exact.copy(&mask.values, &mut values, fill, padding),
            None => {
                let nearest = |x: usize, y: usize| {
                    let [x, y] = self.origin([x as f64 + 0.5, y as f64 + 0.5]);
                    let column = padding.pixel(x.floor() as i64, mask.width)?;
                    let row = padding.pixel(y.floor() as i64, mask.height)?;
                    Some(mask.values[row * mask.width as usize + column])
                };
                let wide = width as usize;
                for (at, value) in values.iter_mut().enumerate() {
                    *value = nearest(at % wide, at / wide).unwrap_or(fill);
                }
            }
        }
        *mask = Mask { width, height, values };
    }
}
