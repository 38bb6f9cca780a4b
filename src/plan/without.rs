//! A plan without some of its nodes.

use super::Plan;

impl Plan {
    /// The same without the nodes that are named `name`, which are replaced by what they stand on.
    #[cfg(feature = "train")]
    pub(crate) fn without(&self, name: &str) -> Self {
        match self.inputs.as_slice() {
            [input] if self.name == name => input.without(name).in_place_of(self),
            _ => self.over(|input| input.without(name)),
        }
    }

    /// The same without the nodes named `name` whose parameter `key` is `value`, and without those of that name that these stand on at once. What lies further below
    /// stays as it is: a node that draws is to be equal to itself, wherever it is met.
    pub(crate) fn without_run(&self, name: &str, (key, value): (&str, &str)) -> Self {
        let mut params = self.params.iter();
        let begins = self.name == name && params.any(|param| param.key == key && param.value == value);
        match self.inputs.as_slice() {
            [input] if begins => input.below_run(name).in_place_of(self),
            _ => self.over(|input| input.without_run(name, (key, value))),
        }
    }

    /// What the topmost nodes stand on, if they are named `name`.
    fn below_run(&self, name: &str) -> Self {
        match self.inputs.as_slice() {
            [input] if self.name == name => input.below_run(name),
            _ => self.clone(),
        }
    }

    /// The same over what `change` makes of each input.
    fn over(&self, change: impl Fn(&Plan) -> Plan) -> Self {
        Self {
            inputs: self.inputs.iter().map(change).collect(),
            ..self.clone()
        }
    }

    /// The same where `above` was, which may have been a scope of its own.
    fn in_place_of(self, above: &Plan) -> Self {
        Self {
            scoped: self.scoped || above.scoped,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(column: &str, below: Plan) -> Plan {
        Plan::new("classes").param("column", column).input(below)
    }

    fn cells(below: Plan) -> Plan {
        classes("cell", classes("cell", classes("label", below)))
    }

    #[test]
    fn what_lies_below_other_nodes_stays() {
        let stored = || classes("label", Plan::new("parquet"));
        let views = || Plan::new("image").random().input(stored());
        let generator = |below| Plan::new("smote").random().input(below);
        let made = generator(cells(views())).without_run("classes", ("column", "cell"));
        assert_eq!(made, generator(views()));
        let balance = Plan::new("balance")
            .random()
            .input(made)
            .input(classes("label", views()));
        assert_eq!(balance.shared_name(), None);

        // Classes of the rows at once below are those of the cell's rows, and of another input they are its own.
        let made = generator(cells(stored())).input(stored());
        let made = made.without_run("classes", ("column", "cell"));
        assert_eq!(made, generator(Plan::new("parquet")).input(stored()));
    }
}
