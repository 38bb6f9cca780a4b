//! Pictures: decoders, crops and operations. One program of many files, since each program is linked with all of Burn.
#![allow(missing_docs, reason = "tests")]

mod compose;
mod depth;
mod depth_changes;
mod depth_limits;
mod detection;
mod drawn_ranges;
mod image;
mod jpeg;
mod known_classes;
mod leaks;
mod motion;
mod moved_references;
mod operation_limits;
mod operation_references;
mod operations;
mod other_names;
mod page;
mod parameter_names;
mod partner_references;
mod per_class;
mod pictures;
mod refused_parameters;
mod resamples;
