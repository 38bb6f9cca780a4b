//! What the ending of a file's name says of it.

/// How the names of pictures end in torchvision's `ImageFolder`, without `ppm` and `pgm`, which no decoder here reads.
pub(super) const TORCHVISION: [&str; 7] = ["jpg", "jpeg", "png", "bmp", "tif", "tiff", "webp"];

/// How the names of other pictures end that are read.
const OTHERS: [&str; 3] = ["gif", "ico", "jfif"];

/// Whether a file of this name is a picture that can be read.
pub(super) fn is_picture(name: &str) -> bool {
    ending(name).is_some_and(|ending| TORCHVISION.contains(&&*ending) || OTHERS.contains(&&*ending))
}

/// How the names of all pictures end that can be read.
pub(super) fn pictures() -> Vec<String> {
    TORCHVISION
        .iter()
        .chain(&OTHERS)
        .map(|ending| (*ending).to_owned())
        .collect()
}

/// Whether a file of this name is CSV or JSON lines.
pub(super) fn is_list(name: &str) -> bool {
    is_csv(name) || ending(name).is_some_and(|ending| ["jsonl", "ndjson"].contains(&&*ending))
}

/// Whether a file of this name is JSON in one piece.
pub(super) fn is_json(name: &str) -> bool {
    ending(name).is_some_and(|ending| ending == "json")
}

/// Whether a file of this name is CSV.
pub(super) fn is_csv(name: &str) -> bool {
    ending(name).is_some_and(|ending| ["csv", "tsv"].contains(&&*ending))
}

/// Whether a file of this name says what belongs to the pictures beside it, as Hugging Face's `imagefolder` has it.
pub(super) fn is_metadata(name: &str) -> bool {
    ["metadata.csv", "metadata.jsonl"].contains(&name)
}

/// Whether the Parquet source takes a file of this name in a folder.
pub(super) fn is_parquet(name: &str) -> bool {
    name.ends_with(".parquet")
}

/// What follows the last dot, in small letters.
pub(super) fn ending(name: &str) -> Option<String> {
    name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase())
}
