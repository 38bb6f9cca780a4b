//! Simulated tables: as a source, and as a generator of rows.

use crate::common::{context, in_batches};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float32Array, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type, Int32Type, Int64Type};
use millstream::dataset::Origin;
use millstream::error::ErrorKind;
use millstream::mix::Target;
use millstream::rows::Labels;
use millstream::source::{Memory, Table, TableSpec, sources};
use millstream::spec::read_toml;
use millstream::synthetic::{Generator, SampleId, SimulatedRows};
use millstream::testing::{check_elastic, check_law, check_loader, check_stable};
use millstream::{Context, Dataset, DatasetExt, Stable};
use std::sync::Arc;

const CLINIC: &str = r#"
rows = 4000
classes = { healthy = 9, sick = 1 }

[columns]
age = { normal = { mean = { sick = 60, otherwise = 45 }, std = 12 }, min = 18, max = 90, whole = true }
smoker = { bernoulli = { p = { sick = 0.5, healthy = 0.2 } } }
pressure = { equation = "90 + 0.5 * age + 12 * smoker", noise = 8, missing = "if(age > 80, 1, 0.02)" }
region = { categorical = { north = 1, south = "1 + 2 * smoker" } }
visits = { poisson = { mean = "if(region == \"north\", 2, 6)" } }
wait = { exponential = { mean = 3 } }
income = { lognormal = { mean = 10, std = 0.5 } }
dose = { equation = "max(0, (pressure - 120) / 10) ^ 2" }
clinic = { constant = "main" }
score = { uniform = { low = "visits", high = "visits + 1" }, missing = "score > 6" }
"#;

fn spec(text: &str) -> TableSpec {
    read_toml(text).unwrap()
}

fn all(cx: &Context, table: &Table) -> RecordBatch {
    let rows: Vec<u64> = (0..table.len().finite().unwrap()).collect();
    cx.block_on(table.take(cx, &rows)).unwrap()
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let column = arrow::compute::cast(&batch[name], &DataType::Float64).unwrap();
    column.as_primitive::<Float64Type>().iter().collect()
}

fn mean(values: impl Iterator<Item = f64> + Clone) -> f64 {
    values.clone().sum::<f64>() / values.count() as f64
}

#[test]
fn columns_are_drawn_and_follow_from_each_other() {
    let cx = context();
    let batch = all(&cx, &Table::new(&spec(CLINIC)).unwrap());
    let names: Vec<String> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "age", "clinic", "dose", "income", "pressure", "region", "score", "smoker", "visits", "wait", "label"
        ]
    );
    let label: Vec<&str> = batch["label"].as_string::<i32>().iter().flatten().collect();
    assert_eq!(label.iter().filter(|label| **label == "sick").count(), 400);
    // Classes are mixed.
    assert!((20..60).contains(&label[..400].iter().filter(|label| **label == "sick").count()));
    let [age, smoker, pressure, visits, wait, income, dose, score] =
        ["age", "smoker", "pressure", "visits", "wait", "income", "dose", "score"].map(|name| numbers(&batch, name));
    assert_eq!(batch["age"].data_type(), &DataType::Int64);
    assert!(age.iter().flatten().all(|age| (18.0..=90.0).contains(age)));
    let of = |class: &'static str, values: &[Option<f64>]| {
        let values: Vec<f64> = values
            .iter()
            .zip(&label)
            .filter(|(_, label)| **label == class)
            .filter_map(|(v, _)| *v)
            .collect();
        mean(values.iter().copied())
    };
    // Deviations of 12 over 400 and 3600 rows: four standard errors.
    assert!((of("sick", &age) - 60.0).abs() < 2.4, "{}", of("sick", &age));
    assert!((of("healthy", &age) - 45.5).abs() < 1.2, "{}", of("healthy", &age));
    assert!((of("sick", &smoker) - 0.5).abs() < 0.1 && (of("healthy", &smoker) - 0.2).abs() < 0.03);
    let mut rest = Vec::new();
    for row in 0..4000 {
        match (pressure[row], age[row], smoker[row], dose[row]) {
            (Some(pressure), Some(age), Some(smoker), Some(dose)) => {
                assert!(age <= 80.0);
                rest.push(pressure - 90.0 - 0.5 * age - 12.0 * smoker);
                assert!((dose - ((pressure - 120.0) / 10.0).max(0.0).powi(2)).abs() < 1e-9);
            }
            // What follows from a missing value does so from the value that is missing.
            (None, Some(_), Some(_), Some(_)) => {}
            other => panic!("{other:?}"),
        }
    }
    let old = age.iter().flatten().filter(|age| **age > 80.0).count();
    let missing = pressure.iter().filter(|value| value.is_none()).count();
    assert!(old > 5 && (old + 45..old + 125).contains(&missing), "{old} {missing}");
    let noise = mean(rest.iter().map(|rest| rest * rest)).sqrt();
    assert!(
        (noise - 8.0).abs() < 0.4 && mean(rest.iter().copied()).abs() < 0.6,
        "{noise}"
    );
    let region: Vec<&str> = batch["region"].as_string::<i32>().iter().flatten().collect();
    let share = |smokes: f64| {
        let of: Vec<bool> = (0..4000)
            .filter(|&row| smoker[row] == Some(smokes))
            .map(|row| region[row] == "north")
            .collect();
        of.iter().filter(|north| **north).count() as f64 / of.len() as f64
    };
    assert!(
        (share(0.0) - 0.5).abs() < 0.04 && (share(1.0) - 0.25).abs() < 0.07,
        "{} {}",
        share(0.0),
        share(1.0)
    );
    let north = mean(
        (0..4000)
            .filter(|&row| region[row] == "north")
            .filter_map(|row| visits[row])
            .collect::<Vec<_>>()
            .into_iter(),
    );
    assert!((north - 2.0).abs() < 0.15, "{north}");
    assert!((mean(wait.iter().flatten().copied()) - 3.0).abs() < 0.2);
    assert!((mean(income.iter().flatten().map(|income| income.ln())) - 10.0).abs() < 0.04);
    assert!(
        batch["clinic"]
            .as_string::<i32>()
            .iter()
            .all(|clinic| clinic == Some("main"))
    );
    for (score, visits) in score.iter().zip(&visits) {
        let visits = visits.unwrap();
        match score {
            Some(score) => assert!(*score <= 6.0 && (visits..visits + 1.0).contains(score)),
            None => assert!(visits >= 6.0),
        }
    }
}

