//! The report as one HTML page that needs nothing beside it.

use super::report::{QualityReport, QualitySection};
use super::svg;
use crate::report::html::{self, Section, text};
use crate::report::{Align, Table};

/// The page.
pub(super) fn html(report: &QualityReport) -> String {
    let mut body = String::new();
    let mut rows = format!(
        "{} real rows, {} synthetic ones, {} of the control. Each figure stands with its interval of 95 % confidence, beside the same figure of real rows. It fails where \
         its whole interval lies further on the wrong side of real rows than its margin; one whose interval reaches into the margin passes.",
        report.real_rows, report.synthetic_rows, report.holdout_rows
    );
    if report.section("usefulness").is_some() {
        rows +=
            " Beside a gain stands that of real rows which are repeated, as many of each class as synthetic rows are.";
    }
    body += &format!("<p>{}</p>\n", text(&rows));
    for section in &report.sections {
        let mut table = Table::new([
            ("figure", Align::Left),
            ("synthetic", Align::Right),
            ("real", Align::Right),
            ("", Align::Left),
        ]);
        for figure in &section.figures {
            let passes = match figure.passes {
                Some(true) => "passes",
                Some(false) => "fails",
                None => "",
            };
            let cells = [
                figure.title(),
                figure.synthetic.to_string(),
                figure.control.to_string(),
                passes.to_owned(),
            ];
            table.push(cells);
        }
        html::section(
            &mut body,
            &Section {
                title: capitalised(&section.name),
                words: capitalised(&section.verdict),
                table,
            },
        );
        meanings(&mut body, section);
    }
    body += "<h2>Projection</h2>\n";
    body += &svg::projection(&report.plots);
    body += "<h2>Distance to the closest training row</h2>\n";
    body += &svg::closest(&report.plots);
    if !report.groups.is_empty() {
        let mut table = Table::new([
            ("column", Align::Left),
            ("group", Align::Left),
            ("real rows", Align::Right),
            ("synthetic rows", Align::Right),
            ("precision", Align::Right),
            ("of real", Align::Right),
            ("coverage", Align::Right),
            ("of real", Align::Right),
            ("", Align::Left),
        ]);
        for group in &report.groups {
            let [real, synthetic] = group.group.rows;
            let mut cells = vec![
                group.column.clone(),
                group.name.clone(),
                real.to_string(),
                synthetic.to_string(),
            ];
            cells.extend(match group.group.compared {
                Some(of) => [of.precision, of.control_precision, of.coverage, of.control_coverage]
                    .map(|figure| format!("{figure:.2}")),
                None => [(); 4].map(|()| "-".to_owned()),
            });
            let words = [("fails by", &group.fails_in), ("worst by", &group.worst_in)];
            let words = words.iter().filter(|(_, figures)| !figures.is_empty());
            let words = words.map(|(what, figures)| format!("{what} {}", figures.join(" and ")));
            cells.push(words.collect::<Vec<_>>().join(", "));
            table.push(cells);
        }
        let words = "How much of each group is covered, and how many of its synthetic rows look real. Each group is judged, by an interval that is wider the more groups \
                     there are; the intervals here are those of each group alone."
            .to_owned();
        html::section(
            &mut body,
            &Section {
                title: "Groups".to_owned(),
                words,
                table,
            },
        );
    }
    columns(&mut body, report);
    if !report.notes.is_empty() {
        body += "<h2>Data</h2>\n<ul>\n";
        report
            .notes
            .iter()
            .for_each(|note| body += &format!("<li>{}</li>\n", text(note)));
        body += "</ul>\n";
    }
    html::document("millstream: quality of synthetic rows", &body)
}

/// What the figures of `section` measure, below their table.
fn meanings(body: &mut String, section: &QualitySection) {
    *body += "<h3>What the figures mean</h3>\n<dl>\n";
    for figure in &section.figures {
        let Some(meaning) = figure.meaning() else { continue };
        *body += &format!(
            "<dt>{}</dt><dd>{}</dd>\n",
            text(&figure.name.replace('_', " ")),
            text(&meaning.in_words())
        );
    }
    *body += "</dl>\n";
}

fn columns(body: &mut String, report: &QualityReport) {
    if report.columns.is_empty() {
        return;
    }
    let mut table = Table::new([
        ("column", Align::Left),
        ("similarity", Align::Right),
        ("of real", Align::Right),
    ]);
    for column in &report.columns {
        table.push([
            column.name.clone(),
            column.synthetic.to_string(),
            column.control.to_string(),
        ]);
    }
    let words = "1 where values are spread alike: the complement of the Kolmogorov-Smirnov distance of numbers, of the total variation of \
                 categories."
        .to_owned();
    html::section(
        body,
        &Section {
            title: "Columns".to_owned(),
            words,
            table,
        },
    );
    for marginal in &report.plots.marginals {
        *body += "<figure style=\"display:inline-block;margin:.5rem\">";
        *body += &svg::marginal(marginal);
        *body += &format!("<figcaption>{}</figcaption></figure>\n", text(&marginal.name));
    }
    let mut table = Table::new([
        ("column", Align::Left),
        ("with", Align::Left),
        ("similarity", Align::Right),
        ("of real", Align::Right),
    ]);
    for pair in &report.pairs {
        let [a, b] = pair.columns.clone();
        table.push([a, b, pair.synthetic.to_string(), pair.control.to_string()]);
    }
    if !report.pairs.is_empty() {
        let words = "The pairs that lose most: 1 where correlations, or tables of categories, are alike.".to_owned();
        html::section(
            body,
            &Section {
                title: "Pairs of columns".to_owned(),
                words,
                table,
            },
        );
    }
}

fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|first| first.to_uppercase().collect::<String>())
        .unwrap_or_default();
    first + letters.as_str()
}
