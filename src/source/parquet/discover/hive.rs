//! What the folders `key=value` of Hive's layout say of the files in them.

use crate::source::io::location::HiveKey;
use std::path::Path;

/// The folder name that stands for a null.
const NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// What the folders `key=value` between `root` and `file` say, outermost first; of a key that is there twice the outermost, as in pyarrow.
pub(super) fn keys(root: &Path, file: &Path) -> Vec<HiveKey> {
    let folders = file.parent().and_then(|folder| folder.strip_prefix(root).ok());
    let mut keys: Vec<HiveKey> = Vec::new();
    for folder in folders.iter().flat_map(|folders| folders.components()) {
        let name = folder.as_os_str().to_string_lossy();
        let Some((key, value)) = name.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            continue;
        };
        let (key, value) = (decoded(key), (value != NULL).then(|| decoded(value).into()));
        if keys.iter().all(|(other, _)| **other != *key) {
            keys.push((key.into(), value));
        }
    }
    keys
}

/// `text` with each `%XX` as the byte that it stands for; as it is where that gives no UTF-8.
fn decoded(text: &str) -> String {
    let (bytes, mut out, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let code = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let code = code.and_then(|code| u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok());
        out.push(code.unwrap_or(bytes[at]));
        at += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn folders_say_keys_and_values() {
        let said = |file: &str| -> Vec<(String, Option<String>)> {
            let keys = keys(
                Path::new("/data/kind=outside"),
                &Path::new("/data/kind=outside").join(file),
            );
            let text = |text: &Arc<str>| text.to_string();
            keys.iter()
                .map(|(key, value)| (text(key), value.as_ref().map(text)))
                .collect()
        };
        let pair = |key: &str, value: &str| (key.to_owned(), Some(value.to_owned()));
        assert_eq!(
            said("label=red/year=2024/part=0.parquet"),
            [pair("label", "red"), pair("year", "2024")]
        );
        assert_eq!(
            said("a%3Db=x%2Fy%20z/b=c=d/=e/plain/f.parquet"),
            [pair("a=b", "x/y z"), pair("b", "c=d")]
        );
        assert_eq!(
            said("x=100%/y=%ff/z=%4/f.parquet"),
            [pair("x", "100%"), pair("y", "%ff"), pair("z", "%4")]
        );
        assert_eq!(said("x=__HIVE_DEFAULT_PARTITION__/f.parquet"), [("x".to_owned(), None)]);
        assert_eq!(said("x=1/x=2/f.parquet"), [pair("x", "1")]);
    }
}
