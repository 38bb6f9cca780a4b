//! Width and height of the output.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most pixels of a side.
const LARGEST: u32 = 8192;

/// Width and height in pixels; one number where they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) [u32; 2]);

impl Size {
    pub(super) fn pixels(self) -> usize {
        self.0[0] as usize * self.0[1] as usize
    }

    /// What is wrong with it, if anything is.
    pub(super) fn mistake(self) -> Option<String> {
        let allowed = 1..=LARGEST;
        let good = self.0.iter().all(|side| allowed.contains(side));
        let [width, height] = self.0;
        let found = if width == height {
            format!("{width}")
        } else {
            self.in_words()
        };
        (!good).then(|| format!("size is {found}, but has to lie in 1..={LARGEST} pixels"))
    }

    pub(super) fn in_words(self) -> String {
        format!("{} x {}", self.0[0], self.0[1])
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "expected a number of pixels, or [width, height]")]
enum Written {
    Square(u32),
    Sides([u32; 2]),
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let [width, height] = self.0;
        let written = if width == height {
            Written::Square(width)
        } else {
            Written::Sides(self.0)
        };
        written.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(match Written::deserialize(from)? {
            Written::Square(side) => [side; 2],
            Written::Sides(sides) => sides,
        }))
    }
}
