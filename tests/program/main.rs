//! The program, run as its users run it. One program of many files, since each program is linked with all of Burn.
#![allow(missing_docs, reason = "tests")]

#[path = "../common/brightness.rs"]
mod brightness;
#[path = "../common/mod.rs"]
mod common;

mod ablation;
mod advised;
mod boxes;
mod demo;
mod detect_ablation;
mod evaluate;
mod files;
mod finetune;
mod generate;
mod import;
mod inspected;
mod interop;
mod joined;
mod killed;
mod leaks;
mod made_from;
mod made_rows;
mod on_error;
mod option_names;
mod preview;
mod program;
mod quality;
mod quality_lineage;
mod quick;
mod recipe;
mod recognised;
mod replay;
mod safety;
mod sample;
mod speed;
mod walk;
mod written_rows;
