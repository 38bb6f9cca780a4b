//! What an adapter leaves to the dataset that it stands on.

/// The methods of [`Dataset`](crate::Dataset) and [`Stable`](crate::Stable) that are those of the dataset in a field:
/// `forward!(inner: len, blocks, provenance);` inside the `impl`. What an adapter changes is then all that it writes out.
macro_rules! forward {
    ($inner:tt: $($method:ident),+) => { $($crate::forward::forward!(@$method $inner);)+ };
    (@schema $inner:tt) => {
        fn schema(&self) -> arrow::datatypes::SchemaRef {
            self.$inner.schema()
        }
    };
    (@len $inner:tt) => {
        fn len(&self) -> $crate::dataset::Len {
            self.$inner.len()
        }
    };
    (@blocks $inner:tt) => {
        fn blocks(&self) -> $crate::dataset::Blocks {
            self.$inner.blocks()
        }
    };
    (@describe $inner:tt) => {
        fn describe(&self) -> $crate::plan::Plan {
            self.$inner.describe()
        }
    };
    (@prepare $inner:tt) => {
        fn prepare(&self, cx: &$crate::exec::Context, positions: &[u64]) -> $crate::prepared::Prepared {
            self.$inner.prepare(cx, positions)
        }
    };
    (@provenance $inner:tt) => {
        fn provenance(&self, cx: &$crate::exec::Context, position: u64) -> $crate::dataset::Provenance {
            self.$inner.provenance(cx, position)
        }
    };
    (@views $inner:tt) => {
        fn views(&self) -> u64 {
            self.$inner.views()
        }
    };
    (@column $inner:tt) => {
        fn column<'a>(
            &'a self,
            cx: &'a $crate::exec::Context,
            name: &'a str,
        ) -> futures::future::BoxFuture<'a, $crate::error::Result<arrow::array::ArrayRef>> {
            self.$inner.column(cx, name)
        }
    };
}

pub(crate) use forward;
