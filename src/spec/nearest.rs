//! The nearest known name to one that is misspelt.

use std::cmp::Reverse;

/// That of the names that `name` is most likely to be meant for, if it is like one of them: one that is spelt alike, or whose words it
/// has, as `rotate` in `random_rotate`, or which has its words, as `batch_size` for `batch`.
///
/// Of names with its words, how they are spelt says nothing: the one with as many words counts, or the nearest number, and of several the
/// longest, as `gaussian_blur` and not `box_blur` for `blur`.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let known: Vec<&str> = known.collect();
    let alike = known
        .iter()
        .map(|&known| (strsim::damerau_levenshtein(known, name), known));
    let alike = alike.filter(|(distance, known)| *distance <= known.len() / 2).min();
    let has = |all: &str, some: &str| format!("_{all}_").contains(&format!("_{some}_"));
    let is_related = |known: &str| has(name, known) || has(known, name);
    if let Some((_, near)) = alike.filter(|(_, near)| !is_related(near)) {
        return Some(near);
    }
    let words = |name: &str| name.split('_').count();
    let order = |known: &&str| (words(known).abs_diff(words(name)), Reverse(known.len()));
    known
        .iter()
        .copied()
        .filter(|known| is_related(known))
        .min_by_key(order)
}

/// Which of the `known` names `name` is likely to be meant for, as it stands behind it in a sentence: ` (do you mean "cat"?)`. Nothing where none is
/// like it.
pub(crate) fn nearest_in_words(name: &str, known: &[String]) -> String {
    let near = nearest(name, known.iter().map(String::as_str));
    near.map_or_else(String::new, |near| format!(" (do you mean {near:?}?)"))
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
            ("blur", Some("gaussian_blur")),
            ("noise", Some("gaussian_noise")),
            ("random_rotate", Some("rotate")),
            ("batch", Some("batch_size")),
            ("center", Some("center_crop")),
            ("watercolour", None),
        ] {
            let known = [
                "epochs",
                "batch_size",
                "box_blur",
                "gaussian_blur",
                "motion_blur",
                "rotate",
                "gaussian_noise",
                "shot_noise",
                "center_crop",
                "resize_center_crop",
            ];
            assert_eq!(nearest(name, known.into_iter()), near, "{name}");
        }
    }
}
