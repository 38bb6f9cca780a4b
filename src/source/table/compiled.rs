//! The columns of a table, with their equations read and in an order in which each follows those that it depends on.

use super::column::{ConstantValue, TableColumn};
use super::expression::{Expression, parse};
use super::parameter::{ClassParameter, Parameter};
use crate::error::{Error, Result};
use crate::spec::nearest;
use std::collections::{BTreeMap, BTreeSet};

/// The class for which a parameter counts where no other one does.
const OTHERWISE: &str = "otherwise";

/// One equation, or one for each class.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    All(Expression),
    ByClass(Vec<Expression>),
}

impl Bound {
    pub(super) fn of(&self, class: usize) -> &Expression {
        match self {
            Self::All(expression) => expression,
            Self::ByClass(of) => &of[class],
        }
    }

    fn expressions(&self) -> &[Expression] {
        match self {
            Self::All(expression) => std::slice::from_ref(expression),
            Self::ByClass(of) => of,
        }
    }
}

/// The ranges of parameters.
pub(super) const ANY: (f64, f64) = (f64::MIN, f64::MAX);
pub(super) const POSITIVE: (f64, f64) = (0.0, f64::MAX);
pub(super) const SHARE: (f64, f64) = (0.0, 1.0);
/// Of the mean of a Poisson distribution.
pub(super) const POISSON: (f64, f64) = (0.0, 1e9);

/// What is wrong with the `value` of a parameter whose range is another one.
pub(super) fn check_range(name: &str, value: f64, range: (f64, f64)) -> Result<(), String> {
    match value >= range.0 && value <= range.1 {
        true => Ok(()),
        false if range == ANY => Err(format!(
            "{name} is {value}: bound the columns that it is made of with `min` and `max`, or guard it with `if`"
        )),
        false if range.1 == f64::MAX => Err(format!("{name} is {value}, but has to be at least {}", range.0)),
        false => Err(format!(
            "{name} is {value}, but has to lie in {}..={}",
            range.0, range.1
        )),
    }
}

/// How a column comes about.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    Normal(Bound, Bound),
    Uniform(Bound, Bound),
    LogNormal(Bound, Bound),
    Exponential(Bound),
    Poisson(Bound),
    Bernoulli(Bound),
    /// Weights of the categories.
    Categorical(Vec<Bound>),
    Number(f64),
    /// The only category.
    Text,
    Equation(Bound),
}

/// One column.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) noise: Option<Bound>,
    pub(super) range: (f64, f64),
    pub(super) whole: bool,
    pub(super) missing: Option<Bound>,
    /// Of a column of texts.
    pub(super) categories: Option<Vec<String>>,
}

/// The columns, by name, and the order in which they are worked out. Where `classes` are not known, those that parameters name are not looked at.
pub(super) fn compiled(
    columns: &BTreeMap<String, TableColumn>,
    classes: Option<&Vec<String>>,
) -> Result<(Vec<Compiled>, Vec<usize>)> {
    let of = |(name, column): (&String, &TableColumn)| {
        compile(name, column, classes).map_err(|error| error.context(format!("columns.{name}")))
    };
    let all = columns.iter().map(of).collect::<Result<Vec<_>>>()?;
    for column in &all {
        check_names(column, &all).map_err(|error| error.context(format!("columns.{}", column.name)))?;
    }
    let order = order(&all)?;
    Ok((all, order))
}

