//! How long the steps of reading take.

use std::time::Duration;

/// What a row takes on its way from the disk into a batch: means over some blocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadTimes {
    /// To read its bytes, from the disk or the page cache, as it comes.
    pub(crate) read: Duration,
    /// To decompress and decode its pages.
    pub(crate) pages: Duration,
    /// To copy it out of decoded blocks.
    pub(crate) gather: Duration,
}
