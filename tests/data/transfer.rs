//! Rows of small classes from how large ones vary.

use super::common::{context, refusal};
use arrow::array::{Array, ArrayRef, AsArray, FixedSizeListArray, Float32Array, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Float32Type};
use millstream::Context;
use millstream::dataset::Stable;
use millstream::error::ErrorKind;
use millstream::rng::Rng;
use millstream::rows::Labels;
use millstream::source::Memory;
use millstream::synthetic::{Calibrated, CalibratedSpec, Generator, Residuals, ResidualsSpec, SampleId};
use std::sync::Arc;

const WIDTH: usize = 3;

/// Classes 0 and 1 of 60 rows each, 2 of 5, 3 of 1, and 4 of 50, far off; `shift` on all numbers.
fn rows(shift: f32) -> (Arc<dyn Stable>, Vec<[f32; WIDTH]>, Vec<usize>) {
    let mut rng = Rng::new(1, "rows", 0);
    let (mut values, mut classes) = (Vec::new(), Vec::new());
    for (class, count, at, spread) in [
        (0, 60, [0.0, 0.0, 0.0], [1.0, 0.1, 0.5]),
        (1, 60, [3.0, 0.0, 0.0], [0.1, 1.0, 0.5]),
        (2, 5, [1.0, 1.0, 0.0], [0.1, 0.1, 0.1]),
        (3, 1, [2.5, -1.0, 0.0], [0.1, 0.1, 0.1]),
        (4, 50, [90.0, 90.0, 90.0], [9.0, 9.0, 9.0]),
    ] {
        for _ in 0..count {
            values.push([0, 1, 2].map(|at_: usize| shift + at[at_] + spread[at_] * rng.normal()));
            classes.push(class);
        }
    }
    let item = Arc::new(Field::new_list_field(DataType::Float32, false));
    let flat: Vec<f32> = values.iter().flatten().copied().collect();
    let features = FixedSizeListArray::new(item, WIDTH as i32, Arc::new(Float32Array::from(flat)), None);
    let label = Int64Array::from_iter_values(classes.iter().map(|&class| class as i64));
    let columns: [(&str, ArrayRef); 2] = [("features", Arc::new(features)), ("label", Arc::new(label))];
    let rows = Memory::new(vec![RecordBatch::try_from_iter(columns).unwrap()]).unwrap();
    (Arc::new(rows), values, classes)
}

fn labels(cx: &Context, rows: &Arc<dyn Stable>) -> Arc<Labels> {
    Arc::new(cx.block_on(Labels::scan(cx, rows, "label")).unwrap())
}

fn samples(class: u32, count: u64) -> Vec<SampleId> {
    (0..count).map(|index| SampleId { class, index }).collect()
}

fn features(batch: &RecordBatch) -> Vec<[f32; WIDTH]> {
    let list = batch["features"].as_fixed_size_list();
    let of = |row: usize| {
        let values = list.value(row);
        let values = values.as_primitive::<Float32Type>().values();
        [values[0], values[1], values[2]]
    };
    (0..list.len()).map(of).collect()
}

fn parents(cx: &Context, generator: &dyn Generator, sample: SampleId) -> Vec<usize> {
    let places = generator.provenance(cx, sample).places;
    places.iter().map(|place| place.row as usize).collect()
}

fn mean_of(values: &[[f32; WIDTH]], classes: &[usize], class: usize, of: impl Fn(f32) -> f64) -> [f64; WIDTH] {
    let rows: Vec<&[f32; WIDTH]> = values
        .iter()
        .zip(classes)
        .filter(|(_, c)| **c == class)
        .map(|(row, _)| row)
        .collect();
    [0, 1, 2].map(|at: usize| rows.iter().map(|row| of(row[at])).sum::<f64>() / rows.len() as f64)
}