#[test]
fn rows_follow_from_seed_and_number_and_a_further_column_moves_no_draw() {
    let cx = context();
    let table = |text: &str| Table::new(&spec(text)).unwrap();
    let plain = all(&cx, &table(CLINIC));
    assert_eq!(all(&cx.with_seed(5), &table(CLINIC)), plain);
    let more = all(
        &cx,
        &table(&format!("{CLINIC}\nbody = {{ normal = {{ mean = 70, std = 9 }} }}")),
    );
    assert_eq!(
        more["income"].as_primitive::<Float64Type>(),
        plain["income"].as_primitive::<Float64Type>()
    );
    let other = all(&cx, &table(&CLINIC.replace("rows = 4000", "rows = 4000\nseed = 1")));
    assert_ne!(
        other["income"].as_primitive::<Float64Type>(),
        plain["income"].as_primitive::<Float64Type>()
    );
    let source = sources()
        .read_json(r#"{"table": {"rows": 3, "columns": {"x": {"constant": 2}}}}"#)
        .unwrap();
    let opened = cx.block_on(source.open(&cx)).unwrap();
    let rows = cx.block_on(opened.take(&cx, &[2])).unwrap();
    assert_eq!(rows["x"].as_primitive::<Float64Type>().values(), &[2.0]);
    assert_eq!(opened.provenance(&cx, 5).places[0].to_string(), "row 2 in table");
}

#[test]
fn a_simulated_source_is_stable() {
    let cx = context();
    let text = CLINIC.replace("rows = 4000", "rows = 130");
    cx.block_on(check_stable(&cx, &Table::new(&spec(&text)).unwrap(), 2))
        .unwrap();
    cx.block_on(check_law(&cx, &Table::new(&spec(&text)).unwrap().shuffle(), 1))
        .unwrap();
}

/// Rows as they might have been measured.
fn measured() -> Arc<dyn Stable> {
    let classes: Vec<&str> = (0..60)
        .map(|row| if row % 6 == 0 { "sick" } else { "healthy" })
        .collect();
    let columns: [(&str, ArrayRef, bool); 5] = [
        (
            "region",
            Arc::new(StringArray::from_iter_values(
                (0..60).map(|row| ["north", "south"][row % 2]),
            )),
            false,
        ),
        ("age", Arc::new(Int32Array::from_iter_values(0..60)), false),
        ("diagnosis", Arc::new(StringArray::from(classes)), false),
        (
            "smoker",
            Arc::new((0..60).map(|row| Some(row % 3 == 0)).collect::<BooleanArray>()),
            true,
        ),
        (
            "pressure",
            Arc::new(Float32Array::from_iter_values((0..60).map(|row| row as f32))),
            true,
        ),
    ];
    let rows = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    Arc::new(Memory::new(in_batches(&rows, 20)).unwrap())
}

const RULES: &str = r#"
[columns]
age = { normal = { mean = { sick = 60, healthy = 45 }, std = 1 }, whole = true }
smoker = { bernoulli = { p = 0.5 } }
pressure = { equation = "age + 100 * smoker", missing = 0.2 }
region = { categorical = { north = 1, south = 3 } }
"#;

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "diagnosis")).unwrap())
}

