//! Any source written once as Parquet in Hugging Face's layout, so that it is read as fast as can be ever after.
//!
//! ```no_run
//! use millstream::import::{Import, ImportSpec};
//! use millstream::{Context, Error};
//!
//! let cx = Context::new()?;
//! let spec = ImportSpec { resize: Some(256), ..ImportSpec::default() };
//! let import = Import::open(&cx, &["photos"], spec)?;
//! let done = import.run(&cx, "photos-256", &mut |rows, of| println!("{rows} of {of}"))?;
//! println!("{} rows, {} pictures made smaller", done.rows(), done.pictures.smaller);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Annotations
//!
//! A file as COCO has it (`instances_train2017.json`), or a folder with such files (`annotations/instances_*.json`, or `_annotations.coco.json` in a folder for
//! each split; where there are none, each JSON file beside or above the pictures that has lists `images` and `annotations`, whatever its name), becomes rows of a picture, its `file_name`, `image_id`, `width` and `height`, and `objects`, a `Sequence` of `id`, `bbox` (left, top, width, height in
//! pixels), `category` (a `ClassLabel`, in the order of the categories' ids), `area` and `iscrowd`; outlines are `segmentation`, polygons, and `rle`, compressed run lengths.
//! Where each object has an outline, there is a column [`instances`](ImportSpec::instances) of masks, too. Several polygons of an object are drawn one after another, so its mask has
//! the pixels of any of them, as pycocotools joins them; one that crosses itself has those that a ray leaves an odd number of times. Pixels count by their centres, and differ from
//! pycocotools' at the edges alone. Run lengths are kept bit by bit; those of crowds stand in `rle`, and in no mask, since a crowd is no object. Outlines that cover no pixel are counted.
//!
//! Keypoints are `keypoints`, x, y and visibility of each as COCO has them, zeros for an object without. Which there are, and how many, the category says (`keypoints`, `skeleton`): an
//! annotation with others is refused, with its id. Where categories or splits name different ones, objects have those of all of them, by name, and zeros for those that their own does not
//! name. Where no category names any, the first annotation decides, and others are left out. The names, the lines of the skeleton, and the pairs that change places where a picture is
//! mirrored, are in the file's metadata ([`KeypointNames`](crate::rows::KeypointNames)), by which an image stage exchanges them. A pair are two names that differ in a word for their side alone: `left_eye` and
//! `right_eye`, `l_ear` and `r_ear`, `LeftHand` and `RightHand`. The notes say them.
//!
//! So does a folder as Pascal VOC has it (`Annotations/*.xml`, `JPEGImages`, `ImageSets/Main/{train,val,test}.txt`), whose corners are the first and the last pixel of a box,
//! counted from 1: left and top become smaller by 1, right and bottom stay. Classes are the names of its objects in order; where they are said, `difficult` and `truncated` are
//! fields of the objects. And one as YOLO has it: a `data.yaml` with `names`, folders `images/train` and `images/val`, and `labels/train` and `labels/val` with lines of
//! `class cx cy w h` in shares. Polygons become the boxes around them and stay as `segmentation`. With a `kpt_shape` of `[points, 3]` or `[points, 2]` lines have keypoints behind the box, x
//! and y in shares, and a visibility or none: then a point at 0, 0 is not labelled. `flip_idx` says which change places in a mirror, else `kpt_names` tells as COCO's names do. Paths that lead out of
//! the folder are refused.
//!
//! Annotations that cannot be used are left out, and [notes](Import::notes) count them by reason. Pictures with boxes are not made smaller: boxes in pixels would not fit them any more.
//!
//! # What is written
//!
//! ```text
//! photos-256/.import.json                            what it was made of, and how
//! photos-256/data/train-00000-of-00003.parquet       rows 0 to n / 3 of the training split
//! photos-256/data/train-00001-of-00003.parquet
//! ...
//! ```
//!
//! Splits stay splits, and rows keep their order, unless they are to be [shuffled](ImportSpec::shuffle). Row groups have up to
//! [`row_group_bytes`](ImportSpec::row_group_bytes), every page has a checksum, and files have an offset index. Pictures, sounds and floating-point
//! numbers are stored as they are, since compression gains nothing there; the rest is compressed with Snappy.
//!
//! `datasets.load_dataset("photos-256")` finds the splits by the names of the files, and the features in their footers: a column of pictures is a
//! `struct<bytes, path>` and an `Image`, a label with class names is an `int64` and a `ClassLabel`. Where splits name
//! other classes, they get the numbers of all of them. What Hugging Face's metadata says of the source's
//! columns goes on to be said. All columns may be null, as Hugging Face's are. Strings, binary values and lists are stored without views, and dictionaries as their values.
//!
//! # Safe to stop
//!
//! Files are written in a hidden folder beside `data`, each under a temporary name until it is whole, and the folder gets its name when the last one is there: nobody
//! reads half a dataset. A run that was stopped goes on behind the last whole file, and ends in the same bytes. It is refused where the source or the options have
//! changed, where another process writes to the folder, and where the folder has files that no import wrote. Nothing of anybody else's is removed or
//! written over.
//!
//! # Memory
//!
//! Rows stream: what is read, and batches under way, have their shares of the context's budget. Beyond it there are up to four row
//! groups: gathered, put together, encoded and with checksums; and for each thread a picture that is being made smaller.

mod annotations;
mod batches;
mod columns;
mod encode;
mod features;
mod file;
mod folder;
mod missing;
mod open;
mod pictures;
mod places;
mod row_groups;
mod run;
mod spec;
mod unnamed;

pub use open::Import;
pub use pictures::{BadPicture, Pictures};
pub use run::{Imported, ImportedSplit};
pub use spec::{ImportSpec, OnBadPicture};
