//! Names as people can read them: what a terminal would obey or not show is written out, and what is long is cut.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write;
use unicode_width::UnicodeWidthChar;

/// Stands for what was cut.
const CUT: &str = "…";

/// Columns of a name in a sentence.
const IN_WORDS: usize = 60;

/// `name` in at most `width` columns of a terminal, for a table.
///
/// A name of visible characters is left as it is. Control characters, characters that change the direction of text, blanks
/// other than the plain one, and characters without a picture are written as in a Rust string; then, and where the name is
/// empty or has a blank at either end, it stands in double quotes. A name that is too long loses its middle.
///
/// ```
/// use millstream::quote::shown;
///
/// assert_eq!(shown("T-shirt/top", 20), "T-shirt/top");
/// assert_eq!(shown("red ", 20), "\"red \"");
/// assert_eq!(shown("\u{1b}[31mred", 20), r#""\u{1b}[31mred""#);
/// assert_eq!(shown("a\tb", 20), r#""a\tb""#);
/// assert_eq!(shown("n02124075_Egyptian_cat", 12), "n0212407…cat");
/// ```
pub fn shown(name: &str, width: usize) -> String {
    match is_plain(name) {
        true => cut(name.chars().map(String::from), width),
        false => in_quotes(name, width),
    }
}

/// `name` in double quotes, for a sentence: written as [`shown`] writes it, in at most 60 columns.
///
/// ```
/// assert_eq!(millstream::quote::quoted("a\"b\n"), r#""a\"b\n""#);
/// ```
pub fn quoted(name: &str) -> String {
    in_quotes(name, IN_WORDS)
}

/// `count` with what is counted, a `noun` as it stands behind a one.
///
/// ```
/// use millstream::quote::counted;
///
/// assert_eq!((counted(1, "row").as_str(), counted(0, "row").as_str()), ("1 row", "0 rows"));
/// assert_eq!([counted(2, "class"), counted(3, "batch"), counted(4, "epoch")], ["2 classes", "3 batches", "4 epochs"]);
/// ```
pub fn counted<N: fmt::Display + PartialEq + From<u8> + Copy>(count: N, noun: &str) -> String {
    let ending = match noun {
        _ if count == N::from(1) => "",
        // Of an epoch it is a k.
        noun if noun.ends_with(['s', 'x']) || noun.ends_with("ch") && !noun.ends_with("epoch") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// As [`counted`], with a verb behind it: that of one, or that of several.
///
/// ```
/// use millstream::quote::counted_with;
///
/// assert_eq!(counted_with(1, "row", ["is", "are"]), "1 row is");
/// assert_eq!(counted_with(2, "row", ["is", "are"]), "2 rows are");
/// ```
pub fn counted_with<N: fmt::Display + PartialEq + From<u8> + Copy>(
    count: N,
    noun: &str,
    [one, several]: [&str; 2],
) -> String {
    let verb = if count == N::from(1) { one } else { several };
    format!("{} {verb}", counted(count, noun))
}

/// `text` on one line, of visible characters alone; what is not is written as in a Rust string.
pub fn escaped(text: &str) -> Cow<'_, str> {
    match text.chars().any(is_hidden) {
        true => text.chars().map(|c| piece(c, false)).collect::<String>().into(),
        false => text.into(),
    }
}

/// Columns that `text` takes in a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

fn is_plain(name: &str) -> bool {
    let blank_ends = name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace);
    let unclear = |c: char| is_hidden(c) || c != ' ' && c.is_whitespace();
    !(name.is_empty() || blank_ends || name.starts_with('"') || name.chars().any(unclear))
}

/// Whether a terminal obeys this character, or shows nothing for it.
fn is_hidden(c: char) -> bool {
    let no_picture = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    c.is_control() || no_picture
}

fn in_quotes(name: &str, width: usize) -> String {
    if width < 3 {
        return CUT.to_owned();
    }
    let inner = cut(name.chars().map(|c| piece(c, true)), width - 2);
    format!("\"{inner}\"")
}

/// One character; `in_quotes` also what would end the quotes or look like an escape, and blanks other than the plain one.
fn piece(c: char, in_quotes: bool) -> String {
    let mut out = String::new();
    let blank = c != ' ' && c.is_whitespace();
    if c.is_control() || in_quotes && matches!(c, '"' | '\\') {
        out.extend(c.escape_debug());
    } else if is_hidden(c) || in_quotes && blank {
        // Writing to a string does not fail.
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    } else {
        out.push(c);
    }
    out
}

/// `pieces` in at most `width` columns: two thirds of what there is room for from the beginning, the rest from the end.
fn cut(pieces: impl Iterator<Item = String>, width: usize) -> String {
    let pieces: Vec<String> = pieces.collect();
    if pieces.iter().map(|piece| columns(piece)).sum::<usize>() <= width {
        return pieces.concat();
    }
    let room = width.saturating_sub(1);
    let fit = |pieces: &mut dyn Iterator<Item = &String>, room: usize| {
        let mut used = 0;
        let fits = |piece: &&String| {
            used += columns(piece);
            used <= room
        };
        pieces.take_while(fits).count()
    };
    let first = fit(&mut pieces.iter(), room - room / 3);
    let used: usize = pieces[..first].iter().map(|piece| columns(piece)).sum();
    let last = fit(&mut pieces[first..].iter().rev(), room.saturating_sub(used));
    [&pieces[..first].concat(), CUT, &pieces[pieces.len() - last..].concat()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        for (name, expected) in [
            ("\u{1b}]0;title\u{7}b", r#""\u{1b}]0;title\u{7}b""#),
            ("é vs é\t\ttab\nnewline", r#""é vs é\t\ttab\nnewline""#),
            ("муравей 🐜", "муравей 🐜"),
            ("蜂", "蜂"),
            ("a\u{202e}b", r#""a\u{202e}b""#),
            ("a\u{a0}b", r#""a\u{a0}b""#),
            (" a", "\" a\""),
            ("", "\"\""),
            (r"a\nb", r"a\nb"),
            ("\"a\"", r#""\"a\"""#),
        ] {
            assert_eq!(shown(name, 80), expected);
        }
        assert_eq!(
            escaped("row 1 in a\nb\u{1b}[2J.parquet"),
            r"row 1 in a\nb\u{1b}[2J.parquet"
        );
        assert_eq!(escaped(r#"column "a b\n""#), r#"column "a b\n""#);
    }

    #[test]
    fn long_names_lose_their_middle_and_no_escape_is_cut() {
        let long = "x".repeat(300);
        assert_eq!(shown(&long, 10), "xxxxxx…xxx");
        assert_eq!(columns(&quoted(&long)), 60);
        let wide = "蜂".repeat(40);
        assert_eq!(
            (shown(&wide, 11).as_str(), columns(&shown(&wide, 11))),
            ("蜂蜂蜂…蜂蜂", 11)
        );
        let hidden = "\u{1b}".repeat(9);
        assert_eq!(shown(&hidden, 20), r#""\u{1b}\u{1b}…""#);
        assert_eq!(shown("abc", 0), "…");
    }
}
