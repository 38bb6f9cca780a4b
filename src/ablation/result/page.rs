//! `ablation.html`: one page that needs nothing beside it.

use super::AblationReport;
use crate::report::html::{Section, document, section, text};

impl AblationReport {
    /// The page: what the figures say, and all tables.
    pub fn to_html(&self) -> String {
        let mut body = "<ul>\n".to_owned();
        for said in self.in_words() {
            body += &format!("<li>{}</li>\n", text(&said));
        }
        body += "</ul>\n";
        let mut push = |title: String, words: &str, table| {
            let words = words.to_owned();
            section(&mut body, &Section { title, words, table });
        };
        for data in &self.data {
            for input in &data.inputs {
                let words = format!("{}. Mean and deviation over the seeds.", data.rows_in_words());
                push(data.title(input), &words, input.to_table());
                push(
                    format!("{}, {}: differences", data.name, input.input),
                    "From the baseline, with p of the paired t-test and of the signed-rank test under Holm's rule.",
                    input.to_tests(),
                );
            }
        }
        for data in &self.detection {
            let words = format!("{}. Mean and deviation over the seeds.", data.rows_in_words());
            push(data.title(), &words, data.to_table());
            push(
                format!("{}: differences", data.title()),
                "From the baseline, with p of the paired t-test and of the signed-rank test under Holm's rule.",
                data.to_tests(),
            );
        }
        if self.has_chosen() {
            push(
                "Chosen inside the training rows".to_owned(),
                "Differences from repeats on the test rows. Holm's rule is over the data sets.",
                self.chosen_table(),
            );
        }
        document("Does it help?", &body)
    }
}
