//! Masks as what is drawn of them: a part for each class.

use crate::image::Mask;
use crate::report::picture::{DrawnObject, class_colour};
use image::Rgb;

/// The pixels of one class in a mask.
pub(super) struct MaskPart {
    class: u32,
    name: String,
    pixels: Vec<u8>,
    /// The middle of its uppermost line.
    top: [f64; 2],
}

impl MaskPart {
    /// What is drawn of it; with its name where it is `named`.
    pub(super) fn drawn(&self, named: bool) -> DrawnObject<'_> {
        DrawnObject {
            class: self.class,
            label: if named { self.name.clone() } else { String::new() },
            // A point, beside which the label stands.
            outline: if named { vec![self.top] } else { Vec::new() },
            mask: Some(&self.pixels),
            ..DrawnObject::default()
        }
    }
}

/// A part for each class in `mask` but the background.
pub(super) fn objects_of(mask: &Mask, names: &[String]) -> Vec<MaskPart> {
    let part = |(class, name): (u32, &String)| {
        let pixels: Vec<u8> = mask
            .values
            .iter()
            .map(|&value| u8::from(u32::from(value) == class))
            .collect();
        let width = (mask.width as usize).max(1);
        let line = pixels.chunks_exact(width).position(|line| line.contains(&1))?;
        let there: Vec<usize> = (0..width).filter(|x| pixels[line * width + x] == 1).collect();
        let middle = there[there.len() / 2];
        Some(MaskPart {
            class,
            name: name.clone(),
            pixels,
            top: [middle as f64 + 0.5, line as f64 + 0.5],
        })
    };
    drawn_classes(names).filter_map(part).collect()
}

/// The names of the classes that are drawn, with their colours.
pub(super) fn colours(names: &[String]) -> Vec<(&str, Rgb<u8>)> {
    drawn_classes(names)
        .map(|(class, name)| (name.as_str(), class_colour(class)))
        .collect()
}

/// All classes but the background: the first one, if it is called so or has no name.
fn drawn_classes(names: &[String]) -> impl Iterator<Item = (u32, &String)> {
    let is_background =
        |&(class, name): &(u32, &String)| class == 0 && (name == "0" || name.eq_ignore_ascii_case("background"));
    (0..).zip(names).filter(move |of| !is_background(of))
}
