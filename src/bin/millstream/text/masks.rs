//! What the masks of an inspection are, as text.

use super::Text;
use super::wrap::sentence;
use millstream::inspect::Masks;
use millstream::quote::counted;
use millstream::report::{Align, Table};
use std::fmt::{self, Display, Formatter};

impl Display for Text<'_, Masks> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let found = self.0;
        match found.looked_at == found.rows {
            true => writeln!(f, "All {} were looked at:", counted(found.rows, "row"))?,
            false => writeln!(
                f,
                "{} of {} rows, from all over, were looked at:",
                found.looked_at, found.rows
            )?,
        }
        let columns = [
            ("value", Align::Right),
            ("class", Align::Left),
            ("masks", Align::Right),
            ("of the\npixels", Align::Right),
        ];
        let mut table = Table::new(columns);
        for value in &found.values {
            let class = match (&value.name, value.value) {
                (Some(name), _) => name.clone(),
                (None, 255) => "none, unless said".to_owned(),
                (None, _) => String::new(),
            };
            let share = 100.0 * value.pixels as f64 / found.pixels().max(1) as f64;
            table.push([
                value.value.to_string(),
                class,
                value.rows.to_string(),
                format!("{share:.1} %"),
            ]);
        }
        writeln!(f, "\n{table}")?;
        unusable(f, found)
    }
}

/// Which masks of objects cannot be used, and how many were looked at.
pub(super) fn instances(f: &mut Formatter<'_>, found: &Masks) -> fmt::Result {
    let looked_at = match found.rows {
        1 => "the only row was".to_owned(),
        rows if rows == found.looked_at => format!("all {rows} rows were"),
        rows => format!("{} of {rows} rows, from all over, were", found.looked_at),
    };
    sentence(f, &format!("Masks of objects: {looked_at} looked at."))?;
    unusable(f, found)
}

fn unusable(f: &mut Formatter<'_>, found: &Masks) -> fmt::Result {
    if !found.bad.is_empty() {
        writeln!(f, "Not usable, {} of {}:", found.bad.len(), found.unusable)?;
    }
    let mut bad = found.bad.iter();
    bad.try_for_each(|bad| sentence(f, &format!("  {}: {}", bad.place, bad.why)))
}
