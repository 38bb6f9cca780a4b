//! What of the budget a stream has that is balanced in segments, and what of that stays free for all that no share counts.

use super::Context;
use super::budget::{blocks_share, rows_share};
use super::reservation::Reservation;

/// Bytes for what has no size worth counting: threads' stacks and queues, footers, orders of blocks.
pub(crate) const TABLES: u64 = 16 << 20;

/// Segments' worth of bytes that are in memory at most: two that are read, each twice while it is put together, and two whose rows come.
const PARTS: u64 = 6;
/// Those of the parts that are read.
const READ: u64 = 4;
/// A segment of so many bytes has room in any budget: as all that has no size worth counting.
const ALWAYS: u64 = 1 << 20;

/// Room for the segments of one stream, for as long as it lives: what is left of the share for rows that are held, and half of what is left for decoded blocks.
#[derive(Debug)]
pub(crate) struct StreamRoom {
    rows: Reservation,
    blocks: Reservation,
    memory: u64,
}

impl StreamRoom {
    pub(crate) fn reserve(cx: &Context) -> Self {
        let room = Self::of(cx);
        cx.trim_cache();
        room
    }

    fn of(cx: &Context) -> Self {
        Self {
            rows: cx.reserve_rows(),
            blocks: cx.borrow_blocks(),
            memory: cx.memory(),
        }
    }

    /// Bytes that a segment may take.
    pub(crate) fn of_segment(&self) -> u64 {
        (self.usable() / PARTS).max(ALWAYS)
    }

    /// Bytes for segments whose rows come, or have come.
    pub(crate) fn kept(&self) -> u64 {
        self.usable().saturating_sub(READ * self.of_segment())
    }

    /// How a segment of `bytes` would have room, in words.
    pub(crate) fn remedy(&self, bytes: u64) -> String {
        let least = least(bytes);
        match least > self.memory {
            true => format!("a budget of at least {} MiB", least.div_ceil(1 << 20)),
            false => "a context of its own, of whose budget nothing else has a part".to_owned(),
        }
    }

    fn usable(&self) -> u64 {
        let reserved = self.rows.bytes() + self.blocks.bytes();
        reserved - spare(self.memory, reserved)
    }
}

/// The least budget in which a segment of `bytes` has room, where its stream is alone in it: of seven sixteenths tables are left out.
fn least(bytes: u64) -> u64 {
    PARTS
        .saturating_mul(bytes)
        .saturating_add(TABLES)
        .saturating_mul(16)
        .div_ceil(7)
}

/// Bytes of `reserved` ones that stay free in a budget of `memory`: for tables, and for the batch that was delivered.
fn spare(memory: u64, reserved: u64) -> u64 {
    (TABLES + memory / 16).min(reserved)
}

/// What a stream reserves of a budget of `memory` in which nothing else is.
fn reserved(memory: u64) -> u64 {
    rows_share(memory) + blocks_share(memory) / 2
}

/// What of a budget of `memory` can be filled where streams have segments of `bytes` in all; none have any where these are 0.
pub(super) fn filled(memory: u64, bytes: u64) -> u64 {
    match bytes {
        0 => memory,
        _ => memory - spare(memory, reserved(memory)),
    }
}

/// What segments of `bytes` in all take in a budget of `memory`: in it, and beside it.
pub(super) fn taken(memory: u64, bytes: u64) -> (u64, u64) {
    let usable = reserved(memory) - spare(memory, reserved(memory));
    let wanted = PARTS.saturating_mul(bytes);
    (wanted.min(usable), wanted.min(PARTS * ALWAYS).saturating_sub(usable))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn all_parts_of_a_stream_and_what_stays_free_are_what_is_reserved() {
        let cx = Context::with(1, 256 * MIB).unwrap();
        let room = StreamRoom::of(&cx);
        // Of 128 MiB 16 are for tables and 16 for a batch.
        assert_eq!((room.of_segment(), room.kept()), (16 * MIB, 32 * MIB));
        assert_eq!(taken(256 * MIB, 64 * MIB), (96 * MIB, 0));
        assert_eq!(filled(256 * MIB, 64 * MIB), 224 * MIB);
        assert_eq!(filled(256 * MIB, 0), 256 * MIB);
        // A second stream has half of what the first one left of the blocks.
        let second = StreamRoom::of(&cx);
        assert_eq!((second.of_segment(), second.kept()), (MIB, 0));
        assert!(second.remedy(16 * MIB).starts_with("a context of its own"));
        assert_eq!(room.remedy(17 * MIB), "a budget of at least 270 MiB");
        drop((room, second));
        let least = least(17 * MIB).next_multiple_of(MIB);
        let room = StreamRoom::of(&Context::with(1, least).unwrap());
        assert!((17 * MIB..18 * MIB).contains(&room.of_segment()));
    }

    #[test]
    fn a_small_segment_has_room_in_any_budget() {
        let cx = Context::with(1, 1).unwrap();
        let room = StreamRoom::of(&cx);
        assert_eq!((room.of_segment(), room.kept()), (MIB, 0));
        assert_eq!(taken(1, 64 * MIB), (0, 6 * MIB));
        assert_eq!(filled(1, 64 * MIB), 1);
    }
}
