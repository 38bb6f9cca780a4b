//! Tensor columns: Arrow's canonical extension types, written so that pyarrow and polars read them.

use crate::error::{Error, Result};
use arrow::array::{Array, ArrayRef, FixedSizeListArray, Float32Array};
use arrow::datatypes::{DataType, Field};
use arrow_schema::extension::{
    Bool8, EXTENSION_TYPE_METADATA_KEY, EXTENSION_TYPE_NAME_KEY, ExtensionType, FixedShapeTensor, VariableShapeTensor,
};
use std::sync::Arc;

/// A field of tensors of `shape`, under `arrow.fixed_shape_tensor`; a plain field of numbers where `shape` is empty.
///
/// `dtype` is any type of numbers. `Boolean` is stored as a byte, 0 or 1, under `arrow.bool8`: Arrow's bit-packed booleans
/// have two rows in one byte, which two threads cannot write at a time.
pub(crate) fn tensor_field(name: &str, dtype: &DataType, shape: &[usize]) -> Result<Field> {
    if shape.is_empty() {
        return Ok(value_field(name, dtype));
    }
    let width = volume(shape)
        .and_then(|width| i32::try_from(width).ok())
        .ok_or_else(|| Error::config(format!("a tensor of shape {shape:?} is too large for one row")))?;
    let item = value_field(Field::LIST_FIELD_DEFAULT_NAME, dtype);
    let tensor = FixedShapeTensor::try_new(item.data_type().clone(), shape.iter().copied(), None, None)?;
    let list = DataType::FixedSizeList(Arc::new(item), width);
    with_extension(Field::new(name, list, false), &tensor)
}

/// A field of single values of `dtype`.
fn value_field(name: &str, dtype: &DataType) -> Field {
    match dtype {
        DataType::Boolean => Field::new(name, DataType::Int8, false).with_extension_type(Bool8),
        other => Field::new(name, other.clone(), false),
    }
}

/// `field` under the extension type `of`. Members of its metadata that say nothing are left out: the `arrow-schema` crate writes
/// them as null, which pyarrow refuses ("Could not parse dim_names").
fn with_extension(field: Field, of: &impl ExtensionType) -> Result<Field> {
    of.supports_data_type(field.data_type())?;
    let written = of.serialize_metadata().unwrap_or_default();
    let mut members: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&written).map_err(|error| Error::schema(error.to_string()))?;
    members.retain(|_, value| !value.is_null());
    let mut metadata = field.metadata().clone();
    metadata.insert(EXTENSION_TYPE_NAME_KEY.to_owned(), name_of(of).to_owned());
    let members = serde_json::Value::Object(members).to_string();
    metadata.insert(EXTENSION_TYPE_METADATA_KEY.to_owned(), members);
    Ok(field.with_metadata(metadata))
}

fn name_of<E: ExtensionType>(_: &E) -> &'static str {
    E::NAME
}

/// A tensor column from the values of its rows, without a copy.
pub(crate) fn into_list(field: &Field, values: impl Into<Float32Array>) -> Result<ArrayRef> {
    tensor_column(field, Arc::new(values.into()))
}

/// The column of `field`, which [`tensor_field`] made, from the values of all rows, without a copy.
pub(crate) fn tensor_column(field: &Field, values: ArrayRef) -> Result<ArrayRef> {
    let array: ArrayRef = match field.data_type() {
        DataType::FixedSizeList(item, size) => {
            Arc::new(FixedSizeListArray::try_new(Arc::clone(item), *size, values, None)?)
        }
        _ => values,
    };
    match array.data_type() == field.data_type() {
        true => Ok(array),
        false => Err(Error::schema(format!(
            "column \"{}\" holds {}, not {}",
            field.name(),
            field.data_type(),
            array.data_type()
        ))),
    }
}

/// What the metadata of a tensor type says about the tensors of its rows.
#[derive(Default, serde::Deserialize)]
struct Written {
    #[serde(default)]
    shape: Vec<usize>,
    /// Of tensors that differ in shape: the dimensions that are the same in all rows.
    #[serde(default)]
    uniform_shape: Option<Vec<Option<usize>>>,
    /// The format names it so; the `arrow-schema` crate has a plural.
    #[serde(default, alias = "permutations")]
    permutation: Option<Vec<usize>>,
}

