//! A line for each epoch of a training, under a heading.

use millstream::quote::{counted, shown};
use millstream::report::{Epoch, figure_in_words};
use millstream::task::FinetuneSpec;
use std::fmt::Write;

/// Columns that lines end in at the latest.
const WIDTH: usize = 80;

/// The lines of one training after another.
#[derive(Default)]
pub(crate) struct Epochs {
    /// The part of the run and the name of the figure that the last heading was for.
    headed: Option<(String, String)>,
    /// Whether no best epoch is chosen on selection rows: they are for the shares of later epochs alone.
    for_shares: bool,
}

impl Epochs {
    /// Those of a run of `spec`.
    pub(crate) fn of(spec: &FinetuneSpec) -> Self {
        let chooses = spec.train.keep_best || spec.train.early_stopping.is_some();
        Self {
            headed: None,
            for_shares: spec.balance.feedback.is_some() && !chooses,
        }
    }

    /// The line of `epoch`; where a part of the run begins with it, below a heading.
    pub(crate) fn lines(&mut self, epoch: &Epoch) -> String {
        let part = (epoch.phase.clone(), epoch.figure.clone());
        let mut out = String::new();
        if self.headed.as_ref() != Some(&part) {
            let phase = shown(&epoch.phase, 22);
            let rows = epoch.valid_rows;
            let of = match epoch.selection {
                true if self.for_shares => format!("shares follow {}", counted(rows, "selection row")),
                true => format!("the best is chosen on {}", counted(rows, "selection row")),
                false => format!("validated on {} after each epoch", counted(rows, "row")),
            };
            let _ = write!(out, "{phase}, {of}\n{}\n", heading(epoch));
            self.headed = Some(part);
        }
        out + &row(epoch)
    }
}

/// Columns of each number at least, the figure's aside.
const COLUMNS: [(&str, usize); 7] = [
    ("epoch", 7),
    ("loss", 7),
    ("valid", 7),
    ("rate", 7),
    ("rows/s", 7),
    ("wait", 4),
    ("left", 11),
];

/// The figure's name, in as many columns as there is room for.
fn figure(epoch: &Epoch) -> String {
    shown(&figure_in_words(&epoch.figure), 17)
}

fn heading(epoch: &Epoch) -> String {
    let [a, b, valid, d, e, f, g] = COLUMNS.map(|(name, _)| name.to_owned());
    let c = if epoch.selection { "select".to_owned() } else { valid };
    aligned(epoch, &[a, b, c, figure(epoch), d, e, f, g])
}

fn row(epoch: &Epoch) -> String {
    let own = match (epoch.value, epoch.standard_error) {
        (None, _) => "-".to_owned(),
        (Some(value), Some(error)) if error > 0.0 => format!("{}±{}", digits(value), error_of(value, error)),
        (Some(value), _) => digits(value),
    };
    let cells = [
        format!("{}/{}", epoch.epoch, epoch.epochs),
        digits(epoch.loss),
        epoch.valid_loss.map_or_else(|| "-".to_owned(), digits),
        own,
        format!("{:.1e}", epoch.learning_rate),
        format!(
            "{:.*}",
            usize::from(epoch.rows_per_second < 10.0),
            epoch.rows_per_second
        ),
        format!("{:.0}%", 100.0 * epoch.waiting),
        left(epoch.seconds_left),
    ];
    aligned(epoch, &cells)
}

/// `cells` in columns whose right ends stand below one another as far as there is room: a cell that is too wide takes blanks of
/// those after it.
fn aligned(epoch: &Epoch, cells: &[String; 8]) -> String {
    let own = figure(epoch).chars().count().max(11);
    let [a, b, c, d, e, f, g] = COLUMNS.map(|(_, width)| width);
    let (mut out, mut used, mut end) = (String::new(), 0, 0);
    for (at, (cell, width)) in cells.iter().zip([a, b, c, own, d, e, f, g]).enumerate() {
        end += width + usize::from(at > 0);
        let wide = cell.chars().count();
        let blanks = end.saturating_sub(used + wide).max(usize::from(at > 0));
        out.extend(std::iter::repeat_n(' ', blanks));
        out += cell;
        used += blanks + wide;
    }
    out.chars().take(WIDTH).collect()
}

