//! The nearest known name to one that is misspelt.

/// That of the names that `name` is most likely to be meant for, if it is like one of them.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.map(|known| (strsim::damerau_levenshtein(known, name), known));
    let near = near.min().filter(|(distance, known)| *distance <= known.len() / 2);
    near.map(|(_, near)| near)
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
