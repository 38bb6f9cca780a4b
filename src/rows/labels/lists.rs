use super::table::Table;

/// A list of class numbers for each row: the numbers of all rows, one after the other, and where each row's end. These take four
/// bytes a row, or eight where there are more than 2^32 numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lists {
    ends: Ends,
    classes: Table,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Ends {
    U32(Vec<u32>),
    U64(Vec<u64>),
}

impl Ends {
    fn push(&mut self, end: u64) {
        if let (Self::U32(ends), true) = (&*self, end > u32::MAX.into()) {
            *self = Self::U64(ends.iter().copied().map(u64::from).collect());
        }
        match self {
            Self::U32(ends) => ends.push(end as u32),
            Self::U64(ends) => ends.push(end),
        }
    }

    fn get(&self, row: usize) -> usize {
        match self {
            Self::U32(ends) => ends[row] as usize,
            Self::U64(ends) => ends[row] as usize,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::U32(ends) => ends.len(),
            Self::U64(ends) => ends.len(),
        }
    }

    fn bytes(&self) -> u64 {
        match self {
            Self::U32(ends) => 4 * ends.capacity() as u64,
            Self::U64(ends) => 8 * ends.capacity() as u64,
        }
    }
}

impl Lists {
    /// Lists for `rows` rows, of numbers below `classes`.
    pub(super) fn new(classes: usize, rows: usize) -> Self {
        Self {
            ends: Ends::U32(Vec::with_capacity(rows)),
            classes: Table::new(classes, rows),
        }
    }

    /// Adds a row.
    pub(super) fn push(&mut self, classes: &[u32]) {
        classes.iter().for_each(|&class| self.classes.push(class));
        self.ends.push(self.classes.len() as u64);
    }

    /// Gives memory back that was made ready for more.
    pub(super) fn shrink(&mut self) {
        self.classes.shrink();
    }

    /// The numbers of row `row`.
    pub(super) fn get(&self, row: usize) -> impl ExactSizeIterator<Item = u32> + '_ {
        let start = if row == 0 { 0 } else { self.ends.get(row - 1) };
        (start..self.ends.get(row)).map(|at| self.classes.get(at))
    }

    /// Rows.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.ends.bytes() + self.classes.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_beyond_four_bytes_keep_those_before() {
        let mut ends = Ends::U32(vec![3]);
        for end in [u64::from(u32::MAX), 1 << 32, (1 << 32) + 7] {
            ends.push(end);
        }
        assert_eq!(ends, Ends::U64(vec![3, u32::MAX.into(), 1 << 32, (1 << 32) + 7]));
        assert_eq!((ends.get(0), ends.get(3), ends.len()), (3, (1 << 32) + 7, 4));
    }

    #[test]
    fn a_row_is_what_was_pushed() {
        let mut lists = Lists::new(300, 3);
        let rows: [&[u32]; 3] = [&[], &[7, 299], &[0]];
        rows.iter().for_each(|row| lists.push(row));
        for (row, classes) in rows.iter().enumerate() {
            assert_eq!(lists.get(row).collect::<Vec<_>>(), *classes);
        }
        // Three ends of four bytes, three numbers of two.
        lists.shrink();
        assert_eq!((lists.len(), lists.bytes()), (3, 18));
    }
}
