use super::*;

const GOOD: &str = "@relation toy\n\
    @attribute Sex {M, F, I}\n\
    @attribute Length real [0.075, 0.815]\n\
    @attribute Rings integer[1,29]\n\
    @attribute Class{positive,negative}\n\
    @inputs Sex, Length, Rings\n\
    @outputs Class\n\
    @data\n\
    M, 0.455, 3,negative\n\
    \n\
    F, ?, 29, positive\n\
    <null>, 0.815, 1, negative\n";

#[test]
fn a_table_is_read_with_its_missing_values() {
    let table = KeelTable::parse(GOOD, "file").unwrap();
    assert_eq!((table.relation.as_str(), table.rows()), ("toy", 3));
    assert_eq!(table.classes, ["negative", "positive", "negative"]);
    let names: Vec<&str> = table.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names, ["Sex", "Length", "Rings"]);
    let sex = [Some("M"), Some("F"), None].map(|value| value.map(str::to_owned));
    assert_eq!(table.inputs[0].values, KeelValues::Categories(sex.to_vec()));
    let length = vec![Some(0.455), None, Some(0.815)];
    assert_eq!(table.inputs[1].values, KeelValues::Numbers(length));
    let rings = vec![Some(3.0), Some(29.0), Some(1.0)];
    assert_eq!(table.inputs[2].values, KeelValues::Numbers(rings));
}

#[test]
fn rows_without_a_head_have_the_class_last() {
    let table = KeelTable::parse("1, x,?,negative\n2.5,y,3, positive\n<null>,x,4,negative\n", "file").unwrap();
    assert_eq!(table.relation, "file");
    assert_eq!(
        table.inputs[0].values,
        KeelValues::Numbers(vec![Some(1.0), Some(2.5), None])
    );
    assert!(matches!(&table.inputs[1].values, KeelValues::Categories(of) if of[1].as_deref() == Some("y")));
    assert_eq!(
        table.inputs[2].values,
        KeelValues::Numbers(vec![None, Some(3.0), Some(4.0)])
    );
}

#[test]
fn damage_is_an_error_with_its_line() {
    let with = |from: &str, to: &str| {
        assert!(GOOD.contains(from));
        KeelTable::parse(&GOOD.replace(from, to), "file")
            .unwrap_err()
            .to_string()
    };
    for (from, to, said) in [
        (
            "M, 0.455, 3,negative",
            "M, 0.455, negative",
            "line 9: 3 values, where others have 4",
        ),
        ("0.455", "0.9", "line 9: Length: 0.9 is not in [0.075, 0.815]"),
        ("0.455", "x", "line 9: Length: \"x\" is no number"),
        ("0.455", "inf", "line 9: Length: \"inf\" is no number"),
        ("M, 0.455, 3", "M, 0.455, 3.5", "line 9: Rings: 3.5 is no whole number"),
        (
            "M, 0.455",
            "X, 0.455",
            "line 9: Sex: \"X\" is not among the values of this attribute",
        ),
        ("29, positive", "29, ?", "line 11: the class is missing"),
        ("@data\n", "", "line 8: \"M,\" is no word of a KEEL file's head"),
        (
            "@outputs Class",
            "@outputs Klass",
            "line 7: there is no attribute \"Klass\"",
        ),
        (
            "@outputs Class",
            "@outputs Class, Sex",
            "line 7: 2 outputs, and a class is one",
        ),
        ("@outputs Class", "@outputs Sex", "\"Sex\" is an input and the output"),
        (
            "Rings integer",
            "Length integer",
            "line 4: the attribute \"Length\" comes twice",
        ),
        (
            "real [0.075, 0.815]",
            "real [0.815, 0.075]",
            "line 3: Length: \"[0.815, 0.075]\" is no range, which is written [low, high]",
        ),
        (
            "real [0.075, 0.815]",
            "string",
            "line 3: Length: \"string\" is no type: real, integer, or a list of values in braces",
        ),
        (
            "{M, F, I}",
            "{M, F, M}",
            "line 2: Sex: a value comes twice, or is empty",
        ),
        (
            "F, ?, 29, positive",
            "F, ?, 29, negative",
            "fewer than two classes have rows",
        ),
    ] {
        assert_eq!(with(from, to), said);
    }
    assert_eq!(
        KeelTable::parse("", "file").unwrap_err().to_string(),
        "the file has no rows"
    );
    let head = GOOD.split("M, 0.455").next().unwrap();
    assert_eq!(
        KeelTable::parse(head, "file").unwrap_err().to_string(),
        "the file has no rows"
    );
}

#[test]
fn files_as_editors_write_them() {
    let marked = format!("\u{feff}{GOOD}");
    assert_eq!(
        KeelTable::parse(&marked, "file").unwrap(),
        KeelTable::parse(GOOD, "file").unwrap()
    );
    let said = |from: &str, to: &str| {
        KeelTable::parse(&GOOD.replace(from, to), "file")
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        said("@attribute Length", "@attribute 'the length'"),
        "line 3: 'the: names between quotes are not read: write one word without quotes"
    );
    assert!(said("F, ?, 29", "F, , 29").ends_with("Length: there is no value; one that is missing is ? or <null>"));
    let file = tempfile::NamedTempFile::with_suffix(".dat").unwrap();
    std::fs::write(file.path(), b"1, a\n2, b\xe9\n").unwrap();
    let error = KeelTable::read(file.path()).unwrap_err().to_string();
    assert!(error.contains("line 2: this is not UTF-8"), "{error}");
}
