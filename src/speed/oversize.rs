//! Pictures that are larger than they are used.

use serde::Serialize;

/// Pictures that are larger than they are used. [`Import`](crate::import::Import) makes them smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Oversize {
    /// Pixels of their shorter side, the median of some.
    pub shorter: u32,
    /// Pixels that are enough for random crops: 8 / 7 of the size, as 256 are for 224.
    pub enough: u32,
}

impl Oversize {
    /// Of pictures of `shorter` pixels that are used at `size`, where they are a quarter larger than is enough.
    pub(super) fn of(shorter: u32, size: u32) -> Option<Self> {
        let enough = size * 8 / 7;
        (shorter >= enough + enough / 4).then_some(Self { shorter, enough })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_too_large_from_a_quarter_more_than_is_enough_on() {
        let of = |shorter| Oversize::of(shorter, 224);
        let enough = 256;
        assert_eq!([256, 319].map(of), [None, None]);
        assert_eq!(
            [320, 2000].map(of),
            [320, 2000].map(|shorter| Some(Oversize { shorter, enough }))
        );
    }
}
