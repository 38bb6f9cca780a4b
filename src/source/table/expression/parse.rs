//! Equations as they are written.

use super::tree::{Expression, Function, Mistake, Operator};

/// Values inside of each other, at most.
const DEEPEST: usize = 64;

/// Reads an equation.
pub(in super::super) fn parse(text: &str) -> Result<Expression, Mistake> {
    let mut parser = Parser {
        tokens: tokens(text)?,
        next: 0,
        end: text.chars().count() + 1,
        depth: 0,
    };
    let expression = parser.comparison()?;
    match parser.tokens.get(parser.next) {
        None => Ok(expression),
        Some((at, token)) => Err(Mistake {
            at: *at,
            what: format!("{} is not expected here", token.shown()),
        }),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64, String),
    Name(String),
    Text(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Number(_, text) | Self::Name(text) | Self::Text(text) => format!("{text:?}"),
            Self::Sign(sign) => format!("{sign:?}"),
        }
    }
}

/// Two characters come before one.
const SIGNS: [&str; 14] = ["<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "^", "(", ")", ","];

/// The tokens, and the character at which each begins.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Mistake> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        let (begin, c) = (at, chars[at]);
        let token = if c.is_whitespace() {
            at += 1;
            continue;
        } else if c.is_ascii_digit() || c == '.' {
            number(&chars, &mut at)?
        } else if c.is_alphabetic() || c == '_' {
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            Token::Name(chars[begin..at].iter().collect())
        } else if ['`', '"', '\''].contains(&c) {
            let length = chars[begin + 1..].iter().position(|&end| end == c);
            let length = length.ok_or_else(|| Mistake {
                at: begin + 1,
                what: format!("a {:?} is missing", c.to_string()),
            })?;
            at = begin + length + 2;
            let inside = chars[begin + 1..at - 1].iter().collect();
            if c == '`' {
                Token::Name(inside)
            } else {
                Token::Text(inside)
            }
        } else {
            let rest: String = chars[at..].iter().take(2).collect();
            let sign = SIGNS.into_iter().find(|sign| rest.starts_with(sign));
            let sign = sign.ok_or_else(|| Mistake {
                at: begin + 1,
                what: format!("{c:?} is no part of an equation"),
            })?;
            at += sign.len();
            Token::Sign(sign)
        };
        tokens.push((begin + 1, token));
    }
    Ok(tokens)
}

fn number(chars: &[char], at: &mut usize) -> Result<Token, Mistake> {
    let begin = *at;
    while let Some(&c) = chars.get(*at) {
        let is_exponent_sign = ['+', '-'].contains(&c) && ['e', 'E'].contains(&chars[*at - 1]);
        let is_part = c.is_ascii_digit() || ['.', 'e', 'E'].contains(&c) || (*at > begin && is_exponent_sign);
        if !is_part {
            break;
        }
        *at += 1;
    }
    let text: String = chars[begin..*at].iter().collect();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Token::Number(number, text)),
        _ => Err(Mistake {
            at: begin + 1,
            what: format!("{text:?} is no number"),
        }),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    /// The character behind the last.
    end: usize,
    depth: usize,
}

impl Parser {
    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    /// The next of `signs`, where it comes.
    fn sign<T: Copy>(&mut self, signs: &[(&str, T)]) -> Option<T> {
        let Some((_, Token::Sign(sign))) = self.tokens.get(self.next) else {
            return None;
        };
        let (_, found) = signs.iter().find(|(known, _)| known == sign)?;
        self.next += 1;
        Some(*found)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        match self.sign(&[(sign, ())]) {
            Some(()) => Ok(()),
            None => self.mistake(format!("a {sign:?} is missing")),
        }
    }

    fn mistake<T>(&self, what: String) -> Result<T, Mistake> {
        Err(Mistake { at: self.at(), what })
    }

