//! What a plan needs in memory.

use super::{MemoryNeeds, Plan};

impl Plan {
    /// Says that this node keeps `bytes` in memory outside of the context's budget: rows in memory, tables of labels.
    #[must_use]
    pub fn resident(mut self, bytes: u64) -> Self {
        self.resident = bytes;
        self
    }

    /// Says that the smallest piece which this node can read and decode takes up to `bytes`.
    #[must_use]
    pub fn unit(mut self, bytes: u64) -> Self {
        self.unit = bytes;
        self
    }

    /// Says that all that this node can read takes up to `bytes` with what it decodes it to. More of the budget than the data can fill is
    /// never in use.
    #[must_use]
    pub fn decoded(mut self, bytes: u64) -> Self {
        self.decoded = Some(bytes);
        self
    }

    /// Says that rows are taken from blocks of `bytes` together in turn, which are read again where they do not stay in memory.
    #[must_use]
    pub(crate) fn open(mut self, bytes: u64) -> Self {
        self.open = bytes;
        self
    }

    /// Says that rows come in segments of up to `bytes` each, which lie in memory inside of the context's budget, with all that is beside it else.
    #[must_use]
    pub(crate) fn streamed(mut self, bytes: u64) -> Self {
        self.streamed = bytes;
        self
    }

    /// What all nodes need in memory.
    pub(crate) fn needs(&self) -> MemoryNeeds {
        let mut needs = MemoryNeeds {
            decoded: Some(0),
            ..MemoryNeeds::default()
        };
        self.walk(&mut |_, node| {
            needs.nodes += 1;
            let silent = if node.inputs.is_empty() { None } else { Some(0) };
            let decoded = node.decoded.or(silent);
            needs.decoded = needs.decoded.zip(decoded).map(|(all, own)| all.saturating_add(own));
            needs.resident = needs.resident.saturating_add(node.resident);
            needs.unit = needs.unit.max(node.unit);
            needs.open = needs.open.saturating_add(node.open);
            needs.streamed = needs.streamed.saturating_add(node.streamed);
        });
        needs
    }
}
