//! Tests of the page.

use super::*;
use crate::report::{ClassCounts, Confusion, Measured, RunFigures};

#[test]
fn base64_is_that_of_the_standard() {
    for (plain, coded) in [
        ("", ""),
        ("f", "Zg=="),
        ("fo", "Zm8="),
        ("foo", "Zm9v"),
        ("foobar", "Zm9vYmFy"),
    ] {
        assert_eq!(base64(plain.as_bytes()), coded);
    }
    assert_eq!(base64(&[0xfb, 0xff, 0xfe]), "+//+");
}

#[test]
fn names_are_harmless_and_nothing_is_loaded() {
    let classes = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "a&b\u{202e}",
    ]
    .map(str::to_owned);
    let confusion = Confusion::try_from(vec![vec![3, 1, 0], vec![0, 2, 0], vec![0, 0, 0]]).unwrap();
    let run = RunFigures::new(
        "classify",
        &classes,
        &[ClassCounts::default(); 3],
        Measured::of_classes(confusion),
        1.0,
    );
    let mut report = Report::new(run.unwrap());
    report.warnings.push("<b>look</b>".into());
    report.notes.push("'quoted'".into());
    let epoch = Epoch {
        phase: "<i>".into(),
        figure: "balanced_accuracy".into(),
        value: Some(0.5),
        standard_error: Some(0.125),
        ..Epoch::default()
    };
    let worst = WorstEntry {
        place: "<u>".into(),
        truth: classes[0].clone(),
        predicted: classes[1].clone(),
        loss: 2.5,
    };
    let mut table = Table::new([("way", Align::Left), ("a\nfigure", Align::Right)]);
    table.push(["<s>", "0.125"]);
    table.note("<em>");
    let section = Section {
        title: "<h1>".into(),
        words: "<a href=x>".into(),
        table,
    };
    let picture = RgbImage::new(2, 3);
    let page = html(&Page {
        title: "</title><script>",
        report: &report,
        sections: &[section],
        history: &[epoch],
        pictures: &[("</figcaption>", &picture)],
        worst: &[worst],
        worst_by: "loss",
    })
    .unwrap();
    let body = &page[page.find("<body>").unwrap()..];
    for bad in [
        "<script",
        "<img src=x",
        "onerror=alert(1)>",
        "<b>",
        "<i>",
        "<u>",
        "<s>",
        "<em>",
        "<a ",
        "\u{202e}",
        "http",
    ] {
        assert!(!body.contains(bad), "{bad}");
    }
    assert!(!page.contains("<script") && !page.contains("src=\"http") && !page.contains("<link"));
    for good in [
        "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>",
        "prefers-color-scheme:dark",
        "default-src 'none'",
        "On 6 validation rows",
        // Recalls 3 of 4 and 2 of 2; sqrt(.75 * .25 / 4) / 2.
        "0.875±.193",
        "0.500±.125",
        "width=\"2\" height=\"3\"",
        "&#39;quoted&#39;",
        "<tr><th class=\"text\">way</th><th>a figure</th></tr>\n<tr><td class=\"text\">&lt;s&gt;</td><td>0.125</td></tr>",
        "<h2>&lt;h1&gt;</h2>\n<p>&lt;a href=x&gt;</p>",
        "<p>&lt;em&gt;</p>",
    ] {
        assert!(page.contains(good), "{good}: {page}");
    }
}
