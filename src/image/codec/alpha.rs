//! Alpha, where it is asked for.

use crate::image::pixels::Pixels;

/// The alpha of a picture as decoders find it, row by row as the file stores it.
#[derive(Debug, Default)]
pub(in crate::image) struct Alpha {
    wanted: bool,
    /// Empty where the file has none.
    values: Vec<u8>,
}

impl Alpha {
    /// Begins a picture.
    pub(super) fn begin(&mut self, wanted: bool) {
        self.wanted = wanted;
        self.values.clear();
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// Keeps one value for each place, if they are wanted.
    pub(super) fn keep(&mut self, values: impl Iterator<Item = u8>) {
        if self.wanted {
            self.values.clear();
            self.values.extend(values);
        }
    }

    /// Makes four channels of the three of `into`: with the values that were kept, and opaque without.
    pub(super) fn join(&mut self, into: &mut Pixels) {
        let places = into.width as usize * into.height as usize;
        self.values.resize(places, 255);
        into.redraw_as(4, |old, new| {
            let pixels = old.levels.as_chunks::<3>().0.iter().zip(&self.values);
            for ((&[red, green, blue], &alpha), to) in pixels.zip(new.as_chunks_mut::<4>().0) {
                *to = [red, green, blue, alpha];
            }
        });
    }

    pub(super) fn trim(&mut self, limit: usize) {
        if self.values.capacity() > limit {
            self.values = Vec::new();
        }
    }
}
