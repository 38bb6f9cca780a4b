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

/// The figure called `name` with its standard error, where there is one: `0.737±.014`, which is narrow enough for 80 columns.
///
/// A share has three decimals however small it is. What is no share has a unit, in which it may be tiny, and then a power of ten.
pub(crate) fn with_error(name: &str, Figure { value, standard_error }: Figure) -> String {
    if let Some(value) = value.filter(|value| is_share(name) && (0.0..=1.0).contains(value)) {
        return share_with_error(value, standard_error);
    }
    match standard_error {
        Some(error) if error > 0.0 && error < 5e-4 => format!("{}±{error:.0e}", in_digits(value)),
        Some(error) if error > 0.0 && value.is_some_and(has_power) => format!("{}±{error:.0e}", in_digits(value)),
        Some(error) if error > 0.0 && error < 1.0 && value.is_none_or(|value| value.abs() < 10.0) => {
            format!("{}±{}", in_digits(value), without_zero(error))
        }
        // No more decimals than the figure has.
        Some(error) if error > 0.0 => {
            let decimals = value.map_or(0, decimals);
            format!("{}±{error:.decimals$}", in_digits(value))
        }
        _ => in_digits(value),
    }
}

/// A share, of 0 to 1, with its standard error, where there is one: `0.737±.014`.
pub(crate) fn share_with_error(share: f64, error: Option<f64>) -> String {
    match error {
        Some(error) if error > 0.0 => format!("{share:.3}±{}", without_zero(error)),
        _ => format!("{share:.3}"),
    }
}

/// Three decimals of a number below 1, without the zero before the point.
fn without_zero(number: f64) -> String {
    format!("{number:.3}").trim_start_matches('0').to_owned()
}

/// Whether a figure is a share by its name: `pixel_accuracy`, `macro_f1`, `mean_iou`, `map50`, `mar_small`.
fn is_share(name: &str) -> bool {
    name.split('_').any(|word| {
        let without_digits = word.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(word, "accuracy" | "recall" | "precision" | "f1" | "iou")
            || matches!(without_digits, "ap" | "ar" | "map" | "mar")
    })
}

/// Three decimals (of ten and more four digits, of a million and more and of less than a thousandth with its power of ten), or a
/// dash for what was not measured.
pub(crate) fn in_digits(value: Option<f64>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_three_decimals_however_small_it_is() {
        let shown = |name: &str, value: f64, error: f64| with_error(name, Figure::new(value, error));
        for name in [
            "accuracy",
            "macro_f1",
            "recall",
            "iou",
            "map",
            "map50",
            "map_small",
            "mar100",
            "ap50",
        ] {
            assert_eq!(shown(name, 7.92e-6, 2e-5), "0.000±.000", "{name}");
            assert_eq!(shown(name, 0.7374, 0.0141), "0.737±.014", "{name}");
        }
        assert_eq!(shown("average_precision", 0.9996, 4e-4), "1.000±.000");
        assert_eq!(with_error("map", Figure::new(7.92e-6, None)), "0.000");
        assert_eq!(with_error("map", Figure::default()), "-");
        // A length in kilometres may be small.
        assert_eq!(shown("rmse", 7.92e-6, 2e-5), "7.92e-6±2e-5");
        assert_eq!(shown("rmse", 2.5, 0.25), "2.500±.250");
    }
}