fn compile(name: &str, column: &TableColumn, classes: Option<&Vec<String>>) -> Result<Compiled> {
    let read = |field: &str, parameter: &Parameter| {
        let bound = bound(parameter, classes).and_then(|bound| in_range(field, bound));
        bound.map_err(|error| error.context(field.to_owned()))
    };
    let mut origins = Vec::new();
    let mut categories = None;
    if let Some(normal) = &column.normal {
        origins.push(Origin::Normal(
            read("normal.mean", &normal.mean)?,
            read("normal.std", &normal.std)?,
        ));
    }
    if let Some(uniform) = &column.uniform {
        origins.push(Origin::Uniform(
            read("uniform.low", &uniform.low)?,
            read("uniform.high", &uniform.high)?,
        ));
    }
    if let Some(of) = &column.lognormal {
        origins.push(Origin::LogNormal(
            read("lognormal.mean", &of.mean)?,
            read("lognormal.std", &of.std)?,
        ));
    }
    if let Some(of) = &column.exponential {
        origins.push(Origin::Exponential(read("exponential.mean", &of.mean)?));
    }
    if let Some(of) = &column.poisson {
        origins.push(Origin::Poisson(read("poisson.mean", &of.mean)?));
    }
    if let Some(of) = &column.bernoulli {
        origins.push(Origin::Bernoulli(read("bernoulli.p", &of.p)?));
    }
    if let Some(weights) = &column.categorical {
        if weights.is_empty() {
            return Err(Error::config("categorical: name at least one category"));
        }
        let weight = |(name, weight): (&String, &Parameter)| read(&format!("categorical.{name}"), weight);
        origins.push(Origin::Categorical(weights.iter().map(weight).collect::<Result<_>>()?));
        categories = Some(weights.keys().cloned().collect());
    }
    match &column.constant {
        Some(ConstantValue::Number(number)) => origins.push(Origin::Number(*number)),
        Some(ConstantValue::Text(text)) => {
            origins.push(Origin::Text);
            categories = Some(vec![text.clone()]);
        }
        None => {}
    }
    if let Some(of) = &column.equation {
        origins.push(Origin::Equation(read("equation", of)?));
    }
    let (Some(origin), true) = (origins.pop(), origins.is_empty()) else {
        return Err(Error::config(
            "one of normal, uniform, lognormal, exponential, poisson, bernoulli, categorical, constant and equation is needed, and one alone",
        ));
    };
    let numeric = [
        ("noise", column.noise.is_some()),
        ("min", column.min.is_some()),
        ("max", column.max.is_some()),
        ("whole", column.whole),
    ];
    if let Some((field, _)) = numeric.iter().find(|(_, given)| categories.is_some() && *given) {
        return Err(Error::config(format!(
            "{field} is for numbers, and this column holds texts"
        )));
    }
    let range = (
        column.min.unwrap_or(f64::NEG_INFINITY),
        column.max.unwrap_or(f64::INFINITY),
    );
    if range.0.is_nan() || range.1.is_nan() || range.0 > range.1 {
        return Err(Error::config(format!(
            "min is {} and max {}: the first must not be larger",
            range.0, range.1
        )));
    }
    let whole = column.whole || matches!(origin, Origin::Poisson(_) | Origin::Bernoulli(_));
    Ok(Compiled {
        name: name.to_owned(),
        noise: column.noise.as_ref().map(|noise| read("noise", noise)).transpose()?,
        missing: column
            .missing
            .as_ref()
            .map(|missing| read("missing", missing))
            .transpose()?,
        origin,
        range,
        whole,
        categories,
    })
}

/// The bound, if all of its constants lie in the range of the parameter `field`: those of equations are known row by row.
fn in_range(field: &str, bound: Bound) -> Result<Bound> {
    let range = match field {
        "normal.std" | "lognormal.std" | "noise" => POSITIVE,
        "exponential.mean" => POSITIVE,
        "poisson.mean" => POISSON,
        "bernoulli.p" | "missing" => SHARE,
        _ if field.starts_with("categorical.") => POSITIVE,
        _ => ANY,
    };
    for expression in bound.expressions() {
        if let Expression::Number(value) = expression {
            check_range("it", *value, range).map_err(Error::config)?;
        }
    }
    Ok(bound)
}

fn bound(parameter: &Parameter, classes: Option<&Vec<String>>) -> Result<Bound> {
    let number = |number: f64| match number.is_finite() {
        true => Ok(Expression::Number(number)),
        false => Err(Error::config(format!("{number} is no finite number"))),
    };
    let equation = |text: &str| parse(text).map_err(|mistake| Error::config(format!("{mistake} of {text:?}")));
    let of_class = |of: &ClassParameter| match of {
        ClassParameter::Number(of) => number(*of),
        ClassParameter::Equation(text) => equation(text),
    };
    match parameter {
        Parameter::Number(of) => Ok(Bound::All(number(*of)?)),
        Parameter::Equation(text) => Ok(Bound::All(equation(text)?)),
        Parameter::ByClass(table) => {
            let Some(classes) = classes else {
                return Ok(Bound::ByClass(table.values().map(of_class).collect::<Result<_>>()?));
            };
            let unknown = table.keys().find(|name| *name != OTHERWISE && !classes.contains(name));
            if let Some(name) = unknown {
                let near = nearest(name, classes.iter().map(String::as_str));
                let near = near.map_or_else(String::new, |near| format!(": do you mean {near:?}?"));
                return Err(Error::config(format!("there is no class {name:?}{near}")));
            }
            let of = |class: &String| match table.get(class).or_else(|| table.get(OTHERWISE)) {
                Some(of) => of_class(of),
                None => Err(Error::config(format!(
                    "class {class:?} has no value: name it, or give one for `{OTHERWISE}`"
                ))),
            };
            Ok(Bound::ByClass(classes.iter().map(of).collect::<Result<_>>()?))
        }
    }
}