    fn comparison(&mut self) -> Result<Expression, Mistake> {
        const SIGNS: [(&str, Operator); 6] = [
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<", Operator::Less),
            (">", Operator::More),
        ];
        let mut left = self.sum()?;
        while let Some(operator) = self.sign(&SIGNS) {
            left = match (self.tokens.get(self.next), left, operator) {
                (
                    Some((_, Token::Text(category))),
                    Expression::Column(column),
                    Operator::Equal | Operator::NotEqual,
                ) => {
                    let category = category.clone();
                    self.next += 1;
                    Expression::Is {
                        column,
                        category,
                        equal: operator == Operator::Equal,
                    }
                }
                (_, left, _) => Expression::Binary(operator, Box::new(left), Box::new(self.sum()?)),
            };
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expression, Mistake> {
        let mut left = self.product()?;
        while let Some(operator) = self.sign(&[("+", Operator::Add), ("-", Operator::Subtract)]) {
            left = Expression::Binary(operator, Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Result<Expression, Mistake> {
        let mut left = self.negative()?;
        while let Some(operator) = self.sign(&[("*", Operator::Multiply), ("/", Operator::Divide)]) {
            left = Expression::Binary(operator, Box::new(left), Box::new(self.negative()?));
        }
        Ok(left)
    }

    /// `-2 ^ 2` is -4, as in Python.
    fn negative(&mut self) -> Result<Expression, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return self.mistake(format!("values are nested more than {DEEPEST} deep"));
        }
        let negative = match self.sign(&[("-", ())]) {
            Some(()) => Expression::Negative(Box::new(self.negative()?)),
            None => self.power()?,
        };
        self.depth -= 1;
        Ok(negative)
    }

    /// From the right: `2 ^ 3 ^ 2` is 2 ^ 9.
    fn power(&mut self) -> Result<Expression, Mistake> {
        let base = self.value()?;
        match self.sign(&[("^", ())]) {
            Some(()) => Ok(Expression::Binary(
                Operator::Power,
                Box::new(base),
                Box::new(self.negative()?),
            )),
            None => Ok(base),
        }
    }

    fn value(&mut self) -> Result<Expression, Mistake> {
        let Some((at, token)) = self.tokens.get(self.next).cloned() else {
            return self.mistake("a value is missing".to_owned());
        };
        match token {
            Token::Number(number, _) => {
                self.next += 1;
                Ok(Expression::Number(number))
            }
            Token::Name(name) => {
                self.next += 1;
                match self.sign(&[("(", ())]) {
                    Some(()) => self.call(at, &name),
                    None => Ok(Expression::Column(name)),
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let inside = self.comparison()?;
                self.expect(")")?;
                Ok(inside)
            }
            Token::Text(_) => self.mistake("a text is compared with a column alone: region == \"north\"".to_owned()),
            Token::Sign(sign) => self.mistake(format!("a value is missing before {sign:?}")),
        }
    }

    fn call(&mut self, at: usize, name: &str) -> Result<Expression, Mistake> {
        let Some(&(_, function)) = Function::ALL.iter().find(|(known, _)| *known == name) else {
            let known: Vec<&str> = Function::ALL.iter().map(|(name, _)| *name).collect();
            let what = format!("there is no function {name:?}; there are {}", known.join(", "));
            return Err(Mistake { at, what });
        };
        let mut arguments = vec![self.comparison()?];
        while self.sign(&[(",", ())]).is_some() {
            arguments.push(self.comparison()?);
        }
        self.expect(")")?;
        match function.takes(arguments.len()) {
            true => Ok(Expression::Call(function, arguments)),
            false => {
                let takes = if function == Function::If {
                    "3 values"
                } else {
                    "1 value"
                };
                let what = format!("{name} takes {takes}, not {}", arguments.len());
                Err(Mistake { at, what })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tree::Values;
    use super::*;

    struct Two;

    impl Values for Two {
        fn number(&self, column: &str) -> f64 {
            match column {
                "x" => 3.0,
                "body mass" => 70.5,
                other => panic!("{other}"),
            }
        }

        fn is(&self, column: &str, category: &str) -> bool {
            (column, category) == ("region", "north")
        }
    }

    fn value(text: &str) -> f64 {
        parse(text)
            .unwrap_or_else(|error| panic!("{text}: {error}"))
            .value(&Two)
    }

    #[test]
    fn equations_come_to_what_they_say() {
        for (text, expected) in [
            ("1 + 2 * 3", 7.0),
            ("(1 + 2) * 3", 9.0),
            ("8 / 4 / 2", 1.0),
            ("7 - 2 - 1", 4.0),
            ("2 ^ 3 ^ 2", 512.0),
            ("-2 ^ 2", -4.0),
            ("2 ^ -1", 0.5),
            ("x * -x", -9.0),
            ("1.5e2 + .5", 150.5),
            ("1e+1", 10.0),
            ("x > 2", 1.0),
            ("x >= 3 == 1", 1.0),
            ("1 + 1 < 2", 0.0),
            ("x != 3", 0.0),
            ("min(4, x, 9) + max(1)", 4.0),
            ("exp(log(5)) - sqrt(abs(-25))", 0.0),
            ("if(x < 3, 1, if(x == 3, 20, 300))", 20.0),
            ("`body mass` / 2", 35.25),
            ("(region == \"north\") * 10 + (region != \"north\")", 10.0),
            ("region == 'south'", 0.0),
        ] {
            assert!((value(text) - expected).abs() < 1e-12, "{text}: {}", value(text));
        }
        assert!(value("log(-1)").is_nan());
        // What is not taken is not worked out.
        assert_eq!(value("if(x > 1, 2, log(-1))"), 2.0);
    }

    #[test]
    fn columns_are_found_with_their_categories() {
        let expression = parse("if(region == \"north\", x, `body mass`) + x").unwrap();
        let mut found = Vec::new();
        expression.columns(&mut |column, category| found.push((column, category)));
        assert_eq!(
            found,
            [("region", Some("north")), ("x", None), ("body mass", None), ("x", None)]
        );
    }

    #[test]
    fn mistakes_have_their_place() {
        for (text, at, what) in [
            ("", 1, "a value is missing"),
            ("1 +", 4, "a value is missing"),
            ("1 + * 2", 5, "a value is missing before \"*\""),
            ("(1 + 2", 7, "a \")\" is missing"),
            ("1 2", 3, "\"2\" is not expected here"),
            ("x $ 1", 3, "'$' is no part of an equation"),
            (
                "sin(x)",
                1,
                "there is no function \"sin\"; there are min, max, exp, log, sqrt, abs, if",
            ),
            ("exp(1, 2)", 1, "exp takes 1 value, not 2"),
            ("if(x, 1)", 1, "if takes 3 values, not 2"),
            ("`x", 1, "a \"`\" is missing"),
            (
                "x + \"north\"",
                5,
                "a text is compared with a column alone: region == \"north\"",
            ),
            (
                "1 == \"north\"",
                6,
                "a text is compared with a column alone: region == \"north\"",
            ),
            ("1.2.3", 1, "\"1.2.3\" is no number"),
        ] {
            let mistake = parse(text).unwrap_err();
            assert_eq!((mistake.at, mistake.what.as_str()), (at, what), "{text}");
        }
        let deep = "(".repeat(10_000);
        assert!(parse(&deep).unwrap_err().what.contains("nested"));
    }
}
