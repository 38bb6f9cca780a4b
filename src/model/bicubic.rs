//! The resample of a grid of positions.

/// Weights `[to, from]` of an antialiased bicubic resample, as PyTorch has it.
pub(super) fn bicubic(from: usize, to: usize) -> Vec<f32> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let mut weights = Vec::with_capacity(from * to);
    for at in 0..to {
        let center = scale * (at as f64 + 0.5);
        let row = (0..from).map(|from| cubic((from as f64 + 0.5 - center) / stretch));
        let row: Vec<f64> = row.collect();
        let sum: f64 = row.iter().sum();
        weights.extend(row.iter().map(|weight| (weight / sum) as f32));
    }
    weights
}

/// Keys' cubic with `a = -0.5`.
fn cubic(x: f64) -> f64 {
    match x.abs() {
        x if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        x if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        _ => 0.0,
    }
}