fn written(field: &Field) -> Option<Written> {
    match field.extension_type_name() {
        Some(FixedShapeTensor::NAME | VariableShapeTensor::NAME) => {
            serde_json::from_str(field.extension_type_metadata()?).ok()
        }
        _ => None,
    }
}

/// Dimensions of one row as it is stored: those of the extension type, or of the nested lists. Lists whose lengths differ have
/// none.
pub(crate) fn shape_of(field: &Field) -> Vec<usize> {
    match field.data_type() {
        DataType::FixedSizeList(item, size) => {
            let size = (*size).max(0) as usize;
            // Damaged metadata could claim any shape.
            let written = written(field).filter(|written| volume(&written.shape) == Some(size));
            let own = written.map_or_else(|| vec![size], |written| written.shape);
            own.into_iter().chain(shape_of(item)).collect()
        }
        _ => Vec::new(),
    }
}

/// The `rank` dimensions of tensors that differ in shape, 0 for those that differ.
pub(crate) fn uniform_shape_of(field: &Field, rank: usize) -> Vec<usize> {
    let known = written(field).and_then(|written| written.uniform_shape);
    let known = known
        .filter(|known| known.len() == rank)
        .unwrap_or_else(|| vec![None; rank]);
    known.into_iter().map(|size| size.unwrap_or(0)).collect()
}

/// How many numbers a tensor of `shape` has; none where they are more than can be counted.
fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |all, &size| all.checked_mul(size))
}

/// The order in which the stored dimensions of a tensor column are meant, where it is another one: dimension `i` of the tensor is
/// the stored dimension `permutation[i]`.
pub(crate) fn permutation_of(field: &Field) -> Option<Vec<usize>> {
    let permutation = written(field)?.permutation?;
    (!permutation.iter().copied().eq(0..permutation.len())).then_some(permutation)
}

