//! A k-d tree: rows halved again and again at the median of the column in which they lie furthest apart, each part with the box around it.

use super::closest::Closest;
use super::points::{Coordinate, Points};
use pulp::{Arch, NullaryFnOnce};
use rayon::prelude::*;

/// Rows of a part that is not halved any more, at most. They are compared side by side, which costs little more than one.
pub(super) const LEAF: usize = 48;

/// Rows that are looked up by one task, neighbours in the tree.
const TOGETHER: usize = 256;

/// Rows from which on both halves are built at the same time.
const PARALLEL: usize = 1 << 14;

#[derive(Debug)]
pub(in crate::synthetic) struct Tree<T> {
    width: usize,
    /// Leaf after leaf, and in each column after column.
    values: Vec<T>,
    /// The rows without their numbers, in the order of the leaves.
    points: Points<T>,
    /// Which row stands at each place.
    order: Vec<u32>,
    /// Where each row stands.
    places: Vec<u32>,
    /// The first place of each leaf.
    leaves: Vec<u32>,
    nodes: Vec<Node>,
    /// The least and the largest value of each column in each node, node after node.
    boxes: Vec<[T; 2]>,
}

/// A part of the rows.
#[derive(Clone, Copy, Debug)]
struct Node {
    first: u32,
    end: u32,
    /// How many nodes further that of the second half is; that of the first half is the next one. 0 for a leaf.
    second: u32,
}

/// The most bytes of the parts of `rows` rows of `width` coordinates of `of` bytes, with the boxes around them: a part that is not halved any more has half of [`LEAF`] rows or more, and
/// there are fewer than twice as many parts as such ones.
pub(super) fn part_bytes(rows: u64, width: usize, of: usize) -> u64 {
    let parts = 2 * rows.div_ceil(LEAF as u64 / 2);
    parts * (size_of::<Node>() + 2 * width * of) as u64
}

