//! Draws from many small distributions, each in constant time (Walker 1977; Vose 1991).

/// Several distributions over the same numbers, `0..outcomes`.
pub(super) struct Alias {
    /// Bits of a draw that choose a column.
    bits: u32,
    columns: Vec<Column>,
}

/// A number that is drawn below a threshold of the draw's other bits, and the one that is drawn from there on.
#[derive(Clone, Copy, Default)]
struct Column {
    threshold: u32,
    other: u32,
}

impl Alias {
    /// `chances(i, out)` writes the chances of distribution `i`; what they lack of 1 is added to the likeliest.
    pub(super) fn new(distributions: usize, outcomes: usize, chances: impl Fn(usize, &mut [f64])) -> Self {
        let count = outcomes.next_power_of_two();
        let bits = count.trailing_zeros();
        let mut columns = vec![Column::default(); distributions * count];
        let mut shares = vec![0.0; count];
        let (mut small, mut large) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (distribution, columns) in columns.chunks_exact_mut(count).enumerate() {
            chances(distribution, &mut shares);
            fill(columns, &mut shares, (&mut small, &mut large), bits);
        }
        Self { bits, columns }
    }

    /// How many numbers there are.
    pub(super) fn outcomes(&self) -> usize {
        1 << self.bits
    }

    /// The number that 32 random bits draw from a distribution.
    #[inline(always)]
    pub(super) fn draw(&self, distribution: usize, random: u32) -> usize {
        let column = (random & ((1 << self.bits) - 1)) as usize;
        let Column { threshold, other } = self.columns[(distribution << self.bits) + column];
        if random >> self.bits < threshold {
            column
        } else {
            other as usize
        }
    }
}

fn fill(columns: &mut [Column], shares: &mut [f64], (small, large): (&mut Vec<usize>, &mut Vec<usize>), bits: u32) {
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share *= columns.len() as f64 / sum);
    let whole = 2_f64.powi((u32::BITS - bits) as i32);
    small.clear();
    large.clear();
    for (number, &share) in shares.iter().enumerate() {
        if share < 1.0 {
            small.push(number)
        } else {
            large.push(number)
        }
    }
    while let (Some(&few), Some(&many)) = (small.last(), large.last()) {
        small.pop();
        columns[few] = Column {
            threshold: libm::round(shares[few] * whole) as u32,
            other: many as u32,
        };
        shares[many] -= 1.0 - shares[few];
        if shares[many] < 1.0 {
            large.pop();
            small.push(many);
        }
    }
    // What is left is whole, up to rounding.
    for &number in small.iter().chain(&*large) {
        columns[number] = Column {
            threshold: u32::MAX,
            other: number as u32,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn numbers_have_their_chances() {
        let chances = [0.5, 0.25, 0.125, 0.1, 0.025];
        let alias = Alias::new(2, 5, |which, out| {
            out.fill(0.0);
            match which {
                0 => out[..5].copy_from_slice(&chances),
                _ => out[3] = 1.0,
            }
        });
        let mut counts = [0.0; 8];
        let mut rng = Rng::new(1, "alias", 0);
        for _ in 0..1 << 16 {
            counts[alias.draw(0, rng.next_u32())] += 1.0 / 65_536.0;
            assert_eq!(alias.draw(1, rng.next_u32()), 3);
        }
        for (count, chance) in counts.into_iter().zip(chances) {
            assert!((count - chance).abs() < 0.01, "{counts:?}");
        }
    }
}
