//! Sources, orders, mixes, stages and the loader: what needs no trainer. One program of many files, since each program is linked with all of Burn.
#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod adapters;
mod annotation_notes;
mod annotations;
mod bad_rows;
mod balance;
mod batch_quotas;
mod buckets;
mod cells;
mod changed;
mod documented_counts;
mod elastic;
mod every_generator;
mod feedback;
mod fingerprints;
mod folder;
mod gates;
mod generators;
mod golden;
mod index;
mod interpolation;
mod labels;
mod laws;
mod left_behind;
mod listing;
mod loader;
mod mix;
mod mixup;
mod moved_targets;
mod objects;
mod once;
mod order;
mod outlines;
mod partners;
mod partners_of_photos;
mod pipelines;
mod privacy;
mod quality;
mod rarest;
mod resume;
mod rewritten_rows;
mod scenes;
mod search_memory;
mod segments;
mod shards;
mod simulated_table;
mod source;
mod spec;
mod splits;
mod spool;
mod stage;
mod targets;
mod transfer;
