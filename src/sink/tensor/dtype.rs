//! The types that the values of tensors have.

use crate::error::{Error, Result};
use burn::tensor::kind::Basic;
use burn::tensor::{Bool, BoolStore, DType, Float, Int, TensorCreationOptions};
pub(super) use sealed::Asked;

/// What a tensor is of: `Float`, `Int` or `Bool`, as Burn has them.
pub trait Kind: Basic + Asked {}

impl Kind for Float {}
impl Kind for Int {}
impl Kind for Bool {}

mod sealed {
    use super::{DType, TensorCreationOptions};
    use crate::error::Result;

    /// The type of values that `options` ask for.
    pub trait Asked {
        /// # Errors
        ///
        /// `Config` for a type of another kind, and for one that the device does not support.
        fn asked(options: &TensorCreationOptions) -> Result<DType>;
    }
}

impl Asked for Float {
    fn asked(options: &TensorCreationOptions) -> Result<DType> {
        let default = options.device.settings().float_dtype;
        supported(options, default.into(), "floats", DType::is_float)
    }
}

impl Asked for Int {
    fn asked(options: &TensorCreationOptions) -> Result<DType> {
        let default = options.device.settings().int_dtype;
        supported(options, default.into(), "integers", |dtype| {
            dtype.is_int() || dtype.is_uint()
        })
    }
}

/// Burn gives every tensor of booleans the device's own type.
impl Asked for Bool {
    fn asked(options: &TensorCreationOptions) -> Result<DType> {
        supported(options, DType::Bool(BoolStore::Native), "booleans", DType::is_bool)
    }
}

fn supported(
    options: &TensorCreationOptions,
    default: DType,
    kind: &str,
    is_kind: impl Fn(&DType) -> bool,
) -> Result<DType> {
    match options.dtype {
        None => Ok(default),
        Some(dtype) if !is_kind(&dtype) => Err(Error::config(format!(
            "a tensor of {kind} cannot have values of type {dtype:?}"
        ))),
        Some(dtype) if !options.device.supports_dtype(dtype) => Err(Error::config(format!(
            "the device has no tensors of {dtype:?}: leave the type out for the device's own, or ask for another"
        ))),
        Some(DType::Bool(_)) => Ok(default),
        Some(dtype) => Ok(dtype),
    }
}

/// Runs an expression with `$T` as the type of Rust that values of the type `$dtype` have.
macro_rules! with_number {
    ($dtype:expr, $T:ident => $body:expr) => {{
        use burn::tensor::{DType, bf16, f16};
        macro_rules! run {
            ($kind:ty) => {{
                type $T = $kind;
                $body
            }};
        }
        match $dtype {
            DType::F64 => run!(f64),
            DType::F32 | DType::Flex32 => run!(f32),
            DType::F16 => run!(f16),
            DType::BF16 => run!(bf16),
            DType::I64 => run!(i64),
            DType::I32 => run!(i32),
            DType::I16 => run!(i16),
            DType::I8 => run!(i8),
            DType::U64 => run!(u64),
            DType::U32 => run!(u32),
            DType::U16 => run!(u16),
            DType::U8 => run!(u8),
            DType::Bool(_) => run!(bool),
            DType::QFloat(_) => Err(crate::Error::config("columns do not become quantized tensors")),
        }
    }};
}
pub(super) use with_number;
