//! Rows on both sides of a split as text, in 80 columns.

use super::Text;
use super::wrap::wrapped;
use millstream::inspect::{Leak, LeakControl, LeakKind, LeakReport, LeakRow, LeakSet, Medium, Overlap};
use millstream::quote::{counted, counted_with, escaped, shown};
use millstream::report::{Align, Table};
use std::fmt::{self, Display, Formatter};

/// Pairs of each two sets that are shown.
const SHOWN: usize = 10;

impl Display for Text<'_, LeakReport> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        for set in &report.sets {
            of_set(f, set)?;
        }
        for note in &report.notes {
            sentence(f, &format!("{note}."))?;
        }
        for overlap in report.across.iter().chain(&report.within) {
            writeln!(f)?;
            of_overlap(f, overlap, report)?;
        }
        if let Some(rule) = &report.hash_rule {
            writeln!(f)?;
            sentence(
                f,
                &format!(
                    "Pictures look the same where pHash differs in {} of 64 bits at most, dHash in {}, and small grey copies correlate by {} or more.",
                    rule.phash_bits, rule.dhash_bits, rule.correlation
                ),
            )?;
        }
        if let Some(rule) = &report.distance_rule {
            sentence(
                f,
                &format!(
                    "Near is a {} up to {}: {} times the median distance between a training row and its nearest other one, {} ({} measured).",
                    rule.measure,
                    significant(rule.at_most),
                    rule.share,
                    significant(rule.median),
                    counted(rule.rows, "row")
                ),
            )?;
        }
        if report.leaked() > 0 {
            writeln!(f)?;
            sentence(
                f,
                "Leave these rows out of one side: with --out DIR their positions are written. Where rows belong together (of one object, one person), \
                 split by what they have in common: finetune --group COL.",
            )?;
        }
        Ok(())
    }
}

fn of_set(f: &mut Formatter<'_>, set: &LeakSet) -> fmt::Result {
    sentence(
        f,
        &format!(
            "{}: {}, {}.",
            escaped(&set.name),
            counted(set.rows, "row"),
            escaped(&set.path)
        ),
    )?;
    if set.flat > 0 {
        let flat = counted_with(set.flat, "picture", ["is", "are"]);
        sentence(
            f,
            &format!("  {flat} of one colour, and compared by bytes and pixels alone."),
        )?;
    }
    if set.unusable > 0 {
        sentence(f, &format!("  Not usable, {} of {}:", set.bad.len(), set.unusable))?;
    }
    for bad in &set.bad {
        sentence(f, &format!("    {}: {}", bad.place, bad.why))?;
    }
    Ok(())
}

fn of_overlap(f: &mut Formatter<'_>, overlap: &Overlap, report: &LeakReport) -> fmt::Result {
    let is_within = overlap.set == overlap.copied_from;
    let rows = report
        .sets
        .iter()
        .find(|set| set.name == overlap.set)
        .map_or(0, |set| set.rows);
    let (set, other) = (escaped(&overlap.set), escaped(&overlap.copied_from));
    let of = match is_within {
        true => format!(
            "Within {set}: {} of {rows} rows are copies of an earlier one",
            overlap.rows
        ),
        false => format!("{} of {rows} rows of {set} are copies of rows of {other}", overlap.rows),
    };
    let share = 100.0 * overlap.rows as f64 / rows.max(1) as f64;
    let labels = match (report.label.is_some() && overlap.rows > 0, overlap.other_label) {
        (false, _) => String::new(),
        (true, 0) => ", all with the same label".to_owned(),
        (true, other) => format!(", {other} of them with another label"),
    };
    sentence(f, &format!("{of} ({share:.2} %){labels}."))?;
    if overlap.rows == 0 && is_within {
        return Ok(());
    }
    let has_control = overlap.kinds.iter().any(|count| count.control.is_some());
    let mut columns = vec![("", Align::Left), ("rows", Align::Right)];
    if report.label.is_some() {
        columns.push(("other\nlabel", Align::Right));
    }
    if has_control {
        columns.push(("of\nthese", Align::Right));
        columns.push(("training rows\namong themselves", Align::Right));
    }
    let mut table = Table::new(columns);
    for count in &overlap.kinds {
        let mut cells = vec![in_words(count.kind, report.medium).to_owned(), count.rows.to_string()];
        if report.label.is_some() {
            cells.push(count.other_label.to_string());
        }
        if has_control {
            let percent = |near: u64, of: u64| format!("{:.2} %", 100.0 * near as f64 / of.max(1) as f64);
            cells.extend(match count.control {
                Some(LeakControl { rows: of, near }) => [percent(count.rows, rows), percent(near, of)],
                None => [String::new(), String::new()],
            });
        }
        table.push(cells);
    }
    write!(f, "\n{table}")?;
    if overlap.rows > 0 {
        writeln!(f)?;
    }
    for leak in overlap.leaks.iter().take(SHOWN) {
        pair(f, leak, report)?;
    }
    match overlap.rows as usize {
        more if more > SHOWN => sentence(f, &format!("  and {} more", more - SHOWN)),
        _ => Ok(()),
    }
}

fn pair(f: &mut Formatter<'_>, leak: &Leak, report: &LeakReport) -> fmt::Result {
    let row = |row: &LeakRow| match &row.label {
        Some(label) if leak.same_label == Some(false) => format!("{} ({})", escaped(&row.place), shown(label, 24)),
        _ => escaped(&row.place).into_owned(),
    };
    let mut how = vec![in_words(leak.kind, report.medium).to_owned()];
    how.extend(leak.turn.map(|turn| turn.to_string()));
    how.extend(
        leak.distance
            .map(|distance| format!("distance {}", significant(distance))),
    );
    if leak.same_label == Some(false) {
        how.push("another label".to_owned());
    }
    sentence(
        f,
        &format!("  {} = {}: {}", row(&leak.row), row(&leak.copy_of), how.join(", ")),
    )
}

fn in_words(kind: LeakKind, medium: Medium) -> &'static str {
    match (kind, medium) {
        (LeakKind::SameBytes, _) => "same bytes",
        (LeakKind::SamePixels, _) => "same pixels, other bytes",
        (LeakKind::SameRow, _) => "same row",
        (LeakKind::NearHash, _) => "looks the same",
        (LeakKind::NearFeatures, _) | (LeakKind::NearValues, Medium::Features) => "near features",
        (LeakKind::NearValues, _) => "near values",
    }
}

/// Three significant digits, so that a small distance is not 0.000.
fn significant(value: f64) -> f64 {
    // There is no first digit of 0.
    if value == 0.0 {
        return value;
    }
    let digits = 10_f64.powf(2.0 - value.abs().max(f64::MIN_POSITIVE).log10().floor());
    (value * digits).round() / digits
}

fn sentence(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let indent = text.len() - text.trim_start().len();
    writeln!(
        f,
        "{}",
        wrapped(text, &" ".repeat(indent + if indent > 0 { 2 } else { 0 }))
    )
}
