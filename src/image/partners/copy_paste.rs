use crate::error::{Error, Result};
use crate::image::drawn::Drawn;
use crate::image::operation::{Operation, Subject};
use crate::image::targets::Boxes;
use crate::rng::Rng;
use crate::spec::Spec;
use serde::{Deserialize, Serialize};
use std::any::Any;

/// Pastes objects of a partner into rows (Ghiasi et al. 2021), so that rare ones are seen more often and in other surroundings.
///
/// Of a row's partner up to [`most`](Self::most) objects of the chosen classes are drawn. Each is pasted at its own size to a place that
/// is drawn evenly over the whole picture, a border that keeps its ratio included, ten times at the most, until it covers no more than [`cover`](Self::cover) of any box that is there; where none is
/// found it is left out. What is pasted is the object's pixels by its mask, where there is a column of masks: those with the most
/// frequent value above 0 inside its box. Without one, and where the mask has no such value there, it is its box, which fades out over [`edge`](Self::edge) pixels inside of it. Its box and all of its label fields are added
/// to those of the row. See [`copy_paste`](crate::DatasetExt::copy_paste).
///
/// A row that has a partner counts as [synthetic](crate::dataset::Origin::Synthetic), which is known before any box is read: objects may have been
/// pasted into it. None was where the partner has no object of the classes, and where no place was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CopyPaste {
    pub(super) p: f32,
    pub(super) boxes: Option<Boxes>,
    pub(super) classes_in: Option<String>,
    pub(super) classes: Vec<PastedClass>,
    pub(super) most: u32,
    pub(super) cover: f32,
    pub(super) edge: f32,
    pub(super) mask: Option<String>,
    pub(super) instances: Vec<String>,
    pub(super) window: u64,
}

/// A class whose objects are pasted: its number, or its name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum PastedClass {
    Number(i64),
    Name(String),
}

impl Default for CopyPaste {
    fn default() -> Self {
        Self {
            p: 1.0,
            boxes: None,
            classes_in: None,
            classes: Vec::new(),
            most: 3,
            cover: 0.3,
            edge: 3.0,
            mask: None,
            instances: Vec::new(),
            window: 64,
        }
    }
}

impl Spec for CopyPaste {
    const NAME: &'static str = "copy_paste";

    fn check(&self) -> Result<()> {
        let mistake = if !(0.0..=1.0).contains(&self.p) {
            format!("p is {}, but has to lie in 0..=1", self.p)
        } else if !(0.0..=1.0).contains(&self.cover) {
            format!("cover is {}, but has to lie in 0..=1", self.cover)
        } else if !(self.edge >= 0.0 && self.edge.is_finite()) {
            format!(
                "edge is {}, but has to be a finite number of 0 or more pixels",
                self.edge
            )
        } else if !(2..=65_536).contains(&self.window) {
            format!("window is {}, but has to lie in 2..=65536", self.window)
        } else {
            return Ok(());
        };
        Err(Error::config(mistake))
    }
}

impl CopyPaste {
    /// Pastes objects with these boxes, whose label fields are theirs: lists beside the boxes that are none are refused, but for keypoints that the image stage has
    /// moved ([`Image::keypoints`](crate::image::Image::keypoints)). Boxes are those that an image stage leaves: `xyxy` in pixels.
    ///
    /// A label field is copied as it is. So keypoints, a second column of boxes, and a list of masks are refused as label fields: they would tell of places
    /// in the picture that an object comes from. Keypoints are left out of them, and stay those of the row alone: pasted objects have none.
    ///
    /// Objects are pasted whole. So these `boxes` name a column, its [`label_fields`](Boxes::label_fields) and how many a row may have
    /// ([`at_most`](Boxes::at_most)), and no more: they are none that are [oriented](Boxes::oriented), and those of the image stage without its
    /// [`min_visibility`](Boxes::min_visibility), [`min_area`](Boxes::min_area), [`min_width`](Boxes::min_width),
    /// [`min_height`](Boxes::min_height) and [`output`](Boxes::output), which are refused.
    pub fn new(boxes: Boxes) -> Self {
        Self {
            boxes: Some(boxes),
            ..Self::default()
        }
    }

    /// The same with the boxes of a run, whose classes are those in the label field `classes_in`.
    ///
    /// # Errors
    ///
    /// `Config` where it has boxes, a label field or instances of its own.
    #[cfg(feature = "train")]
    pub(crate) fn of_run(&self, boxes: Boxes, classes_in: &str) -> Result<Self> {
        let of_task = |own: &String| own.is_empty() || own == classes_in;
        if self.boxes.as_ref().is_some_and(|own| *own != Boxes::default()) || !self.classes_in.iter().all(of_task) {
            return Err(Error::config(
                "boxes and their classes are those of the task: leave out boxes and classes_in",
            ));
        }
        if !self.instances.is_empty() {
            return Err(Error::config(
                "numbers of objects are not learnt, and the mask is left out once it has served: leave out instances",
            ));
        }
        Ok(Self {
            boxes: Some(boxes),
            classes_in: (!self.classes.is_empty()).then(|| classes_in.to_owned()),
            ..self.clone()
        })
    }