impl<T: Coordinate> Tree<T> {
    pub(super) fn new(mut points: Points<T>) -> Self {
        let width = points.width;
        let mut order: Vec<u32> = (0..points.len() as u32).collect();
        let (nodes, boxes) = build(&points, &mut order, 0);
        let leaves = nodes.iter().filter(|node| node.second == 0);
        let leaves: Vec<u32> = leaves.map(|node| node.first).collect();
        let mut values = Vec::with_capacity(order.len() * width);
        for node in nodes.iter().filter(|node| node.second == 0) {
            let rows = &order[node.first as usize..node.end as usize];
            for column in 0..width {
                values.extend(rows.iter().map(|&row| points.row(row as usize)[column]));
            }
        }
        points.keep_categories(&order);
        let mut places = vec![0; order.len()];
        for (place, &row) in (0..).zip(&order) {
            places[row as usize] = place;
        }
        Self {
            width,
            values,
            points,
            order,
            places,
            leaves,
            nodes,
            boxes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn points(&self, rows: &[u32]) -> Points<T> {
        let (mut values, mut row) = (Vec::with_capacity(rows.len() * self.width), Vec::new());
        let places = rows.iter().map(|&row| self.places[row as usize] as usize);
        for place in places.clone() {
            self.row(place, &mut row);
            values.extend_from_slice(&row);
        }
        self.points.with_values(values, places)
    }

    /// The numbers at `place`.
    fn row(&self, place: usize, out: &mut Vec<T>) {
        let leaf = self.leaves.partition_point(|&first| first as usize <= place) - 1;
        let first = self.leaves[leaf] as usize;
        let end = self.leaves.get(leaf + 1).map_or(self.order.len(), |&end| end as usize);
        let values = &self.values[first * self.width..end * self.width];
        out.clear();
        out.extend(values.iter().skip(place - first).step_by(end - first));
    }

    pub(super) fn each<R: Copy + Default + Send>(
        &self,
        queries: &[u32],
        k: usize,
        stride: usize,
        write: impl Fn(&[u32], &mut [R]) + Sync,
    ) -> Vec<R> {
        // Rows that lie near each other are looked up one after the other: they meet the same leaves.
        let mut turns: Vec<u32> = (0..queries.len() as u32).collect();
        turns.sort_unstable_by_key(|&turn| self.places[queries[turn as usize] as usize]);
        let found: Vec<Vec<R>> = turns
            .par_chunks(TOGETHER)
            .map(|turns| {
                let place = |&turn: &u32| self.places[queries[turn as usize] as usize] as usize;
                let places: Vec<usize> = turns.iter().map(place).collect();
                let nearest = Arch::new().dispatch(Walk {
                    tree: self,
                    places: &places,
                    k,
                });
                let mut found = vec![R::default(); turns.len() * stride];
                let each = nearest
                    .chunks(k.min(self.len() - 1).max(1))
                    .zip(found.chunks_mut(stride));
                each.for_each(|(nearest, out)| write(nearest, out));
                found
            })
            .collect();
        let mut out = vec![R::default(); queries.len() * stride];
        for (turns, found) in turns.chunks(TOGETHER).zip(found) {
            for (&turn, found) in turns.iter().zip(found.chunks(stride)) {
                out[turn as usize * stride..][..stride].copy_from_slice(found);
            }
        }
        out
    }
}

/// Halves `order`, whose first row stands at place `first`; what comes of it is the nodes, the first half's before the second's, and their boxes.
fn build<T: Coordinate>(points: &Points<T>, order: &mut [u32], first: u32) -> (Vec<Node>, Vec<[T; 2]>) {
    let mut boxes = around(points, order);
    let node = |second| Node {
        first,
        end: first + order.len() as u32,
        second,
    };
    if order.len() <= LEAF {
        return (vec![node(0)], boxes);
    }
    let apart = |column: &usize| boxes[*column][1].wide() - boxes[*column][0].wide();
    let widest = (0..points.width).max_by(|a, b| apart(a).total_cmp(&apart(b)).then(b.cmp(a)));
    let column = widest.unwrap_or(0);
    let value = |row: u32| points.row(row as usize)[column].wide();
    let middle = order.len() / 2;
    let mut nodes = vec![node(0)];
    order.select_nth_unstable_by(middle, |&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
    let is_large = order.len() >= PARALLEL;
    let (one, two) = order.split_at_mut(middle);
    let second = first + middle as u32;
    let (one, two) = match is_large {
        true => rayon::join(|| build(points, one, first), || build(points, two, second)),
        false => (build(points, one, first), build(points, two, second)),
    };
    nodes[0].second = one.0.len() as u32 + 1;
    for (more, around) in [one, two] {
        nodes.extend(more);
        boxes.extend(around);
    }
    (nodes, boxes)
}

/// The box around `rows`.
fn around<T: Coordinate>(points: &Points<T>, rows: &[u32]) -> Vec<[T; 2]> {
    let mut boxes: Vec<[T; 2]> = points.row(rows[0] as usize).iter().map(|&value| [value; 2]).collect();
    for &row in &rows[1..] {
        for (ends, &value) in boxes.iter_mut().zip(points.row(row as usize)) {
            ends[0] = if value < ends[0] { value } else { ends[0] };
            ends[1] = if value > ends[1] { value } else { ends[1] };
        }
    }
    boxes
}

/// The search for the neighbours of the rows at some places, one after the other.
struct Walk<'a, T> {
    tree: &'a Tree<T>,
    places: &'a [usize],
    k: usize,
}

impl<T: Coordinate> NullaryFnOnce for Walk<'_, T> {
    type Output = Vec<u32>;

    #[inline(always)]
    fn call(self) -> Vec<u32> {
        let (tree, width) = (self.tree, self.tree.width);
        let mut closest = Closest::new(self.k);
        let (mut row, mut waiting, mut all) = (Vec::with_capacity(width), Vec::new(), Vec::new());
        for &place in self.places {
            tree.row(place, &mut row);
            waiting.push((0.0, 0));
            while let Some((bound, at)) = waiting.pop() {
                if bound > tree.points.with_slack(closest.worst()) {
                    continue;
                }
                let node = tree.nodes[at];
                if node.second == 0 {
                    tree.compare(&row, place, node, &mut closest);
                    continue;
                }
                let halves = [at + 1, at + node.second as usize];
                let [one, two] = halves.map(|half| (tree.bound(&row, half), half));
                // The nearer half is looked at first.
                waiting.extend(if one.0 <= two.0 { [two, one] } else { [one, two] });
            }
            closest.drain_into(&mut all);
        }
        all
    }
}

impl<T: Coordinate> Tree<T> {
    /// The square of the distance between `row` and the box of a node.
    #[inline(always)]
    fn bound(&self, row: &[T], node: usize) -> f64 {
        let boxes = &self.boxes[node * self.width..(node + 1) * self.width];
        // In f64, which the squares of f32 do not leave.
        let mut sums = [0.0; 4];
        for (at, (&value, &[least, most])) in row.iter().zip(boxes).enumerate() {
            let apart = value.wide() - value.max_of(least).min_of(most).wide();
            sums[at % 4] += apart * apart;
        }
        sums.iter().sum()
    }

    /// Compares `row`, which stands at `place`, with the rows of a leaf.
    #[inline(always)]
    fn compare(&self, row: &[T], place: usize, leaf: Node, closest: &mut Closest) {
        let (first, len) = (leaf.first as usize, (leaf.end - leaf.first) as usize);
        let values = &self.values[first * self.width..(first + len) * self.width];
        let mut sums = [T::default(); LEAF];
        let sums = &mut sums[..len];
        for (column, &value) in values.chunks_exact(len).zip(row) {
            for (sum, &other) in sums.iter_mut().zip(column) {
                *sum = sum.plus_square(value, other);
            }
        }
        for (at, sum) in (first..).zip(sums) {
            if at == place {
                continue;
            }
            let mut sum = sum.wide();
            if !sum.is_finite() {
                let mut other = Vec::new();
                self.row(at, &mut other);
                sum = T::distance(row, &other);
            }
            if sum <= closest.worst() {
                closest.offer(sum + self.points.penalty(place, at), self.order[at]);
            }
        }
    }
}
