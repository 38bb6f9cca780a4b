//! Tables in plain text.

use crate::quote::{columns, shown};
use std::collections::HashMap;
use std::fmt;

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with aligned columns, a header and a rule under it. Displays without trailing spaces, each line ended.
///
/// A header may have several lines, which stand on the rule. Cells on the left are names, which are written as [`shown`] writes
/// them. A table that would be wider than a terminal of 80 columns is made narrower by cutting names, to no less than 12
/// columns each; cells that are the same after that are numbered, so that two names are never one. Numbers are not cut.
///
/// ```
/// # use millstream::report::{Align, Table};
/// let mut table = Table::new([("class", Align::Left), ("rows", Align::Right)]);
/// table.push(["Bag", "8"]);
/// table.push(["T-shirt/top", "500"]);
/// assert_eq!(
///     table.to_string(),
///     "class        rows\n\
///      -----------------\n\
///      Bag             8\n\
///      T-shirt/top   500\n"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    header: Vec<String>,
    align: Vec<Align>,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

/// Columns of the terminal that a table should fit into.
pub(super) const TERMINAL: usize = 80;

const GAP: &str = "  ";

/// Columns of a name at least.
const NAME: usize = 12;

impl Table {
    /// A table with these columns, and no rows yet.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let (header, align) = columns.into_iter().map(|(name, align)| (name.into(), align)).unzip();
        Self {
            header,
            align,
            rows: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Columns of its widest line, where no name is cut.
    pub(super) fn width(&self) -> usize {
        let cell = |cell: &str, align| match align {
            Align::Left => columns(&shown(cell, usize::MAX)),
            Align::Right => columns(cell),
        };
        let of = |column: usize| {
            let heads = self.header[column].split('\n').map(columns);
            let cells = self.rows.iter().map(|row| cell(&row[column], self.align[column]));
            heads.chain(cells).max().unwrap_or(0)
        };
        rule(&(0..self.header.len()).map(of).collect::<Vec<_>>())
    }

    /// Adds a line below the table.
    pub fn note(&mut self, line: impl Into<String>) {
        self.notes.push(line.into());
    }

    /// Adds a row at the end. Cells that are missing are empty, cells beyond the last column are dropped.
    pub fn push<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
    }

    /// The names of the columns, and where their cells stand.
    pub(super) fn columns(&self) -> impl Iterator<Item = (&str, Align)> {
        self.header.iter().map(String::as_str).zip(self.align.iter().copied())
    }

    /// The cells of each row.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[String]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// The lines below the table.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The header's lines from the top, shorter cells filled with empty lines above.
    fn header_lines(&self) -> Vec<Vec<String>> {
        let height = self
            .header
            .iter()
            .map(|cell| cell.split('\n').count())
            .max()
            .unwrap_or(0);
        let line = |cell: &String, i: usize| {
            let above = height - cell.split('\n').count();
            i.checked_sub(above)
                .and_then(|i| cell.split('\n').nth(i))
                .unwrap_or("")
                .to_owned()
        };
        (0..height)
            .map(|i| self.header.iter().map(|cell| line(cell, i)).collect())
            .collect()
    }

    /// Columns that each column of cells may take: what it needs, names less where the terminal is too narrow.
    fn widths(&self, header: &[Vec<String>]) -> Vec<usize> {
        let need = |column: usize| {
            let heads = header.iter().map(|line| columns(&line[column])).max().unwrap_or(0);
            let cell = |row: &Vec<String>| match self.align[column] {
                Align::Left => columns(&shown(&row[column], usize::MAX)),
                Align::Right => columns(&row[column]),
            };
            (self.rows.iter().map(cell).max().unwrap_or(0).max(heads), heads)
        };
        let (mut widths, heads): (Vec<usize>, Vec<usize>) = (0..self.header.len()).map(need).unzip();
        let least = |column: usize| heads[column].max(NAME);
        let names: Vec<usize> = (0..widths.len())
            .filter(|&column| self.align[column] == Align::Left)
            .collect();
        while let over @ 1.. = rule(&widths).saturating_sub(TERMINAL)
            && let Some(&widest) = names
                .iter()
                .filter(|&&column| widths[column] > least(column))
                .max_by_key(|&&column| widths[column])
        {
            // Down to the next widest and then in turn, so that two long columns share what there is.
            let others = names.iter().filter(|&&column| column != widest);
            let next = others.map(|&column| widths[column]).max().unwrap_or(0);
            let room = widths[widest] - least(widest);
            widths[widest] -= (widths[widest] - next).clamp(1, over).min(room);
        }
        widths
    }