    /// Refuses to paste nothing.
    #[cfg(feature = "train")]
    pub(crate) fn check_pastes(&self) -> Result<()> {
        match (self.p > 0.0, self.most > 0) {
            (true, true) => Ok(()),
            (false, _) => Err(Error::config("p is 0, so that nothing is pasted: leave it out")),
            (true, false) => Err(Error::config("most is 0, so that nothing is pasted: leave it out")),
        }
    }

    /// The column of masks, if there is one.
    #[cfg(feature = "train")]
    pub(crate) fn mask_column(&self) -> Option<&str> {
        self.mask.as_deref()
    }

    /// Pastes into a row with this probability, in `0..=1`. Defaults to 1.
    #[must_use]
    pub fn p(mut self, probability: f32) -> Self {
        self.p = probability;
        self
    }

    /// Pastes objects of these classes alone; `column` is the label field with the classes. By default all are pasted.
    ///
    /// Nothing is pasted from a partner that has none of them, which of the rows of the window most are where the classes are rare. So that each
    /// partner has an object to give, take partners from rows that have the classes: [`copy_paste_from`](crate::DatasetExt::copy_paste_from).
    #[must_use]
    pub fn classes(mut self, column: &str, classes: &[i64]) -> Self {
        self.classes_in = Some(column.to_owned());
        self.classes = classes.iter().copied().map(PastedClass::Number).collect();
        self
    }

    /// As [`classes`](Self::classes), by their names, which the column has to have: [`objects`](crate::DatasetExt::objects) writes them. Partners that
    /// have these classes come by [`copy_paste_from`](crate::DatasetExt::copy_paste_from) alone.
    ///
    /// ```
    /// use millstream::image::{Boxes, CopyPaste};
    /// use millstream::rows::BoxFormat;
    ///
    /// let boxes = Boxes::new("objects.bbox", BoxFormat::Xyxy).label_fields(&["objects.category"]);
    /// let rare = CopyPaste::new(boxes).class_names("objects.category", &["bus"]).p(0.5);
    /// ```
    #[must_use]
    pub fn class_names(mut self, column: &str, names: &[&str]) -> Self {
        self.classes_in = Some(column.to_owned());
        self.classes = names.iter().map(|&name| PastedClass::Name(name.to_owned())).collect();
        self
    }

    /// The most objects that are pasted into a row. Defaults to 3.
    #[must_use]
    pub fn most(mut self, objects: u32) -> Self {
        self.most = objects;
        self
    }

    /// The share of a box that may be covered, in `0..=1`. Defaults to 0.3.
    #[must_use]
    pub fn cover(mut self, share: f32) -> Self {
        self.cover = share;
        self
    }

    /// Pixels over which a box without a mask fades out. Defaults to 3.
    #[must_use]
    pub fn edge(mut self, pixels: f32) -> Self {
        self.edge = pixels;
        self
    }

    /// The column of masks, which the image stage has moved with the picture. It has the values of what is pasted then, or new ones where they
    /// [number objects](Self::instances).
    #[must_use]
    pub fn mask(mut self, column: &str) -> Self {
        self.mask = Some(column.to_owned());
        self
    }

    /// Says that the values above 0 in these columns, the mask and label fields of whole numbers that are named as such, too, number the objects of a picture: what
    /// is pasted has the lowest number that no object of the row has, in all these columns alike. Where a column holds no other one (a mask holds up to 255),
    /// nothing more is pasted into the row. Columns that are called `instances`, as the masks of an import are, or `objects.instances` number objects anyway.
    #[must_use]
    pub fn instances(mut self, columns: &[&str]) -> Self {
        self.instances.extend(columns.iter().map(|&column| column.to_owned()));
        self
    }

    /// Partners come from the same aligned window of so many positions, in `2..=65536`. Defaults to 64. Has no effect where partners come
    /// from another dataset.
    #[must_use]
    pub fn window(mut self, positions: u64) -> Self {
        self.window = positions;
        self
    }
}

/// In the `operations` of a [run](crate::task::AugmentOptions) alone, where it comes last and takes the boxes of the task:
/// `{ copy_paste = { classes = ["bus"], p = 0.5 } }`. Where it names classes, partners are the training rows that have one of them, in place of rows of the window. An image stage has one row at a time and refuses it.
impl Operation for CopyPaste {
    fn draw(&self, _: &Subject, _: &mut Rng) -> Drawn {
        Drawn::Nothing
    }

    fn with_partners(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
