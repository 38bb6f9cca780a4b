//! A loader's plan in lines of a terminal's width.

use super::wrap::wrapped;

/// Columns of a node's name, after which its parameters stand.
const NAME: usize = 11;

/// `plan` as it is printed, with what is too wide for a line below what it belongs to.
pub(crate) fn in_lines(plan: &str) -> String {
    let line = |line: &str| {
        let blanks = line.len() - line.trim_start().len();
        // A node stands at an even column, and what belongs to it at an odd one.
        let more = if blanks.is_multiple_of(2) { NAME } else { 2 };
        wrapped(line, &" ".repeat(blanks + more))
    };
    plan.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_wide_stands_below_what_it_belongs_to() {
        let (mean, path) = ("mean [0.485, 0.456, 0.406]", "a".repeat(50));
        let notes = "note ".repeat(14);
        let plan = format!("image      {mean}, {path}, size 96\n           {notes}word\n  select     rows 3");
        let expected = format!(
            "image      {mean},\n           {path}, size 96\n           {}\n             word\n  select     rows 3",
            notes.trim_end()
        );
        assert_eq!(in_lines(&plan), expected);
    }
}
