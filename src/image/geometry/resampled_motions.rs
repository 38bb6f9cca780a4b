//! The motions of a row's picture, resample by resample.

use super::motion::Motion;

/// All that moves a row's picture, from the picture as it is stored to the output.
///
/// A change of values between two motions parts them into two resamples. What the first one leaves outside of its picture is lost: the second
/// cannot bring it back.
#[derive(Debug)]
pub(in crate::image) struct ResampledMotions {
    /// All of them as one.
    whole: Motion,
    /// Those of each resample, where there are several; else empty.
    parts: Vec<Motion>,
}

impl ResampledMotions {
    /// `whole` in one resample.
    pub(in crate::image) fn once(whole: Motion) -> Self {
        let parts = Vec::new();
        Self { whole, parts }
    }

    /// `whole` in several resamples, which are `parts`.
    pub(in crate::image) fn several(whole: Motion, parts: Vec<Motion>) -> Self {
        Self { whole, parts }
    }

    /// All motions as one.
    pub(in crate::image) fn whole(&self) -> &Motion {
        &self.whole
    }

    /// The motions of each resample, where there are several; else empty.
    pub(in crate::image) fn parts(&self) -> &[Motion] {
        &self.parts
    }

    /// Whether a place of the stored picture lies in the picture of each resample but the last one.
    pub(in crate::image) fn keeps(&self, place: [f64; 2]) -> bool {
        let mut place = place;
        let before_the_last = self.parts.len().saturating_sub(1);
        self.parts[..before_the_last].iter().all(|part| {
            place = part.point(place);
            (0..2).all(|axis| (0.0..f64::from(part.to()[axis])).contains(&place[axis]))
        })
    }
}
