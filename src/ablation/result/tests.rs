use super::chosen::{Pair, chosen_reports};
use super::*;
use crate::ablation::arms::SyntheticShare;
use crate::ablation::choice::{SyntheticChoice, Tried};
use crate::ablation::gain::Gain;

fn figures(balanced_accuracy: f64, rarest_third: f64) -> Figures {
    Figures {
        balanced_accuracy,
        macro_f1: 0.5,
        geometric_mean: 0.25,
        rarest_third,
    }
}

fn row(name: &str, seeds: &[[f64; 2]]) -> RowReport {
    RowReport::new(name, seeds.iter().map(|&[all, rare]| figures(all, rare)).collect())
}

fn without(why: &str) -> NoFigures {
    NoFigures {
        name: "SMOTE behind a gate".to_owned(),
        why: why.to_owned(),
    }
}

/// Repeats, a row that is better by more than noise, one that is noise, and one that is worse.
fn input() -> InputReport {
    let base = [[0.60, 0.40], [0.61, 0.42], [0.62, 0.41], [0.60, 0.43], [0.61, 0.40]];
    let moved = |by: [[f64; 2]; 5]| -> Vec<[f64; 2]> {
        let pairs = base.iter().zip(by);
        pairs.map(|(base, by)| [base[0] + by[0], base[1] + by[1]]).collect()
    };
    let better = moved([[0.05, 0.1], [0.06, 0.12], [0.05, 0.11], [0.04, 0.1], [0.05, 0.12]]);
    let noise = moved([[0.02, 0.05], [-0.02, -0.05], [0.01, 0.03], [-0.01, -0.04], [0.01, 0.0]]);
    let worse = moved([
        [-0.1, -0.3],
        [-0.11, -0.31],
        [-0.1, -0.29],
        [-0.12, -0.3],
        [-0.1, -0.31],
    ]);
    InputReport::new(
        Input::Pretrained,
        vec![
            row("none", &worse),
            row("repeats + augmentation", &base),
            row("SMOTE", &noise),
            row("balanced softmax", &better),
        ],
        vec![without("seed 1: no row passes")],
    )
}

/// One way that was tried in two cross-validations, and in the first.
fn choice(generator: &str) -> SyntheticChoice {
    let gain = |mean| Gain { mean, error: 0.01 };
    let tried = Tried {
        synthetic: SyntheticShare::new(generator, 0.25),
        figures: figures(0.7, 0.5),
        balanced_accuracy: gain(0.1),
        rarest_third: gain(0.1),
    };
    SyntheticChoice {
        folds: 5,
        repetitions: 2,
        repeats: figures(0.6, 0.4),
        screened: vec![tried.clone()],
        tried: vec![tried],
        refused: vec![SyntheticShare {
            gate: true,
            ..SyntheticShare::new(generator, 0.25)
        }],
        chosen: 0,
    }
}

fn report() -> AblationReport {
    let input = input();
    let [repeats, ours] = [&input.rows[1], &input.rows[3]].map(Clone::clone);
    let choice = choice("SMOTE");
    let rare = ours.paired(&repeats, |figures| figures.rarest_third);
    AblationReport {
        seeds: 5,
        quick: false,
        data: vec![DataReport {
            name: "trash|net<b>".to_owned(),
            classes: vec!["a".to_owned(), "b".to_owned()],
            training_rows: vec![90, 10],
            test_rows: 50,
            transfer: vec![TransferReport {
                row: "repeats".to_owned(),
                balanced_accuracy: ours.paired(&repeats, |figures| figures.balanced_accuracy),
            }],
            inputs: vec![input],
        }],
        detection: Vec::new(),
        chosen: vec![ChosenReport {
            data: "trash|net<b>".to_owned(),
            input: Input::Pretrained,
            choices: vec![choice],
            balanced_accuracy: ours.paired(&repeats, |figures| figures.balanced_accuracy),
            rarest_third: Tested::all(vec![rare]).remove(0),
            chosen: ours,
            repeats,
        }],
    }
}

#[test]
fn rows_are_tested_against_the_baseline_under_holm() {
    let input = input();
    assert!(input.rows[1].against.is_none());
    let of = |at: usize| input.rows[at].against.unwrap();
    // Three tests: the smallest p counts three times, the next twice.
    let raw = |at: usize| of(at).balanced_accuracy.test.t.unwrap();
    let mut all = [raw(0), raw(2), raw(3)];
    all.sort_by(f64::total_cmp);
    let least = [0, 2, 3].into_iter().find(|&at| raw(at) == all[0]).unwrap();
    assert_eq!(of(least).balanced_accuracy.t_holm, Some(3.0 * all[0]));
    assert!(of(3).rarest_third.is_more_than_chance() && of(0).rarest_third.is_more_than_chance());
    assert!(!of(2).rarest_third.is_more_than_chance());
    // Five pairs of one sign, times three.
    assert_eq!(of(3).rarest_third.wilcoxon_holm, Some(0.1875));
    let mean = input.rows[3].mean;
    assert!((mean.balanced_accuracy - (0.608 + 0.05)).abs() < 1e-12);
    // The deviation of .65, .67, .67, .64 and .66 is the root of .00068 / 4.
    assert!((input.rows[3].deviation.balanced_accuracy - 0.00017_f64.sqrt()).abs() < 1e-12);
}