/// Whether `field`, or what its fixed-size lists hold in the end, is booleans of a byte each.
pub(crate) fn is_bool8(field: &Field) -> bool {
    match field.data_type() {
        DataType::FixedSizeList(item, _) => is_bool8(item),
        kind => *kind == DataType::Int8 && field.extension_type_name() == Some(Bool8::NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int8Array, Int32Array, Int64Array, ListArray, RecordBatch, StructArray, UInt8Array};
    use arrow::buffer::OffsetBuffer;
    use arrow::datatypes::{Fields, Schema};
    use arrow::ipc::writer::StreamWriter;
    use parquet::arrow::ArrowWriter;
    use serde_json::json;
    use std::fs::File;
    use std::process::Command;

    /// A field of tensors that differ in shape, under `arrow.variable_shape_tensor`: a struct of the values and the shape of each row.
    /// A dimension that is the same in all rows has its size in `shape`, the others have none.
    fn ragged_field(name: &str, dtype: &DataType, shape: &[Option<usize>]) -> Result<Field> {
        let size =
            |size: usize| i32::try_from(size).map_err(|_| Error::config(format!("a dimension of {size} is too large")));
        let sizes = shape.iter().map(|known| known.map(size).transpose());
        let sizes = sizes.collect::<Result<Vec<_>>>()?;
        let item = value_field(Field::LIST_FIELD_DEFAULT_NAME, dtype);
        let uniform = sizes.iter().any(Option::is_some).then(|| sizes.clone());
        let tensor = VariableShapeTensor::try_new(item.data_type().clone(), sizes.len(), None, None, uniform)?;
        let extent = Arc::new(Field::new_list_field(DataType::Int32, false));
        let parts = Fields::from(vec![
            Field::new("data", DataType::List(Arc::new(item)), false),
            Field::new("shape", DataType::FixedSizeList(extent, size(sizes.len())?), false),
        ]);
        with_extension(Field::new(name, DataType::Struct(parts), false), &tensor)
    }

    #[test]
    fn metadata_has_no_null_and_arrow_reads_it() -> Result<()> {
        let field = tensor_field("x", &DataType::Float32, &[2, 3])?;
        assert_eq!(field.extension_type_metadata(), Some(r#"{"shape":[2,3]}"#));
        let read: FixedShapeTensor = field.try_extension_type()?;
        assert_eq!((shape_of(&field), read.dimensions()), (vec![2, 3], 2));
        let field = ragged_field("x", &DataType::Int64, &[None, Some(4)])?;
        assert_eq!(field.extension_type_metadata(), Some(r#"{"uniform_shape":[null,4]}"#));
        assert_eq!(field.try_extension_type::<VariableShapeTensor>()?.dimensions(), 2);
        let field = ragged_field("x", &DataType::Int64, &[None])?;
        assert_eq!(field.extension_type_metadata(), Some("{}"));
        Ok(())
    }

    #[test]
    fn a_boolean_is_a_byte_and_a_single_number_a_plain_column() -> Result<()> {
        let field = tensor_field("m", &DataType::Boolean, &[2])?;
        assert!(is_bool8(&field));
        let column = tensor_column(&field, Arc::new(Int8Array::from(vec![0, 1, 1, 1])))?;
        assert_eq!((column.len(), column.data_type()), (2, field.data_type()));
        let field = tensor_field("y", &DataType::UInt8, &[])?;
        assert_eq!((field.data_type(), shape_of(&field)), (&DataType::UInt8, vec![]));
        let one: ArrayRef = Arc::new(UInt8Array::from(vec![7]));
        assert_eq!(&tensor_column(&field, Arc::clone(&one))?, &one);
        let other = tensor_column(&tensor_field("y", &DataType::Float32, &[])?, one);
        let said = other.err().map(|error| error.to_string());
        assert_eq!(said.as_deref(), Some("column \"y\" holds Float32, not UInt8"));
        Ok(())
    }

    #[test]
    fn a_shape_that_is_not_that_of_the_list_is_not_believed() {
        let list = |item: Field, size, shape: &str| {
            let kind = DataType::FixedSizeList(Arc::new(item), size);
            let tensor = [
                (EXTENSION_TYPE_NAME_KEY.to_owned(), FixedShapeTensor::NAME.to_owned()),
                (EXTENSION_TYPE_METADATA_KEY.to_owned(), format!("{{\"shape\":{shape}}}")),
            ];
            Field::new("x", kind, false).with_metadata(tensor.into())
        };
        let number = || Field::new_list_field(DataType::Float32, false);
        assert_eq!(shape_of(&list(number(), 6, "[2,3]")), [2, 3]);
        // 2 times (2^63 + 3) is 6 where the product wraps.
        assert_eq!(shape_of(&list(number(), 6, "[2,9223372036854775811]")), [6]);
        let inner = Field::new_list_field(DataType::FixedSizeList(Arc::new(number()), 3), false);
        assert_eq!(shape_of(&list(inner, 4, "[2,2]")), [2, 2, 3]);
        let said = tensor_field("x", &DataType::Int64, &[1 << 32, 1 << 32]).unwrap_err();
        assert!(said.to_string().contains("is too large for one row"), "{said}");
    }

    /// Every kind of tensor column, as a stream and as Parquet, where `python3` has pyarrow and polars.
    #[test]
    #[ignore = "needs python3 with pyarrow and polars of today"]
    #[allow(clippy::print_stderr, reason = "a test that did not run says so")]
    fn pyarrow_and_polars_read_every_kind() -> Result<()> {
        let (dir, two) = (tempfile::tempdir().map_err(|error| Error::io("/tmp", error))?, [2]);
        let fields = [
            tensor_field("f32", &DataType::Float32, &two)?,
            tensor_field("u8", &DataType::UInt8, &[2, 1])?,
            tensor_field("i64", &DataType::Int64, &two)?,
            tensor_field("bool", &DataType::Boolean, &two)?,
            tensor_field("flag", &DataType::Boolean, &[])?,
            tensor_field("number", &DataType::Int64, &[])?,
            ragged_field("boxes", &DataType::Float32, &[None, Some(2)])?,
        ];
        let [float, byte, long]: [ArrayRef; 3] = [
            Arc::new(Float32Array::from(vec![0.5, -1.0, 2.0, 3.0])),
            Arc::new(UInt8Array::from(vec![0, 1, 254, 255])),
            Arc::new(Int64Array::from(vec![1 << 60, 0, -1, 7])),
        ];
        let bools: ArrayRef = Arc::new(Int8Array::from(vec![0, 1, 1, 1]));
        let DataType::Struct(parts) = fields[6].data_type() else {
            return Err(Error::schema("no struct"));
        };
        let DataType::List(item) = parts[0].data_type() else {
            return Err(Error::schema("no list"));
        };
        let boxes = ListArray::new(
            Arc::clone(item),
            OffsetBuffer::from_lengths([2, 0]),
            float.slice(0, 2),
            None,
        );
        let extents = tensor_column(&parts[1], Arc::new(Int32Array::from(vec![1, 2, 0, 2])))?;
        let boxes = StructArray::new(parts.clone(), vec![Arc::new(boxes), extents], None);
        let columns = vec![
            tensor_column(&fields[0], float)?,
            tensor_column(&fields[1], byte)?,
            tensor_column(&fields[2], Arc::clone(&long))?,
            tensor_column(&fields[3], Arc::clone(&bools))?,
            bools.slice(0, 2),
            long.slice(0, 2),
            Arc::new(boxes),
        ];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let paths = ["a.arrow", "a.parquet"].map(|name| dir.path().join(name));
        let [stream, table] = paths.each_ref().map(|path| File::create(path).expect("a file"));
        let mut writer = StreamWriter::try_new(stream, &schema)?;
        writer.write(&rows)?;
        writer.finish()?;
        let mut writer = ArrowWriter::try_new(table, schema, None).expect("Parquet");
        writer.write(&rows).expect("Parquet");
        writer.close().expect("Parquet");
        let has = Command::new("python3").args(["-c", "import pyarrow, polars"]).output();
        if !has.is_ok_and(|done| done.status.success()) {
            eprintln!("skipped: there is no python3 with pyarrow and polars");
            return Ok(());
        }
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts/read_back.py");
        let done = Command::new("python3")
            .arg(script)
            .args(&paths)
            .output()
            .expect("python3");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let read: Vec<serde_json::Value> = serde_json::from_slice(&done.stdout).expect("JSON");
        let tensors = [
            "extension<arrow.fixed_shape_tensor[value_type=float, shape=[2]]>",
            "extension<arrow.fixed_shape_tensor[value_type=uint8, shape=[2,1]]>",
            "extension<arrow.fixed_shape_tensor[value_type=int64, shape=[2]]>",
            "extension<arrow.fixed_shape_tensor[value_type=extension<arrow.bool8>, shape=[2]]>",
        ];
        // Of a tensor in Parquet pyarrow takes the type only where its items may be null, which `arrow-schema` refuses.
        let lists = [
            "fixed_size_list<item: float not null>[2]",
            "fixed_size_list<item: uint8 not null>[2]",
            "fixed_size_list<item: int64 not null>[2]",
            "fixed_size_list<item: extension<arrow.bool8> not null>[2]",
        ];
        for (found, types) in read.iter().zip([tensors, lists]) {
            let of = |name: &str, what: &str| found["columns"][name][what].clone();
            let read = ["f32", "u8", "i64", "bool"].map(|name| of(name, "type"));
            assert_eq!(read, types.map(serde_json::Value::from));
            let single = ["flag", "number"].map(|name| of(name, "type"));
            assert_eq!(single, ["extension<arrow.bool8>", "int64"].map(serde_json::Value::from));
            assert_eq!(
                (of("f32", "last"), of("u8", "last")),
                (json!([2.0, 3.0]), json!([254, 255]))
            );
            assert_eq!(
                (of("i64", "first"), of("bool", "first")),
                (json!([1_i64 << 60, 0]), json!([false, true]))
            );
            assert_eq!((of("flag", "last"), of("number", "last")), (json!(true), json!(0)));
            assert_eq!(of("boxes", "first"), json!({"data": [0.5, -1.0], "shape": [1, 2]}));
            assert_eq!(of("boxes", "last"), json!({"data": [], "shape": [0, 2]}));
        }
        Ok(())
    }
}
