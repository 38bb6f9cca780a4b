//! Whether boxes lie in the pictures that were looked at.

use super::classes::{Labels, with_sizes};
use super::pictures::Pictures;
use crate::dataset::Dataset;
use crate::exec::Context;
use crate::image::{PictureSize, check_stated};
use crate::rows::{BoxFormat, ObjectReader, find_objects};
use crate::source::Files;

impl Labels {
    /// Compares the boxes in the column that is `named`, or is found, read in this format, with `pictures`, and the columns that say their sizes. What a run would refuse is
    /// [said](Self::misplaced).
    pub(super) async fn place(
        &mut self,
        cx: &Context,
        rows: &Files,
        (named, format): (Option<&str>, BoxFormat),
        pictures: &Pictures,
    ) {
        let Ok(Some(column)) = find_objects(rows, named) else {
            return;
        };
        let mut sizes: Vec<Option<PictureSize>> = vec![None; rows.len().finite().unwrap_or(0) as usize];
        for &(row, size) in &pictures.sizes {
            sizes[row as usize] = Some(size);
        }
        if let Err(error) = check_stated(cx, rows, (&sizes, pictures.reading.upright)).await {
            self.misplaced = Some(error.to_string());
            return;
        }
        if self.objects.is_none() {
            return;
        }
        let sizes: Vec<Option<(u32, u32)>> = sizes.into_iter().map(|size| size.map(|size| size.read)).collect();
        let placed = async {
            let own = with_sizes(rows, &column)?;
            ObjectReader::scan_beside(cx, &own, &column, format, &sizes).await
        };
        match placed.await {
            Ok(reader) => self.objects = Some(reader.survey().clone()),
            Err(error) => self.misplaced = Some(error.to_string()),
        }
    }
}