/// Differences without a deviation have no t-test, so that nothing is more than chance, and the words do not call it noise.
#[test]
fn the_same_difference_each_time_is_not_tested() {
    let base = [[0.5, 0.25], [0.625, 0.5], [0.75, 0.125]];
    let moved = base.map(|[all, rare]| [all, rare + 0.125]);
    let mut report = report();
    let rows = vec![row("repeats + augmentation", &base), row("SMOTE", &moved)];
    report.data[0].inputs = vec![InputReport::new(Input::Pretrained, rows, Vec::new())];
    let rows = &report.data[0].inputs[0].rows;
    let tested = rows[1].against.unwrap().rarest_third;
    assert_eq!(
        (tested.test.t, tested.t_holm, tested.test.deviation),
        (None, None, Some(0.0))
    );
    assert!(!tested.is_more_than_chance() && !tested.is_better());
    let rare = Tested::all(vec![tested.test]).remove(0);
    report.chosen[0].rarest_third = rare;
    assert!(!report.chosen[0].helps());
    let words = report.in_words().join("\n");
    for said in [
        "pretrained, the rarest third: the same under each seed, so that no t-test can tell: SMOTE (+.125).",
        "+.125 (p -, by Holm's rule over the data sets -): the same each time, so that no t-test can tell; balanced accuracy",
        "On none of 1 data set a synthetic row",
    ] {
        assert!(words.contains(said), "{said}\n{words}");
    }
}

/// Two seeds have one degree of freedom: 0.25 beside 1 is no noise, and neither is it told apart. Four that find nothing are called so.
#[test]
fn a_few_seeds_that_find_nothing_do_not_say_noise() {
    let words = |base: &[[f64; 2]], moved: &[[f64; 2]]| {
        let mut report = report();
        let rows = vec![row("repeats + augmentation", base), row("none", moved)];
        report.data[0].inputs = vec![InputReport::new(Input::Pretrained, rows, Vec::new())];
        let tested = report.data[0].inputs[0].rows[1].against.unwrap().rarest_third;
        assert!(!tested.is_more_than_chance(), "{tested:?}");
        report.chosen[0].rarest_third = tested;
        report.in_words().join("\n")
    };
    let said = words(&[[0.8, 1.0], [0.75, 1.0]], &[[0.5, 0.0], [0.7, 0.5]]);
    for part in [
        "pretrained, the rarest third: not told apart with 2 seeds: none.",
        "): not told apart with 2 seeds; balanced accuracy",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(!said.contains("noise"), "{said}");
    let said = words(&[[0.8, 1.0]], &[[0.5, 0.0]]);
    assert!(
        said.contains("the rarest third: not told apart with 1 seed: none."),
        "{said}"
    );
    let said = words(
        &[[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.5, 0.5]],
        &[[0.5, 0.75], [0.5, 0.25], [0.5, 0.5], [0.5, 0.625]],
    );
    assert!(said.contains("the rarest third: no more than noise: none."), "{said}");
}

#[test]
fn tables_are_of_eighty_columns_and_words_say_what_is_noise() {
    let report = report();
    let text = report.to_text();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let line = |begin: &str| text.lines().filter(|line| line.starts_with(begin)).collect::<Vec<_>>();
    let cells = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let softmax = line("balanced softmax");
    assert_eq!(cells(softmax[0])[2..], ["0.658±.013", "0.500", "0.250", "0.522±.015"]);
    assert_eq!(
        cells(softmax[1])[2..],
        ["+.050", "<.001", ".188", "+.110", "<.001", ".188"]
    );
    let words = report.in_words().join("\n");
    for said in [
        "The signed-rank test of 5 pairs cannot fall below .062, so the t-test alone decides.",
        "pretrained, balanced accuracy: above repeats + augmentation: balanced softmax (+.050, p <.001); below it: none (-.106, p <.001); no \
         more than noise: SMOTE.",
        "beside that of a small network from scratch on 28 x 28 pixels: +.050 with repeats (p <.001).",
        "trash|net<b>, pretrained, SMOTE behind a gate has no figures (seed 1: no row passes).",
        "Not applicable, pretrained: SMOTE on pixels (it is a row of the network from scratch, and here SMOTE is that of features); copula (",
        "SMOTE, share 0.25 was chosen of 2 in 3 cross-validations of 5 folds inside the training rows",
        "no balanced accuracy; a row of SMOTE behind a gate, share 0.25 did not pass the gate",
        "rarest third 0.522 beside 0.412 of repeats, +.110 (p <.001, by Holm's rule over the data sets <.001): better; balanced accuracy \
         0.658 beside 0.608, +.050 (p <.001).",
        "On 1 of 1 data set (trash|net<b>) a synthetic row",
    ] {
        assert!(words.contains(said), "{said}\n{words}");
    }
}

#[test]
fn pages_are_safe_and_json_comes_back() {
    let report = report();
    let (page, markdown) = (report.to_html(), report.to_markdown());
    assert!(!page.contains("<b>") && page.contains("trash|net&lt;b&gt;") && !page.contains("<script"));
    assert!(
        markdown
            .starts_with("| trash\\|net\\<b> | balanced accuracy | macro F1 | geometric mean | rarest third |\n|---|")
    );
    assert!(
        markdown.contains("| balanced softmax | **0.658±.013** | 0.500 | 0.250 | **0.522±.015** |"),
        "{markdown}"
    );
    assert!(
        markdown.contains("| SMOTE | 0.610±.019 | 0.500 | 0.250 | 0.410±.034 |"),
        "{markdown}"
    );
    let json = report.to_json().unwrap();
    assert_eq!(serde_json::from_str::<AblationReport>(&json).unwrap(), report);
}

#[test]
fn the_mean_of_tables_is_paired_by_seed_and_of_rows_that_all_have() {
    let data = |name: &str, rows: Vec<RowReport>, refused: Vec<NoFigures>| DataReport {
        name: name.to_owned(),
        classes: vec!["a".to_owned()],
        training_rows: vec![1],
        test_rows: 7,
        inputs: vec![InputReport::new(Input::Columns, rows, refused)],
        transfer: Vec::new(),
    };
    let gated = row("SMOTE behind a gate", &[[0.5, 0.5], [0.5, 0.5]]);
    let last = row("jitter", &[[0.1, 0.3], [0.2, 0.2]]);
    let repeats = |seeds: [[f64; 2]; 2]| row("repeats", &seeds);
    let [one, two] = [
        data(
            "one",
            vec![repeats([[0.4, 0.2], [0.6, 0.4]]), gated, last.clone()],
            Vec::new(),
        ),
        data(
            "two",
            vec![repeats([[0.8, 0.4], [0.8, 0.8]]), last],
            vec![without("seed 0: no row passes")],
        ),
    ];
    for order in [[&one, &two], [&two, &one]] {
        let mean = mean_of(&order);
        assert_eq!((mean.name.as_str(), mean.test_rows), ("mean of 2 tables", 14));
        let input = &mean.inputs[0];
        let names: Vec<&str> = input.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["repeats", "jitter"]);
        assert_eq!(input.refused, [without("two, seed 0: no row passes")]);
        let close = |ours: f64, theirs: f64| assert!((ours - theirs).abs() < 1e-12);
        close(input.rows[0].seeds[0].balanced_accuracy, 0.6);
        close(input.rows[0].seeds[1].rarest_third, 0.6);
        close(input.rows[1].seeds[0].rarest_third, 0.3);
    }
}

