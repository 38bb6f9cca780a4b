//! Operations by class on rows whose class nobody knows, and for classes that no row can have.

use super::compose::{by_class, digits, refused_on, rows};
use arrow::array::{ArrayRef, AsArray, ListArray, RecordBatch, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, UInt8Type};
use millstream::image::{ByClass, Classes, Image};
use millstream::rows::{DType, Map, Output, Read};
use millstream::source::Memory;
use millstream::{Context, Dataset, DatasetExt};
use std::sync::Arc;

#[test]
fn a_stage_on_lists_of_classes_and_a_class_that_no_row_can_have_are_refused_when_it_is_built() {
    let cx = Context::with(1, 1 << 20).unwrap();
    let all = rows(4);
    let batch = cx.block_on(all.take(&cx, &[0, 1, 2, 3])).unwrap();
    let names: ArrayRef = Arc::new(StringArray::from(vec!["glass", "paper", "glass", "trash"]));
    let item = Arc::new(Field::new_list_field(DataType::Utf8, true));
    let lists: ArrayRef = Arc::new(ListArray::new(
        item,
        OffsetBuffer::from_lengths([1, 2, 0, 1]),
        names,
        None,
    ));
    let columns = [("image", Arc::clone(&batch["image"])), ("tags", lists)];
    let tagged = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    let tagged = cx.block_on(tagged.classes(&cx, "tags")).unwrap();
    // The names are known here, and the class of a row is not: it has several.
    let said = refused_on(tagged, Image::new(1).with(by_class()));
    assert!(
        said.starts_with("image: column \"image\": by_class: the class of the row is not known: stand the stage on")
            && said.contains("`.rarest_class(labels)`"),
        "{said}"
    );
    // What only may ask for a class stands anywhere.
    let map = Map::new("class")
        .reads(Read::Class)
        .writes(Output::fixed("known", DType::U8, []));
    let asked = rows(3).map(map, |row, _, out| {
        out.fixed::<u8>(0)[0] = u8::from(row.class().is_some());
        Ok(())
    });
    let asked = cx.block_on(asked.unwrap().take(&cx, &[0])).unwrap();
    assert_eq!(asked["known"].as_primitive::<UInt8Type>().value(0), 0);

    let of = |name: &str, names: Vec<String>| {
        let stage = Image::new(1).with(ByClass::new([name], digits().0));
        stage.classes(Classes::new(names, [])).check().unwrap_err().to_string()
    };
    let said = of("glas", ["glass", "paper"].map(str::to_owned).to_vec());
    assert!(
        said.ends_with("there is no class \"glas\": do you mean \"glass\"?"),
        "{said}"
    );
    let many: Vec<String> = (0..30).map(|class| format!("{class} things")).collect();
    let said = of("zzz", many);
    assert!(said.ends_with("18 things, 19 things and 10 more"), "{said}");
}
