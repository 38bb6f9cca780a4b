//! The splits that the names of files and folders tell, by the rules of Hugging Face's `datasets`.

use crate::error::{Error, Result};
use crate::source::split::Split;

/// The split of each file, which is given by its folders and its name below a folder named `shown`.
pub(super) fn by_names(shown: &str, names: &[Vec<String>]) -> Result<Vec<Option<Split>>> {
    let sharded: Vec<_> = names.iter().map(|parts| sharded(parts)).collect();
    if sharded.iter().any(Option::is_some) {
        return Ok(sharded);
    }
    let folders: Vec<_> = names.iter().map(|parts| in_folders(parts)).collect();
    let found = match folders.iter().any(|found| !found.is_empty()) {
        true => folders,
        false => names.iter().map(|parts| in_name(parts)).collect(),
    };
    let one = |(mut found, parts): (Vec<Split>, &Vec<String>)| {
        found.sort();
        found.dedup();
        match found.as_slice() {
            [] | [_] => Ok(found.pop()),
            [one, other, ..] => {
                let message = format!(
                    "{} names the splits {one} and {other}; name the files to read",
                    parts.join("/")
                );
                Err(Error::config(message).context(shown))
            }
        }
    };
    found.into_iter().zip(names).map(one).collect()
}

/// The split of `data/NAME-00000-of-00002.parquet`.
fn sharded(parts: &[String]) -> Option<Split> {
    let [folder, name] = parts else { return None };
    let (name, rest) = name.rsplit_once("-of-").filter(|_| folder == "data")?;
    let (name, number) = name.rsplit_once('-')?;
    let is_number = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
    let all = rest.get(..5)?;
    (is_number(number) && is_number(all) && rest[5..].contains('.') && !name.is_empty()).then(|| Split::named(name))
}

/// The splits that the folders of a file name.
fn in_folders(parts: &[String]) -> Vec<Split> {
    let folders = parts.split_last().map_or(&[][..], |(_, folders)| folders);
    // Of `key=value` only the key `split` tells: a class may be called `bullet-train`.
    let told = |folder: &'_ String| match folder.split_once('=') {
        Some(("split", value)) => value.to_owned(),
        Some(_) => String::new(),
        None => folder.clone(),
    };
    let words = folders.iter().map(told);
    words
        .flat_map(|folder| folder.split(is_separator).filter_map(word).collect::<Vec<_>>())
        .collect()
}

/// The splits that a file's own name names. A word at its end is none: the extension follows.
fn in_name(parts: &[String]) -> Vec<Split> {
    let name = parts.last().map_or("", String::as_str);
    let words = name.rsplit_once(is_separator).map_or("", |(before, _)| before);
    words.split(is_separator).filter_map(word).collect()
}

fn is_separator(c: char) -> bool {
    matches!(c, '-' | '.' | '_' | ' ' | '0'..='9')
}

fn word(word: &str) -> Option<Split> {
    match Split::named(word) {
        Split::Other(_) => None,
        known => Some(known),
    }
}
