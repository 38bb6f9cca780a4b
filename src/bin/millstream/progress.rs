//! How far some work is: one line that is written over where standard error is a terminal, else a line every few seconds.

use crate::output::say;
use millstream::quote::shown;
use millstream::train::FeatureProgress;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};
use terminal_size::{Width, terminal_size_of};

/// Work of a known number of steps.
pub(crate) struct Progress {
    what: String,
    total: u64,
    done: u64,
    /// Steps that were done before this began: those of a run that goes on.
    before: u64,
    /// Images a second and seconds left, of work that tells.
    rate: Option<(f64, f64)>,
    begun: Instant,
    /// When the last line was written, and of how many steps it was.
    told: Instant,
    told_of: Option<u64>,
    on_terminal: bool,
}

impl Progress {
    /// Between two lines where there is no terminal.
    const LINE: Duration = Duration::from_secs(5);

    /// Between two drawings on a terminal.
    const DRAW: Duration = Duration::from_millis(100);

    pub(crate) fn new(what: &str, total: u64) -> Self {
        let now = Instant::now();
        let progress = Self {
            what: shown(what, usize::MAX),
            total,
            done: 0,
            before: 0,
            rate: None,
            begun: now,
            told: now,
            told_of: None,
            on_terminal: std::io::stderr().is_terminal(),
        };
        if progress.on_terminal {
            progress.draw("");
        }
        progress
    }

    /// That so many steps were done before: no time of this run went into them.
    pub(crate) fn goes_on_at(&mut self, done: u64) {
        (self.before, self.done) = (done, done);
    }

    /// How many steps there are, where that is known later.
    pub(crate) fn of(&mut self, total: u64) {
        self.total = total;
    }

    /// What is under way is called so from now on.
    pub(crate) fn called(&mut self, what: &str) {
        self.what = shown(what, usize::MAX);
    }

    pub(crate) fn reached(&mut self, done: u64) {
        self.done = done;
        let wait = if self.on_terminal { Self::DRAW } else { Self::LINE };
        if self.told.elapsed() < wait {
            return;
        }
        self.told = Instant::now();
        match self.on_terminal {
            true => self.draw(""),
            false => {
                self.told_of = Some(done);
                say(&self.line(None));
            }
        }
    }

    /// As [`reached`](Self::reached), of features of images.
    pub(crate) fn computed(&mut self, features: &FeatureProgress) {
        self.rate = features.rows_per_second.zip(features.seconds_left);
        self.reached(features.done);
    }

    /// Lines above the one that is written over.
    pub(crate) fn say(&mut self, lines: &str) {
        self.told = Instant::now();
        if self.on_terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
        say(lines);
        if self.on_terminal {
            self.draw("");
        }
    }

    pub(crate) fn end(self) {
        match self.on_terminal {
            true => self.draw("\n"),
            false if self.told_of == Some(self.done) => {}
            false => say(&self.line(None)),
        }
    }

    fn draw(&self, end: &str) {
        let width = terminal_size_of(std::io::stderr()).map_or(80, |(Width(width), _)| usize::from(width));
        // In the last column some terminals begin a new line.
        let line = self.line(Some(width.saturating_sub(1)));
        // Nobody is left to tell if this fails.
        let _ = write!(std::io::stderr(), "\r{line}\x1b[K{end}");
    }

    fn line(&self, width: Option<usize>) -> String {
        line(
            &self.what,
            (self.before, self.done, self.total),
            self.rate,
            self.begun.elapsed(),
            width,
        )
    }
}

/// What is done, how far it is (steps before this run, steps, all steps), how much of it a second (images where the `rate` is known, with the seconds that are left), the time that it
/// took and the time that is left; in `width` columns with as much of a bar as there is room for.
fn line(
    what: &str,
    (before, done, total): (u64, u64, u64),
    rate: Option<(f64, f64)>,
    elapsed: Duration,
    width: Option<usize>,
) -> String {
    const WHAT: usize = 28;
    const BAR: std::ops::RangeInclusive<usize> = 8..=32;
    let count = format!("{done}/{total}");
    let own = done.saturating_sub(before);
    let rest = match rate {
        // As long as 31 years, so that any number is a duration.
        Some((_, seconds)) => Duration::from_secs_f64(seconds.clamp(0.0, 1e9)),
        None if own == 0 => Duration::ZERO,
        None => elapsed.mul_f64(total.saturating_sub(done) as f64 / own as f64),
    };
    let left = match own > 0 && done < total {
        true => format!(", {} left", time(rest)),
        false => String::new(),
    };
    let rate = match rate {
        Some((images, _)) => Some(format!("{images:.*} images/s", usize::from(images < 10.0))),
        None => speed(own, elapsed).map(|speed| format!("{speed}{}/s", unit(what))),
    };
    let time = format!("{}{left}", time(elapsed));
    let width = match width {
        None => {
            let parts = [Some(count), rate, Some(time)];
            return format!("{what}: {}", parts.into_iter().flatten().collect::<Vec<_>>().join(", "));
        }
        Some(0) => return String::new(),
        Some(width) => width,
    };
    let what = shown(what, WHAT);
    let time = rate.map_or_else(|| time.clone(), |rate| format!("{rate}, {time}"));
    let plain = format!("{what} {count} {time}");
    // Two blanks and two ends.
    let room = width.saturating_sub(plain.chars().count() + 3).min(*BAR.end());
    if room < *BAR.start() {
        let fits = plain.chars().count() <= width;
        return if fits {
            plain
        } else {
            plain.chars().take(width - 1).chain(['…']).collect()
        };
    }
    let full = (u128::from(done.min(total)) * room as u128 / u128::from(total.max(1))) as usize;
    let bar = "=".repeat(full) + &" ".repeat(room - full);
    format!("{what} [{bar}] {count} {time}")
}

