//! Folders of pictures, a folder for each class: torchvision's `ImageFolder`.
//!
//! ```text
//! photos/train/cat/1.jpg        photos/cat/1.jpg
//! photos/train/dog/x/2.png      photos/dog/x/2.png
//! photos/val/cat/3.jpg
//! ```
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # for file in ["cat/1.jpg", "cat/more/2.png", "dog/3.jpg"] {
//! #     let path = folder.path().join(file);
//! #     std::fs::create_dir_all(path.parent().unwrap()).unwrap();
//! #     std::fs::write(path, file).unwrap();
//! # }
//! # let path = folder.path().display().to_string();
//! use millstream::source::Folder;
//! use millstream::{Context, Dataset, Error};
//!
//! let cx = Context::new()?;
//! let photos = cx.block_on(Folder::open(&cx, &path))?;
//! assert_eq!(photos.class_names(), ["cat", "dog"]);
//! let rows = cx.block_on(photos.take(&cx, &[2, 0]))?; // columns image, label and path
//! assert_eq!(rows.num_rows(), 2);
//! # Ok::<(), Error>(())
//! ```
//!
//! # Which files
//!
//! Classes are the names of the folders directly below the one that is opened, sorted; their numbers are 0, 1, and so on. Of each
//! class all pictures below its folder are rows, in torchvision's order: by the path of their folder, then by name. Links are
//! followed, except in circles.
//!
//! Pictures are told by their names, in capitals or not: torchvision's `.jpg`, `.jpeg`, `.png`, `.bmp`, `.tif`, `.tiff` and
//! `.webp`. Its `.ppm` and `.pgm` are not read here. Other files are counted and said, and so are pictures that lie in no class's
//! folder, links that lead nowhere, pipes, sockets and devices. [`extensions`](FolderSpec::extensions) names others. A folder
//! that cannot be listed is an error.
//!
//! A class without pictures is refused, as in torchvision, unless [`allow_empty`](FolderSpec::allow_empty) says otherwise.
//!
//! torchvision takes hidden files and folders (`.ipynb_checkpoints`, `._1.jpg`) for data. Here names that begin with `.` are
//! passed over and said.
//!
//! # Splits
//!
//! Where the folders directly below are called `train`, `val`, `test` and so on (the words of [`Split`](super::Split)), they are
//! [splits](super::Splits), and the classes are those of each split. A folder with several is refused, as that of Parquet
//! files is, unless one is asked for. Where some folders are called so and others are not, it is refused if the first ones have
//! folders of pictures in them; else all are classes (of vehicles, say, a `train` among them), which is said.
//!
//! A `README.md` whose `configs` list `data_files`, as Hugging Face's have it, decides before all names. Its patterns have to tell
//! which folders are classes: in `train/**` and `data/train/*/*.jpg` those below the ones that are spelt out.
//!
//! # What comes out
//!
//! `image`, the bytes of the file (`BinaryView`); `label`, the number of the class (`Int64`), with the names of the classes in the
//! field's metadata, as a `ClassLabel` of Hugging Face's has them in Parquet; `path`, the path of the file.
//!
//! # What is checked
//!
//! Names, sizes and times of all files are looked up when a folder is opened, and no file is read. A file that is gone by the time
//! its row is wanted, or has changed, is an `Io` error that names it.
//!
//! # Blocks and memory
//!
//! A file is a block: a shuffle is uniform over all rows. Bytes of files are cached as blocks of Parquet are. What is known of each
//! file (about 200 bytes, and twice its path) stays in memory.

mod classes;
mod open;
mod spec;
mod splits;

pub use open::Folder;
pub use spec::FolderSpec;
pub(super) use splits::{has_classes, splits_of};
