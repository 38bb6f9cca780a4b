//! How far features are, and how fast.

use std::time::Instant;

/// How far a pass over rows and their views is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FeatureProgress {
    /// Rows, each in all its views, that have their features.
    pub done: u64,
    /// Rows in all.
    pub total: u64,
    /// Rows whose features are computed in a second, waiting for them included; none as long as all were found where they are kept.
    pub rows_per_second: Option<f64>,
    /// Seconds that the rest takes, if it is computed at this rate.
    pub seconds_left: Option<f64>,
}

/// Measures what is computed, apart from what is found.
#[derive(Debug)]
pub(super) struct Pace {
    total: u64,
    /// Rows computed, and the seconds that they took, before this span of rows.
    computed: u64,
    seconds: f64,
    /// First row of the span that is computed now, and when it began.
    span: Option<(u64, Instant)>,
}

impl Pace {
    pub(super) fn new(total: u64) -> Self {
        Self {
            total,
            computed: 0,
            seconds: 0.0,
            span: None,
        }
    }

    /// The rows from `row` on are computed from now on.
    pub(super) fn begin(&mut self, row: u64) {
        self.span = Some((row, Instant::now()));
    }

    /// The rows of the span are computed up to `row`.
    pub(super) fn end(&mut self, row: u64) {
        (self.computed, self.seconds) = self.so_far(row);
        self.span = None;
    }

    /// The rows before `done` have their features.
    pub(super) fn at(&self, done: u64) -> FeatureProgress {
        let (computed, seconds) = self.so_far(done);
        let rate = (computed > 0 && seconds > 0.0).then(|| computed as f64 / seconds);
        FeatureProgress {
            done,
            total: self.total,
            rows_per_second: rate,
            seconds_left: rate.map(|rate| self.total.saturating_sub(done) as f64 / rate),
        }
    }

    fn so_far(&self, done: u64) -> (u64, f64) {
        match self.span {
            None => (self.computed, self.seconds),
            Some((first, begun)) => (
                self.computed + done.saturating_sub(first),
                self.seconds + begun.elapsed().as_secs_f64(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn what_is_found_counts_as_done_and_not_for_the_rate() {
        let mut pace = Pace::new(1000);
        let found = pace.at(512);
        assert_eq!((found.rows_per_second, found.seconds_left), (None, None));
        pace.begin(512);
        sleep(Duration::from_millis(50));
        let now = pace.at(612);
        pace.end(612);
        let rate = now.rows_per_second.unwrap();
        assert!(rate > 0.0 && rate <= 100.0 / 0.05, "{rate}");
        assert_eq!(now.seconds_left, Some(388.0 / rate));
        // No time passes for what is found after it.
        let after = pace.at(900).rows_per_second;
        sleep(Duration::from_millis(20));
        assert_eq!(pace.at(1000).rows_per_second, after);
        assert_eq!(pace.at(1000).seconds_left, Some(0.0));
    }
}
