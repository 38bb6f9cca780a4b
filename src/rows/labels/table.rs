/// Class numbers in as few bytes as the largest one needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Table {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Table {
    /// A table for `rows` numbers below `classes`.
    pub(super) fn new(classes: usize, rows: usize) -> Self {
        match classes {
            0..=0x100 => Self::U8(Vec::with_capacity(rows)),
            0x101..=0x1_0000 => Self::U16(Vec::with_capacity(rows)),
            _ => Self::U32(Vec::with_capacity(rows)),
        }
    }

    pub(super) fn push(&mut self, class: u32) {
        match self {
            Self::U8(of) => of.push(class as u8),
            Self::U16(of) => of.push(class as u16),
            Self::U32(of) => of.push(class),
        }
    }

    /// Gives memory back that was made ready for more numbers.
    pub(super) fn shrink(&mut self) {
        match self {
            Self::U8(of) => of.shrink_to_fit(),
            Self::U16(of) => of.shrink_to_fit(),
            Self::U32(of) => of.shrink_to_fit(),
        }
    }

    pub(super) fn get(&self, row: usize) -> u32 {
        match self {
            Self::U8(of) => of[row].into(),
            Self::U16(of) => of[row].into(),
            Self::U32(of) => of[row],
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::U8(of) => of.len(),
            Self::U16(of) => of.len(),
            Self::U32(of) => of.len(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::U8(of) => of.capacity() as u64,
            Self::U16(of) => 2 * of.capacity() as u64,
            Self::U32(of) => 4 * of.capacity() as u64,
        }
    }
}
