//! Sinks, models, losses, tasks and their results, in the library. One program of many files, since each program is linked with all of Burn.
#![allow(missing_docs, reason = "tests")]

#[path = "../common/brightness.rs"]
mod brightness;
#[path = "../common/mod.rs"]
mod common;

mod ablation;
mod ahead;
mod auto_balance;
mod backbone;
mod backbones;
mod balance_run;
mod batch_parts;
mod boxes_beside;
mod burn;
mod by_class;
mod by_class_of_boxes;
mod checked_first;
mod computed_label;
mod cut_boxes;
mod deeper;
mod detect;
mod drawn_instances;
mod features;
mod feedback_rows;
mod finetune_spec;
mod gate_run;
mod generators;
mod joined_boxes;
mod levels;
mod losses;
mod mixed_run;
mod own_masks;
mod own_source;
mod placed_boxes;
mod points;
mod preprocessing;
mod prior;
mod report;
mod segment;
mod splits;
mod strategy;
mod table_generators;
mod tasks;
mod tensors;
