//! Parameters have torchvision's names where they mean the same. Those that they had before are still read.

use millstream::image::{Crop, Image, operations};
use millstream::spec::read_json;
use serde_json::{Value, json};

/// Each as it was, and as it is.
fn renamed() -> Vec<[Value; 2]> {
    let mut all: Vec<[Value; 2]> = [
        "elastic_transform",
        "perspective",
        "rotate",
        "scale",
        "scale_jitter",
        "shear",
        "translate",
        "zoom_out",
    ]
    .iter()
    .map(|name| {
        [
            json!({ *name: { "padding": "edge" } }),
            json!({ *name: { "padding_mode": "edge" } }),
        ]
    })
    .collect();
    all.extend([
        [
            json!({ "affine": { "degrees": 5.0, "padding": "edge" } }),
            json!({ "affine": { "degrees": 5.0, "padding_mode": "edge" } }),
        ],
        [
            json!({ "pad": { "sides": [1, 2, 3, 4] } }),
            json!({ "pad": { "padding": [1, 2, 3, 4] } }),
        ],
        [
            json!({ "random_crop": { "pad": 4 } }),
            json!({ "random_crop": { "padding": 4 } }),
        ],
        [
            json!({ "translate": { "shares": [0.25, 0.5] } }),
            json!({ "translate": { "translate": [0.25, 0.5] } }),
        ],
        [
            json!({ "scale_jitter": { "scale": [0.5, 1.5] } }),
            json!({ "scale_jitter": { "scale_range": [0.5, 1.5] } }),
        ],
        [
            json!({ "sharpness": { "factor": 3.0 } }),
            json!({ "sharpness": { "sharpness_factor": 3.0 } }),
        ],
        [
            json!({ "random_erasing": { "fill": [1, 2, 3] } }),
            json!({ "random_erasing": { "value": [1, 2, 3] } }),
        ],
    ]);
    all
}

#[test]
fn earlier_names_are_read_and_torchvisions_are_written() {
    let read = |written: &Value| {
        operations()
            .read_json(&written.to_string())
            .unwrap()
            .description()
            .tagged()
    };
    for [earlier, now] in renamed() {
        let found = read(&earlier);
        assert_eq!(found, read(&now), "{earlier}");
        for (name, fields) in now.as_object().unwrap() {
            for (field, value) in fields.as_object().unwrap() {
                assert_eq!(&found[name][field], value, "{earlier}");
            }
        }
    }
    let crop = |written: Value| serde_json::from_value::<Crop>(written).unwrap();
    let now = crop(json!({ "random_iou_crop": { "sampler_options": [0.5, 0.7] } }));
    assert_eq!(crop(json!({ "random_iou_crop": { "overlaps": [0.5, 0.7] } })), now);
}

/// What was called so before is now another thing.
#[test]
fn a_name_that_changed_its_meaning_is_refused_with_its_old_value() {
    let refused = |text: &str| operations().read_json(text).unwrap_err().to_string();
    let error = refused(r#"{"pad": {"padding": "edge"}}"#);
    assert!(
        error.starts_with("pad: padding: invalid type: string \"edge\""),
        "{error}"
    );
    let error = refused(r#"{"pad": {"sides": [1, 1, 1, 1], "padding": "edge"}}"#);
    assert!(error.contains("duplicate field `padding`"), "{error}");
    let error = refused(r#"{"random_crop": {"size": [8, 8], "padding": "edge"}}"#);
    assert!(
        error.starts_with("random_crop: padding: invalid type: string \"edge\""),
        "{error}"
    );
    // A range became its two ends.
    let text = r#"{"size": 8, "crop": {"random_iou_crop": {"scale": [0.5, 1.0]}}}"#;
    let error = read_json::<Image>(text).unwrap_err().to_string();
    assert!(
        error.contains("unknown field `scale` (do you mean `min_scale`?)"),
        "{error}"
    );
}
