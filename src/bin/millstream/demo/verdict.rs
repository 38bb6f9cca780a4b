//! What came out of a comparison, in words.

use millstream::report::{Report, RunFigures};

/// Says which way came out ahead by the figure that chooses, which is called `figure`, whichever it was, and whether that is more than chance gives: each
/// beside the first, then the highest beside the next.
pub(super) fn verdict(report: &Report, figure: &str) -> String {
    let ways: Vec<(&str, &RunFigures)> = (report.strategies.iter())
        .map(|(name, figures)| (short(name), figures))
        .collect();
    let [first, others @ ..] = &ways[..] else {
        return String::new();
    };
    let beside = |(name, figures): &(&str, &RunFigures)| format!("{name} is {} {}", against(figures, first.1), first.0);
    let score = |(_, figures): &(&str, &RunFigures)| figures.measured.score().unwrap_or(f64::NEG_INFINITY);
    let mut ranked = ways.clone();
    ranked.sort_by(|a, b| score(b).total_cmp(&score(a)));
    let highest = ranked.iter().take_while(|way| score(way) == score(&ranked[0])).count();
    let names = |ways: &[(&str, &RunFigures)]| ways.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(" and ");
    let lead = match ranked.get(highest) {
        Some(next) => format!(
            "The highest is {}, {} {}, the next.",
            names(&ranked[..highest]),
            against(ranked[0].1, next.1),
            next.0
        ),
        None => "All are level.".to_owned(),
    };
    format!(
        "{figure} on {} validation rows: {}. {lead}",
        report.figures.rows(),
        others.iter().map(beside).collect::<Vec<_>>().join("; ")
    )
}

/// What the standard errors in a verdict are.
pub(super) const ERRORS: &str =
    "The standard error is that of two independent sets of rows; of the same rows, as here, it is an upper bound.";

/// `(a)` of `(a) as it is`.
fn short(name: &str) -> &str {
    name.split(' ').next().unwrap_or(name)
}

fn against(x: &RunFigures, y: &RunFigures) -> String {
    let Some((difference, error)) = x.above(y) else {
        return "not to be compared with".to_owned();
    };
    let (points, error) = (100.0 * difference.abs(), 100.0 * error);
    if difference == 0.0 {
        return "level with".to_owned();
    }
    let side = if difference > 0.0 { "above" } else { "below" };
    let inside = if points <= error { "inside" } else { "more than" };
    format!("{points:.1} points ({inside} one standard error of {error:.1}) {side}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use millstream::report::{ClassCounts, Confusion, Measured};

    /// Two classes of a hundred rows each, of which so many are right.
    fn figures(right: [u64; 2]) -> RunFigures {
        let rows = vec![vec![right[0], 100 - right[0]], vec![100 - right[1], right[1]]];
        let names = ["a", "b"].map(str::to_owned);
        let measured = Measured::of_classes(Confusion::try_from(rows).unwrap());
        RunFigures::new("classify", &names, &[ClassCounts::default(); 2], measured, 1.0).unwrap()
    }

    #[test]
    fn a_difference_is_said_beside_its_standard_error() {
        let strategies = [
            ("(a) as it is", [50, 60]),
            ("(b) more", [80, 80]),
            ("(c) other", [80, 79]),
            ("(d) same", [80, 80]),
        ];
        let strategies = strategies.map(|(name, right)| (name, figures(right)));
        let report = Report::compare(strategies.into_iter().collect(), "(c) other").unwrap();
        // Of 50, 60, 79 and 80 of 100, by Laplace's rule: sqrt((0.25 + 0.2404 + 2 * 0.1636) / 100) / 2, and sqrt((3 * 0.1636 + 0.1692) / 100) / 2.
        let said = verdict(&report, "Balanced accuracy");
        assert!(
            said.contains("(b) is 25.0 points (more than one standard error of 4.5) above (a)"),
            "{said}"
        );
        assert!(
            said.contains(
                "The highest is (b) and (d), 0.5 points (inside one standard error of 4.1) above (c), the next."
            ),
            "{said}"
        );
        assert!(said.starts_with("Balanced accuracy on 200 validation rows"), "{said}");
    }
}
