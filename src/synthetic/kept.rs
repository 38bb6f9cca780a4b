//! The memory of what is fitted on rows: what a fit may take, and what is kept of it.

use crate::error::{Error, Remedy, Result};
use crate::exec::Context;
use crate::exec::reservation::Reservation;
use crate::plan::Plan;

/// What a fit may take of a budget however small: half of the smallest one that a machine gets by default.
const LEAST: u64 = 32 << 20;

/// Refuses a fit that takes `bytes` where that is more than half of the memory, and more than 32 MiB; `what` it is, with a verb, and what there is to do beside giving more
/// memory.
///
/// # Errors
///
/// `Budget` with both numbers.
pub(in crate::synthetic) fn check_room(cx: &Context, bytes: u64, what: &str, or: &str) -> Result<()> {
    let most = LEAST.max(cx.memory() / 2);
    if bytes <= most {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(Error::budget(format!(
        "{what} {} MiB, and may take half of the memory, and 32 MiB in any case, here {} MiB: give more memory, or {or}",
        mib(bytes),
        mib(most),
    ))
    .with_remedy(Remedy::Memory))
}

/// Bytes that are kept as long as this lives. They are charged to the share of the budget for rows that are held, or to what is left of it, so that a balance holds
/// fewer rows beside them.
#[derive(Debug)]
pub(in crate::synthetic) struct Kept {
    bytes: u64,
    _held: Reservation,
}

impl Kept {
    pub(in crate::synthetic) fn new(cx: &Context, bytes: u64) -> Self {
        Self {
            bytes,
            _held: cx.hold_rows(bytes),
        }
    }

    /// How many they are. A plan names all of them, since the share may have had no room for some, and a program that loads may have another budget than the one that fitted.
    pub(in crate::synthetic) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// `plan`, which has them in memory.
    pub(in crate::synthetic) fn told(&self, plan: Plan) -> Plan {
        plan.resident(self.bytes)
    }
}
