//! A report as one HTML page that needs nothing beside it: pictures are inside, there is no script, and names cannot become one.

use super::comparison::Report;
use super::history::Epoch;
use super::measured::Figure;
use super::picture;
use super::table::{Align, Table};
use super::words::{heading, in_digits, with_error};
use crate::error::Result;
use crate::quote::{counted, escaped};
use image::RgbImage;
use std::fmt::Write;

/// What a page shows.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// Figures, notes and warnings.
    pub report: &'a Report,
    /// Tables of what else was found.
    pub sections: &'a [Section],
    /// The training, epoch by epoch; empty where nothing was trained.
    pub history: &'a [Epoch],
    /// Pictures, each with what it shows.
    pub pictures: &'a [(&'a str, &'a RgbImage)],
    /// The worst rows.
    pub worst: &'a [WorstEntry],
    /// What says how wrong they are: "loss", for example.
    pub worst_by: &'a str,
}

/// A table with what it says.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it says, in a sentence.
    pub words: String,
    /// The table.
    pub table: Table,
}

/// One of the rows that were predicted worst.
#[derive(Clone, Debug, PartialEq)]
pub struct WorstEntry {
    /// Where it is stored.
    pub place: String,
    /// What it is, in words.
    pub truth: String,
    /// What was predicted, in words.
    pub predicted: String,
    /// How wrong that is.
    pub loss: f64,
}

/// Dark letters on white, or light ones on black, as the reader's system has it. Pictures are on white in both.
const STYLE: &str = ":root{color-scheme:light dark;--ink:#212529;--paper:#fff;--faint:#dee2e6;--mark:#fff3cd}\
@media(prefers-color-scheme:dark){:root{--ink:#e9ecef;--paper:#16191c;--faint:#40464c;--mark:#4d3f00}}\
body{color:var(--ink);background:var(--paper);font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}\
table{border-collapse:collapse;margin:1rem 0;font-variant-numeric:tabular-nums}\
th,td{border-bottom:1px solid var(--faint);padding:.25rem .75rem;text-align:right}\
th:first-child,td:first-child{text-align:left}td.text,th.text{text-align:left}\
.warning{background:var(--mark);padding:.5rem .75rem;border-radius:4px}\
img{max-width:100%;height:auto;background:#fff;border-radius:4px}figure{margin:1.5rem 0}.wide{overflow-x:auto}";

/// The page as HTML.
///
/// # Errors
///
/// As [`picture::png`].
pub fn html(page: &Page<'_>) -> Result<String> {
    let mut out = String::new();
    let report = page.report;
    for warning in &report.warnings {
        push(
            &mut out,
            format_args!("<p class=\"warning\">Warning: {}</p>\n", text(warning)),
        );
    }
    // Of the rows of an evaluation none are for training.
    let noun = if page.history.is_empty() {
        "row"
    } else {
        "validation row"
    };
    figures(&mut out, report, noun);
    classes(&mut out, report);
    page.sections
        .iter()
        .for_each(|section| self::section(&mut out, section));
    for (what, picture) in page.pictures {
        let data = base64(&picture::png(picture)?);
        let what = text(what);
        push(
            &mut out,
            format_args!(
                "<figure><img src=\"data:image/png;base64,{data}\" width=\"{}\" height=\"{}\" alt=\"{what}\"><figcaption>{what}\
                 </figcaption></figure>\n",
                picture.width(),
                picture.height(),
            ),
        );
    }
    worst(&mut out, page.worst, page.worst_by);
    history(&mut out, page.history);
    if !report.notes.is_empty() {
        out += "<h2>Data</h2>\n<ul>\n";
        for note in &report.notes {
            push(&mut out, format_args!("<li>{}</li>\n", text(note)));
        }
        out += "</ul>\n";
    }
    Ok(document(page.title, &out))
}