impl Compiled {
    /// What has to be known before its value is.
    fn depends_on(&self) -> Vec<&Bound> {
        let mut bounds: Vec<&Bound> = match &self.origin {
            Origin::Normal(a, b) | Origin::Uniform(a, b) | Origin::LogNormal(a, b) => vec![a, b],
            Origin::Exponential(a) | Origin::Poisson(a) | Origin::Bernoulli(a) | Origin::Equation(a) => vec![a],
            Origin::Categorical(weights) => weights.iter().collect(),
            Origin::Number(_) | Origin::Text => Vec::new(),
        };
        bounds.extend(&self.noise);
        bounds
    }
}

fn visit<'a>(bounds: impl Iterator<Item = &'a Bound>, visit: &mut impl FnMut(&'a str, Option<&'a str>)) {
    bounds
        .flat_map(Bound::expressions)
        .for_each(|expression| expression.columns(visit));
}

/// Refuses names of columns that there are not, and texts and numbers where the other is meant.
fn check_names(column: &Compiled, all: &[Compiled]) -> Result<()> {
    let mut mistake = None;
    let mut check = |name: &str, category: Option<&str>| {
        let found = all.iter().find(|column| column.name == name);
        let message = match (found.map(|found| &found.categories), category) {
            (None, _) => {
                let near = nearest(name, all.iter().map(|column| column.name.as_str()));
                let near = near.map_or_else(String::new, |near| format!(": do you mean {near:?}?"));
                format!("there is no column {name:?}{near}")
            }
            (Some(Some(categories)), Some(category)) if !categories.iter().any(|known| known == category) => {
                format!(
                    "column {name:?} has no category {category:?}; there are {}",
                    categories.join(", ")
                )
            }
            (Some(Some(_)), None) => {
                format!("column {name:?} holds texts: compare it with one, as in {name} == \"..\"")
            }
            (Some(None), Some(_)) => format!("column {name:?} holds numbers and is compared with a text"),
            _ => return,
        };
        mistake.get_or_insert(message);
    };
    visit(column.depends_on().into_iter().chain(&column.missing), &mut check);
    mistake.map_or(Ok(()), |message| Err(Error::config(message)))
}

/// An order in which every column comes behind those that it depends on.
fn order(all: &[Compiled]) -> Result<Vec<usize>> {
    let needs: Vec<BTreeSet<usize>> = all
        .iter()
        .map(|column| {
            let mut needs = BTreeSet::new();
            visit(column.depends_on().into_iter(), &mut |name, _| {
                needs.extend(all.iter().position(|column| column.name == name));
            });
            needs
        })
        .collect();
    let (mut order, mut known) = (Vec::new(), BTreeSet::new());
    while order.len() < all.len() {
        let next = (0..all.len()).find(|at| !known.contains(at) && needs[*at].is_subset(&known));
        match next {
            Some(at) => {
                order.push(at);
                known.insert(at);
            }
            None => return Err(cycle(all, &needs, &known)),
        }
    }
    Ok(order)
}

/// The columns of a circle: each follows from the next.
fn cycle(all: &[Compiled], needs: &[BTreeSet<usize>], known: &BTreeSet<usize>) -> Error {
    let mut path = vec![(0..all.len()).find(|at| !known.contains(at)).unwrap_or(0)];
    loop {
        // One that cannot be worked out needs another such.
        let last = path[path.len() - 1];
        let next = needs[last]
            .iter()
            .copied()
            .find(|at| !known.contains(at))
            .unwrap_or(last);
        if let Some(first) = path.iter().position(|&at| at == next) {
            let names: Vec<&str> = path[first..]
                .iter()
                .chain([&next])
                .map(|&at| all[at].name.as_str())
                .collect();
            return Error::config(format!(
                "columns.{}: {} follow from each other in a circle",
                names[0],
                names.join(" <- ")
            ));
        }
        path.push(next);
    }
}
