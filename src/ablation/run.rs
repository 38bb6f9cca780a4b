//! All cells, those of a table side by side.

use super::arms::{CHOSEN, arms, baseline, baseline_way, synthetic};
use super::data::OpenData;
use super::detection::{DetectionArm, DetectionCell, DetectionChoice, DetectionWay, OpenDetection};
use super::fitted::FittedGenerators;
use super::journal::Journal;
use super::line::{Chosen, Contents};
use super::result::AblationReport;
use super::rows::Input;
use super::side_by_side;
use super::spec::{Ablation, DataSet, Detection};
use super::trainer::{Todo, Trainer};
use crate::error::{Error, Result};
use crate::exec::Context;
use crate::task::Event;
use crate::task::event::Callback;
use burn::tensor::Device;
use std::path::Path;
use std::time::Instant;

impl Ablation {
    /// Trains and tests all cells, and writes `ablation.json`, `ablation.md` and `ablation.html` to the folder `out`.
    ///
    /// All data is opened before anything is written. `cells.jsonl` has each cell as it ends. A run with the same settings goes on with what lies there, to the same results; one that has
    /// ended gives them again.
    ///
    /// # Errors
    ///
    /// `Config` for settings that make no sense, for synthetic training pictures, for test pictures that are trained on, and where `out` has files of these names that no ablation wrote; `Resume` where another ablation
    /// lies there, or its data has changed; `Busy` where another process works on it; whatever reading and training give.
    pub fn run(&self, cx: &Context, out: impl AsRef<Path>, callback: Callback<'_>) -> Result<AblationReport> {
        self.check()?;
        let device = Device::flex();
        self.data
            .iter()
            .try_for_each(|data| OpenData::check(cx, data, self.folds(), &device))?;
        let mut run = Run {
            trainer: Trainer {
                cx,
                folds: self.folds(),
                device,
            },
            ablation: self,
            journal: Journal::open(out.as_ref(), self)?,
        };
        for data in &self.data {
            match data {
                DataSet::Detection(detection) => run.detection(detection, callback)?,
                data => run.data(data, callback)?,
            }
        }
        let report = AblationReport::new(self, &run.journal)?;
        let json = report.to_json()?;
        run.journal.write([
            json.as_bytes(),
            report.to_markdown().as_bytes(),
            report.to_html().as_bytes(),
        ])?;
        Ok(report)
    }
}

struct Run<'a> {
    trainer: Trainer<'a>,
    ablation: &'a Ablation,
    journal: Journal,
}

/// A detector that is to be trained.
struct Detected<'a> {
    data: &'a str,
    row: String,
    way: DetectionWay,
    seed: u64,
    inside: bool,
}

