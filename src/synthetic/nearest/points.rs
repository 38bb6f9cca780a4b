//! Rows of numbers, and of categories beside them, with a distance between them.

/// Rows among which neighbours are found: `width` numbers each, and categories whose difference counts as a number's.
#[derive(Clone, Debug)]
pub(in crate::synthetic) struct Points<T> {
    values: Vec<T>,
    pub(super) width: usize,
    categories: Option<Categories>,
}

/// Categories of rows.
#[derive(Clone, Debug)]
pub(super) struct Categories {
    codes: Vec<u32>,
    width: usize,
    /// What a difference adds to the square of a distance.
    penalty: f64,
}

/// A type of coordinates.
pub(in crate::synthetic) trait Coordinate:
    Copy + Default + PartialOrd + Send + Sync + std::fmt::Debug + 'static
{
    /// How far two sums of the same squares may be apart, as a share of them for each number, and in all.
    const SLACK: (f64, f64);
    /// The largest one.
    const LARGEST: f64;

    fn wide(self) -> f64;

    fn max_of(self, other: Self) -> Self;

    fn min_of(self, other: Self) -> Self;

    /// This and the square of what lies between `a` and `b`.
    fn plus_square(self, a: Self, b: Self) -> Self;

    /// The square of the distance, summed from the first number to the last.
    fn distance(a: &[Self], b: &[Self]) -> f64;

    /// The same summed in another order, to within [`SLACK`](Self::SLACK); infinite once it is above `limit`.
    fn rough_distance(a: &[Self], b: &[Self], limit: f64) -> f64;
}

/// Numbers after which a rough distance is compared with its limit.
const PART: usize = 256;

macro_rules! coordinate {
    ($kind:ident, $lanes:literal, $slack:expr, $distance:expr) => {
        impl Coordinate for $kind {
            const SLACK: (f64, f64) = $slack;
            const LARGEST: f64 = $kind::MAX as f64;

            #[inline(always)]
            fn wide(self) -> f64 {
                self.into()
            }

            #[inline(always)]
            fn max_of(self, other: Self) -> Self {
                self.max(other)
            }

            #[inline(always)]
            fn min_of(self, other: Self) -> Self {
                self.min(other)
            }

            #[inline(always)]
            fn plus_square(self, a: Self, b: Self) -> Self {
                self + (a - b) * (a - b)
            }

            #[inline(always)]
            fn distance(a: &[Self], b: &[Self]) -> f64 {
                $distance(a, b)
            }

            #[inline(always)]
            fn rough_distance(a: &[Self], b: &[Self], limit: f64) -> f64 {
                let (mut sums, mut sum) = ([0.0; $lanes], 0.0);
                for (a, b) in a.chunks(PART).zip(b.chunks(PART)) {
                    let (a, rest_a) = a.as_chunks::<$lanes>();
                    let (b, rest_b) = b.as_chunks::<$lanes>();
                    for (a, b) in a.iter().zip(b) {
                        for lane in 0..$lanes {
                            let apart = a[lane] - b[lane];
                            sums[lane] += apart * apart;
                        }
                    }
                    for (a, b) in rest_a.iter().zip(rest_b) {
                        sums[0] += (a - b) * (a - b);
                    }
                    let mut total = sums;
                    let mut half = $lanes / 2;
                    while half > 0 {
                        for lane in 0..half {
                            total[lane] += total[lane + half];
                        }
                        half /= 2;
                    }
                    sum = total[0].into();
                    if sum > limit {
                        return f64::INFINITY;
                    }
                }
                sum
            }
        }
    };
}

coordinate!(f32, 16, (2e-7, 1e-36), |a: &[f32], b: &[f32]| {
    let pairs = || a.iter().zip(b);
    let near = pairs().map(|(a, b)| (a - b) * (a - b)).sum::<f32>();
    // The square may be beyond f32.
    match near.is_finite() {
        true => f64::from(near),
        false => pairs().map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum(),
    }
});
coordinate!(f64, 8, (4e-16, 1e-300), |a: &[f64], b: &[f64]| a
    .iter()
    .zip(b)
    .map(|(a, b)| (a - b) * (a - b))
    .sum());

impl<T: Coordinate> Points<T> {
    /// Rows of `width` values each.
    pub(in crate::synthetic) fn new(values: Vec<T>, width: usize) -> Self {
        Self {
            values,
            width,
            categories: None,
        }
    }

    /// The same with `width` categories a row. A row of another category lies further off, as if it differed by `penalty` in a number.
    #[must_use]
    pub(in crate::synthetic) fn with_categories(mut self, codes: Vec<u32>, width: usize, penalty: f64) -> Self {
        let penalty = penalty * penalty;
        self.categories = (width > 0).then_some(Categories { codes, width, penalty });
        self
    }

    pub(in crate::synthetic) fn len(&self) -> usize {
        self.values.len() / self.width.max(1)
    }

    #[inline(always)]
    pub(super) fn row(&self, row: usize) -> &[T] {
        &self.values[row * self.width..(row + 1) * self.width]
    }

    /// The square of the distance between two rows.
    #[inline(always)]
    pub(super) fn distance(&self, a: usize, b: usize) -> f64 {
        T::distance(self.row(a), self.row(b)) + self.penalty(a, b)
    }

    /// The same, or something beyond `limit` where it is beyond `limit`.
    #[inline(always)]
    pub(super) fn distance_within(&self, limit: f64, a: usize, b: usize) -> f64 {
        let most = self.with_slack(limit);
        let is_within = most > T::LARGEST || T::rough_distance(self.row(a), self.row(b), most) <= most;
        match is_within {
            true => self.distance(a, b),
            false => f64::INFINITY,
        }
    }

    /// What a sum of the same squares may be at most where the distance is `limit`.
    #[inline(always)]
    pub(super) fn with_slack(&self, limit: f64) -> f64 {
        let (share, all) = T::SLACK;
        limit * (1.0 + share * (self.width + 4) as f64) + all
    }

    #[inline(always)]
    pub(super) fn penalty(&self, a: usize, b: usize) -> f64 {
        let Some(Categories { codes, width, penalty }) = &self.categories else {
            return 0.0;
        };
        let of = |row: usize| &codes[row * width..(row + 1) * width];
        let differing = of(a).iter().zip(of(b)).filter(|(a, b)| a != b).count();
        penalty * differing as f64
    }

    /// Some of the rows.
    pub(super) fn select(&self, rows: impl Iterator<Item = usize> + Clone) -> Self {
        let mut values = Vec::with_capacity(rows.clone().count() * self.width);
        rows.clone().for_each(|row| values.extend_from_slice(self.row(row)));
        self.with_values(values, rows)
    }

    /// Leaves the numbers out, and has the categories in the order `order`.
    pub(super) fn keep_categories(&mut self, order: &[u32]) {
        self.values = Vec::new();
        self.categories = self.categories_of(order.iter().map(|&row| row as usize));
    }

    /// `values`, with the categories of `rows`.
    pub(super) fn with_values(&self, values: Vec<T>, rows: impl Iterator<Item = usize> + Clone) -> Self {
        Self {
            values,
            width: self.width,
            categories: self.categories_of(rows),
        }
    }

    fn categories_of(&self, rows: impl Iterator<Item = usize> + Clone) -> Option<Categories> {
        let all = self.categories.as_ref()?;
        let mut codes = Vec::with_capacity(rows.clone().count() * all.width);
        rows.for_each(|row| codes.extend_from_slice(&all.codes[row * all.width..(row + 1) * all.width]));
        let Categories { width, penalty, .. } = *all;
        Some(Categories { codes, width, penalty })
    }
}
