//! The text of an XML file, whatever its encoding.

use encoding_rs::{Encoding, UTF_8};
use std::borrow::Cow;

/// Bytes in which a declaration stands.
const HEAD: usize = 200;

/// The text of `bytes`: in the encoding that a byte order mark tells, or else the declaration, or else UTF-8, as XML 1.0 has it (appendix F).
///
/// The message says which encoding is not known, or does not fit.
pub(super) fn xml_text(bytes: &[u8]) -> Result<Cow<'_, str>, String> {
    let (encoding, named) = match (Encoding::for_bom(bytes), declared(bytes)) {
        (Some((encoding, _)), _) => (encoding, encoding.name()),
        (None, Some(name)) => {
            let known = Encoding::for_label(name.as_bytes());
            let known = known.ok_or_else(|| format!("the encoding {name:?} is not known: write it as UTF-8"))?;
            (known, name)
        }
        (None, None) => (UTF_8, "UTF-8"),
    };
    let (text, _, is_damaged) = encoding.decode(bytes);
    match is_damaged {
        true => Err(format!("the bytes are no {named}, which it is said to be written in")),
        false => Ok(text),
    }
}

/// What stands behind `encoding=` in the declaration.
fn declared(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..bytes.len().min(HEAD))?;
    // A declaration is in ASCII in all encodings that have no byte order mark.
    let end = head.windows(2).position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(&head[..end]).ok()?.strip_prefix("<?xml")?;
    let (_, behind) = declaration.split_once("encoding")?;
    let behind = behind.trim_start().strip_prefix('=')?.trim_start();
    let quote = behind.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    behind[1..].split(quote).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_in_its_own_encoding() {
        let text = |bytes: &[u8]| xml_text(bytes).map(Cow::into_owned);
        assert_eq!(text("<a>\u{732b}</a>".as_bytes()).unwrap(), "<a>\u{732b}</a>");
        assert_eq!(text(b"\xef\xbb\xbf<a/>").unwrap(), "<a/>");
        // "cat" in Chinese, whose two bytes are a letter of UTF-8, too.
        let chinese = b"<?xml version='1.0' encoding='GB2312'?><a>\xc3\xa8</a>";
        assert_eq!(
            text(chinese).unwrap(),
            "<?xml version='1.0' encoding='GB2312'?><a>\u{732b}</a>"
        );
        assert!(
            text(b"<?xml version=\"1.0\" encoding = \"ISO-8859-1\"?><a>\xe9</a>")
                .unwrap()
                .ends_with("<a>\u{e9}</a>")
        );
        let wide: Vec<u8> = "\u{feff}<a>\u{732b}</a>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(text(&wide).unwrap(), "<a>\u{732b}</a>");
        assert_eq!(
            text(b"<?xml encoding=\"nonsense\"?><a/>").unwrap_err(),
            "the encoding \"nonsense\" is not known: write it as UTF-8"
        );
        assert_eq!(
            text(b"<a>\xff</a>").unwrap_err(),
            "the bytes are no UTF-8, which it is said to be written in"
        );
    }
}
