//! Sentences in lines of a terminal's width.

use millstream::quote::escaped;
use std::fmt::{self, Formatter};
use unicode_width::UnicodeWidthStr;

/// Columns of the terminal that text should fit into.
pub(crate) const TERMINAL: usize = 80;

/// `text` in lines of 80 columns, broken at blanks, all but the first after `indent`. A word that is longer has a line of its own.
pub(crate) fn wrapped(text: &str, indent: &str) -> String {
    let (mut out, mut used) = (String::new(), 0);
    for (at, word) in text.split(' ').enumerate() {
        let width = word.width();
        if used + 1 + width > TERMINAL && !out.trim().is_empty() {
            out += "\n";
            out += indent;
            used = indent.width();
        } else if at > 0 {
            out.push(' ');
            used += 1;
        }
        out += word;
        used += width;
    }
    out
}

/// A sentence in such lines, all but the first indented.
pub(super) fn sentence(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    writeln!(f, "{}", wrapped(&escaped(text), "    "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_blanks() {
        let text = format!("  {} {} c", "a".repeat(70), "b".repeat(90));
        let expected = format!("  {}\n    {}\n    c", "a".repeat(70), "b".repeat(90));
        assert_eq!(wrapped(&text, "    "), expected);
        assert_eq!(wrapped("a b", "  "), "a b");
        let words = "word ".repeat(40);
        assert!(wrapped(&words, "  ").lines().all(|line| line.width() <= TERMINAL));
    }
}
