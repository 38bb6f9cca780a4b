//! Files of annotations as COCO has them, told by what they hold and not by their names.

use super::endings::{is_json, is_picture};
use super::tree::Tree;
use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files that are looked into at most. Some programs write one beside each picture: those have its name, and are passed over where there are
/// more.
const FILES: usize = 32;

/// Bytes of a file that are looked at. The lists of COCO itself are longer, and the first of them begins here.
const BEGINNING: u64 = 1 << 20;

/// Bytes of a list in which its first item says what it is.
const FIRST_ITEM: usize = 4096;

/// The files of annotations as COCO has them in `tree`, by what is in them. Blocks on the file system.
pub(super) fn in_tree(tree: &Tree) -> impl Iterator<Item = PathBuf> {
    let mut files: Vec<&(usize, String)> = tree.files.iter().filter(|(_, name)| is_json(name)).collect();
    if files.len() > FILES {
        let own = tree.files.iter().filter(|(_, name)| is_picture(name));
        let pictures: HashSet<(usize, &str)> = own.map(|(folder, name)| (*folder, stem(name))).collect();
        files.retain(|(folder, name)| !pictures.contains(&(*folder, stem(name))));
    }
    files
        .into_iter()
        .take(FILES)
        .map(|file| tree.path(file))
        .filter(|path| is_coco(path))
}

/// The name without its ending.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Whether the file begins as annotations of COCO do. One that cannot be read does not.
fn is_coco(path: &Path) -> bool {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(BEGINNING).read_to_end(&mut bytes));
    read.is_ok_and(|read| begins_as_coco(&bytes, (read as u64) < BEGINNING))
}

/// Whether lists `images` and `annotations` are at the top level of the JSON that begins with `bytes`. Where these are not all of it, the
/// other list may follow: then the first item of the one that is there has to be COCO's.
fn begins_as_coco(bytes: &[u8], is_whole: bool) -> bool {
    let lists = lists(bytes);
    let list = |key: &str| lists.iter().find(|(name, _)| *name == key.as_bytes());
    let has = |(_, rest): &(&[u8], &[u8]), field: &str| {
        let first = &rest[..rest.len().min(FIRST_ITEM)];
        first.windows(field.len()).any(|part| part == field.as_bytes())
    };
    match (list("images"), list("annotations")) {
        (Some(_), Some(_)) => true,
        (Some(images), None) => !is_whole && has(images, "\"file_name\""),
        (None, Some(annotations)) => !is_whole && has(annotations, "\"image_id\""),
        (None, None) => false,
    }
}

/// The keys of lists at the top level of an object, each with what follows its bracket.
fn lists(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let (mut lists, mut key, mut depth, mut at) = (Vec::new(), None, 0_u32, 0);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'{' if depth == 0 => depth = 1,
            byte if depth == 0 && byte.is_ascii_whitespace() => {}
            _ if depth == 0 => break,
            b'"' => {
                let Some(end) = end_of_string(bytes, at + 1) else { break };
                if depth == 1 && key.is_none() {
                    key = Some(&bytes[at + 1..end]);
                }
                at = end;
            }
            b'[' | b'{' => {
                if let Some(key) = key.filter(|_| depth == 1 && byte == b'[') {
                    lists.push((key, &bytes[at + 1..]));
                }
                depth += 1;
            }
            b']' | b'}' => depth -= 1,
            b',' if depth == 1 => key = None,
            _ => {}
        }
        at += 1;
    }
    lists
}

/// Where the quote is that ends the string which goes on at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_beside_each_picture_hide_no_annotations() {
        let root = tempfile::tempdir().unwrap();
        for at in 0..40 {
            std::fs::write(root.path().join(format!("{at:02}.jpg")), "").unwrap();
            std::fs::write(root.path().join(format!("{at:02}.json")), "{}").unwrap();
        }
        let path = root.path().join("labels.json");
        std::fs::write(&path, r#"{"images": [], "annotations": []}"#).unwrap();
        let tree = Tree::walk(root.path()).unwrap();
        assert_eq!(in_tree(&tree).collect::<Vec<_>>(), [path]);
    }

    #[test]
    fn annotations_are_told_by_their_lists() {
        let begins = |text: &str, is_whole: bool| begins_as_coco(text.as_bytes(), is_whole);
        for text in [
            r#"{"images": [], "annotations": [], "categories": []}"#,
            "\u{feff}\n{\"info\": {\"images\": 1}, \"annotations\" : [{\"a\": [1]}], \"x\": \"]}\\\"\", \"images\":[]}",
        ] {
            assert!(begins(text, true), "{text}");
        }
        for text in [
            "",
            "null",
            "[]",
            "}",
            r#"{"images": 3, "annotations": []}"#,
            r#"{"info": {"images": [], "annotations": []}}"#,
            r#"{"key": "images", "annotations": []}"#,
            r#"[{"images": [], "annotations": []}]"#,
            r#"{"images": [{"file_name": "a.jpg"}]}"#,
            r#"{"images": ["#,
        ] {
            assert!(!begins(text, true), "{text}");
        }
        // The other list may follow where the file goes on.
        assert!(begins(
            r#"{"info": {}, "images": [{"id": 1, "file_name": "a.jpg"}, {"id""#,
            false
        ));
        assert!(begins(
            r#"{"annotations": [{"image_id": 1, "category_id": 2}, {"#,
            false
        ));
        assert!(!begins(
            r#"{"images": [{"filename": "a.jpg", "sentences": []}, {"#,
            false
        ));
    }
}