/// Four digits or so, in at most seven columns.
fn digits(value: f64) -> String {
    match value.abs() {
        size if size >= 1e5 || size > 0.0 && size < 1e-4 => format!("{value:.0e}"),
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}

/// With as many decimals as `value` has.
fn error_of(value: f64, error: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 1e5 || size > 0.0 && size < 1e-4 => return digits(error),
        size if size >= 1000.0 => 0,
        size if size >= 10.0 => 1,
        _ => 3,
    };
    let shown = format!("{error:.decimals$}");
    match shown.strip_prefix('0') {
        Some(rest) if rest.starts_with('.') => rest.to_owned(),
        _ => shown,
    }
}

fn left(seconds: f64) -> String {
    match seconds.round().clamp(0.0, 1e9) as u64 {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ ..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        seconds @ ..360_000 => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch() -> Epoch {
        Epoch {
            phase: "head".into(),
            epoch: 12,
            epochs: 40,
            step: 600,
            loss: 0.43215,
            valid_loss: Some(0.51234),
            figure: "balanced_accuracy".into(),
            value: Some(0.8641),
            standard_error: Some(0.0123),
            valid_rows: 505,
            selection: false,
            learning_rate: 0.0098,
            rows_per_second: 12345.4,
            waiting: 0.123,
            seconds_left: 63.4,
        }
    }

    #[test]
    fn a_line_has_all_numbers_below_their_names() {
        let mut epochs = Epochs::default();
        let expected = [
            "head, validated on 505 rows after each epoch",
            "  epoch    loss   valid balanced accuracy    rate  rows/s wait        left",
            "  12/40   0.432   0.512        0.864±.012  9.8e-3   12345  12%  1 min 03 s",
        ];
        assert_eq!(epochs.lines(&epoch()).lines().collect::<Vec<_>>(), expected);
        // What the best epoch is chosen on are no validation rows.
        let selected = Epochs::default().lines(&Epoch {
            selection: true,
            value: Some(547.53),
            standard_error: Some(79.64),
            ..epoch()
        });
        let selected: Vec<&str> = selected.lines().collect();
        assert_eq!(selected[0], "head, the best is chosen on 505 selection rows");
        assert_eq!(selected[1], expected[1].replace("  valid", " select"));
        assert!(selected[2].contains(" 547.5±79.6 "), "{}", selected[2]);
        for (train, said) in [
            ("", "head, shares follow 505 selection rows"),
            ("keep_best = true", "head, the best is chosen on 505 selection rows"),
        ] {
            let text = format!("[balance]\nfeedback = {{}}\n[train]\n{train}");
            let spec: FinetuneSpec = millstream::spec::read_toml(&text).unwrap();
            let lines = Epochs::of(&spec).lines(&Epoch {
                selection: true,
                ..epoch()
            });
            assert_eq!(lines.lines().next(), Some(said));
        }
        let next = Epoch {
            epoch: 13,
            value: None,
            valid_loss: None,
            rows_per_second: 3.12,
            waiting: 1.0,
            seconds_left: 0.0,
            ..epoch()
        };
        let line = "  13/40   0.432       -                 -  9.8e-3     3.1 100%         0 s";
        assert_eq!(epochs.lines(&next), line);
        let deep = Epoch {
            phase: "deep".into(),
            ..epoch()
        };
        assert_eq!(epochs.lines(&deep).lines().count(), 3);
    }

    #[test]
    fn lines_fit_whatever_the_numbers() {
        for size in [0.0, 1e-300, -1e-9, 0.99999, 12.0, -123_456.0, 1e300] {
            let line = Epochs::default().lines(&Epoch {
                phase: "a name \u{1b}[31m that is longer than a line of any terminal ".repeat(3),
                epoch: 1_000_000,
                epochs: 1_000_000,
                loss: size,
                valid_loss: Some(size),
                figure: "a_figure_of_ones_own_with_a_long_name".into(),
                value: Some(size),
                standard_error: Some(size.abs()),
                learning_rate: 1e-300,
                rows_per_second: size.abs().min(9_999_999.0),
                seconds_left: size.abs(),
                valid_rows: u64::MAX,
                ..epoch()
            });
            assert!(line.lines().all(|line| line.chars().count() <= WIDTH), "{line}");
            assert!(
                line.ends_with(" s") || line.ends_with(" min") || line.ends_with(" days"),
                "{line}"
            );
            assert!(!line.contains('\u{1b}'));
        }
    }
}
