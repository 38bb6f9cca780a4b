//! Whether boxes lie in their pictures, by which a wrong format is told.

use super::format::BoxFormat;
use crate::error::{Error, Remedy, Result};

/// Numbers of 0 to 1000, as some models write boxes: shares times this.
const THOUSAND: f32 = 1000.0;

impl BoxFormat {
    /// Refuses boxes that cannot be meant in this format: each with the width and height of its picture. A few that reach out of their
    /// picture are left to clipping; where more than a twentieth have no area or reach out by more than a
    /// fiftieth of the picture, although they fit in another format, and that has at most a tenth as many of these, the error names that one. It is an
    /// error, too, where more than a third of the boxes lie wholly outside.
    ///
    /// ```
    /// use millstream::rows::BoxFormat;
    ///
    /// let corners = [([300.0, 200.0, 400.0, 300.0], (640, 480)), ([500.0, 90.0, 560.0, 130.0], (640, 480))];
    /// assert!(BoxFormat::Xyxy.check(corners).is_ok());
    /// let error = BoxFormat::Xywh.check(corners).unwrap_err().to_string();
    /// assert_eq!(error, "2 of 2 boxes do not lie in their pictures as xywh; as xyxy 0 do not: name that format in the field boxes (task.detect.boxes of a recipe), or convert boxes for a model of the other one");
    /// ```
    ///
    /// # Errors
    ///
    /// `Data`, as said.
    pub fn check(self, boxes: impl IntoIterator<Item = ([f32; 4], (u32, u32))>) -> Result<()> {
        BoxPlaces::of(self, boxes).check()
    }
}

/// How many boxes lie in their pictures, in each format.
#[derive(Clone, Copy, Debug)]
pub(super) struct BoxPlaces {
    format: BoxFormat,
    count: u64,
    /// Boxes that fit in some format: others tell nothing of formats.
    telling: u64,
    /// Of these, those that do not fit in each format.
    misfits: [u64; 6],
    /// Of all, those that do not fit in the format.
    own: u64,
    /// Boxes that lie wholly outside.
    outside: u64,
    /// Boxes that reach out by more than a pixel.
    reaching_out: u64,
    /// Boxes that do not fit as a thousandth of them in each of the formats of shares.
    thousandths: [u64; 3],
}

/// The formats of shares.
const SHARES: [BoxFormat; 3] = [
    BoxFormat::XyxyNormalized,
    BoxFormat::XywhNormalized,
    BoxFormat::CxcywhNormalized,
];

impl BoxPlaces {
    /// Counts `boxes`, each with the size of its picture.
    pub(super) fn of(format: BoxFormat, boxes: impl IntoIterator<Item = ([f32; 4], (u32, u32))>) -> Self {
        let mut places = Self {
            format,
            count: 0,
            telling: 0,
            misfits: [0; 6],
            own: 0,
            outside: 0,
            reaching_out: 0,
            thousandths: [0; 3],
        };
        boxes.into_iter().for_each(|(values, size)| places.add(values, size));
        places
    }

    fn add(&mut self, values: [f32; 4], size: (u32, u32)) {
        self.count += 1;
        let fits = BoxFormat::ALL.map(|format| format.fits(values, size));
        self.own += u64::from(!fits[self.format as usize]);
        if fits.contains(&true) {
            self.telling += 1;
            let misfits = self.misfits.iter_mut().zip(fits);
            misfits.for_each(|(misfits, fits)| *misfits += u64::from(!fits));
        }
        let thousandth = values.map(|value| value / THOUSAND);
        for (misfits, format) in self.thousandths.iter_mut().zip(SHARES) {
            *misfits += u64::from(!format.fits(thousandth, size));
        }
        let (width, height) = (size.0 as f32, size.1 as f32);
        let [left, top, right, bottom] = self.format.to_xyxy(values, size);
        let apart = right <= 0.0 || bottom <= 0.0 || left >= width || top >= height;
        self.outside += u64::from(apart);
        self.reaching_out += u64::from(self.format.reaches_out(values, size));
    }

    /// Boxes that reach out of their pictures by more than a pixel.
    pub(super) fn reaching_out(&self) -> u64 {
        self.reaching_out
    }

