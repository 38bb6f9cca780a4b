//! The nearest of what was seen so far.

/// Up to `k` rows with their distances, the nearest first; of equally far ones the lower first.
#[derive(Debug)]
pub(super) struct Closest {
    k: usize,
    found: Vec<(f64, u32)>,
}

impl Closest {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            found: Vec::with_capacity(k + 1),
        }
    }

    /// Beyond this distance nothing is taken any more.
    #[inline(always)]
    pub(super) fn worst(&self) -> f64 {
        match self.found.last() {
            Some(&(distance, _)) if self.found.len() == self.k => distance,
            _ => f64::INFINITY,
        }
    }

    #[inline(always)]
    pub(super) fn offer(&mut self, distance: f64, row: u32) {
        let is_nearer = |&(other, at): &(f64, u32)| (other, at) < (distance, row);
        if self.found.len() == self.k && self.found.last().is_none_or(is_nearer) {
            return;
        }
        let at = self.found.partition_point(is_nearer);
        self.found.insert(at, (distance, row));
        self.found.truncate(self.k);
    }

    /// Adds the rows to `rows`, and begins anew.
    #[inline(always)]
    pub(super) fn drain_into(&mut self, rows: &mut Vec<u32>) {
        rows.extend(self.found.drain(..).map(|(_, row)| row));
    }
}
