use crate::machine::Machine;
use crate::options::as_options;
use crate::output::{say, shown, warn};
use crate::progress::Progress;
use crate::reading::Reading;
use crate::text::wrap::wrapped;
use clap::{Args, ValueEnum};
use millstream::Result;
use millstream::import::{self, ImportSpec, Imported, OnBadPicture};
use millstream::quote::counted;
use std::path::{Path, PathBuf};

/// Write any source once as Parquet that is read fast, in Hugging Face's layout, with smaller pictures if asked for.
#[derive(Args)]
pub(crate) struct Import {
    /// The folder to write: a new one, or that of an import which was stopped and goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Make pictures smaller whose shorter side has more pixels; as they are if left out. Rows with boxes or other places in pixels are refused, which
    /// would no longer fit
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u32).range(1..))]
    resize: Option<u32>,
    /// Quality of JPEGs that are made smaller
    #[arg(long, value_name = "1..100", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    quality: u8,
    /// A column of pictures, if not found by its type; several with an option each
    #[arg(long, value_name = "COL")]
    image: Vec<String>,
    /// A column of masks, which are made smaller with their picture
    #[arg(long, value_name = "COL")]
    mask: Vec<String>,
    /// Whether outlines of annotated objects become a column "instances" of masks, by which copy_paste cuts objects out; where each object has one if
    /// left out. With true, boxes stand in for missing outlines, and it is refused where no object has an outline
    #[arg(long, value_name = "true|false")]
    instances: Option<bool>,
    /// Where the corners of boxes in a folder of Pascal VOC begin: 1, its own rule, or 0 for corners that are pixels from 0, as some programs write them
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    voc_from: Option<u8>,
    /// Write the rows in a random order, drawn with this seed
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
    /// What to do with a picture that cannot be made smaller, because it cannot be read: copy it as it is and say so, or end
    #[arg(long, value_enum, value_name = "keep|fail", default_value_t = OnError::Keep)]
    on_error: OnError,
    /// MiB of the source's rows in a file, about
    #[arg(long, value_name = "MIB", default_value_t = ImportSpec::default().file_bytes >> 20, value_parser = clap::value_parser!(u64).range(1..=1 << 30))]
    file_size: u64,
    #[command(flatten)]
    reading: Reading,
    /// Parquet files, folders or patterns; a JSON file of annotations as COCO has them, or a folder of pictures with such files (instances_*.json,
    /// _annotations.coco.json, or any JSON with lists "images" and "annotations"); or a folder as Pascal VOC or YOLO has it
    #[arg(required = true, value_name = "DATA")]
    data: Vec<String>,
    #[command(flatten)]
    machine: Machine,
}

#[derive(Clone, Copy, ValueEnum)]
enum OnError {
    /// Copy it as it is
    Keep,
    /// End with an error that names it
    Fail,
}

impl Import {
    pub(crate) fn run(self) -> Result<()> {
        let cx = self.machine.context()?;
        let spec = ImportSpec {
            resize: self.resize,
            quality: self.quality,
            reading: self.reading.or(Default::default()),
            images: self.image,
            masks: self.mask,
            instances: self.instances,
            voc_from: self.voc_from,
            shuffle: self.shuffle,
            on_bad_picture: match self.on_error {
                OnError::Keep => OnBadPicture::Keep,
                OnError::Fail => OnBadPicture::Fail,
            },
            file_bytes: self.file_size << 20,
            ..ImportSpec::default()
        };
        let resizes = spec.resize.is_some();
        let import = import::Import::open(&cx, &self.data, spec)?;
        for note in import.notes() {
            say(&wrapped(&as_options(note), ""));
        }
        let mut progress = Progress::new("rows", import.rows());
        let done = import.run(&cx, &self.out, &mut |rows, _| progress.reached(rows))?;
        progress.end();
        tell(&done, &self.out, resizes);
        Ok(())
    }
}

fn tell(done: &Imported, out: &Path, resizes: bool) {
    let files: usize = done.splits.iter().map(|split| split.files.len()).sum();
    if done.files_before == files as u64 {
        say("it was imported already; nothing was written");
    } else if done.files_before > 0 {
        say(&format!("{} of {files} files were there already", done.files_before));
    }
    for split in &done.splits {
        let files = counted(split.files.len(), "file");
        let mib = split.bytes as f64 / f64::from(1 << 20);
        say(&format!(
            "{}: {} in {files}, {mib:.1} MiB",
            split.split,
            counted(split.rows, "row")
        ));
    }
    let pictures = &done.pictures;
    if resizes {
        let counts = [
            (pictures.smaller, "made smaller"),
            (pictures.small, "small enough already"),
            (
                pictures.special,
                "copied as they are: more than 8 bits, transparency, several frames, GIF or ICO",
            ),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let told: Vec<String> = told.map(|(count, what)| format!("{count} {what}")).collect();
        if !told.is_empty() {
            say(&wrapped(&format!("pictures: {}", told.join("; ")), "  "));
        }
    }
    if pictures.bad > 0 {
        warn(&format!(
            "{} cannot be read, copied as stored; the first: {}",
            counted(pictures.bad, "picture"),
            done.bad[0]
        ));
    }
    say(&format!("the rows are in {}", shown(out)));
}
