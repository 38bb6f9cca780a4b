//! `generate fit --quick`: a generator for a look.
#![cfg(all(feature = "cli", feature = "train"))]
#![allow(missing_docs, reason = "tests")]

use crate::generate::{said, table};
use millstream::generative::learned_generators;
use millstream::synthetic::learned::LearnedModel;
use serde_json::Value;
use std::path::Path;

/// The spec with which a fit of `kind` is kept in `out`, and what was said.
fn fitted(folder: &Path, kind: &str, out: &str, more: &[&str]) -> (Value, String) {
    let fit = ["fit", "--kind", kind, "--train", "rows.csv", "--out", out];
    let told = said(folder, &[&fit[..], more].concat(), true);
    let model = LearnedModel::load(folder.join(out), &learned_generators()).unwrap();
    (model.about().generator.clone(), told)
}

#[test]
fn a_quick_fit_takes_fewer_rows_and_steps_and_never_more() {
    let dir = tempfile::tempdir().unwrap();
    let at = dir.path();
    table(&at.join("rows.csv"));
    let (plain, _) = fitted(at, "copula", "plain", &[]);
    let (quick, _) = fitted(at, "copula", "quick", &["--quick"]);
    assert_eq!(
        (&plain["copula"]["most_rows"], &quick["copula"]["most_rows"]),
        (&10_000.into(), &1_000.into())
    );

    let tvae = |steps: u64| {
        format!(r#"{{"tvae": {{"steps": {steps}, "width": 4, "latent": 2, "modes": 1, "batch_size": 4}}}}"#)
    };
    let (long, told) = fitted(at, &tvae(700), "long", &["--quick"]);
    assert_eq!(long["tvae"]["steps"], 600);
    assert!(told.contains("step 600: loss ") && !told.contains("step 700"), "{told}");
    let (short, told) = fitted(at, &tvae(3), "short", &["--quick"]);
    assert_eq!(short["tvae"]["steps"], 3);
    assert!(told.contains("step 3: loss "), "{told}");

    let both = ["fit", "--kind", "tvae", "--train", "rows.csv", "--out", "both"];
    let refused = said(at, &[&both[..], &["--quick", "--epochs", "2"]].concat(), false);
    assert!(
        refused.contains("--quick") && refused.contains("cannot be used with"),
        "{refused}"
    );
    assert!(!at.join("both").exists());
}