/// Of two tables and pictures, Holm's rule counts two tests: those of the pictures and of the tables' mean.
#[test]
fn of_several_tables_the_mean_is_one_set() {
    let pair = |data: &str, input, is_part, by: [f64; 3]| {
        let base = [[0.60, 0.40], [0.61, 0.42], [0.62, 0.41]];
        let moved: Vec<[f64; 2]> = base.iter().zip(by).map(|(base, by)| [base[0], base[1] + by]).collect();
        Pair {
            data: data.to_owned(),
            input,
            choices: vec![choice("SMOTE")],
            chosen: row("chosen", &moved),
            repeats: row("repeats", &base),
            is_part,
        }
    };
    let reports = chosen_reports(
        vec![
            pair("pictures", Input::Pretrained, false, [0.1, 0.11, 0.12]),
            pair("one", Input::Columns, true, [0.0, 0.01, -0.01]),
            pair("two", Input::Columns, true, [0.1, 0.2, 0.3]),
            pair("mean of 2 tables", Input::Columns, false, [0.05, 0.105, 0.145]),
        ],
        &mut [],
    );
    let rare = |at: usize| reports[at].rarest_third;
    assert_eq!([rare(1).t_holm, rare(2).t_holm], [None, None]);
    assert!(rare(2).test.t.is_some() && !reports[2].helps());
    // .1, .11, .12: the smaller p counts twice.
    assert_eq!(rare(0).t_holm, rare(0).test.t.map(|p| 2.0 * p));
    assert_eq!(rare(3).t_holm, rare(3).test.t);
    assert!(reports[0].helps());
    let report = AblationReport {
        chosen: reports,
        ..report()
    };
    let words = report.in_words().join("\n");
    assert!(
        words.contains("On 2 of 2 data sets (pictures, mean of 2 tables)")
            || words.contains("On 1 of 2 data sets (pictures)"),
        "{words}"
    );
    assert!(!words.contains("one: "), "{words}");
}
