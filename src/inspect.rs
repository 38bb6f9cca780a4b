//! What lies in Parquet files, in words.

use crate::context::Context;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::mix::Target;
use crate::report::{Align, Table};
use crate::rows::Labels;
use crate::source::Parquet;
use std::fmt::Write;

/// Describes the files behind `paths`: schema, rows, row groups, class counts, and what balancing the classes would cost.
///
/// `label` names the label column where its type does not tell.
///
/// # Errors
///
/// Whatever opening the files and scanning the labels give.
pub async fn inspect(cx: &Context, paths: &[String], label: Option<&str>) -> Result<String> {
    let rows = Parquet::open_all(cx, paths).await?;
    let mut out = format!("{}\n\n{}\n", files(&rows), schema(&rows));
    let found = label.map(str::to_owned).or_else(|| rows.label_column());
    match found {
        Some(label) => {
            let labels = Labels::scan(cx, &rows, &label).await?;
            let _ = write!(out, "\n{}", classes(&rows, &labels));
        }
        None => match rows.label_candidates().as_slice() {
            [] => out.push_str("\nNo column looks like a label; name one with --label.\n"),
            several => {
                let _ = writeln!(
                    out,
                    "\nThe label could be {}; name it with --label.",
                    several.join(", ")
                );
            }
        },
    }
    Ok(out)
}

fn files(rows: &Parquet) -> Table {
    let columns = ["rows", "row groups", "KiB", "in memory KiB", "checksums", "page index"];
    let columns = columns.map(|name| (name, Align::Right));
    let mut table = Table::new(
        [("file", Align::Left)]
            .into_iter()
            .chain(columns)
            .chain([("codecs", Align::Left)]),
    );
    let yes = |there: bool| if there { "yes" } else { "no" }.to_owned();
    for file in rows.files() {
        let memory: u64 = file.row_groups.iter().map(|group| group.uncompressed).sum();
        table.push([
            file.path.to_string(),
            file.rows.to_string(),
            file.row_groups.len().to_string(),
            (file.bytes >> 10).to_string(),
            (memory >> 10).to_string(),
            yes(file.checksums),
            yes(file.offset_index),
            file.codecs.join(" "),
        ]);
    }
    table
}

fn schema(rows: &Parquet) -> Table {
    let mut table = Table::new(["column", "type", "what"].map(|name| (name, Align::Left)));
    let (image, label) = (rows.image_column(), rows.label_column());
    for field in rows.schema().fields() {
        let what = match Some(field.name()) {
            name if name == image.as_ref() => "image",
            name if name == label.as_ref() => "label",
            _ => "",
        };
        table.push([field.name().clone(), field.data_type().to_string(), what.to_owned()]);
    }
    table
}

fn classes(rows: &Parquet, labels: &Labels) -> String {
    let counts = labels.counts();
    let total = labels.len().max(1) as f64;
    let numbers = ["rows", "share", "uniform: each row", "sqrt: each row"].map(|name| (name, Align::Right));
    let mut table = Table::new([("class", Align::Left)].into_iter().chain(numbers));
    let uniform = Target::Uniform.shares(&counts, labels.names());
    let sqrt = Target::Sqrt.shares(&counts, labels.names());
    let times = |shares: &Result<Vec<f64>>, class: usize| match shares {
        Ok(shares) => format!("{:.2} times", shares[class] * total / counts[class].max(1) as f64),
        Err(_) => "-".to_owned(),
    };
    for (class, name) in labels.names().iter().enumerate() {
        table.push([
            name.clone(),
            counts[class].to_string(),
            format!("{:.1} %", 100.0 * counts[class] as f64 / total),
            times(&uniform, class),
            times(&sqrt, class),
        ]);
    }
    format!("{table}\n\n{}\n", cost(rows, &counts, &uniform))
}

/// Read from disk in random order, a class with share `p` of the rows that is given the share `w` takes `w / p` passes
/// over the file for each epoch; held in memory it takes its bytes.
fn cost(rows: &Parquet, counts: &[u64], shares: &Result<Vec<f64>>) -> String {
    let shares = match shares {
        Ok(shares) => shares,
        Err(error) => return format!("Balancing is not possible: {error}"),
    };
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let bytes: u64 = rows.blocks().iter().map(|block| block.bytes).sum();
    let passes: f64 = shares
        .iter()
        .zip(counts)
        .map(|(share, &count)| share * total / count.max(1) as f64)
        .sum();
    let repeated = shares
        .iter()
        .zip(counts)
        .filter(|(share, count)| **share * total > **count as f64);
    let held: u64 = repeated.map(|(_, &count)| count).sum();
    format!(
        "Uniform balance: {passes:.1} sequential passes an epoch if every row came from disk; with the repeated classes \
         held in memory ({held} rows, about {:.1} MiB) about {} passes.",
        held as f64 / total * bytes as f64 / f64::from(1 << 20),
        counts
            .iter()
            .zip(shares)
            .filter(|(count, share)| **share * total <= **count as f64)
            .count()
    )
}
