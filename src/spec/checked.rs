//! Specs that are checked wherever they are read, inside of others too.

/// Implements serde's traits for `$spec`, which derives them with `#[serde(remote = "Self")]`: reading it checks it.
macro_rules! checked {
    ($spec:ty) => {
        impl serde::Serialize for $spec {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                <$spec>::serialize(self, to)
            }
        }

        impl<'de> serde::Deserialize<'de> for $spec {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let spec = <$spec>::deserialize(from)?;
                match $crate::spec::Spec::check(&spec) {
                    Ok(()) => Ok(spec),
                    Err(error) => Err(serde::de::Error::custom(error)),
                }
            }
        }
    };
}

pub(crate) use checked;
