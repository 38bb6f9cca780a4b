//! Whether the numbers of boxes can mean what they are said to mean, where the sizes of their pictures are not known.

use super::format::BoxFormat;
use crate::error::{Error, Remedy, Result};

/// A picture of boxes in shares, for whose bounds no size has to be known.
const PICTURE: (u32, u32) = (1000, 1000);
/// Numbers above are no shares: those of boxes that reach out of their picture may be a little above 1.
const SHARE: f32 = 2.0;

/// Refuses boxes most of which cannot be meant in `format`, where another format fits: it has at most a tenth as many that do not.
///
/// Without the pictures this tells less than [`BoxFormat::check`]: left, top, width and height in place of corners are told by boxes without an
/// area, and shares in place of pixels by their numbers. Of shares the right and bottom bounds are known, so that all formats are told; of pixels corners that are taken for
/// widths and heights are not.
///
/// # Errors
///
/// `Data`, with how many do not fit, why, and the formats that do.
pub(super) fn check_numbers(format: BoxFormat, boxes: impl IntoIterator<Item = [f32; 4]>) -> Result<()> {
    let (mut telling, mut misfits, mut empty, mut above) = (0_u64, [0_u64; BoxFormat::ALL.len()], 0_u64, 0_u64);
    for values in boxes {
        let fits = BoxFormat::ALL.map(|format| Fit::of(format, values));
        // What is no box in any format tells nothing of formats.
        if !fits.contains(&Fit::Fits) {
            continue;
        }
        telling += 1;
        empty += u64::from(fits[format as usize] == Fit::Empty);
        above += u64::from(values.iter().any(|value| *value > SHARE));
        let all = misfits.iter_mut().zip(fits);
        all.for_each(|(misfits, fit)| *misfits += u64::from(fit != Fit::Fits));
    }
    let misfits_of = |format: BoxFormat| misfits[format as usize];
    let own = misfits_of(format);
    if own * 2 <= telling {
        return Ok(());
    }
    // Of formats that fit alike, those in the same unit come first.
    let key = |other: &BoxFormat| (misfits_of(*other), other.is_normalized() != format.is_normalized());
    let others = || BoxFormat::ALL.into_iter().filter(|other| *other != format);
    let Some(best) = others()
        .map(|other| key(&other))
        .min()
        .filter(|(count, _)| count * 10 <= own)
    else {
        return Ok(());
    };
    let fitting: Vec<String> = others()
        .filter(|other| key(other) == best)
        .map(|other| other.to_string())
        .collect();
    let why = match (empty * 2 >= own, format.is_normalized(), above * 2 >= own) {
        (true, _, _) => "they would have no area",
        (false, true, true) => "shares of a picture are at most 1, and their numbers are far above",
        (false, true, false) => "they would reach out of their picture",
        (false, false, _) => "none of their numbers is above 1, so that they are shares and no pixels",
    };
    Err(Error::data(format!(
        "{own} of {telling} boxes cannot be {format}: {why}. As {} {} do not fit: name the format that is meant in the field boxes (task.detect.boxes of a recipe)",
        fitting.join(" or "),
        best.0
    ))
    .with_remedy(Remedy::BoxFormat))
}

/// Whether numbers can be a box in a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Fits,
    /// It has no area, or a number that is not finite.
    Empty,
    /// Its numbers are of another unit, or it reaches out of its picture as far as that is known.
    Off,
}

impl Fit {
    fn of(format: BoxFormat, values: [f32; 4]) -> Self {
        if format.is_degenerate(values) {
            return Self::Empty;
        }
        let [left, top, ..] = format.corners(values);
        let is_off = match format.is_normalized() {
            true => !format.fits(values, PICTURE),
            // Numbers of at most 1 are shares. A few pixels beyond the edge are left to clipping.
            false => values.iter().all(|value| *value <= 1.0) || left.min(top) < -2.0,
        };
        if is_off { Self::Off } else { Self::Fits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_tell_a_wrong_format() {
        let stored = [
            [300.0, 200.0, 90.0, 80.0],
            [20.0, 30.0, 100.0, 50.0],
            [500.0, 400.0, 120.0, 70.0],
        ];
        let text = |format: BoxFormat, boxes: &[[f32; 4]]| {
            let checked = check_numbers(format, boxes.iter().copied());
            checked.map_or_else(|error| error.to_string(), |()| String::new())
        };
        assert_eq!(text(BoxFormat::Xywh, &stored), "");
        assert_eq!(
            text(BoxFormat::Xyxy, &stored),
            "2 of 3 boxes cannot be xyxy: they would have no area. As xywh 0 do not fit: name the format that is meant in the field boxes (task.detect.boxes of a recipe)"
        );
        assert_eq!(
            text(BoxFormat::XywhNormalized, &stored),
            "3 of 3 boxes cannot be xywh_normalized: shares of a picture are at most 1, and their numbers are far above. As xywh 0 do not \
             fit: name the format that is meant in the field boxes (task.detect.boxes of a recipe)"
        );
        let shares = stored.map(|values| values.map(|value| value / 1000.0));
        assert_eq!(text(BoxFormat::XywhNormalized, &shares), "");
        let said = text(BoxFormat::Xywh, &shares);
        assert!(
            said.starts_with("3 of 3 boxes cannot be xywh: none of their numbers is above 1"),
            "{said}"
        );
        assert!(said.contains("As xywh_normalized"), "{said}");
    }

    #[test]
    fn shares_are_told_apart_by_the_bounds_of_their_picture() {
        // Centre, width and height: as left and top half of them would reach out, and to the left none would as centres.
        let centres = [
            [0.8, 0.5, 0.3, 0.2],
            [0.7, 0.8, 0.5, 0.4],
            [0.3, 0.2, 0.2, 0.3],
            [0.9, 0.9, 0.2, 0.2],
        ];
        let error = check_numbers(BoxFormat::Xywh, centres).unwrap_err().to_string();
        assert!(
            error.starts_with("4 of 4 boxes cannot be xywh: none of their numbers is above 1, so that they are shares and no pixels. As cxcywh_normalized 0 do not fit:"),
            "{error}"
        );
        assert!(check_numbers(BoxFormat::CxcywhNormalized, centres).is_ok());
        let error = check_numbers(BoxFormat::XywhNormalized, centres)
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("3 of 4 boxes cannot be xywh_normalized: they would reach out of their picture. As cxcywh_normalized 0 do not fit:"),
            "{error}"
        );
    }

    #[test]
    fn boxes_that_are_none_in_any_format_tell_nothing() {
        let none = [[0.0; 4], [0.0; 4], [f32::NAN; 4], [5.0, 5.0, 9.0, 9.0]];
        assert!(check_numbers(BoxFormat::Xywh, none).is_ok());
        assert!(check_numbers(BoxFormat::Xyxy, []).is_ok());
    }
}
