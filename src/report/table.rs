//! Tables in plain text.

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
/// A header may have several lines, which stand on the rule. Widths are counted in characters.
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
}

const GAP: &str = "  ";

impl Table {
    /// A table with these columns, and no rows yet.
    pub fn new<T: Into<String>>(columns: impl IntoIterator<Item = (T, Align)>) -> Self {
        let (header, align) = columns.into_iter().map(|(name, align)| (name.into(), align)).unzip();
        Self {
            header,
            align,
            rows: Vec::new(),
        }
    }

    /// Adds a row at the end. Cells that are missing are empty, cells beyond the last column are dropped.
    pub fn push<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        let mut row: Vec<String> = cells.into_iter().map(Into::into).collect();
        row.resize(self.header.len(), String::new());
        self.rows.push(row);
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

    fn write_line(&self, f: &mut fmt::Formatter<'_>, cells: &[String], widths: &[usize]) -> fmt::Result {
        let mut line = String::new();
        for ((cell, align), &width) in cells.iter().zip(&self.align).zip(widths) {
            line += &match align {
                Align::Left => format!("{cell:<width$}{GAP}"),
                Align::Right => format!("{cell:>width$}{GAP}"),
            };
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header_lines();
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let cells = header.iter().chain(&self.rows);
                cells.map(|row| row[column].chars().count()).max().unwrap_or(0)
            })
            .collect();
        let rule = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
        header.iter().try_for_each(|line| self.write_line(f, line, &widths))?;
        writeln!(f, "{}", "-".repeat(rule))?;
        self.rows.iter().try_for_each(|row| self.write_line(f, row, &widths))
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
}
