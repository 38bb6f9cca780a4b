//! An inspection as text, in 80 columns where that can be.

use super::Text;
use super::masks::instances;
use super::schema::schema;
use super::wrap::{sentence, wrapped};
use crate::options::with_boxes_option;
use millstream::inspect::{Class, File, Images, Inspection, Labels, Numbers, Pictures};
use millstream::quote::{counted, counted_with, escaped, shown};
use millstream::report::{Align, Table, ascending, shortlist};
use millstream::rows::LabelKind;
use millstream::source::Kind;
use std::fmt::{self, Display, Formatter};
use std::path::Path;

impl Display for Text<'_, Inspection> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        match found.kind {
            Kind::Parquet if found.files.is_empty() => {}
            Kind::Parquet => writeln!(f, "{}", files(found))?,
            _ => {
                let bytes: u64 = found.files.iter().map(|file| file.bytes).sum();
                sentence(
                    f,
                    &format!("{}, {} KiB on disk.", counted(found.rows, "row"), bytes >> 10),
                )?;
            }
        }
        for bad in &found.unreadable {
            sentence(f, &format!("Not readable: {}", bad.why))?;
        }
        if let Some(conflict) = &found.conflict {
            let all: u64 = found.files.iter().map(|file| file.rows).sum();
            match found.rows {
                0 => sentence(f, &format!("Not one dataset: {conflict}."))?,
                rows if rows == all => sentence(f, &format!("Files differ: {conflict}. Other columns can be read."))?,
                _ => sentence(
                    f,
                    &format!("Not one dataset: {conflict}. What follows is of the first file alone."),
                )?,
            }
            writeln!(f)?;
        }
        for note in &found.notes {
            sentence(f, &format!("{note}."))?;
            writeln!(f)?;
        }
        if !found.columns.is_empty() {
            writeln!(f, "{}", schema(found))?;
        }
        write!(f, "{}", Text(&found.recognised))?;
        if found.rows > 0 {
            write!(f, "{}\n{}", Text(&found.labels), Text(&found.images))?;
        }
        Ok(())
    }
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

impl Display for Text<'_, Labels> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        let Some(column) = &found.column else {
            let problem = found.problem.as_deref().unwrap_or("there are none");
            let misplaced = found.misplaced.iter().map(|why| format!(" {why}."));
            let said = format!("Labels: {problem}.{}", misplaced.collect::<String>());
            return sentence(f, &with_boxes_option(&said));
        };
        if let Some(numbers) = &found.numbers {
            writeln!(f, "Labels: column {}, numbers.", shown(column, 40))?;
            notes(f, found)?;
            if let Some(problem) = &found.problem {
                sentence(f, &format!("{problem}."))?;
            }
            let Numbers {
                least,
                most,
                mean,
                std,
                rows,
            } = numbers;
            let text = format!(
                "{}, from {least} to {most}; mean {mean:.4}, standard deviation {std:.4}.",
                counted(*rows, "row")
            );
            return writeln!(f, "{}", wrapped(&text, ""));
        }
        if found.masks {
            let masks = format!("Labels: column {} holds masks.", shown(column, 40));
            match &found.pixels {
                Some(pixels) => write!(f, "{masks} {}", Text(pixels))?,
                None => sentence(f, &masks)?,
            }
            return notes(f, found);
        }
        let several = found.kind == Some(LabelKind::MultiLabel);
        let rows = found.classed() + found.nulls + found.outside;
        writeln!(
            f,
            "Labels: column {}, {}{}.",
            shown(column, 40),
            counted(found.classes.len(), "class"),
            match (&found.objects, several) {
                (Some(objects), _) => format!(" of {}", counted(objects.objects, "box")),
                (None, true) => " in lists".to_owned(),
                (None, false) => String::new(),
            }
        )?;
        if found.objects.is_none() {
            notes(f, found)?;
        }
        if let Some(objects) = &found.objects {
            if objects.without > 0 {
                let beside = if objects.crowds > 0 {
                    " beside those of crowds"
                } else {
                    ""
                };
                let rows = counted_with(objects.without, "row", ["has", "have"]);
                sentence(f, &format!("{rows} no box{beside}."))?;
            }
            let said = [objects.remark(), objects.marked()];
            for said in said.iter().flatten().chain(&found.notes) {
                sentence(f, &format!("{said}."))?;
            }
            if let Some(misplaced) = &found.misplaced {
                sentence(f, &with_boxes_option(&format!("Boxes: {misplaced}.")))?;
            }
            if let Some(found) = &found.instances {
                instances(f, found)?;
            }
        } else if found.empty > 0 {
            writeln!(
                f,
                "{} an empty list.",
                counted_with(found.empty, "row", ["has", "have"])
            )?;
        }
        if let Some(problem) = &found.problem {
            let (nulls, outside) = (found.nulls, found.outside);
            let all = if several { "labels" } else { "rows" };
            let first = format!(
                "Of {rows} {all} {nulls} have no label and {outside} one that is no class. The first: {problem}."
            );
            sentence(f, &first)?;
        }
        writeln!(f)?;
        let total = found.classed().max(1) as f64;
        let is_shared = several || found.objects.is_some();
        let rows_in_all = match &found.objects {
            Some(objects) => objects.rows,
            None => found.of_rows,
        };
        let numbers = match (is_shared, found.objects.is_some()) {
            (true, true) => vec!["boxes", "rows", "of the\nrows"],
            (true, false) => vec!["rows", "of the\nrows"],
            (false, _) => vec!["rows", "share", "repeats\nif uniform", "repeats\nif sqrt"],
        };
        let numbers = numbers.into_iter().map(|name| (name, Align::Right));
        let mut table = Table::new([("class", Align::Left)].into_iter().chain(numbers));
        let counts: Vec<u64> = found.classes.iter().map(|class| class.rows).collect();
        let rarest = ascending(&counts);
        let largest = rarest.iter().rev().copied().collect();
        let some = shortlist(counts.len(), &[rarest, largest]);
        for &at in some.as_deref().unwrap_or(&Vec::from_iter(0..counts.len())) {
            match is_shared {
                true => table.push(shared_row(&found.classes[at], rows_in_all)),
                false => table.push(row(&found.classes[at], total)),
            }
        }
        writeln!(f, "{table}")?;
        if let Some(some) = some {
            let (some, all) = (some.len(), counts.len());
            writeln!(
                f,
                "{some} of {all} classes: the rarest and the largest. The JSON form has all."
            )?;
        }
        match found.cost() {
            Some((passes, held, left)) => {
                let mib = held as f64 * found.row_bytes / f64::from(1 << 20);
                let cost = format!(
                    "Uniform balance: {passes:.1} sequential passes an epoch if every row came from disk; with the repeated \
                     classes held in memory ({}, about {mib:.1} MiB) about {left}.",
                    counted(held, "row")
                );
                writeln!(f, "{}", wrapped(&cost, ""))
            }
            None if found.classed() > 0 => sentence(
                f,
                &match found.repeat_factor(rows_in_all) {
                    None => "Every row has every class, so that no balance gives one of them more.".to_owned(),
                    Some(factor) => format!(
                        "A row with several classes counts for each of them, so that the shares of classes cannot be chosen: \
                         {{\"repeat_factor\": {factor}}} as a balance repeats rows with a class that less than {:.0} % of the rows have.",
                        100.0 * factor
                    ),
                },
            ),
            None => writeln!(f, "No row has a class."),
        }
    }
}