    /// Refuses boxes that cannot be meant in the format, as [`BoxFormat::check`] says.
    pub(super) fn check(&self) -> Result<()> {
        let (format, count) = (self.format, self.count);
        let misfits = |format: BoxFormat| self.misfits[format as usize];
        let own = misfits(format);
        // Of formats that fit alike, one in the same unit comes first.
        let others = BoxFormat::ALL.into_iter().filter(|&other| other != format);
        let better = others.min_by_key(|&other| (misfits(other), other.is_normalized() != format.is_normalized()));
        if let Some(better) = better.filter(|&better| own * 20 > self.telling && misfits(better) * 10 <= own) {
            return Err(Error::data(format!(
                "{own} of {} boxes do not lie in their pictures as {format}; as {better} {} do not: name that format in the field boxes (task.detect.boxes of a recipe), or convert boxes for a model of the other one",
                self.telling,
                misfits(better)
            ))
            .with_remedy(Remedy::BoxFormat));
        }
        if self.outside * 3 <= count {
            return Ok(());
        }
        let outside = match self.outside == count {
            true => format!("all {count}"),
            false => format!("{} of {count}", self.outside),
        };
        let shares = SHARES
            .into_iter()
            .zip(self.thousandths)
            .min_by_key(|(_, misfits)| *misfits);
        let thousandths = match shares.filter(|(_, misfits)| misfits * 10 <= self.own) {
            Some((shares, _)) => {
                format!(" Or are they shares times 1000? Divided by that they fit as {shares}")
            }
            None => String::new(),
        };
        Err(Error::data(format!(
            "{outside} boxes lie outside their pictures as {format}, and in no other format they fit: are they boxes of these pictures, in this \
             size?{thousandths}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_format_is_told_by_the_right_one() {
        let size = (640, 480);
        let boxes = [
            [300.0, 200.0, 90.0, 80.0],
            [20.0, 30.0, 100.0, 50.0],
            [500.0, 400.0, 120.0, 70.0],
        ];
        let declared = |format: BoxFormat, stored: BoxFormat| {
            let corners = boxes.map(|values| BoxFormat::Xywh.to_xyxy(values, size));
            format.check(corners.map(|corners| (stored.from_xyxy(corners, size), size)))
        };
        for stored in [BoxFormat::Xyxy, BoxFormat::Xywh] {
            assert!(declared(stored, stored).is_ok());
        }
        let text = |declared: Result<()>| declared.map_or_else(|error| error.to_string(), |()| String::new());
        assert_eq!(
            text(declared(BoxFormat::Xyxy, BoxFormat::Xywh)),
            "2 of 3 boxes do not lie in their pictures as xyxy; as xywh 0 do not: name that format in the field boxes (task.detect.boxes of a recipe), or convert boxes for a model of the other one"
        );
        let shares = text(declared(BoxFormat::Xyxy, BoxFormat::XyxyNormalized));
        assert!(
            shares.starts_with("3 of 3 boxes do not lie in their pictures as xyxy; as x"),
            "{shares}"
        );
        assert!(shares.contains("_normalized 0 do not"), "{shares}");
        assert!(text(declared(BoxFormat::XyxyNormalized, BoxFormat::Xywh)).contains("as xywh 0 do not"));
        let nowhere = [([900.0, 900.0, 10.0, 10.0], size)];
        assert!(text(BoxFormat::Xywh.check(nowhere)).starts_with("all 1 boxes lie outside"));
        assert!(BoxFormat::Xywh.check([]).is_ok());
        // One of twenty that reaches out is left to clipping.
        let mut many = vec![([10.0, 10.0, 20.0, 20.0], size); 19];
        many.push(([630.0, 10.0, 200.0, 20.0], size));
        assert!(BoxFormat::Xywh.check(many).is_ok());
    }

    #[test]
    fn boxes_that_fit_in_no_format_are_refused_where_they_are_many() {
        let size = (96, 80);
        let text = |boxes: &[[f32; 4]]| {
            let checked = BoxFormat::Xywh.check(boxes.iter().map(|&values| (values, size)));
            checked.map_or_else(|error| error.to_string(), |()| String::new())
        };
        let inside = [40.0, 40.0, 20.0, 20.0];
        // Shares times 1000: left, top, width and height.
        let thousand = [[700.0, 100.0, 200.0, 300.0], [50.0, 600.0, 500.0, 380.0]];
        assert_eq!(
            text(&thousand),
            "all 2 boxes lie outside their pictures as xywh, and in no other format they fit: are they boxes of these pictures, in this size? \
             Or are they shares times 1000? Divided by that they fit as xywh_normalized"
        );
        // Boxes that reach far out are boxes of these pictures nevertheless.
        let reaching = [[70.0, 50.0, 60.0, 20.0], [-40.0, 30.0, 70.0, 20.0]];
        assert_eq!(text(&[inside, reaching[0], reaching[1]]), "");
        let far = [900.0, 5000.0, 10.0, 10.0];
        assert!(text(&[inside, inside, far, far]).starts_with("2 of 4 boxes lie outside their pictures as xywh"));
        assert_eq!(text(&[inside, inside, far]), "");
    }

    #[test]
    fn boxes_that_reach_out_by_more_than_a_pixel_are_counted() {
        let size = (96, 80);
        let boxes = [
            [0.0, 0.0, 97.0, 81.0],
            [0.0, 0.0, 97.5, 80.0],
            [-1.5, 0.0, 20.0, 20.0],
            [-1.0, -1.0, 20.0, 20.0],
            // No box at all.
            [200.0, 0.0, 0.0, 20.0],
        ];
        let counted = |format: BoxFormat, boxes: &[[f32; 4]]| {
            BoxPlaces::of(format, boxes.iter().map(|&values| (values, size))).reaching_out()
        };
        assert_eq!(counted(BoxFormat::Xywh, &boxes), 2);
        assert_eq!(
            counted(
                BoxFormat::XyxyNormalized,
                &[[0.5, 0.5, 1.005, 1.0], [0.5, 0.5, 1.02, 1.0]]
            ),
            1
        );
    }
}
