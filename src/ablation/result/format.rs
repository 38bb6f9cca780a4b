//! How figures stand in tables and sentences.

use crate::report::Align;

/// Columns of a data set's name.
pub(super) const NAME: usize = 26;

/// The columns of a table of figures: the `first` is one of names.
pub(super) fn columns<'a>(first: &'a str, others: &'a [&'a str]) -> impl Iterator<Item = (&'a str, Align)> {
    let others = others.iter().map(|name| (*name, Align::Right));
    [(first, Align::Left)].into_iter().chain(others)
}

/// `+.012`, `-.004`, `0`
pub(super) fn signed(difference: f64) -> String {
    let text = format!("{:.3}", difference.abs());
    match text.as_str() {
        "0.000" => "0".to_owned(),
        text => {
            let sign = if difference < 0.0 { '-' } else { '+' };
            format!("{sign}{}", text.trim_start_matches('0'))
        }
    }
}

/// `.031`, `<.001`, `1`
pub(super) fn p(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(p) if p < 5e-4 => "<.001".to_owned(),
        Some(p) if p >= 0.9995 => "1".to_owned(),
        Some(p) => format!("{p:.3}").trim_start_matches('0').to_owned(),
    }
}
