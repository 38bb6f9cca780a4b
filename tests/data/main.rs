//! Sources, orders, mixes, stages and the loader: what needs no trainer. One program of many files, since each program is linked with all of Burn.
#![allow(missing_docs, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

mod adapters;
mod annotations;
mod bad_rows;
mod balance;
mod batch_quotas;
mod buckets;
mod cells;
mod changed;
mod elastic;
mod feedback;
mod fingerprints;
mod folder;
mod golden;
mod index;
mod labels;
mod laws;
mod listing;
mod loader;
mod mix;
mod mixup;
mod objects;
mod once;
mod order;
mod partners;
mod rarest;
mod resume;
mod segments;
mod shards;
mod source;
mod spec;
mod spool;
mod stage;
mod targets;