#[test]
fn values_that_the_columns_cannot_hold_are_refused() {
    let cx = context();
    let base = measured();
    let labels = labels(&cx, &base);
    let made = |rules: String| {
        let simulated = SimulatedRows::new(&base, &labels, spec(&rules)).unwrap();
        let samples = [SampleId { class: 0, index: 0 }];
        cx.block_on(simulated.generate(&cx, &samples))
            .map_err(|error| error.to_string())
    };
    assert!(made(RULES.to_owned()).is_ok());
    let error = made(RULES.replace("age + 100 * smoker", "1e39 + age")).unwrap_err();
    assert!(error.contains("column \"pressure\": a value 1"), "{error}");
    assert!(
        error.ends_with("does not fit in Float32: bound the column with `min` and `max`"),
        "{error}"
    );
    let error = made(RULES.replace("sick = 60, healthy = 45", "sick = 3e9, healthy = 3e9")).unwrap_err();
    assert!(error.contains("column \"age\": a value 2999999999 "), "{error}");
    assert!(
        error.ends_with("does not fit in Int32: bound the column with `min` and `max`"),
        "{error}"
    );
}

#[test]
fn a_simulator_makes_rows_of_the_columns_there_are() {
    let cx = context();
    let base = measured();
    let labels = labels(&cx, &base);
    let simulated = SimulatedRows::new(&base, &labels, spec(RULES)).unwrap();
    let sick = labels.names().iter().position(|name| name == "sick").unwrap() as u32;
    let samples: Vec<SampleId> = (0..400).map(|index| SampleId { class: sick, index }).collect();
    let made = cx.block_on(simulated.generate(&cx, &samples)).unwrap();
    let types: Vec<&DataType> = made
        .schema_ref()
        .fields()
        .iter()
        .map(|field| field.data_type())
        .collect();
    assert_eq!(
        types,
        [
            &DataType::Utf8,
            &DataType::Int32,
            &DataType::Int64,
            &DataType::Boolean,
            &DataType::Float32
        ]
    );
    let age = made["age"].as_primitive::<Int32Type>();
    assert!(age.values().iter().all(|age| (54..=66).contains(age)));
    let (smoker, pressure) = (
        made["smoker"].as_boolean(),
        made["pressure"].as_primitive::<Float32Type>(),
    );
    for row in (0..400).filter(|&row| pressure.is_valid(row)) {
        let expected = age.value(row) as f32 + if smoker.value(row) { 100.0 } else { 0.0 };
        assert_eq!(pressure.value(row), expected);
    }
    assert!((50..115).contains(&pressure.null_count()), "{}", pressure.null_count());
    assert!(
        made["diagnosis"]
            .as_primitive::<Int64Type>()
            .values()
            .iter()
            .all(|&class| class == i64::from(sick))
    );
    let trace = simulated.provenance(&cx, samples[0]);
    assert_eq!(
        (trace.origin, trace.generator.as_deref()),
        (Origin::Synthetic, Some("table"))
    );
    let build = |cx: &Context| {
        let base = measured();
        let labels = self::labels(cx, &base);
        let simulated = SimulatedRows::new(&base, &labels, spec(RULES))?;
        let balance = cx.block_on(base.balance(cx, "diagnosis", Target::Uniform))?;
        balance.fill(Arc::new(simulated), 0.7)
    };
    cx.block_on(check_law(&cx, &build(&cx).unwrap(), 1)).unwrap();
    check_loader(3, 90, build).unwrap();
    check_elastic(3, "age", build).unwrap();
}

