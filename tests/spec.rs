//! Specs: what is printed, hashed, written and read is one and the same struct.

use millstream::error::ErrorKind;
use millstream::image::{Image, Operation, operations};
use millstream::plan::Plan;
use millstream::spec::{Describe, Spec};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Node {
    rows: u64,
    share: f32,
    path: String,
    threads: usize,
    added: Option<String>,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            rows: 10,
            share: 0.1,
            path: String::new(),
            threads: 2,
            added: None,
        }
    }
}

impl Spec for Node {
    const NAME: &'static str = "node";
    const LOCATIONS: &'static [&'static str] = &["path"];
    const MACHINE: &'static [&'static str] = &["threads"];
}

fn fingerprint(change: impl FnOnce(&mut Node)) -> String {
    let mut node = Node::default();
    change(&mut node);
    Plan::of(&node).fingerprint()
}

#[test]
fn what_decides_rows_is_hashed_and_all_is_printed() {
    let plain = Plan::new("node").fingerprint();
    assert_eq!(fingerprint(|_| ()), plain, "defaults are left out");
    assert_eq!(
        fingerprint(|node| node.path = "/elsewhere".to_owned()),
        plain,
        "a location"
    );
    assert_eq!(fingerprint(|node| node.threads = 64), plain, "the machine");
    let others = [
        fingerprint(|node| node.rows = 11),
        fingerprint(|node| node.share = 0.2),
        fingerprint(|node| node.added = Some("x".to_owned())),
    ];
    assert!(others.iter().all(|other| *other != plain) && others[0] != others[1] && others[1] != others[2]);
    let plan = Plan::of(&Node {
        path: "data".to_owned(),
        ..Node::default()
    });
    assert_eq!(plan.to_string(), "node       path data, rows 10, share 0.1, threads 2");
    assert_eq!(
        plan.settings(),
        [
            "node",
            "node.path=data",
            "node.rows=10",
            "node.share=0.1",
            "node.threads=2"
        ]
    );
}

#[test]
fn a_version_that_rose_is_another_plan() {
    #[derive(Clone, Debug, Default, Serialize, Deserialize)]
    struct Second {}
    impl Spec for Second {
        const NAME: &'static str = "node";
        const VERSION: u32 = 2;
    }
    assert_ne!(Plan::of(&Second {}).fingerprint(), Plan::new("node").fingerprint());
}

#[test]
fn a_stage_is_read_as_it_was_written() {
    let image = Image::new(96)
        .random_resized_crop(0.35..=1.0, 0.75..=1.3333)
        .horizontal_flip(0.5)
        .rotate(10.0)
        .color_jitter(0.1, 0.2, 0.3)
        .noise(0.02)
        .blur(0.1..=1.0)
        .random_erasing(0.25, 0.02..=0.33, 0.3..=3.3)
        .mask("mask");
    let text = serde_json::to_string(&image).unwrap();
    assert!(text.contains(r#"{"rotate":{"degrees":10.0}}"#), "{text}");
    assert!(
        text.contains(r#""crop":{"random":{"scale":[0.35,1.0],"ratio":[0.75,1.3333]}}"#),
        "{text}"
    );
    let read: Image = serde_json::from_str(&text).unwrap();
    assert_eq!(read.plan().settings(), image.plan().settings());
    assert_eq!(read.plan().fingerprint(), image.plan().fingerprint());
    assert_eq!(serde_json::to_string(&read).unwrap(), text);
}

#[test]
fn whole_numbers_and_floats_of_a_recipe_are_the_same() {
    let read = |text: &str| serde_json::from_str::<Image>(text).unwrap().plan().fingerprint();
    let ten = read(r#"{"operations": [{"rotate": {"degrees": 10}}]}"#);
    assert_eq!(ten, read(r#"{"operations": [{"rotate": {"degrees": 10.0}}]}"#));
    assert_eq!(ten, Image::new(224).rotate(10.0).plan().fingerprint());
}

#[test]
fn what_a_recipe_says_wrong_is_named() {
    let known = operations();
    let refused = |text: &str| {
        let error = known.read_json(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    };
    let error = refused(r#"{"rotat": {"degrees": 10}}"#);
    assert!(
        error.starts_with(r#"unknown operation "rotat": do you mean "rotate"?"#),
        "{error}"
    );
    let error = refused(r#"{"watercolour": {}}"#);
    assert!(
        error.starts_with(r#"unknown operation "watercolour"; there are blur, "#),
        "{error}"
    );
    let error = refused(r#"{"rotate": {"degree": 10}}"#);
    assert!(error.contains("unknown field `degree`, expected `degrees`"), "{error}");
    let error = refused(r#"{"rotate": {"degrees": 400}}"#);
    assert!(error.contains("degrees is 400, but has to lie in 0..=180"), "{error}");
    let error = refused(r#"{"rotate": {"degrees": "ten"}}"#);
    assert!(error.contains("invalid type: string \"ten\""), "{error}");
    let error = refused(r#"{"rotate": {"degrees": 1}, "blur": {"sigma": [1, 2]}}"#);
    assert!(error.contains(r#""rotate" and "blur" in one place"#), "{error}");
    let error = refused("{}");
    assert!(error.contains("no operation is named"), "{error}");
}

#[test]
fn every_operation_is_known_under_its_name() {
    let all: Vec<_> = operations().names().collect();
    let expected = [
        "blur",
        "brightness",
        "color_jitter",
        "contrast",
        "horizontal_flip",
        "noise",
        "random_erasing",
        "rotate",
        "saturation",
    ];
    assert_eq!(all, expected);
    let blur: Box<dyn Operation> = operations().read_json(r#"{"blur": {"sigma": [0.5, 1]}}"#).unwrap();
    let blur: &dyn Describe = &*blur;
    assert_eq!((blur.name(), blur.description().version), ("blur", 2));
}
