//! An inspection as text.

use super::{Class, File, Images, Inspection, Labels, Pictures};
use crate::report::{Align, Table, ascending, escaped, shortlist, shown, wrapped};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

impl Display for Inspection {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if !self.files.is_empty() {
            writeln!(f, "{}", files(self))?;
        }
        for bad in &self.unreadable {
            sentence(f, &format!("Not readable: {}", bad.why))?;
        }
        if let Some(conflict) = &self.conflict {
            let all: u64 = self.files.iter().map(|file| file.rows).sum();
            match self.rows {
                0 => sentence(f, &format!("Not one dataset: {conflict}."))?,
                rows if rows == all => sentence(f, &format!("Files differ: {conflict}. Other columns can be read."))?,
                _ => sentence(
                    f,
                    &format!("Not one dataset: {conflict}. What follows is of the first file alone."),
                )?,
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            sentence(f, &format!("{note}."))?;
            writeln!(f)?;
        }
        if !self.columns.is_empty() {
            writeln!(f, "{}", schema(self))?;
        }
        if self.rows > 0 {
            write!(f, "{}\n{}", self.labels, self.images)?;
        }
        Ok(())
    }
}

/// A sentence in lines of a terminal's width.
fn sentence(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "{}", wrapped(&escaped(text), "    "))
}

/// The folder that all files lie in, where there is one that has a name.
fn folder(files: &[File]) -> Option<&Path> {
    let first = Path::new(&files.first()?.path).parent()?;
    let holds = |folder: &&Path| files.iter().all(|file| Path::new(&file.path).starts_with(folder));
    first
        .ancestors()
        .find(holds)
        .filter(|folder| folder.components().next().is_some())
}

fn files(found: &Inspection) -> Table {
    let columns = [
        "rows",
        "row\ngroups",
        "KiB",
        "in memory\nKiB",
        "check-\nsums",
        "page\nindex",
    ];
    let columns = columns.map(|name| (name, Align::Right));
    let ends = |name| [(name, Align::Left)].into_iter();
    let mut table = Table::new(ends("file").chain(columns).chain(ends("codecs")));
    let yes = |there: bool| if there { "yes" } else { "no" }.to_owned();
    let folder = folder(&found.files);
    for file in &found.files {
        let name = folder.and_then(|folder| Path::new(&file.path).strip_prefix(folder).ok());
        table.push([
            name.map_or_else(|| file.path.clone(), |name| name.display().to_string()),
            file.rows.to_string(),
            file.row_groups.to_string(),
            (file.bytes >> 10).to_string(),
            (file.uncompressed >> 10).to_string(),
            yes(file.checksums),
            yes(file.page_index),
            codecs(file),
        ]);
    }
    if let Some(folder) = folder {
        table.note(wrapped(&escaped(&format!("in {}", folder.display())), ""));
    }
    table
}

/// The names of its codecs, without their levels.
fn codecs(file: &File) -> String {
    let names = file.codecs.iter().map(|codec| codec.split('(').next().unwrap_or(codec));
    names.collect::<Vec<_>>().join(" ")
}

fn schema(found: &Inspection) -> Table {
    let mut table = Table::new(["column", "type", "what"].map(|name| (name, Align::Left)));
    for column in &found.columns {
        let what = |is: bool, chosen: &Option<String>, what: &str| match is {
            true if chosen.as_ref() == Some(&column.name) => what.to_owned(),
            true => format!("{what}?"),
            false => String::new(),
        };
        let image = what(column.image, &found.images.column, "image");
        let label = what(column.label, &found.labels.column, "label");
        let both = [image, label].into_iter().filter(|word| !word.is_empty());
        let both = both.collect::<Vec<_>>().join(" ");
        table.push([column.name.clone(), column.data_type.clone(), both]);
    }
    table
}

