//! Crops as recipes have them: by name, with their defaults, or with their fields.

use super::crop::Crop;
use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{self, IntoDeserializer, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

impl Serialize for Crop {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, to)
    }
}

impl<'de> Deserialize<'de> for Crop {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Written)
    }
}

/// A crop as it is written: a name, or a table of one.
struct Written;

impl<'de> Visitor<'de> for Written {
    type Value = Crop;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a crop, as \"whole\" or { center_crop = { share = 0.9 } }")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Crop, E> {
        match name {
            "whole" => Ok(Crop::Whole),
            "resize_center_crop" => Err(E::custom(
                "resize_center_crop needs the pixels of the shorter side: { resize_center_crop = { resize_size = 256 } }",
            )),
            name => {
                let no_fields = std::iter::empty::<(&str, &str)>();
                let fields = MapDeserializer::<_, E>::new(no_fields);
                let tagged = std::iter::once((name, Fields(fields)));
                Crop::deserialize(MapAccessDeserializer::new(MapDeserializer::new(tagged)))
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Crop, A::Error> {
        Crop::deserialize(MapAccessDeserializer::new(map))
    }
}

/// The fields of a crop of which none is said.
struct Fields<M>(M);

impl<'de, M: Deserializer<'de>> IntoDeserializer<'de, M::Error> for Fields<M> {
    type Deserializer = M;

    fn into_deserializer(self) -> M {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::IouCrop;

    #[test]
    fn a_name_alone_means_the_defaults_and_every_crop_comes_back() {
        let read = |text: &str| serde_json::from_str::<Crop>(text);
        let random = Crop::Random {
            scale: 0.08..=1.0,
            ratio: 0.75..=4.0 / 3.0,
            plain: None,
        };
        let letterbox = Crop::Letterbox {
            fill: [0; 3],
            resize_size: None,
        };
        for (name, expected) in [
            ("whole", Crop::Whole),
            ("center_crop", Crop::Center { share: 0.875 }),
            ("letterbox", letterbox),
            ("random_resized_crop", random),
            ("random_iou_crop", Crop::RandomIou(IouCrop::default())),
        ] {
            assert_eq!(read(&format!("{name:?}")).unwrap(), expected, "{name}");
            if name != "whole" {
                assert_eq!(read(&format!("{{{name:?}: {{}}}}")).unwrap(), expected, "{name}");
            }
            let written = serde_json::to_string(&expected).unwrap();
            assert_eq!(read(&written).unwrap(), expected, "{written}");
        }
        let error = read(r#""resize_center_crop""#).unwrap_err().to_string();
        assert!(error.contains("resize_size = 256"), "{error}");
        let error = read(r#""central_crop""#).unwrap_err().to_string();
        assert!(
            error.contains("unknown variant `central_crop`, expected one of `whole`, `center_crop`"),
            "{error}"
        );
        let error = read(r#"{"center_crop": {"size": 3}}"#).unwrap_err().to_string();
        assert!(error.contains("unknown field `size`"), "{error}");
        assert!(crate::spec::from_toml::<FromToml>("crop = \"letterbox\"").is_ok());
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "it is only read")]
    struct FromToml {
        crop: Crop,
    }
}