    /// The cells of one column as they are written in `width` columns.
    fn cells(&self, column: usize, width: usize) -> Vec<String> {
        let raw = self.rows.iter().map(|row| row[column].as_str());
        if self.align[column] == Align::Right {
            return raw.map(str::to_owned).collect();
        }
        let mut of: HashMap<String, Vec<&str>> = HashMap::new();
        let mut cells = Vec::with_capacity(self.rows.len());
        for name in raw {
            // A first column has names, which may be empty; a cell of another one may be missing.
            if name.is_empty() && column > 0 {
                cells.push(String::new());
                continue;
            }
            let cut = shown(name, width);
            let same = of.entry(cut.clone()).or_default();
            let at = same.iter().position(|known| *known == name).unwrap_or_else(|| {
                same.push(name);
                same.len() - 1
            });
            let number = format!(" #{}", at + 1);
            cells.push(match at {
                0 => cut,
                _ => shown(name, width.saturating_sub(number.len())) + &number,
            });
        }
        cells
    }

    fn write_line<'a>(
        &self,
        f: &mut fmt::Formatter<'_>,
        cells: impl Iterator<Item = &'a String>,
        widths: &[usize],
    ) -> fmt::Result {
        let mut line = String::new();
        for ((cell, align), &width) in cells.zip(&self.align).zip(widths) {
            let pad = " ".repeat(width.saturating_sub(columns(cell)));
            line += &match align {
                Align::Left => format!("{cell}{pad}{GAP}"),
                Align::Right => format!("{pad}{cell}{GAP}"),
            };
        }
        writeln!(f, "{}", line.trim_end())
    }
}

/// Columns of the rule under the header.
fn rule(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header_lines();
        let widths = self.widths(&header);
        for line in &header {
            self.write_line(f, line.iter(), &widths)?;
        }
        writeln!(f, "{}", "-".repeat(rule(&widths)))?;
        let cells: Vec<Vec<String>> = (0..widths.len())
            .map(|column| self.cells(column, widths[column]))
            .collect();
        for row in 0..self.rows.len() {
            self.write_line(f, cells.iter().map(|column| &column[row]), &widths)?;
        }
        self.notes.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_several_lines_stand_on_the_rule() {
        let mut table = Table::new([("way", Align::Left), ("Bag\n8 rows", Align::Right)]);
        table.push(["as it is", "0.5"]);
        table.push(["höher"]);
        table.push(["a", "b", "c"]);
        let expected = "             Bag\n\
                        way       8 rows\n\
                        ----------------\n\
                        as it is     0.5\n\
                        höher\n\
                        a              b\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn a_table_without_columns_is_a_rule() {
        let mut table = Table::new::<&str>([]);
        table.push(["dropped"]);
        assert_eq!(table.to_string(), "\n\n");
    }

    #[test]
    fn names_are_written_out_cut_and_told_apart() {
        let mut table = Table::new([("class", Align::Left), ("rows", Align::Right)]);
        for (name, rows) in [
            ("red", "1"),
            ("red ", "2"),
            ("red\u{a0}", "3"),
            ("a\tb\u{1b}[31m", "4"),
            ("蜂", "5"),
        ] {
            table.push([name, rows]);
        }
        let expected = [
            "class             rows",
            "----------------------",
            "red                  1",
            "\"red \"               2",
            "\"red\\u{a0}\"          3",
            "\"a\\tb\\u{1b}[31m\"     4",
            "蜂                   5",
        ];
        assert_eq!(table.to_string().lines().collect::<Vec<_>>(), expected);

        let mut table = Table::new([("class", Align::Left), ("rows", Align::Right)]);
        let long = |middle: &str| "x".repeat(150) + middle + &"y".repeat(150);
        for name in [long("1"), long("2"), long("1")] {
            table.push([name.as_str(), "7"]);
        }
        let text = table.to_string();
        let lines: Vec<_> = text.lines().skip(2).collect();
        assert!(text.lines().all(|line| columns(line) <= 80), "{text}");
        assert!(
            lines[0] == lines[2] && lines[0] != lines[1] && lines[1].contains("yy #2 "),
            "{text}"
        );
    }

    #[test]
    fn two_long_columns_share_the_terminal() {
        let mut table = Table::new([("file", Align::Left), ("rows", Align::Right), ("why", Align::Left)]);
        table.push([&"f".repeat(200), "7", &"w".repeat(100)]);
        let text = table.to_string();
        let last = text.lines().last().unwrap();
        assert_eq!(columns(last), 80, "{text}");
        assert!(
            last.matches('f').count() > 30 && last.matches('w').count() > 30,
            "{text}"
        );
    }
}
