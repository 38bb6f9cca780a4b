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
mod burn;
mod by_class;
mod checked_first;
mod deeper;
mod detect;
mod features;
mod finetune_spec;
mod levels;
mod losses;
mod own_source;
mod preprocessing;
mod prior;
mod report;
mod segment;
mod strategy;
mod tasks;
mod tensors;