impl Display for Labels {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Some(column) = &self.column else {
            let problem = self.problem.as_deref().unwrap_or("there are none");
            return sentence(f, &format!("Labels: {problem}."));
        };
        let rows = self.classed() + self.nulls + self.outside;
        let s = if self.classes.len() == 1 { "" } else { "es" };
        writeln!(
            f,
            "Labels: column {}, {} class{s}.",
            shown(column, 40),
            self.classes.len()
        )?;
        if let Some(problem) = &self.problem {
            let (nulls, outside) = (self.nulls, self.outside);
            let first = format!(
                "Of {rows} rows {nulls} have no label and {outside} one that is no class. The first: {problem}."
            );
            sentence(f, &first)?;
        }
        writeln!(f)?;
        let total = self.classed().max(1) as f64;
        let numbers = ["rows", "share", "uniform:\neach row", "sqrt:\neach row"].map(|name| (name, Align::Right));
        let mut table = Table::new([("class", Align::Left)].into_iter().chain(numbers));
        let counts: Vec<u64> = self.classes.iter().map(|class| class.rows).collect();
        let rarest = ascending(&counts);
        let largest = rarest.iter().rev().copied().collect();
        let some = shortlist(counts.len(), &[rarest, largest]);
        for &at in some.as_deref().unwrap_or(&Vec::from_iter(0..counts.len())) {
            table.push(row(&self.classes[at], total));
        }
        writeln!(f, "{table}")?;
        if let Some(some) = some {
            let (some, all) = (some.len(), counts.len());
            writeln!(
                f,
                "{some} of {all} classes: the rarest and the largest. The JSON form has all."
            )?;
        }
        match self.cost() {
            Some((passes, held, left)) => {
                let mib = held as f64 * self.row_bytes / f64::from(1 << 20);
                let cost = format!(
                    "Uniform balance: {passes:.1} sequential passes an epoch if every row came from disk; with the repeated \
                     classes held in memory ({held} rows, about {mib:.1} MiB) about {left}."
                );
                writeln!(f, "{}", wrapped(&cost, ""))
            }
            None => writeln!(f, "No row has a class."),
        }
    }
}

fn row(class: &Class, total: f64) -> [String; 5] {
    let times = |times: Option<f64>| times.map_or_else(|| "-".to_owned(), |times| format!("{times:.2} times"));
    [
        class.name.clone(),
        class.rows.to_string(),
        format!("{:.1} %", 100.0 * class.rows as f64 / total),
        times(class.uniform),
        times(class.sqrt),
    ]
}

impl Display for Images {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match (&self.column, &self.pictures) {
            (Some(column), Some(pictures)) => write!(f, "Images: column {}. {pictures}", shown(column, 40)),
            _ => {
                let problem = self.problem.as_deref().unwrap_or("there are none");
                sentence(f, &format!("Images: {problem}."))
            }
        }
    }
}

impl Display for Pictures {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.looked_at == self.rows {
            true => writeln!(f, "All {} rows were looked at:", self.rows)?,
            false => writeln!(
                f,
                "{} of {} rows, from all over, were looked at:",
                self.looked_at, self.rows
            )?,
        }
        let mut line = |count: u64, what: &str| match count {
            0 => Ok(()),
            _ => writeln!(f, "{count:>9} {what}"),
        };
        for (format, &count) in &self.formats {
            line(count, &format!("{format} decoded"))?;
        }
        line(self.turned, "of these stored turned or mirrored (EXIF), read upright")?;
        line(self.deep, "of these with 16 bits a value")?;
        line(
            self.shallow,
            "of these that use 12 bits or fewer: dark, unless their white is named",
        )?;
        line(self.null - self.path_only, "null")?;
        line(self.path_only, "null with a path instead, which is not read")?;
        line(self.empty, "without bytes")?;
        line(self.unread, "no picture, or of a kind that is not read")?;
        line(self.broken, "cut or damaged")?;
        line(self.too_large, "larger than what is read unless asked for")?;
        line(self.lost, "not readable from their file")?;
        if let (Some((narrow, wide)), Some((low, high))) = (self.width, self.height) {
            writeln!(f, "Widths {narrow} to {wide}, heights {low} to {high} pixels.")?;
        }
        match self.nulls {
            Some(nulls) if self.looked_at < self.rows => writeln!(f, "Of all rows {nulls} are null.")?,
            None if self.looked_at < self.rows => writeln!(f, "The footers do not say how many rows are null.")?,
            _ => {}
        }
        if !self.bad.is_empty() {
            writeln!(f, "Not usable, {} of {}:", self.bad.len(), self.unusable())?;
        }
        for bad in &self.bad {
            sentence(f, &format!("  {}: {}", bad.place, bad.why))?;
        }
        Ok(())
    }
}