#[test]
fn a_residual_of_a_near_large_class_is_added() {
    let (cx, (rows, values, classes)) = (context().with_seed(3), rows(0.0));
    let spec = ResidualsSpec {
        strength: 0.75,
        ..ResidualsSpec::default()
    };
    let residuals = cx
        .block_on(Residuals::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
        .unwrap();
    // The mean number of rows is 35.2, so three classes are large.
    assert_eq!(
        [0, 1, 2, 3, 4, 5].map(|class| residuals.supports(class)),
        [false, false, true, true, false, false]
    );
    assert_eq!(residuals.large_classes(2), [0, 1]);
    assert_eq!(residuals.large_classes(3), [1, 0]);
    for class in [2, 3] {
        let made = cx.block_on(residuals.generate(&cx, &samples(class, 300))).unwrap();
        let mut from = [0; 2];
        for (row, sample) in features(&made).iter().zip(samples(class, 300)) {
            let [small, large] = parents(&cx, &residuals, sample)[..] else {
                panic!("two parents")
            };
            assert_eq!(classes[small], class as usize);
            from[classes[large]] += 1;
            let mean = mean_of(&values, &classes, classes[large], f64::from);
            for at in 0..WIDTH {
                let expected = f64::from(values[small][at]) + 0.75 * (f64::from(values[large][at]) - mean[at]);
                assert!((f64::from(row[at]) - expected).abs() < 1e-5, "{row:?}");
            }
        }
        assert!(from.iter().all(|&count| count > 100), "{from:?} of both");
    }
    let alone = ResidualsSpec {
        neighbours: 1,
        large: Some(60),
        ..ResidualsSpec::default()
    };
    let residuals = cx
        .block_on(Residuals::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), alone))
        .unwrap();
    assert_eq!(residuals.large_classes(4), [1], "it is small now");
}

#[test]
fn a_calibrated_draw_has_the_mean_and_covariance_that_it_borrows() {
    for (shift, power) in [(0.0, 1.0), (20.0, 0.5)] {
        let (cx, (rows, values, classes)) = (context().with_seed(3), rows(shift));
        let alpha = 0.01;
        let spec = CalibratedSpec {
            alpha,
            ..CalibratedSpec::default()
        };
        let calibrated = cx
            .block_on(Calibrated::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec))
            .unwrap();
        assert_eq!(calibrated.power(), power, "numbers below 0 have no root");
        assert_eq!(
            [0, 1, 2, 3, 4].map(|class| calibrated.supports(class)),
            [false, false, true, true, false]
        );
        // Class 3 has one row, so all of its draws have one Gaussian.
        let raised = |value: f32| match power {
            1.0 => f64::from(value),
            _ => f64::from(value).sqrt(),
        };
        let means = [0, 1].map(|class| mean_of(&values, &classes, class, raised));
        let row = values[classes.iter().position(|&class| class == 3).unwrap()];
        let mean = [0, 1, 2].map(|at: usize| (means[0][at] + means[1][at] + raised(row[at])) / 3.0);
        let mut covariance = [[0.0; WIDTH]; WIDTH];
        for (values, &class) in values.iter().zip(&classes).filter(|(_, class)| **class < 2) {
            let apart = [0, 1, 2].map(|at: usize| raised(values[at]) - means[class][at]);
            for (i, j) in (0..WIDTH).flat_map(|i| (0..WIDTH).map(move |j| (i, j))) {
                covariance[i][j] += apart[i] * apart[j] / 60.0 / 2.0;
            }
        }
        (0..WIDTH).for_each(|at| covariance[at][at] += alpha);
        let count = 20_000;
        let made = features(&cx.block_on(calibrated.generate(&cx, &samples(3, count))).unwrap());
        let n = count as f64;
        let found = [0, 1, 2].map(|at: usize| made.iter().map(|row| raised(row[at])).sum::<f64>() / n);
        for at in 0..WIDTH {
            let error = (covariance[at][at] / n).sqrt();
            assert!((found[at] - mean[at]).abs() < 5.0 * error, "{found:?} beside {mean:?}");
        }
        for (i, j) in (0..WIDTH).flat_map(|i| (0..WIDTH).map(move |j| (i, j))) {
            let measured = made
                .iter()
                .map(|row| (raised(row[i]) - found[i]) * (raised(row[j]) - found[j]))
                .sum::<f64>()
                / n;
            let scale = (covariance[i][i] * covariance[j][j]).sqrt();
            assert!(
                (measured - covariance[i][j]).abs() < 0.06 * scale,
                "{i}, {j}: {measured} beside {}",
                covariance[i][j]
            );
        }
        let sample = SampleId { class: 3, index: 4 };
        let parents = parents(&cx, &calibrated, sample);
        assert_eq!(parents.len(), 17);
        assert_eq!(classes[parents[0]], 3);
        assert!(
            parents[1..].iter().all(|&row| classes[row] < 2),
            "of the two nearest large classes"
        );
    }
}

#[test]
fn a_power_of_what_has_none_is_refused() {
    let (cx, (rows, ..)) = (context(), rows(0.0));
    let spec = CalibratedSpec {
        tukey: Some(0.5),
        ..CalibratedSpec::default()
    };
    let calibrated = cx.block_on(Calibrated::fit(&cx, Arc::clone(&rows), &labels(&cx, &rows), spec));
    refusal(
        calibrated,
        ErrorKind::Data,
        "numbers below 0 have no power: leave `tukey` out, or set it to 1",
    );
}
