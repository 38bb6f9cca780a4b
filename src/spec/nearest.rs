//! The nearest known name to one that is misspelt.

/// That of the names that `name` is most likely to be meant for, if it is like one of them: one that is spelt alike, or whose words it
/// has, as `blur` in `gaussian_blur`, or which has its words, as `batch_size` for `batch`.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    let alike = known
        .iter()
        .map(|&known| (strsim::damerau_levenshtein(known, name), known));
    let alike = alike.filter(|(distance, known)| *distance <= known.len() / 2).min();
    let words = |all: &str, some: &str| format!("_{all}_").contains(&format!("_{some}_"));
    let related = || {
        let related = known.iter().filter(|known| words(name, known) || words(known, name));
        related.max_by_key(|known| known.len()).copied()
    };
    alike.map(|(_, near)| near).or_else(related)
}

/// `message` with the nearest known name beside the one that it refuses. In serde's words: "unknown field `a`, expected one of
/// `b`, `c`".
pub(super) fn with_nearest(message: &str) -> Option<String> {
    // A reader further inside may have said it.
    if message.contains("` (do you mean `") {
        return None;
    }
    let start = ["unknown field `", "unknown variant `"];
    let start = start
        .iter()
        .find_map(|start| Some(message.find(start)? + start.len()))?;
    let (name, rest) = message[start..].split_once('`')?;
    let near = nearest(name, rest.split('`').skip(1).step_by(2))?;
    Some(format!("{}{name}` (do you mean `{near}`?){rest}", &message[..start]))
}

/// A message without the lines that some formats add, which say where it was found.
pub(super) fn one_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_for_one_that_is_like_it() {
        for (name, near) in [
            ("rotat", Some("rotate")),
            ("gaussian_blur", Some("blur")),
            ("batch", Some("batch_size")),
            ("watercolour", None),
        ] {
            let known = ["epochs", "batch_size", "blur", "rotate", "noise"];
            assert_eq!(nearest(name, known.into_iter()), near, "{name}");
        }
    }
}