#[test]
fn tables_that_make_no_sense_are_refused_with_their_place() {
    let refused = |columns: &str| {
        let text = format!("rows = 5\nclasses = {{ a = 1, b = 1 }}\n[columns]\n{columns}");
        read_toml::<TableSpec>(&text).unwrap_err().to_string()
    };
    for (columns, said) in [
        (
            "x = { equation = \"y + 1\" }\ny = { equation = \"z * 2\" }\nz = { equation = \"x\" }",
            "columns.x: x <- y <- z <- x follow from each other in a circle",
        ),
        (
            "x = { equation = \"x + 1\" }",
            "columns.x: x <- x follow from each other in a circle",
        ),
        (
            "age = { constant = 3 }\nx = { equation = \"2 * agee\" }",
            "columns.x: there is no column \"agee\": do you mean \"age\"?",
        ),
        (
            "x = { equation = \"2 * (3\" }",
            "columns.x: equation: a \")\" is missing at character 7 of \"2 * (3\"",
        ),
        ("x = { whole = true }", "columns.x: one of normal, uniform"),
        (
            "x = { constant = 1, equation = \"2\" }",
            "columns.x: one of normal, uniform",
        ),
        (
            "x = { normal = { mean = { a = 1, c = 2 }, std = 1 } }",
            "columns.x: normal.mean: there is no class \"c\"",
        ),
        (
            "x = { normal = { mean = { a = 1 }, std = 1 } }",
            "columns.x: normal.mean: class \"b\" has no value: name it, or give one for `otherwise`",
        ),
        (
            "x = { constant = \"red\", noise = 1 }",
            "columns.x: noise is for numbers",
        ),
        (
            "x = { constant = \"red\" }\ny = { equation = \"x + 1\" }",
            "columns.y: column \"x\" holds texts",
        ),
        (
            "x = { constant = \"red\" }\ny = { equation = \"x == 'blue'\" }",
            "columns.y: column \"x\" has no category \"blue\"; there are red",
        ),
        (
            "x = { constant = 1, min = 2, max = 1 }",
            "columns.x: min is 2 and max 1",
        ),
        (
            "x = { normal = { mean = 0, std = -1 } }",
            "columns.x: normal.std: it is -1, but has to be at least 0",
        ),
        (
            "x = { bernoulli = { p = { a = 0.5, b = \"2\" } } }",
            "columns.x: bernoulli.p: it is 2, but has to lie in 0..=1",
        ),
        (
            "x = { constant = 1, noise = -3 }",
            "columns.x: noise: it is -3, but has to be at least 0",
        ),
        (
            "x = { constant = 1, missing = 1.5 }",
            "columns.x: missing: it is 1.5, but has to lie in 0..=1",
        ),
        (
            "x = { normal = { mean = true, std = 1 } }",
            "expected a number, an equation in quotes, or a table of these by class",
        ),
    ] {
        let error = refused(columns);
        assert!(error.contains(said), "{columns}: {error}");
    }
    // The error stands at the line of the column.
    assert!(
        refused("y = { constant = 3 }\nx = { equation = \"2 * q\" }").contains("line 5"),
        "{}",
        refused("y = { constant = 3 }\nx = { equation = \"2 * q\" }")
    );
    let cx = context();
    let taken = |columns: &str| {
        let table = Table::new(&spec(&format!("rows = 3\n[columns]\n{columns}"))).unwrap();
        let error = cx.block_on(table.take(&cx, &[1])).unwrap_err();
        assert_eq!((error.kind(), error.index()), (ErrorKind::Data, Some(0)));
        error.to_string()
    };
    assert_eq!(
        taken("x = { equation = \"log(-1)\" }"),
        "row 1 in table: column \"x\": the equation is NaN: bound the columns that it is made of with `min` and `max`, or guard it with `if`"
    );
    assert_eq!(
        taken("x = { bernoulli = { p = \"1.5 * 1\" } }"),
        "row 1 in table: column \"x\": p is 1.5, but has to lie in 0..=1"
    );
    assert_eq!(
        taken("x = { normal = { mean = 0, std = \"0 - 1\" } }"),
        "row 1 in table: column \"x\": std is -1, but has to be at least 0"
    );
    assert_eq!(
        taken("x = { equation = \"1e30\", whole = true }"),
        "row 1 in table: column \"x\": a value is 1000000000000000000000000000000, which is no whole number of 64 bits: bound the column with `min` and `max`"
    );
    let base = measured();
    let labels = labels(&cx, &base);
    let generator = |text: &str| SimulatedRows::new(&base, &labels, spec(text)).unwrap_err().to_string();
    assert!(
        generator(&format!("rows = 5\n{RULES}")).starts_with("table: rows, classes, label and seed are of a source")
    );
    assert!(
        generator(&RULES.replace("smoker = ", "smokes = ").replace("* smoker", "* smokes"))
            .starts_with("made rows lack \"smoker\"")
    );
    assert!(generator(&RULES.replace(", whole = true", "")).contains("round its values with `whole = true`"));
    assert!(generator(&format!("{RULES}\nbody = {{ constant = 1 }}")).starts_with("made rows have \"body\""));
}