/// What else there is to say of boxes.
fn notes(f: &mut Formatter<'_>, found: &Labels) -> fmt::Result {
    found.notes.iter().try_for_each(|note| sentence(f, &format!("{note}.")))
}

/// A class of rows that may have several: its boxes, where there are such, its rows and their share of all.
fn shared_row(class: &Class, rows: u64) -> Vec<String> {
    let share = 100.0 * class.rows as f64 / rows.max(1) as f64;
    let boxes = class.boxes.map(|boxes| boxes.to_string());
    let numbers = boxes
        .into_iter()
        .chain([class.rows.to_string(), format!("{share:.1} %")]);
    [class.name.clone()].into_iter().chain(numbers).collect()
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

impl Display for Text<'_, Images> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        match (&found.column, &found.pictures) {
            (Some(column), Some(pictures)) => write!(f, "Images: column {}. {}", shown(column, 40), Text(pictures)),
            _ => {
                let problem = found.problem.as_deref().unwrap_or("there are none");
                sentence(f, &format!("Images: {problem}."))
            }
        }
    }
}

impl Display for Text<'_, Pictures> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        match found.looked_at == found.rows {
            true if found.rows == 1 => writeln!(f, "The only row was looked at:")?,
            true => writeln!(f, "All {} rows were looked at:", found.rows)?,
            false => writeln!(
                f,
                "{} of {} rows, from all over, were looked at:",
                found.looked_at, found.rows
            )?,
        }
        let mut line = |count: u64, what: &str| match count {
            0 => Ok(()),
            _ => writeln!(f, "{count:>9} {what}"),
        };
        for (format, &count) in &found.formats {
            line(count, &format!("{format} decoded"))?;
        }
        let read = match found.reading.upright {
            true => "read upright",
            false => "left as they are",
        };
        line(
            found.turned,
            &format!("of these stored turned or mirrored (EXIF), {read}"),
        )?;
        line(found.deep, "of these with 16 bits a value")?;
        let dark = match found.reading.white {
            None => ": dark, unless their white is named",
            Some(_) => "",
        };
        line(found.shallow, &format!("of these that use 12 bits or fewer{dark}"))?;
        line(found.null - found.path_only, "null")?;
        line(found.path_only, "null with a path instead, which is not read")?;
        line(found.empty, "without bytes")?;
        line(found.unread, "no picture, or of a kind that is not read")?;
        line(found.broken, "cut or damaged")?;
        line(found.too_large, "larger than what is read unless asked for")?;
        line(found.lost, "not readable from their file")?;
        if let (Some((narrow, wide)), Some((low, high))) = (found.width, found.height) {
            writeln!(f, "Widths {narrow} to {wide}, heights {low} to {high} pixels.")?;
        }
        match found.nulls {
            Some(nulls) if found.looked_at < found.rows => writeln!(f, "Of all rows {nulls} are null.")?,
            None if found.looked_at < found.rows => writeln!(f, "The footers do not say how many rows are null.")?,
            _ => {}
        }
        if !found.bad.is_empty() {
            writeln!(f, "Not usable, {} of {}:", found.bad.len(), found.unusable())?;
        }
        for bad in &found.bad {
            sentence(f, &format!("  {}: {}", bad.place, bad.why))?;
        }
        Ok(())
    }
}
