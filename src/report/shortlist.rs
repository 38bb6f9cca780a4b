//! Which of many classes a table shows.

/// Classes up to which all are shown.
const ALL: usize = 24;

/// Classes of each order that are shown where there are more.
const EACH: usize = 10;

/// The classes that a table of `classes` shows where these are too many for one: the first ten of each of `orders`, in the order of
/// the classes. None where all are shown.
pub fn shortlist(classes: usize, orders: &[Vec<usize>]) -> Option<Vec<usize>> {
    if classes <= ALL {
        return None;
    }
    let mut some: Vec<usize> = orders
        .iter()
        .flat_map(|order| order.iter().take(EACH).copied())
        .collect();
    some.sort_unstable();
    some.dedup();
    Some(some)
}

/// The indices of `keys`, the smallest key first, equal ones in their order.
pub fn ascending<T: PartialOrd>(keys: &[T]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by(|&a, &b| keys[a].partial_cmp(&keys[b]).unwrap_or(std::cmp::Ordering::Equal));
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_are_cut_to_the_first_of_each_order() {
        assert_eq!(shortlist(24, &[vec![1]]), None);
        let rows: Vec<u64> = (0..1000).map(|class| (class * 7) % 1000).collect();
        let rarest = ascending(&rows);
        let largest = rarest.iter().rev().copied().collect();
        let some = shortlist(1000, &[rarest, largest]).unwrap();
        let shown: Vec<u64> = some.iter().map(|&class| rows[class]).collect();
        assert_eq!(some.len(), 20);
        assert!(
            some.is_sorted() && shown.iter().all(|rows| !(10..990).contains(rows)),
            "{shown:?}"
        );
    }
}
