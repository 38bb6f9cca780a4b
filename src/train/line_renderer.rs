//! Burn's trainer in lines of text.

use burn::train::logger::{EvaluationProgressLogger, TrainingProgressLogger};
use burn::train::metric::{MetricDefinition, MetricId};
use burn::train::renderer::{
    EvaluationName, MetricState, MetricsRenderer, MetricsRendererEvaluation, MetricsRendererTraining,
};
use std::fmt;
use std::io::Write;

/// A renderer for Burn's trainer that writes one line for each split of an epoch, to a terminal, a pipe or a file:
///
/// ```text
/// epoch 1 train: Accuracy 64.734 %, Loss 1.040
/// epoch 1 valid: Accuracy 70.000 %, Loss 1.041
/// ```
///
/// Burn's own plain renderer writes a line for each batch, and no metric.
///
/// ```
/// # use burn::train::renderer::MetricsRenderer;
/// let renderer: Box<dyn MetricsRenderer> = Box::new(millstream::train::LineRenderer::new(std::io::stdout()));
/// ```
pub struct LineRenderer {
    out: Box<dyn Write + Send + Sync>,
    epoch: usize,
    split: String,
    metrics: Vec<LatestValue>,
}

/// A metric and the last that was heard of it.
struct LatestValue {
    id: MetricId,
    name: String,
    value: Option<String>,
}

impl LineRenderer {
    /// A renderer that writes to `out`.
    pub fn new(out: impl Write + Send + Sync + 'static) -> Self {
        Self {
            out: Box::new(out),
            epoch: 0,
            split: String::new(),
            metrics: Vec::new(),
        }
    }

    fn note(&mut self, state: MetricState) {
        let (MetricState::Generic(entry) | MetricState::Numeric(entry, _)) = state;
        if let Some(metric) = self.metrics.iter_mut().find(|metric| metric.id == entry.metric_id) {
            // Burn writes `epoch 81.8 % - batch 78.1 %`: the mean so far, and that of the last batch.
            let text = entry.serialized_entry.formatted;
            let mean = text.split(" - batch ").next().unwrap_or_default();
            metric.value = Some(mean.trim_start_matches("epoch ").to_owned());
        }
    }

    fn begin(&mut self, split: &str) {
        self.split = split.to_owned();
        self.metrics.iter_mut().for_each(|metric| metric.value = None);
    }

    fn write(&mut self, what: &str) {
        let shown = |metric: &LatestValue| Some(format!("{} {}", metric.name, metric.value.as_deref()?));
        let metrics: Vec<String> = self.metrics.iter().filter_map(shown).collect();
        // A trainer does not stop because nobody reads along.
        let _ = writeln!(self.out, "{what}: {}", metrics.join(", ")).and_then(|()| self.out.flush());
    }
}

impl fmt::Debug for LineRenderer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineRenderer")
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl MetricsRendererTraining for LineRenderer {
    fn update_train(&mut self, state: MetricState) {
        self.note(state);
    }

    fn update_valid(&mut self, state: MetricState) {
        self.note(state);
    }
}

impl MetricsRendererEvaluation for LineRenderer {
    fn update_test(&mut self, _: EvaluationName, state: MetricState) {
        self.note(state);
    }
}

impl TrainingProgressLogger for LineRenderer {
    fn start(&mut self, _: usize, starting_epoch: usize, _: Option<usize>, _: Option<&str>) {
        self.epoch = starting_epoch;
    }

    fn update_epoch(&mut self, epoch: usize) {
        self.epoch = epoch + 1;
    }

    fn start_split(&mut self, split: &str, _: usize) {
        self.begin(split);
    }

    fn update_split(&mut self, _: usize) {}

    fn end_split(&mut self) {
        self.write(&format!("epoch {} {}", self.epoch, self.split));
    }

    fn end(&mut self) {}

    fn log_event_training(&mut self, _: String) {}
}

impl EvaluationProgressLogger for LineRenderer {
    fn start_global_progress(&mut self, _: usize) {}

    fn start_test(&mut self, name: &str, _: usize) {
        self.begin(name);
    }

    fn update_test_progress(&mut self, _: usize) {}

    fn end_test(&mut self) {
        self.write(&format!("test {}", self.split));
    }

    fn end_global_progress(&mut self) {}

    fn log_event_evaluation(&mut self, _: String) {}
}

impl MetricsRenderer for LineRenderer {
    fn manual_close(&mut self) {}

    fn register_metric(&mut self, definition: MetricDefinition) {
        self.metrics.push(LatestValue {
            id: definition.metric_id,
            name: definition.name.to_string(),
            value: None,
        });
    }
}
