//! How often a stored row may come.

use crate::mix::cycle::Cycle;

/// How many of a class's `quota` rows are synthetic: up to `share` of what goes beyond its `stored` rows.
pub(super) fn synthetic(quota: u64, stored: u64, share: f64) -> u64 {
    (quota.saturating_sub(stored) as f64 * share).floor() as u64
}

/// The most rows that a class of `stored` rows can be given if each comes up to `times` times and `share` of what goes
/// beyond them is synthetic. None where there is no such number.
pub(super) fn limit(stored: u64, share: f64, times: u64) -> Option<u64> {
    if share >= 1.0 {
        return None;
    }
    let most = stored.saturating_mul(times);
    let (mut fits, mut over) = (most, u64::MAX / 2);
    while over - fits > 1 {
        let quota = fits + (over - fits) / 2;
        if quota - synthetic(quota, stored, share) <= most {
            fits = quota;
        } else {
            over = quota;
        }
    }
    Some(fits)
}

/// Rows of an epoch and shares of the classes once a [cycle](Cycle) in blocks of `block` gives no class more than `most`.
pub(super) fn fitted(shares: &[f64], rows: u64, block: u64, most: &[Option<u64>]) -> (u64, Vec<f64>) {
    let (mut limits, mut tries) = (most.to_vec(), 2 * most.len() + 2);
    loop {
        let (rows, shares) = capped(shares, rows, &limits);
        let cycle = Cycle::new(&shares, block, rows);
        let mut fits = true;
        for (class, limit) in limits.iter_mut().enumerate() {
            let over = most[class].map_or(0, |most| cycle.count(class, rows).saturating_sub(most));
            if let Some(limit) = limit.as_mut().filter(|_| over > 0) {
                // Rounding to the cycle's slots has given it a slot too many.
                *limit = limit.saturating_sub(over.max(rows.div_ceil(cycle.len())));
                fits = false;
            }
        }
        tries -= 1;
        if fits || tries == 0 {
            return (rows, shares);
        }
    }
}

/// Rows of an epoch and shares of the classes once no class is given more than its limit: what it would lack goes to the
/// others in proportion to their shares, and where all are full the epoch is shorter.
fn capped(shares: &[f64], rows: u64, limits: &[Option<u64>]) -> (u64, Vec<f64>) {
    let mut full = vec![false; shares.len()];
    loop {
        let of_full = limits.iter().zip(&full).filter(|(_, full)| **full);
        let taken: u64 = of_full.filter_map(|(limit, _)| *limit).sum();
        let open: f64 = shares
            .iter()
            .zip(&full)
            .filter(|(_, full)| !**full)
            .map(|(share, _)| share)
            .sum();
        let scale = rows.saturating_sub(taken) as f64 / open;
        let over = |class: &usize| {
            !full[*class]
                && shares[*class] > 0.0
                && limits[*class].is_some_and(|limit| shares[*class] * scale > limit as f64)
        };
        let over: Vec<usize> = (0..shares.len()).filter(over).collect();
        if over.is_empty() {
            let rows = if open > 0.0 { rows } else { rows.min(taken) };
            let given = |class: usize| match limits[class] {
                Some(limit) if full[class] => limit as f64,
                _ if shares[class] > 0.0 => shares[class] * scale,
                _ => 0.0,
            };
            return (
                rows,
                (0..shares.len()).map(|class| given(class) / rows as f64).collect(),
            );
        }
        over.into_iter().for_each(|class| full[class] = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_the_most_that_fits() {
        for (stored, share, times) in [(10, 0.0, 2), (10, 0.5, 2), (7, 0.9, 3), (1, 0.3, 1), (1000, 0.999, 5)] {
            let limit = limit(stored, share, times).unwrap();
            let drawn = |quota| quota - synthetic(quota, stored, share);
            assert!(
                drawn(limit) <= stored * times && drawn(limit + 1) > stored * times,
                "{stored} {share} {times}"
            );
        }
        assert_eq!((limit(10, 0.0, 2), limit(10, 1.0, 2)), (Some(20), None));
    }

    #[test]
    fn what_a_class_lacks_goes_to_the_others_in_proportion() {
        let (rows, shares) = capped(&[0.25; 4], 100, &[Some(60), Some(50), Some(20), Some(5)]);
        assert_eq!((rows, shares), (100, vec![0.375, 0.375, 0.2, 0.05]));
        let (rows, shares) = capped(&[0.5, 0.5, 0.0], 100, &[Some(10), Some(30), Some(9)]);
        assert_eq!((rows, shares), (40, vec![0.25, 0.75, 0.0]));
        let (rows, shares) = capped(&[0.5, 0.5], 100, &[Some(10), None]);
        assert_eq!((rows, shares), (100, vec![0.1, 0.9]));
    }
}
