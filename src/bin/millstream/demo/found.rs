//! What a model of the demo finds.

use millstream::arrow::array::{Array, AsArray, StructArray};
use millstream::arrow::datatypes::{Float32Type, Int64Type};
use millstream::dataset::Origin;
use millstream::image::Pixels;
use millstream::report::picture::{DrawnObject, Tile, draw_objects};
use millstream::rows::BoxFormat;
use millstream::source::Parquet;
use millstream::task::Predict;
use millstream::{Context, Dataset, Error, Result};
use std::path::Path;

/// The least score of a box that is drawn.
pub(super) const LEAST: f32 = 0.3;

/// `many` pictures from all over `file` with the boxes that the model in the folder `model` finds in them, whose classes have these `names`; and how many
/// pictures there are.
pub(super) fn found(
    cx: &Context,
    (file, names): (&Path, &[String]),
    model: &Path,
    many: u64,
) -> Result<(Vec<Tile>, u64)> {
    let path = file.display().to_string();
    let rows = cx.block_on(Parquet::open(cx, path.as_str()))?;
    let count = rows.len().finite().unwrap_or(0);
    let many = many.min(count);
    let positions: Vec<u64> = (0..many).map(|at| (2 * at + 1) * count / (2 * many)).collect();
    let taken = cx.block_on(rows.take(cx, &positions))?;
    let found = Predict::new(model, [path]).run(cx, &mut |_, _| ())?;
    let (pictures, objects) = (taken["image"].as_binary_view(), found["objects"].as_struct());
    let tile = |(at, &position): (usize, &u64)| {
        let picture = Pixels::decode(pictures.value(at))?;
        let drawn = draw_objects(&picture, &objects_of(objects, position as usize, names)?)?;
        Ok(Tile {
            width: drawn.width(),
            height: drawn.height(),
            rgb: drawn.into_raw(),
            origin: Origin::Real,
        })
    };
    let tiles = positions.iter().enumerate().map(tile).collect::<Result<Vec<_>>>()?;
    Ok((tiles, count))
}

/// The boxes in a row of predictions.
fn objects_of(objects: &StructArray, row: usize, names: &[String]) -> Result<Vec<DrawnObject<'static>>> {
    let list = |name: &str| {
        let lists = objects
            .column_by_name(name)
            .and_then(|lists| lists.as_list_opt::<i32>());
        let lists = lists.filter(|lists| lists.is_valid(row));
        lists
            .map(|lists| lists.value(row))
            .ok_or_else(|| Error::schema(format!("predictions have no lists {name:?}")))
    };
    let (boxes, classes, scores) = (list("bbox")?, list("category")?, list("score")?);
    let boxes = boxes.as_fixed_size_list();
    let numbers = &boxes.values().as_primitive::<Float32Type>().values()[boxes.value_offset(0) as usize..];
    let classes = classes.as_primitive::<Int64Type>().values();
    let scores = scores.as_primitive::<Float32Type>().values();
    let all = numbers.as_chunks::<4>().0.iter().zip(classes).zip(scores);
    let drawn = all
        .filter(|(_, score)| **score >= LEAST)
        .map(|((xywh, &class), score)| DrawnObject {
            class: class as u32,
            label: format!("{} {score:.2}", names.get(class as usize).map_or("", String::as_str)),
            corners: Some(BoxFormat::Xywh.to_xyxy(*xywh, (1, 1)).map(f64::from)),
            ..DrawnObject::default()
        });
    Ok(drawn.collect())
}
