//! Each figure of a report says what it measures, and the guide has the same words.

use crate::common::context;
use crate::quality::{files, real};
use millstream::inspect::{Better, FigureMeaning, Quality, QualityReport};
use std::collections::HashSet;

/// Of a table with classes and no groups: it has all figures but those of groups.
fn report() -> QualityReport {
    let quality = Quality {
        label: Some("label".to_owned()),
        ..Quality::default()
    };
    let [real, made, holdout] =
        [(1, "real"), (3, "made"), (2, "holdout")].map(|(seed, name)| files(&real(seed, 200), false, name));
    let report = quality.of(&context(), &real, &made, Some(&holdout), &mut |_, _| {});
    report.unwrap()
}

#[test]
fn each_figure_says_what_it_measures_which_way_is_good_and_why_it_is_not_judged() {
    let report = report();
    let mut met = HashSet::new();
    for figure in report.sections.iter().flat_map(|section| &section.figures) {
        let meaning = figure
            .meaning()
            .unwrap_or_else(|| panic!("{} means nothing", figure.name));
        met.insert(meaning.name);
        match figure.rule {
            None => assert!(meaning.verdict.starts_with("none: "), "{meaning:?}"),
            Some(rule) => {
                let (good, side) = match rule.better {
                    Better::Higher => ("high", "below"),
                    Better::Lower => ("low", "above"),
                };
                let fails = format!("fails more than {} {side} ", rule.margin);
                assert!(
                    meaning.verdict.starts_with(&fails) && meaning.good.starts_with(good),
                    "{meaning:?}"
                );
            }
        }
    }
    for meaning in FigureMeaning::ALL {
        assert!(
            met.contains(meaning.name) || meaning.name.starts_with("worst_group_"),
            "{} is no figure",
            meaning.name
        );
    }
}

#[test]
fn the_guide_has_the_same_words() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/guides/judge-synthetic-rows.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    for of in FigureMeaning::ALL {
        let row = format!(
            "| `{}` | {} | {} | {} | {} |\n",
            of.name, of.measures, of.good, of.verdict, of.source
        );
        assert!(guide.contains(&row), "{row}");
    }
}
