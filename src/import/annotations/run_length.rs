//! Run lengths of masks, as COCO writes them.

/// The compressed text of run lengths: that of pycocotools' `rleToString`.
pub(super) fn compressed(counts: &[u32]) -> String {
    let mut text = String::new();
    for (at, &count) in counts.iter().enumerate() {
        let before = if at > 2 { i64::from(counts[at - 2]) } else { 0 };
        let mut rest = i64::from(count) - before;
        loop {
            let mut bits = (rest & 31) as u8;
            rest >>= 5;
            let more = if bits & 16 != 0 { rest != -1 } else { rest != 0 };
            if more {
                bits |= 32;
            }
            text.push(char::from(bits + 48));
            if !more {
                break;
            }
        }
    }
    text
}

/// The pixels that the compressed `text` of run lengths covers.
///
/// # Errors
///
/// Why it is no such text.
pub(super) fn covered(text: &str) -> Result<u64, String> {
    Ok(run_lengths(text)?.into_iter().fold(0, u64::saturating_add))
}

/// The run lengths whose compressed text this is: first of what is not covered, then in turn.
///
/// # Errors
///
/// Why it is no such text.
pub(super) fn run_lengths(text: &str) -> Result<Vec<u64>, String> {
    let (mut counts, mut bytes) = (Vec::<i64>::new(), text.bytes().enumerate());
    while let Some(first) = bytes.next() {
        let (mut value, mut shift, mut next) = (0_i64, 0_u32, Some(first));
        loop {
            let (at, byte) = next.ok_or("it ends in the middle of a number")?;
            let bits = byte.checked_sub(48).filter(|bits| *bits < 64).ok_or_else(|| {
                // All before it are of one byte each, so a character begins here.
                let character = text.get(at..).and_then(|rest| rest.chars().next());
                format!("{:?} is no part of a number", character.unwrap_or_default())
            })?;
            if shift >= 40 {
                return Err("a number of it has no end".to_owned());
            }
            value |= i64::from(bits & 31) << shift;
            shift += 5;
            if bits & 32 == 0 {
                // The sign goes on.
                value |= if bits & 16 != 0 { -1 << shift } else { 0 };
                break;
            }
            next = bytes.next();
        }
        let before = if counts.len() > 2 { counts[counts.len() - 2] } else { 0 };
        let count = value.saturating_add(before);
        if count < 0 {
            return Err(format!("run {} of it has {count} pixels", counts.len()));
        }
        counts.push(count);
    }
    Ok(counts.into_iter().map(i64::unsigned_abs).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_cover_what_was_written() {
        for counts in [
            &[6, 1, 40, 4, 5, 4, 5, 4, 21][..],
            &[0, 4],
            &[100, 2000, 3],
            &[5, 70_000, 12, 70_001, 0, 9],
            &[],
        ] {
            let all = counts.iter().map(|count| u64::from(*count)).sum();
            assert_eq!(covered(&compressed(counts)), Ok(all), "{counts:?}");
            let wanted: Vec<u64> = counts.iter().map(|count| u64::from(*count)).collect();
            assert_eq!(run_lengths(&compressed(counts)), Ok(wanted));
        }
        for (text, why) in [
            ("04 ", "' ' is no part of a number"),
            ("0é", "'é' is no part of a number"),
            ("0T", "it ends in the middle of a number"),
            ("@", "run 0 of it has -16 pixels"),
            ("TTTTTTTTTT0", "a number of it has no end"),
        ] {
            let error = covered(text).expect_err(text);
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn texts_are_those_of_pycocotools() {
        // pycocotools.mask.frPyObjects({"counts": [...], "size": [..]}, h, w)["counts"]
        assert_eq!(compressed(&[6, 1, 40, 4, 5, 4, 5, 4, 21]), "61X13mN000`0");
        assert_eq!(compressed(&[0, 4]), "04");
        assert_eq!(compressed(&[100, 2000, 3]), "T3`n13");
        assert_eq!(compressed(&[5, 70_000, 12, 70_001, 0, 9]), "5`[T2<1DhdkM");
    }
}
