//! A report on synthetic rows as text, in 80 columns.

use super::Text;
use super::wrap::wrapped;
use millstream::inspect::{ComparedFigure, Medium, QualityReport};
use millstream::quote::{counted, escaped};
use millstream::report::{Align, Table};
use millstream::synthetic::quality::Interval;
use std::fmt::{self, Display, Formatter};

/// Columns, groups and pairs that are shown.
const SHOWN: usize = 10;

impl Display for Text<'_, QualityReport> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let report = self.0;
        let of = match report.medium {
            Medium::Table => "columns",
            Medium::Features => "features",
            Medium::Pictures => "features of pictures",
        };
        let rows = format!(
            "{}, {} synthetic, {} of the control, compared by {of}. Each figure has its interval of 95 % confidence, and beside it stands the \
             same figure of real rows. A figure fails where its whole interval lies further on the wrong side of real rows than its margin; one whose \
             interval reaches into the margin passes, and more rows make intervals narrower.",
            counted(report.real_rows as u64, "real row"),
            report.synthetic_rows,
            report.holdout_rows
        );
        sentence(f, &rows)?;
        if report.section("usefulness").is_some() {
            sentence(
                f,
                "Beside a gain stands that of real rows which are repeated, as many of each class as synthetic rows are.",
            )?;
        }
        sentence(
            f,
            "What each figure measures, which way is good and why some have no verdict is on the page that --out DIR writes, and in \
             docs/guides/judge-synthetic-rows.md.",
        )?;
        for note in &report.notes {
            sentence(f, &format!("{note}."))?;
        }
        for section in &report.sections {
            let mut letters = section.name.chars();
            let first = letters
                .next()
                .map(|first| first.to_uppercase().to_string())
                .unwrap_or_default();
            writeln!(f)?;
            sentence(f, &format!("{first}{}: {}.", letters.as_str(), section.verdict))?;
            writeln!(f)?;
            let mut table = Table::new([
                ("figure", Align::Left),
                ("synthetic", Align::Right),
                ("real", Align::Right),
                ("", Align::Right),
            ]);
            let width = |of: fn(&ComparedFigure) -> &Interval, head: &str| {
                let widths = section.figures.iter().map(|figure| short(of(figure)).len());
                widths.max().unwrap_or(0).max(head.len())
            };
            let numbers = width(|figure| &figure.synthetic, "synthetic") + width(|figure| &figure.control, "real");
            // Beside "passes" and two blanks between columns.
            let room = 80_usize.saturating_sub(numbers + 6 + 3 * 2);
            for figure in &section.figures {
                let passes = match figure.passes {
                    Some(true) => "passes",
                    Some(false) => "fails",
                    None => "",
                };
                let mut lines = name_lines(&figure.title(), room);
                let last = lines.pop().unwrap_or_default();
                lines.into_iter().for_each(|line| table.push([line]));
                table.push([
                    last,
                    short(&figure.synthetic),
                    short(&figure.control),
                    passes.to_owned(),
                ]);
            }
            write!(f, "{table}")?;
        }
        columns(f, report)?;
        groups(f, report)
    }
}

fn columns(f: &mut Formatter<'_>, report: &QualityReport) -> fmt::Result {
    if report.columns.is_empty() {
        return Ok(());
    }
    let mut order: Vec<_> = report.columns.iter().collect();
    order.sort_by(|a, b| a.synthetic.value.total_cmp(&b.synthetic.value));
    let mut table = Table::new([
        ("column", Align::Left),
        ("similarity", Align::Right),
        ("real", Align::Right),
    ]);
    for column in order.iter().take(SHOWN) {
        table.push([column.name.clone(), short(&column.synthetic), short(&column.control)]);
    }
    if order.len() > SHOWN {
        table.note(format!("and {} more, which are more alike", order.len() - SHOWN));
    }
    write!(f, "\n{table}")
}

fn groups(f: &mut Formatter<'_>, report: &QualityReport) -> fmt::Result {
    if report.groups.is_empty() {
        return Ok(());
    }
    let mut order: Vec<_> = report.groups.iter().collect();
    let loss = |of: &millstream::inspect::GroupQuality| of.group.compared.map_or(f64::NEG_INFINITY, |of| of.loss());
    // One that is told apart from real rows stands above one that loses more by chance.
    let fails = |of: &millstream::inspect::GroupQuality| !of.fails_in.is_empty();
    order.sort_by(|a, b| fails(b).cmp(&fails(a)).then(loss(b).total_cmp(&loss(a))));
    let mut table = Table::new([
        ("group", Align::Left),
        ("real\nrows", Align::Right),
        ("synthetic\nrows", Align::Right),
        ("coverage", Align::Right),
        ("real", Align::Right),
        ("precision", Align::Right),
        ("real", Align::Right),
    ]);
    for group in order.iter().take(SHOWN) {
        let mut cells = vec![format!("{}: {}", group.column, group.name)];
        cells.extend(group.group.rows.map(|rows| rows.to_string()));
        cells.extend(match group.group.compared {
            Some(of) => [of.coverage, of.control_coverage, of.precision, of.control_precision]
                .map(|figure| format!("{:.2}", figure.value)),
            None => [(); 4].map(|()| "-".to_owned()),
        });
        table.push(cells);
    }
    if order.len() > SHOWN {
        table.note(format!(
            "and {} more, which are less behind or less surely",
            order.len() - SHOWN
        ));
    }
    write!(f, "\n{table}")
}

/// The words of `name` in lines of `room` columns, as far as words allow: a table would cut it in the middle.
fn name_lines(name: &str, room: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in name.split(' ') {
        match lines.last_mut().filter(|line| line.len() + 1 + word.len() <= room) {
            Some(line) => *line += &format!(" {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Small figures with three digits.
fn short(figure: &Interval) -> String {
    match figure.value.abs() < 0.1 {
        true => format!("{figure:.3}"),
        false => format!("{figure:.2}"),
    }
}

fn sentence(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "{}", wrapped(&escaped(text), "    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_out_in_as_many_lines_as_it_takes() {
        assert_eq!(name_lines("exact copies", 20), ["exact copies"]);
        assert_eq!(
            name_lines("synthetic rarest third recall", 24),
            ["synthetic rarest third", "recall"]
        );
        assert_eq!(name_lines("synthetic", 4), ["synthetic"]);
    }
}
