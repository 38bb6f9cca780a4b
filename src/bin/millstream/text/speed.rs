//! A measurement as text.

use super::Text;
use super::wrap::wrapped;
use millstream::quote::escaped;
use millstream::report::{Align, Table};
use millstream::speed::{Oversize, Speed};
use std::fmt::{self, Display, Formatter};

impl Display for Text<'_, Speed> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let speed = self.0;
        let mut table = Table::new([("the whole", Align::Left), ("measured", Align::Right)]);
        let unknown = || "unknown".to_owned();
        table.push([
            "rows a second".to_owned(),
            format!("{:.0}", speed.rows as f64 / speed.seconds),
        ]);
        table.push(["rows".to_owned(), speed.rows.to_string()]);
        table.push([
            "seconds to the first batch".to_owned(),
            format!("{:.3}", speed.first_batch),
        ]);
        table.push([
            "waited for batches".to_owned(),
            format!("{:.1} %", speed.waited * 100.0),
        ]);
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        table.push(["peak memory".to_owned(), speed.peak_bytes.map_or_else(unknown, mib)]);
        let stages = stages(speed);
        writeln!(f, "{}", wrapped(&speed.what, "    "))?;
        for line in &speed.chosen {
            writeln!(f, "{}", wrapped(&escaped(line), "    "))?;
        }
        let limit = format!("limited by {}", speed.limit);
        write!(f, "\n{table}\n{stages}\n{}", wrapped(&limit, ""))?;
        let Some(Oversize { shorter, enough }) = speed.oversize else {
            return match advice(&speed.limit) {
                Some(advice) => write!(f, "\n{}", wrapped(advice, "")),
                None => Ok(()),
            };
        };
        let text = format!(
            "pictures have {shorter} px on their shorter side, and {enough} are enough here: made smaller once, they decode faster ever \
             after (millstream import DATA --out DIR --resize {enough})"
        );
        write!(f, "\n{}", wrapped(&text, ""))
    }
}

/// The stages of a row. Where CPU time is known they add up to it; where it is not, each is what it takes alone.
fn stages(speed: &Speed) -> Table {
    let unit = match speed.cpu_seconds {
        Some(_) => "CPU us a row",
        None => "us a row, alone",
    };
    let mut table = Table::new([("stage", Align::Left), (unit, Align::Right), ("share", Align::Right)]);
    let rest = speed
        .rest
        .map(|rest| ("not in these: handing over, shared caches".to_owned(), rest));
    let parts = || speed.stages.iter().chain(&rest);
    let all: f64 = parts().map(|(_, cost)| cost).sum();
    let mut push = |name: &str, cost: f64| {
        table.push([
            name.to_owned(),
            format!("{cost:.1}"),
            format!("{:.0} %", 100.0 * cost / all),
        ]);
    };
    parts().for_each(|(name, cost)| push(name, *cost));
    push("together", all);
    table
}

/// What can be done about what limits.
fn advice(limit: &str) -> Option<&'static str> {
    let known = [
        (
            "the trainer",
            "the loader keeps up: a faster device or a smaller network would gain time, a faster loader would not",
        ),
        (
            "the disk",
            "copy the data to a faster disk, or write it once as it is read fast (millstream import DATA --out DIR)",
        ),
        (
            "decoding pages",
            "write the data once as it is read fast (millstream import DATA --out DIR)",
        ),
        (
            "decode",
            "more processors (--threads N) decode faster; the pictures are hardly larger than they are used",
        ),
        (
            "crop and resize",
            "a smaller --size and more processors (--threads N) take less time",
        ),
        (
            "augmentation",
            "fewer operations, a smaller --size and more processors (--threads N) take less time",
        ),
        (
            "normalise",
            "a smaller --size and more processors (--threads N) take less time",
        ),
        (
            "gather",
            "larger batches (--batch N) and more processors (--threads N) take less time",
        ),
    ];
    known
        .into_iter()
        .find_map(|(what, advice)| limit.starts_with(what).then_some(advice))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stage_that_limits_has_advice() {
        for limit in [
            "the trainer: it",
            "the disk: reading",
            "the disk (or copying",
            "decode: 50 %",
            "gather: 9 %",
        ] {
            assert!(advice(limit).is_some(), "{limit}");
        }
        assert_eq!(advice("what, 7 batches in 1.0 seconds are too few to tell"), None);
    }
}