/// What is counted, before `/s`, where the words for it do not say so.
fn unit(what: &str) -> &'static str {
    match what {
        "deep" => " steps",
        what if what.starts_with("training the head") => " steps",
        "hashing images" => " images",
        "evaluation" => " rows",
        _ => "",
    }
}

/// How many a second, `12.3`; nothing before there is a second to tell by.
fn speed(done: u64, elapsed: Duration) -> Option<String> {
    let a_second = done as f64 / elapsed.as_secs_f64();
    match a_second {
        _ if done == 0 || elapsed < Duration::from_secs(1) => None,
        ..99.5 => Some(format!("{a_second:.1}")),
        _ => Some(format!("{a_second:.0}")),
    }
}

fn time(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(61);

    #[test]
    fn a_line_fits_whatever_the_terminal() {
        for width in 0..200 {
            for what in ["features", "head, (c) balanced, synthetic", &"long ".repeat(40)] {
                for rate in [None, Some((0.0, f64::INFINITY)), Some((12345.6, 1e6))] {
                    let line = line(what, (0, 1234, 4968), rate, MINUTE, Some(width));
                    assert!(line.chars().count() <= width, "{width}: {line}");
                }
            }
        }
    }

    #[test]
    fn a_line_says_what_how_far_and_how_long() {
        let of = |done, width| line("training features", (0, done, 400), None, MINUTE, width);
        assert_eq!(
            of(100, None),
            "training features: 100/400, 1.6/s, 1 min 01 s, 3 min 03 s left"
        );
        assert_eq!(
            of(100, Some(79)),
            "training features [====            ] 100/400 1.6/s, 1 min 01 s, 3 min 03 s left"
        );
        assert_eq!(of(0, Some(45)), "training features [        ] 0/400 1 min 01 s");
        assert_eq!(of(400, None), "training features: 400/400, 6.6/s, 1 min 01 s");
        assert_eq!(of(100, Some(20)), "training features 1…");
        let of = |what| line(what, (0, 100, 400), None, MINUTE, None);
        assert_eq!(
            of("training the head, balanced"),
            "training the head, balanced: 100/400, 1.6 steps/s, 1 min 01 s, 3 min 03 s left"
        );
        assert!(of("hashing images").contains(", 1.6 images/s, ") && of("rows").contains(", 1.6/s, "));
        assert_eq!(speed(400, Duration::from_secs(2)).as_deref(), Some("200"));
        assert_eq!(speed(400, Duration::from_millis(999)), None);
        assert_eq!(time(Duration::from_secs(7262)), "2 h 01 min");
    }

    #[test]
    fn features_come_with_images_a_second_and_the_time_left_at_that_rate() {
        let of = |done, rate, width| line("training features", (0, done, 19_872), rate, MINUTE, width);
        let rate = Some((57.4, 260.0));
        assert_eq!(
            of(4968, rate, None),
            "training features: 4968/19872, 57 images/s, 1 min 01 s, 4 min 20 s left"
        );
        assert_eq!(
            of(4968, rate, Some(79)),
            "training features 4968/19872 57 images/s, 1 min 01 s, 4 min 20 s left"
        );
        assert_eq!(
            of(4968, rate, Some(100)),
            "training features [=======                     ] 4968/19872 57 images/s, 1 min 01 s, 4 min 20 s left"
        );
        assert_eq!(
            of(19_872, Some((3.12, 0.0)), None),
            "training features: 19872/19872, 3.1 images/s, 1 min 01 s"
        );
        // The longest lines without a terminal fit a page, too.
        let longest = line(
            "maps of fixed views",
            (0, 123_456, 1_234_567),
            Some((123.4, 90_061.0)),
            MINUTE,
            None,
        );
        assert_eq!(
            longest,
            "maps of fixed views: 123456/1234567, 123 images/s, 1 min 01 s, 25 h 01 min left"
        );
        assert!(longest.chars().count() <= 80);
    }

    #[test]
    fn what_was_done_before_takes_no_time() {
        let line = |done| line("steps", (600, done, 800), None, MINUTE, None);
        assert_eq!(line(600), "steps: 600/800, 1 min 01 s");
        // Fifty steps in 61 seconds.
        assert_eq!(line(650), "steps: 650/800, 0.8/s, 1 min 01 s, 3 min 03 s left");
    }
}
