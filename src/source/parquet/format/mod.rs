//! What a Parquet file says of itself: its footer, its offset index and the headers of its pages.

pub(in crate::source::parquet) mod damage;
pub(in crate::source::parquet) mod footer;
pub(in crate::source::parquet) mod footer_cache;
pub(in crate::source::parquet) mod footer_checks;
pub(in crate::source::parquet) mod info;
pub(in crate::source::parquet) mod made_by;
pub(in crate::source::parquet) mod offset_index;
pub(in crate::source::parquet) mod page_header;
pub(in crate::source::parquet) mod scanned_index;
pub(in crate::source::parquet) mod thrift;
pub(in crate::source::parquet) mod view_types;