impl Run<'_> {
    fn data(&mut self, data: &DataSet, callback: Callback<'_>) -> Result<()> {
        let (name, cache) = (data.name(), self.journal.features());
        let open = OpenData::open(
            self.trainer.cx,
            self.ablation,
            data,
            &cache,
            &self.trainer.device,
            callback,
        )?;
        let first = open.rows(self.trainer.cx, open.best_input(), 0, &self.trainer.device)?;
        self.journal.note(Contents {
            data: name.clone(),
            fingerprint: open.fingerprint(),
            classes: first.classes().to_vec(),
            counts: first.labels.counts(),
            tested: first.test.classes.len() as u64,
        })?;
        for input in open.inputs() {
            self.table(&name, &open, input, callback)?;
        }
        self.chosen(&name, &open, callback)
    }

    /// The cells of a detection data set.
    fn detection(&mut self, data: &Detection, callback: Callback<'_>) -> Result<()> {
        let (name, ablation) = (data.name.as_str(), self.ablation);
        let place = |error: Error| error.context(name.to_owned());
        let open = OpenDetection::new(self.trainer.cx, data, ablation.quick, &self.trainer.device).map_err(place)?;
        let (classes, counts) = open.classes();
        self.journal.note(Contents {
            data: name.to_owned(),
            fingerprint: open.fingerprint(),
            classes,
            counts,
            tested: open.tested(),
        })?;
        let todo = |arm: DetectionArm, seed| Detected {
            data: name,
            row: arm.name.to_owned(),
            way: arm.way,
            seed,
            inside: false,
        };
        for seed in 0..ablation.seeds {
            for arm in DetectionArm::ALL {
                self.detector(&open, todo(arm, seed), callback)?;
            }
        }
        // What is compared on the test pictures is chosen on training pictures alone.
        let choice = self.chosen_detection(name, &open, callback)?;
        let chosen = DetectionArm {
            name: CHOSEN,
            way: *choice.way(),
        };
        for seed in 0..ablation.paired_seeds {
            for arm in [DetectionArm::BASELINE, chosen] {
                self.detector(&open, todo(arm, seed), callback)?;
            }
        }
        Ok(())
    }

    /// Trains the ways that are tried on parts of the training pictures.
    fn chosen_detection(
        &mut self,
        name: &str,
        open: &OpenDetection,
        callback: Callback<'_>,
    ) -> Result<DetectionChoice> {
        let ablation = self.ablation;
        for part in 0..ablation.parts() {
            let folder = self.journal.runs(name).join(format!("part {part}"));
            let inside = open.inside(self.trainer.cx, part, &folder)?;
            for way in [&DetectionWay::REPEAT_FACTORS]
                .into_iter()
                .chain(DetectionWay::tried(ablation.quick))
            {
                let todo = Detected {
                    data: name,
                    row: way.to_string(),
                    way: *way,
                    seed: part,
                    inside: true,
                };
                self.detector(&inside, todo, callback)?;
            }
        }
        ablation.detection_choice(name, &self.journal)
    }

    /// Trains and tests one detector, unless it has been done.
    fn detector(&mut self, open: &OpenDetection, todo: Detected<'_>, callback: Callback<'_>) -> Result<()> {
        let Detected {
            data,
            row,
            way,
            seed,
            inside,
        } = todo;
        if self.journal.detection(data, &row, seed, inside).is_some() {
            return Ok(());
        }
        let (place, runs) = match inside {
            true => (
                format!("{data}, {row}, part {seed} of the training pictures"),
                format!("part {seed}"),
            ),
            false => (format!("{data}, {row}, seed {seed}"), String::new()),
        };
        callback(Event::Note(&place));
        let out = self.journal.runs(data).join(runs).join(format!("{row}-{seed}"));
        let started = Instant::now();
        let figures = open.trained(self.trainer.cx, &way, seed, &out, callback);
        let figures = figures.map_err(|error| error.context(place))?;
        self.journal.add_detection(DetectionCell {
            data: data.to_owned(),
            row,
            seed,
            inside,
            figures,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    /// The generators of a split, none of them fitted yet.
    fn generators(&self, name: &str, split: u64) -> FittedGenerators {
        let folder = self.journal.generators(name, split);
        FittedGenerators::new(folder, self.ablation.quick)
    }

    /// The cells of the table.
    fn table(&mut self, name: &str, open: &OpenData, input: Input, callback: Callback<'_>) -> Result<()> {
        let (arms, seeds) = (arms(input), self.ablation.seeds);
        let what = format!("{name}, {input}");
        callback(Event::Begin {
            what: &what,
            total: arms.len() as u64 * seeds,
        });
        let (mut done, mut split) = (0, open.split(0));
        let mut anew = false;
        let mut fitted = self.generators(name, split);
        for seed in 0..seeds {
            let rows = open.rows(self.trainer.cx, input, open.split(seed), &self.trainer.device)?;
            if split != open.split(seed) {
                split = open.split(seed);
                fitted = self.generators(name, split);
            }
            let todo = arms.iter().map(|arm| Todo {
                data: name,
                row: &arm.name,
                seed,
                way: arm.way.clone(),
            });
            let todo: Vec<Todo<'_>> = todo.filter(|todo| !todo.is_done(&self.journal, input)).collect();
            let there = arms.len() - todo.len();
            if there > 0 {
                done += there as u64;
                // After the first one that is new the speed is that of this launch.
                callback(if anew { Event::Done(done) } else { Event::GoesOn(done) });
            }
            let (trainer, journal) = (&self.trainer, &mut self.journal);
            side_by_side::each(
                trainer.cx.threads(),
                &todo,
                |todo| trainer.line(&rows, todo, &fitted),
                |line| {
                    journal.append(line)?;
                    (done, anew) = (done + 1, true);
                    callback(Event::Done(done));
                    Ok(())
                },
            )?;
        }
        callback(Event::End);
        Ok(())
    }

    /// What is chosen inside the training rows, and repeats, under paired seeds.
    fn chosen(&mut self, name: &str, open: &OpenData, callback: Callback<'_>) -> Result<()> {
        let input = open.best_input();
        let (search, mut split) = (self.ablation.search(input), open.split(0));
        let mut fitted = self.generators(name, split);
        let (what, seeds) = (format!("{name}, chosen inside"), self.ablation.paired_seeds);
        let tries = search.networks(input);
        let mut splits: Vec<u64> = (0..seeds).map(|seed| open.split(seed)).collect();
        splits.dedup();
        callback(Event::Begin {
            what: &what,
            total: tries * splits.len() as u64 + seeds,
        });
        let mut done = 0;
        for seed in 0..seeds {
            let now = open.split(seed);
            let rows = open.rows(self.trainer.cx, input, now, &self.trainer.device)?;
            if split != now {
                split = now;
                fitted = self.generators(name, split);
            }
            if self.journal.choice(name, now).is_none() {
                let mut tried = |tried: u64| callback(Event::Done(done + tried));
                let of_split: Vec<u64> = (0..seeds).filter(|&seed| open.split(seed) == now).collect();
                let choice = rows.choose(
                    self.trainer.cx,
                    &search,
                    (now, &of_split),
                    &fitted,
                    &self.trainer.device,
                    &mut tried,
                )?;
                done += tries;
                self.journal.choose(Chosen {
                    data: name.to_owned(),
                    split: now,
                    choice,
                })?;
            }
            let todo = |row, way| Todo {
                data: name,
                row,
                seed,
                way: Some(way),
            };
            let mut both = vec![todo(baseline(input), baseline_way(input))];
            let choice = self.journal.choice(name, now).map(|choice| choice.synthetic().clone());
            both.extend(choice.map(|of| todo(CHOSEN, synthetic(input, of))));
            both.retain(|todo| !todo.is_done(&self.journal, input));
            let (trainer, journal) = (&self.trainer, &mut self.journal);
            side_by_side::each(
                trainer.cx.threads(),
                &both,
                |todo| trainer.line(&rows, todo, &fitted),
                |line| journal.append(line),
            )?;
            done += 1;
            callback(Event::Done(done));
        }
        callback(Event::End);
        Ok(())
    }
}
