//! Which boxes objects are pasted with.

use super::boxes::Boxes;
use crate::error::{Error, Result};

impl Boxes {
    /// Refuses what has no effect on boxes that are pasted into a picture which a stage has made.
    pub(in crate::image) fn check_pasted(&self) -> Result<()> {
        let plain = Self {
            column: self.column.clone(),
            label_fields: self.label_fields.clone(),
            at_most: self.at_most,
            ..Self::default()
        };
        if *self == plain {
            return Ok(());
        }
        let set = [
            ("output", self.output != plain.output),
            ("min_area", self.min_area != plain.min_area),
            ("min_visibility", self.min_visibility != plain.min_visibility),
            ("min_width", self.min_width != plain.min_width),
            ("min_height", self.min_height != plain.min_height),
        ];
        let set: Vec<&str> = set
            .into_iter()
            .filter(|(_, is_set)| *is_set)
            .map(|(name, _)| name)
            .collect();
        let format =
            (self.format != plain.format).then(|| format!("name the format {}, not {}", plain.format, self.format));
        let rest = (!set.is_empty()).then(|| format!("leave out {}", set.join(", ")));
        let mends: Vec<String> = format.into_iter().chain(rest).collect();
        Err(Error::config(format!(
            "boxes: objects are pasted whole, and boxes are xyxy in pixels, as the image stage leaves them: {}",
            mends.join(", and ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::BoxFormat;

    #[test]
    fn what_has_no_effect_on_pasted_boxes_is_named() {
        let boxes = |format| Boxes::new("boxes", format).label_fields(&["classes"]).at_most(9);
        boxes(BoxFormat::Xyxy).check_pasted().expect("no more than is needed");
        let said = |boxes: Boxes| boxes.check_pasted().expect_err("too much").to_string();
        let error = said(boxes(BoxFormat::Xyxy).min_visibility(0.25).min_width(2.0));
        assert!(
            error.ends_with("leaves them: leave out min_visibility, min_width"),
            "{error}"
        );
        let error = said(boxes(BoxFormat::Xywh));
        assert!(
            error.ends_with("leaves them: name the format xyxy, not xywh"),
            "{error}"
        );
        let error = said(boxes(BoxFormat::Xywh).output(BoxFormat::Xywh));
        assert!(
            error.ends_with("name the format xyxy, not xywh, and leave out output"),
            "{error}"
        );
    }
}
