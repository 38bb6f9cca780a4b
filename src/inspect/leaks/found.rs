//! A row that is a copy, before its place and its label are looked up.

use super::report::LeakKind;
use super::turn::Turn;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) kind: LeakKind,
    pub(super) row: u32,
    pub(super) copy_of: u32,
    pub(super) copies: Option<u64>,
    pub(super) turn: Option<Turn>,
    pub(super) phash_bits: Option<u32>,
    pub(super) correlation: Option<f64>,
    pub(super) distance: Option<f64>,
}

impl Found {
    /// A copy of `copies` rows, of which `copy_of` is named.
    pub(super) fn exact(kind: LeakKind, row: u32, copy_of: u32, copies: u64) -> Self {
        Self {
            kind,
            row,
            copy_of,
            copies: Some(copies),
            turn: None,
            phash_bits: None,
            correlation: None,
            distance: None,
        }
    }

    /// A row whose nearest one lies `distance` away.
    pub(super) fn near(kind: LeakKind, row: u32, copy_of: u32, distance: f64) -> Self {
        Self {
            copies: None,
            distance: Some(distance),
            ..Self::exact(kind, row, copy_of, 0)
        }
    }
}
