//! Equations of a row's values: `90 + 0.5 * age + if(smoker > 0, 12, 0)`.

use std::fmt;

/// An equation.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Expression {
    Number(f64),
    /// The value of a column of numbers.
    Column(String),
    /// Whether a column of categories has this one, or has another one.
    Is {
        column: String,
        category: String,
        equal: bool,
    },
    Negative(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    Call(Function, Vec<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Power,
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    NotEqual,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Function {
    Min,
    Max,
    Exp,
    Log,
    Sqrt,
    Abs,
    If,
}

impl Function {
    pub(super) const ALL: [(&str, Self); 7] = [
        ("min", Self::Min),
        ("max", Self::Max),
        ("exp", Self::Exp),
        ("log", Self::Log),
        ("sqrt", Self::Sqrt),
        ("abs", Self::Abs),
        ("if", Self::If),
    ];

    /// How many arguments it takes.
    pub(super) fn takes(self, count: usize) -> bool {
        match self {
            Self::Min | Self::Max => count >= 1,
            Self::If => count == 3,
            _ => count == 1,
        }
    }
}

/// A mistake in an equation, and the character at which it is, counted from 1.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Mistake {
    pub(in super::super) at: usize,
    pub(in super::super) what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.what, self.at)
    }
}

/// The values that an equation is worked out of.
pub(in super::super) trait Values {
    fn number(&self, column: &str) -> f64;
    fn is(&self, column: &str, category: &str) -> bool;
}

impl Expression {
    /// What it comes to. Comparisons are 1 or 0; `if` takes its second argument where the first is not 0.
    pub(in super::super) fn value(&self, of: &impl Values) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Column(column) => of.number(column),
            Self::Is {
                column,
                category,
                equal,
            } => f64::from(u8::from(of.is(column, category) == *equal)),
            Self::Negative(inner) => -inner.value(of),
            Self::Binary(operator, a, b) => operator.of(a.value(of), b.value(of)),
            Self::Call(Function::If, arguments) => match arguments[0].value(of) == 0.0 {
                true => arguments[2].value(of),
                false => arguments[1].value(of),
            },
            Self::Call(function, arguments) => {
                let values = arguments.iter().map(|argument| argument.value(of));
                function.of(values)
            }
        }
    }

    /// Hands each column to `visit`; with the category that it is compared with, where it is one of categories.
    pub(in super::super) fn columns<'a>(&'a self, visit: &mut impl FnMut(&'a str, Option<&'a str>)) {
        match self {
            Self::Number(_) => {}
            Self::Column(column) => visit(column, None),
            Self::Is { column, category, .. } => visit(column, Some(category)),
            Self::Negative(inner) => inner.columns(visit),
            Self::Binary(_, a, b) => {
                a.columns(visit);
                b.columns(visit);
            }
            Self::Call(_, arguments) => arguments.iter().for_each(|argument| argument.columns(visit)),
        }
    }
}

impl Operator {
    fn of(self, a: f64, b: f64) -> f64 {
        let holds = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            // The same on every platform.
            Self::Power => libm::pow(a, b),
            Self::Less => holds(a < b),
            Self::AtMost => holds(a <= b),
            Self::More => holds(a > b),
            Self::AtLeast => holds(a >= b),
            Self::Equal => holds(a == b),
            Self::NotEqual => holds(a != b),
        }
    }
}

impl Function {
    fn of(self, mut values: impl Iterator<Item = f64>) -> f64 {
        let first = values.next().unwrap_or(f64::NAN);
        match self {
            Self::Min => values.fold(first, f64::min),
            Self::Max => values.fold(first, f64::max),
            Self::Exp => libm::exp(first),
            Self::Log => libm::log(first),
            Self::Sqrt => first.sqrt(),
            Self::Abs => first.abs(),
            Self::If => f64::NAN,
        }
    }
}
