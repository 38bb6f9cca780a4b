//! What there is to say of the pictures and boxes that were read.

use super::raster::has_pixels;
use super::read::Annotated;
use super::run_length::run_lengths;
use super::table::Picture;
use crate::quote::{counted, counted_with, quoted, shown};
use crate::rows::BoxFormat;
use crate::source::Split;
use std::collections::HashMap;
use std::path::PathBuf;

/// How many boxes reach out of their pictures by more than a pixel; none where none does.
pub(super) fn reaching_out(pictures: &[Picture]) -> Option<String> {
    let (mut all, mut out, mut first) = (0_u64, 0_u64, None);
    for picture in pictures {
        let [width, height] = picture.size.map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        for object in &picture.objects {
            all += 1;
            if BoxFormat::Xywh.reaches_out(object.bbox, (width, height)) {
                out += 1;
                first.get_or_insert((&picture.name, width, height));
            }
        }
    }
    let (name, width, height) = first?;
    let (reach, are) = if out == 1 { ("reaches", "is") } else { ("reach", "are") };
    Some(format!(
        "{out} of {} {reach} out of the picture by more than a pixel, and {are} kept; the first is of picture {}, of {width} x {height} pixels",
        counted(all, "box"),
        quoted(name)
    ))
}

/// How many outlines cover no pixel of their picture; none where each covers some.
pub(super) fn without_pixels(pictures: &[Picture]) -> Option<String> {
    let (mut all, mut first) = (0_u64, None);
    for picture in pictures {
        let size = picture.size.map(|side| usize::try_from(side).unwrap_or(0));
        for object in &picture.objects {
            let has_runs = || {
                let lengths = run_lengths(&object.run_lengths).unwrap_or_default();
                lengths.iter().skip(1).step_by(2).any(|length| *length > 0)
            };
            let is_drawn = match (object.polygons.is_empty(), object.run_lengths.is_empty()) {
                (false, _) => object.polygons.iter().any(|points| has_pixels(points, size)),
                (true, false) => has_runs(),
                (true, true) => true,
            };
            if !is_drawn {
                all += 1;
                first.get_or_insert((&picture.name, object.id));
            }
        }
    }
    let (name, id) = first?;
    let cover = counted_with(all, "outline", ["covers", "cover"]);
    Some(format!(
        "{cover} no pixel: the boxes are kept, and masks have nothing of these objects; the first is of annotation {id} of picture {}",
        quoted(name)
    ))
}

/// Classes that are named with their boxes at most.
const NAMED: usize = 12;

/// How many boxes were read, and of which classes: `3 boxes on 2 pictures: cat 2, dog 1`.
pub(super) fn counts(pictures: &[Picture], names: &[String]) -> String {
    let mut counts = vec![0_u64; names.len()];
    let (mut crowds, mut difficult) = (0_u64, 0_u64);
    for object in pictures.iter().flat_map(|picture| &picture.objects) {
        if object.crowd {
            crowds += 1;
            continue;
        }
        difficult += u64::from(object.difficult == Some(true));
        if let Ok(class) = usize::try_from(object.category) {
            counts[class] += 1;
        }
    }
    let of = |(name, count): (&String, &u64)| format!("{} {count}", shown(name, 40));
    let mut said: Vec<String> = names.iter().zip(&counts).take(NAMED).map(of).collect();
    if let Some(more) = names.len().checked_sub(NAMED).filter(|more| *more > 0) {
        said.push(format!("{more} more classes"));
    }
    let (boxes, pictures) = (counts.iter().sum::<u64>(), pictures.len() as u64);
    let on = format!("{} on {}", counted(boxes, "box"), counted(pictures, "picture"));
    let mut all = match said.is_empty() {
        true => on,
        false => format!("{on}: {}", said.join(", ")),
    };
    if difficult > 0 {
        let are = counted_with(difficult, "box", ["is", "are"]);
        all +=
            &format!("; of these {are} difficult: left out of the figures, as Pascal VOC has it, but not of training");
    }
    match crowds {
        0 => {}
        1 => all += "; 1 more box is a crowd, which is left out of training and counted nowhere but in the figures",
        _ => {
            all += &format!(
                "; {crowds} more boxes are crowds, which are left out of training and counted nowhere but in the figures"
            )
        }
    }
    all
}

/// Says of each split how many of its pictures are in one before it, too: what would be measured is of pictures that were trained on.
pub(super) fn said_of_shared(read: &mut [Annotated]) {
    let mut met: HashMap<PathBuf, usize> = HashMap::new();
    for at in 0..read.len() {
        let (before, own) = read.split_at_mut(at);
        let Some(own) = own.first_mut() else { break };
        let mut shared = vec![0_u64; before.len()];
        for picture in &own.pictures {
            match met.get(&picture.path) {
                None => {
                    met.insert(picture.path.clone(), at);
                }
                Some(&other) if other < at => shared[other] += 1,
                Some(_) => {}
            }
        }
        for (other, many) in before.iter().zip(shared).filter(|(_, many)| *many > 0) {
            own.notes.push(format!(
                "{}: {} of the split {} {} in the split {}, too, and {} of both, so that {}: give each split pictures of its own",
                own.shown,
                counted(many, "picture"),
                own.split,
                if many == 1 { "is" } else { "are" },
                other.split,
                if many == 1 { "becomes a row" } else { "become rows" },
                told_by(&own.split, &other.split)
            ));
        }
    }
}

/// What is wrong with figures where two splits have the same pictures.
fn told_by(one: &Split, other: &Split) -> String {
    let measured = match (one, other) {
        (Split::Train, measured) | (measured, Split::Train) => measured,
        _ => return "figures of both are of the same pictures".to_owned(),
    };
    format!("figures of the split {measured} will be of pictures that were trained on, and look better than they are")
}
