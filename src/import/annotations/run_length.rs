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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_pycocotools() {
        // pycocotools.mask.frPyObjects({"counts": [...], "size": [..]}, h, w)["counts"]
        assert_eq!(compressed(&[6, 1, 40, 4, 5, 4, 5, 4, 21]), "61X13mN000`0");
        assert_eq!(compressed(&[0, 4]), "04");
        assert_eq!(compressed(&[100, 2000, 3]), "T3`n13");
        assert_eq!(compressed(&[5, 70_000, 12, 70_001, 0, 9]), "5`[T2<1DhdkM");
    }
}
