//! What a run reports while it works.

use crate::report::Epoch;
use crate::train::FeatureProgress;
use std::cell::RefCell;

/// Something that a run reports while it works.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// What will be loaded, before it is.
    Explain(&'a str),
    /// How the data was understood, such as the split of a folder that is trained on. The report has it as well.
    Note(&'a str),
    /// What a reader of the figures has to know. The report has it as well.
    Warning(&'a str),
    /// Work named `what` of `total` steps begins.
    Begin {
        /// What is done.
        what: &'a str,
        /// Steps in all.
        total: u64,
    },
    /// So many steps of it were done by an earlier launch, before the first step of this one: they say nothing of its speed.
    GoesOn(u64),
    /// So many steps of it are done.
    Done(u64),
    /// Features are as far as this, where the steps are rows that features are computed of.
    Features(&'a FeatureProgress),
    /// An epoch of training has ended. `history.jsonl` has it as well.
    Epoch(&'a Epoch),
    /// It has ended.
    End,
}

/// What is called with each event.
pub type Callback<'a> = &'a mut dyn FnMut(Event<'_>);

/// Reports the steps of a training, each as it is done, and before the first one those of an earlier launch.
pub(super) fn training_steps<'a>(callback: &'a RefCell<Callback<'_>>) -> impl FnMut(u64, f32) + 'a {
    let mut first = true;
    move |step, _loss| {
        let mut callback = callback.borrow_mut();
        if std::mem::take(&mut first) && step > 1 {
            callback(Event::GoesOn(step - 1));
        }
        callback(Event::Done(step));
    }
}
