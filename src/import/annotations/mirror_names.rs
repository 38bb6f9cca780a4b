//! Which of the names of keypoints are left and right of one another.

/// The pairs of `names` that differ in the word for their side alone, `left` or `l` and `right` or `r`, the left one first; and the names with such a word that
/// are in no pair. Words end at what is no letter and no digit, and before a capital: `left_eye`, `eye-L`, `LeftEye`, `leftEye`, `LEye`, and `lefteye`, too.
pub(super) fn pairs(names: &[String]) -> (Vec<[usize; 2]>, Vec<&str>) {
    let words: Vec<Vec<String>> = names.iter().map(|name| words(name)).collect();
    let is_one = |of: &[String]| words.iter().filter(|own| *own == of).count() == 1;
    let (mut pairs, mut paired) = (Vec::new(), vec![false; names.len()]);
    for (at, own) in words.iter().enumerate() {
        let other = mirrored(own);
        let is_left = own.iter().zip(&other).find(|(own, other)| own != other);
        if is_left.is_none_or(|(own, _)| *own != LEFT) || !is_one(own) || !is_one(&other) {
            continue;
        }
        if let Some(right) = words.iter().position(|own| *own == other) {
            pairs.push([at, right]);
            (paired[at], paired[right]) = (true, true);
        }
    }
    let alone = (words.iter().enumerate()).filter(|(at, own)| !paired[*at] && mirrored(own) != **own);
    (pairs, alone.map(|(at, _)| names[at].as_str()).collect())
}

const LEFT: &str = "left";
const RIGHT: &str = "right";

/// The same words on the other side.
fn mirrored(words: &[String]) -> Vec<String> {
    let word = |word: &String| match word.as_str() {
        LEFT => RIGHT.to_owned(),
        RIGHT => LEFT.to_owned(),
        other => other.to_owned(),
    };
    words.iter().map(word).collect()
}

/// The words of a name in small letters, with those of sides in full.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let ends = match before {
            // Of "LEye" and "leftEye", but not of "EYE".
            Some(before) if letter.is_uppercase() => {
                let next_is_small = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
                before.is_lowercase() || before.is_uppercase() && next_is_small
            }
            _ => false,
        };
        if ends || !letter.is_alphanumeric() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words.iter().flat_map(|word| in_full(word)).collect()
}

/// A word, with that of a side apart from what it is written together with.
fn in_full(word: &str) -> Vec<String> {
    let both = |side: &str, rest: &str| vec![side.to_owned(), rest.to_owned()];
    match word {
        "l" | LEFT => vec![LEFT.to_owned()],
        "r" | RIGHT => vec![RIGHT.to_owned()],
        _ => {
            let sides = [LEFT, RIGHT].into_iter();
            let mut apart = sides.filter_map(|side| Some(both(side, word.strip_prefix(side)?)));
            apart.next().unwrap_or_else(|| vec![word.to_owned()])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> (Vec<[usize; 2]>, Vec<String>) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let (pairs, alone) = pairs(&names);
        (pairs, alone.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn sides_are_found_however_they_are_written() {
        for pair in [
            ["left_eye", "right_eye"],
            ["l_eye", "r_eye"],
            ["eye-L", "eye-R"],
            ["LeftEye", "RightEye"],
            ["leftEye", "rightEye"],
            ["LEye", "REye"],
            ["eyeL", "eyeR"],
            ["lefteye", "righteye"],
            ["LEFT_EYE", "RIGHT_EYE"],
            ["Left eye 2", "Right eye 2"],
            ["front.left.paw", "front.right.paw"],
        ] {
            assert_eq!(of(&[pair[0], "nose", pair[1]]), (vec![[0, 2]], vec![]), "{pair:?}");
            assert_eq!(of(&[pair[1], pair[0]]), (vec![[1, 0]], vec![]), "{pair:?}");
        }
    }

    #[test]
    fn what_is_no_side_and_what_is_alone_is_in_no_pair() {
        assert_eq!(of(&["leg", "root", "lip", "rib", "nose"]), (vec![], vec![]));
        let alone = vec!["left_eye".to_owned(), "r_ear".to_owned()];
        assert_eq!(of(&["left_eye", "r_ear", "nose"]), (vec![], alone));
        // Which of the two is meant?
        let alone = ["left_eye", "l_eye", "right_eye"].map(str::to_owned).to_vec();
        assert_eq!(of(&["left_eye", "l_eye", "right_eye"]), (vec![], alone));
    }
}