/// `body` as a page with this title.
pub(crate) fn document(title: &str, body: &str) -> String {
    let title = text(title);
    // A browser would refuse a script and whatever is not in this file.
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// A row for each way that was tried, or for the one run, and the figures as columns.
fn figures(out: &mut String, report: &Report, noun: &str) {
    let measured = &report.figures.measured;
    push(
        out,
        format_args!(
            "<h2>Figures</h2>\n<p>On {}; each figure with its standard error.</p>\n",
            counted(measured.rows, noun)
        ),
    );
    let names: Vec<&str> = measured.figures.iter().map(|(name, _)| name).collect();
    head(out, ["run"].iter().chain(&names).copied());
    let one = [("this run", &report.figures)];
    let runs: Vec<_> = match report.strategies.is_empty() {
        true => one.to_vec(),
        false => report.strategies.iter().collect(),
    };
    for (run, of) in runs {
        let values = names
            .iter()
            .map(|name| with_error(name, of.measured.figures.get(name).copied().unwrap_or_default()));
        row(out, [run.to_owned()].into_iter().chain(values));
    }
    *out += "</table></div>\n";
}

fn classes(out: &mut String, report: &Report) {
    let run = &report.figures;
    if run.classes.is_empty() {
        return;
    }
    *out += "<h2>Classes</h2>\n";
    let names = run.measured.by_class.iter().map(|(name, _)| name);
    let trained = !run.counts.is_empty();
    // Of a detection what is counted are its boxes, and what it is measured on are pictures.
    let rows: &[&str] = match (trained, run.measured.details.contains_key("objects")) {
        (true, true) => &["training boxes", "validation pictures"],
        (true, false) => &["training rows", "validation rows"],
        (false, true) => &["pictures"],
        (false, false) => &["rows"],
    };
    head(out, ["class"].iter().chain(rows).copied().chain(names));
    for (at, class) in run.classes.iter().enumerate() {
        let tested = run.measured.tested.get(at).copied().unwrap_or(0);
        let before = run.counts.get(class).map(|counts| counts.before.to_string());
        let values = run
            .measured
            .by_class
            .iter()
            .map(|(name, figures)| with_error(name, figures.get(at).copied().unwrap_or_default()));
        let cells = [class.clone()].into_iter().chain(before).chain([tested.to_string()]);
        row(out, cells.chain(values));
    }
    *out += "</table></div>\n";
}

/// A table with its heading.
pub(crate) fn section(out: &mut String, Section { title, words, table }: &Section) {
    push(out, format_args!("<h2>{}</h2>\n<p>{}</p>\n", text(title), text(words)));
    let cell = |out: &mut String, tag: &str, align: Align, cell: &str| {
        let class = if align == Align::Left { " class=\"text\"" } else { "" };
        push(out, format_args!("<{tag}{class}>{}</{tag}>", text(cell)));
    };
    *out += "<div class=\"wide\"><table>\n<tr>";
    for (name, align) in table.columns() {
        cell(out, "th", align, &name.replace('\n', " "));
    }
    *out += "</tr>\n";
    for row in table.rows() {
        *out += "<tr>";
        let cells = row.iter().zip(table.columns());
        cells.for_each(|(words, (_, align))| cell(out, "td", align, words));
        *out += "</tr>\n";
    }
    *out += "</table></div>\n";
    for note in table.notes() {
        push(out, format_args!("<p>{}</p>\n", text(note)));
    }
}

fn worst(out: &mut String, worst: &[WorstEntry], by: &str) {
    if worst.is_empty() {
        return;
    }
    *out += "<h2>Worst rows</h2>\n";
    push(
        out,
        format_args!(
            "<p>Those of the highest {}, whether their prediction is right or wrong.</p>\n",
            text(by)
        ),
    );
    head(out, ["row", "is", "predicted", by].into_iter());
    for WorstEntry {
        place,
        truth,
        predicted,
        loss,
    } in worst
    {
        row(
            out,
            [place.clone(), truth.clone(), predicted.clone(), in_digits(Some(*loss))].into_iter(),
        );
    }
    *out += "</table></div>\n";
}

fn history(out: &mut String, history: &[Epoch]) {
    if history.is_empty() {
        return;
    }
    *out += "<h2>Epochs</h2>\n<details><summary>All of them</summary>\n";
    let figure_name = history[0].figure.as_str();
    let (loss, rows) = (
        format!("{} loss", history[0].set()),
        format!("{} rows", history[0].set()),
    );
    head(
        out,
        [
            "part",
            "epoch",
            "loss",
            &loss,
            figure_name,
            &rows,
            "learning rate",
            "rows/s",
            "waiting",
        ]
        .into_iter(),
    );
    for epoch in history {
        let own = Figure::new(epoch.value, epoch.standard_error);
        let valid = epoch
            .valid_loss
            .map_or_else(|| "-".to_owned(), |loss| format!("{loss:.4}"));
        let cells = [
            epoch.phase.clone(),
            format!("{}/{}", epoch.epoch, epoch.epochs),
            format!("{:.4}", epoch.loss),
            valid,
            with_error(figure_name, own),
            epoch.valid_rows.to_string(),
            format!("{:.2e}", epoch.learning_rate),
            format!("{:.0}", epoch.rows_per_second),
            format!("{:.0} %", 100.0 * epoch.waiting),
        ];
        row(out, cells.into_iter());
    }
    *out += "</table></div>\n</details>\n";
}

fn head<'a>(out: &mut String, names: impl Iterator<Item = &'a str>) {
    *out += "<div class=\"wide\"><table>\n<tr>";
    names.for_each(|name| {
        push(
            out,
            format_args!("<th>{}</th>", text(&heading(name).replace('\n', " "))),
        )
    });
    *out += "</tr>\n";
}

fn row(out: &mut String, cells: impl Iterator<Item = String>) {
    *out += "<tr>";
    cells.for_each(|cell| push(out, format_args!("<td>{}</td>", text(&cell))));
    *out += "</tr>\n";
}

/// Adds `what` to `out`.
pub(crate) fn push(out: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes whatever is written to it.
    let _ = out.write_fmt(what);
}

/// `text` as HTML shows it, in an element or in an attribute's double quotes; hidden characters are written out.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in escaped(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let number = (0..3).fold(0_u32, |number, at| {
            number << 8 | u32::from(three.get(at).copied().unwrap_or(0))
        });
        for digit in 0..4 {
            match digit <= three.len() {
                true => out.push(char::from(DIGITS[(number >> (18 - 6 * digit) & 63) as usize])),
                false => out.push('='),
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
