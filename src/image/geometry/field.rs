//! Displacements from place to place, small enough that no two places are exchanged.

/// How much two neighbouring displacements may differ, as a share of the distance between them. Below 1 the map is invertible.
const STEEPEST: f64 = 0.75;
/// Steps of the search for a point's place; each leaves at most [`STEEPEST`] of the error.
const STEPS: usize = 200;

/// A displacement for every place of a picture: the pixel at `p` of the output comes from `p + displacement(p)` of the input, as in
/// torchvision's `elastic` and OpenCV's `remap`.
///
/// It is given at nodes that lie evenly, as the centres of `columns` x `rows` equal cells that cover the picture, and is linear
/// between them. Beyond the outer nodes it stays what it is there. As many nodes as pixels are a displacement for each pixel.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    columns: usize,
    rows: usize,
    /// Displacements in pixels, row by row.
    nodes: Vec<[f32; 2]>,
    /// Pixels of the picture for each node.
    cell: [f64; 2],
    furthest: f64,
}

impl Field {
    /// Displacements in pixels for a picture of `[width, height]`, at `columns` nodes across.
    ///
    /// A field that would fold the picture is made flatter by one factor for all of it, so that neighbouring displacements differ by at
    /// most three quarters of their distance; then it has an inverse. None where `nodes` are no whole rows of finite numbers.
    pub fn new(size: [u32; 2], columns: usize, mut nodes: Vec<[f32; 2]>) -> Option<Self> {
        let rows = nodes.len() / columns.max(1);
        let finite = nodes.iter().flatten().all(|value| value.is_finite());
        if rows == 0 || columns * rows != nodes.len() || !finite || size.contains(&0) {
            return None;
        }
        let cell = [f64::from(size[0]) / columns as f64, f64::from(size[1]) / rows as f64];
        let steepest = steepest(&nodes, columns, cell);
        if steepest > STEEPEST {
            let factor = (STEEPEST / steepest) as f32;
            nodes.iter_mut().flatten().for_each(|value| *value *= factor);
        }
        let length = |[x, y]: &[f32; 2]| f64::from(x.abs().max(y.abs()));
        let furthest = nodes.iter().map(length).fold(0.0, f64::max);
        Some(Self {
            columns,
            rows,
            nodes,
            cell,
            furthest,
        })
    }

    /// The largest displacement across or down, in pixels.
    pub(super) fn furthest(&self) -> f64 {
        self.furthest
    }

    /// Where the pixel at a place of the output comes from.
    #[inline(always)]
    pub(super) fn origin(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let (column, across) = between(x / self.cell[0] - 0.5, self.columns);
        let (row, down) = between(y / self.cell[1] - 0.5, self.rows);
        let node = |row: usize, column: usize| self.nodes[row * self.columns + column].map(f64::from);
        let (right, lower) = ((column + 1).min(self.columns - 1), (row + 1).min(self.rows - 1));
        let [a, b, c, d] = [
            node(row, column),
            node(row, right),
            node(lower, column),
            node(lower, right),
        ];
        let mix = |axis: usize| {
            let (upper, lower) = (
                a[axis] + (b[axis] - a[axis]) * across,
                c[axis] + (d[axis] - c[axis]) * across,
            );
            upper + (lower - upper) * down
        };
        [x + mix(0), y + mix(1)]
    }

    /// Where a point of the input goes.
    pub(super) fn point(&self, goal: [f64; 2]) -> [f64; 2] {
        let mut place = goal;
        for _ in 0..STEPS {
            let found = self.origin(place);
            let off = [goal[0] - found[0], goal[1] - found[1]];
            place = [place[0] + off[0], place[1] + off[1]];
            if off[0].abs().max(off[1].abs()) < 1e-7 {
                break;
            }
        }
        place
    }
}

/// The node before a place, and how far the place lies on the way to the next one.
#[inline(always)]
fn between(at: f64, count: usize) -> (usize, f64) {
    let at = at.max(0.0).min((count - 1) as f64);
    let node = at as usize;
    (node, at - node as f64)
}

/// An upper bound of the change of displacement with place: of the matrix of its derivatives, the norm in which the search of
/// [`Field::point`] comes closer with every step.
fn steepest(nodes: &[[f32; 2]], columns: usize, cell: [f64; 2]) -> f64 {
    let rows = nodes.len() / columns;
    let change = |from: usize, to: usize, length: f64| {
        [0, 1].map(|axis| (f64::from(nodes[to][axis]) - f64::from(nodes[from][axis])).abs() / length)
    };
    let across = |row: usize, column: usize| match column + 1 < columns {
        true => change(row * columns + column, row * columns + column + 1, cell[0]),
        false => [0.0; 2],
    };
    let down = |row: usize, column: usize| match row + 1 < rows {
        true => change(row * columns + column, (row + 1) * columns + column, cell[1]),
        false => [0.0; 2],
    };
    let mut most: f64 = 0.0;
    for row in 0..rows {
        for column in 0..columns {
            // Inside a cell derivatives lie between those along its sides.
            let (upper, lower) = (across(row, column), across((row + 1).min(rows - 1), column));
            let (left, right) = (down(row, column), down(row, (column + 1).min(columns - 1)));
            for axis in 0..2 {
                most = most.max(upper[axis].max(lower[axis]) + left[axis].max(right[axis]));
            }
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn points_come_back_however_steep_the_field_is_asked_to_be() {
        for strength in [0.5, 3.0, 50.0] {
            let mut rng = Rng::new(5, "field", 0);
            let nodes = (0..63).map(|_| [rng.range(-strength, strength), rng.range(-strength, strength)]);
            let field = Field::new([90, 70], 9, nodes.collect()).unwrap();
            for place in [[0.0, 0.0], [45.0, 35.0], [89.5, 0.5], [12.3, 69.9], [-20.0, 100.0]] {
                let back = field.origin(field.point(place));
                assert!((back[0] - place[0]).abs() < 1e-6 && (back[1] - place[1]).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn a_node_for_each_pixel_is_the_displacement_of_its_centre() {
        let field = Field::new([3, 2], 3, (0..6).map(|at| [at as f32 * 0.1, -0.2]).collect()).unwrap();
        let [x, y] = field.origin([1.5, 1.5]);
        assert!((x - 1.9).abs() < 1e-6 && (y - 1.3).abs() < 1e-6);
        assert!(Field::new([3, 2], 4, vec![[0.0; 2]; 6]).is_none());
    }
}
