//! An axis with ticks at round numbers.

/// From where to where an axis goes, and its ticks: multiples of 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Axis {
    pub(super) low: f64,
    pub(super) high: f64,
    step: f64,
}

impl Axis {
    /// Ticks on an axis, at least and at most by one.
    const TICKS: f64 = 4.0;

    /// An axis on which `low` and `high` lie, between ticks at both ends. It has no end where both are no numbers, and a unit around
    /// them where they are the same.
    pub(super) fn over(low: f64, high: f64) -> Self {
        let (low, high) = match (low <= high, high - low) {
            (false, _) => (0.0, 1.0),
            (_, 0.0) => (low - 0.5 * unit(low), low + 0.5 * unit(low)),
            (_, range) if range.is_finite() => (low, high),
            // A part of it is.
            _ => return Self::over(low / 4.0, high / 4.0),
        };
        let raw = (high - low) / Self::TICKS;
        let power = 10_f64.powf(raw.log10().floor());
        let step = match raw / power {
            ..1.5 => power,
            ..3.5 => 2.0 * power,
            ..7.5 => 5.0 * power,
            _ => 10.0 * power,
        };
        Self {
            low: (low / step).floor() * step,
            high: (high / step).ceil() * step,
            step,
        }
    }

    /// The ticks, each with its number.
    pub(super) fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        let first = (self.low / self.step).round();
        let count = ((self.high - self.low) / self.step).round().min(20.0) as u32;
        (0..=count).map(move |at| {
            let value = (first + f64::from(at)) * self.step;
            (value, self.words(value))
        })
    }

    /// Where `value` lies, 0 at the low end and 1 at the high one.
    pub(super) fn share(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// With as many decimals as tell ticks apart.
    fn words(self, value: f64) -> String {
        let size = self.low.abs().max(self.high.abs());
        if value != 0.0 && !(1e-3..1e6).contains(&size) {
            return format!("{value:.1e}");
        }
        let decimals = (-self.step.log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{value:.decimals$}")
    }
}

/// What is little beside `value`, and 1 beside what is small.
fn unit(value: f64) -> f64 {
    (value.abs() * 1e-3).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_the_numbers() {
        let of = |low, high| {
            Axis::over(low, high)
                .ticks()
                .map(|(_, words)| words)
                .collect::<Vec<_>>()
        };
        assert_eq!(of(0.05, 1.57), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(of(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            of(369.0, 1630.0),
            ["200", "400", "600", "800", "1000", "1200", "1400", "1600", "1800"]
        );
        assert_eq!(of(0.0123, 0.0189), ["0.012", "0.014", "0.016", "0.018", "0.020"]);
        assert_eq!(of(-1.0, 1.0), ["-1.0", "-0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(of(0.5, 0.5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(of(2e7, 5e7)[0], "2.0e7");
        assert_eq!(of(f64::INFINITY, f64::NEG_INFINITY).len(), 6);
        let wide = Axis::over(-f64::MAX, f64::MAX);
        assert!(wide.share(f64::MAX) <= 1.0 && wide.ticks().count() < 20);
        // A loss is not drawn below 0.
        assert_eq!(Axis::over(0.001, 0.9).low, 0.0);
    }
}
