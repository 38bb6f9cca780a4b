//! The ways in which a picture can be turned and mirrored.

use serde::Serialize;
use std::fmt;

/// How a picture is turned or mirrored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// Left and right change places.
    MirroredLeftRight,
    /// Above and below change places.
    MirroredAboveBelow,
    /// By 180 degrees.
    HalfTurn,
    /// Lines become columns.
    Transposed,
    /// By 90 degrees, counter-clockwise.
    QuarterTurnLeft,
    /// By 90 degrees, clockwise.
    QuarterTurnRight,
    /// Transposed about the other diagonal.
    Transversed,
}

impl Turn {
    /// Of one of the eight symmetries; none of the first, which leaves the picture as it is.
    pub(super) fn of(symmetry: usize) -> Option<Self> {
        Some(match symmetry {
            1 => Self::MirroredLeftRight,
            2 => Self::MirroredAboveBelow,
            3 => Self::HalfTurn,
            4 => Self::Transposed,
            5 => Self::QuarterTurnLeft,
            6 => Self::QuarterTurnRight,
            7 => Self::Transversed,
            _ => return None,
        })
    }
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MirroredLeftRight => "mirrored left and right",
            Self::MirroredAboveBelow => "mirrored above and below",
            Self::HalfTurn => "turned by 180 degrees",
            Self::Transposed => "transposed",
            Self::QuarterTurnLeft => "turned left by 90 degrees",
            Self::QuarterTurnRight => "turned right by 90 degrees",
            Self::Transversed => "transposed about the other diagonal",
        })
    }
}
