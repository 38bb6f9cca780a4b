//! What the image stage is: its parameters for `explain()` and the fingerprint.

use super::builder::Image;
use super::compose::plan as inner;
use super::step::Step;
use crate::plan::Plan;
use crate::spec::{Describe, Description, Field};

impl Image {
    /// The plan of the stage: what decodes, and every parameter that can change the output. A second operation of one name is
    /// `blur#2`.
    pub fn plan(&self) -> Plan {
        let names: Vec<String> = self.operations.iter().map(Step::name).collect();
        let own = self.description();
        let plain = |field: &Field| &*field.name != "operations";
        let own = Description {
            fields: own.fields.into_iter().filter(plain).collect(),
            ..own
        };
        let crop = self.crop.name().map(str::to_owned);
        let order: Vec<String> = crop.into_iter().chain(names.iter().cloned()).collect();
        let plan = Plan::new(own.name)
            .param("decoders", self.decoder.fingerprint())
            .part("", &own)
            .param("order", order.join(", "));
        let steps = names.iter().zip(&self.operations);
        let plan = steps.fold(plan, |plan, (name, step)| {
            inner::part(plan, &format!("{name}."), &*step.operation)
        });
        let steps = names.iter().zip(&self.operations);
        let shares: Vec<String> = steps
            .flat_map(|(name, step)| inner::shares(&step.operation, name, 1.0))
            .collect();
        let plan = match shares.is_empty() {
            true => plan,
            false => plan.note(format!("on shares of the rows: {}", shares.join(", "))),
        };
        match self.is_random() {
            true => plan.random(),
            false => plan,
        }
    }
}
