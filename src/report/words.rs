//! Figures in words and digits.

use super::measured::Figure;

/// The name of a figure as a table's heading: `balanced` over `accuracy`, `macro F1`, `RMSE`.
pub(super) fn heading(name: &str) -> String {
    match name {
        "balanced_accuracy" => "balanced\naccuracy".to_owned(),
        "macro_f1" | "micro_f1" => name.replace("_f1", " F1"),
        "mean_average_precision" => "mAP".to_owned(),
        "map" => "mAP".to_owned(),
        "ap50" => "AP50".to_owned(),
        "mean_iou" => "mean IoU".to_owned(),
        "iou" => "IoU".to_owned(),
        "mae" | "rmse" => name.to_uppercase(),
        "r2" => "R2".to_owned(),
        "f1" => "F1".to_owned(),
        // `map50`, `mar_small`.
        name => match name
            .get(3..)
            .filter(|of| of.starts_with(|c: char| c == '_' || c.is_ascii_digit()))
        {
            Some(of) if name.starts_with("map") => format!("mAP{}", of.replace('_', "\n")),
            Some(of) if name.starts_with("mar") => format!("mAR{}", of.replace('_', "\n")),
            _ => name.replace('_', "\n"),
        },
    }
}

/// The name of a figure in words, as tables have it: `balanced accuracy`, `mAP50`, `mean IoU`.
///
/// ```
/// use millstream::report::figure_in_words;
///
/// assert_eq!(["map", "map_small", "mean_iou"].map(figure_in_words), ["mAP", "mAP small", "mean IoU"]);
/// ```
pub fn figure_in_words(name: &str) -> String {
    heading(name).replace('\n', " ")
}

/// A figure with its standard error, where there is one: `0.737±.014`, which is narrow enough for 80 columns.
pub(crate) fn with_error(value: Option<f64>, error: Option<f64>) -> String {
    match error {
        Some(error) if error > 0.0 && error < 5e-4 => format!("{}±{error:.0e}", share(value)),
        Some(error) if error > 0.0 && value.is_some_and(has_power) => format!("{}±{error:.0e}", share(value)),
        Some(error) if error > 0.0 && error < 1.0 && value.is_none_or(|value| value.abs() < 10.0) => {
            format!("{}±{}", share(value), format!("{error:.3}").trim_start_matches('0'))
        }
        // No more decimals than the figure has.
        Some(error) if error > 0.0 => {
            let decimals = value.map_or(0, decimals);
            format!("{}±{error:.decimals$}", share(value))
        }
        _ => share(value),
    }
}

/// A share in two digits with its standard error: `0.80±.13`, where several stand in a line.
pub(super) fn with_two_digits(Figure { value, standard_error }: Figure) -> String {
    match (value, standard_error) {
        (Some(value), Some(error)) => format!("{value:.2}±{}", format!("{error:.2}").trim_start_matches('0')),
        (value, _) => share(value),
    }
}

/// Three decimals (of ten and more four digits, of a million and more and of less than a thousandth with its power of ten), or a
/// dash for what was not measured.
pub(crate) fn share(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if has_power(value) => format!("{value:.2e}"),
        Some(value) if value.abs() >= 10.0 => digits(value),
        Some(value) => format!("{value:.3}"),
    }
}

/// Whether a number is too long, or too small for three decimals.
fn has_power(value: f64) -> bool {
    value.abs() >= 1e6 || (value != 0.0 && value.abs() < 5e-4)
}

/// Four digits, or all of those before the point; of long numbers three and the power of ten.
fn digits(value: f64) -> String {
    if has_power(value) {
        return format!("{value:.2e}");
    }
    format!("{value:.*}", decimals(value))
}

/// Decimals of a number of four digits.
fn decimals(value: f64) -> usize {
    let whole = value.abs().max(1.0).log10().floor() as usize;
    3_usize.saturating_sub(whole)
}
