//! What kind of file is to be made.

/// A file to be made.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    pub(super) width: usize,
    pub(super) height: usize,
    /// Sampling factors of each component.
    pub(super) factors: Vec<(usize, usize)>,
    pub(super) ids: Vec<u8>,
    /// Components of each scan, in a sequential file; in a progressive one, of each scan of means.
    pub(super) scans: Vec<Vec<usize>>,
    pub(super) progressive: bool,
    pub(super) interval: usize,
    pub(super) jfif: bool,
    /// Adobe's word on the colours, and how long its segment is.
    pub(super) adobe: Option<(u8, usize)>,
    /// Whether the file has Huffman tables, and its height where it belongs.
    pub(super) has_tables: bool,
    pub(super) has_height: bool,
}

impl Spec {
    /// YCbCr in one scan, or three.
    pub(super) fn new(width: usize, height: usize, factors: [(usize, usize); 3]) -> Self {
        Self {
            width,
            height,
            factors: factors.into(),
            ids: vec![1, 2, 3],
            scans: vec![vec![0, 1, 2]],
            progressive: false,
            interval: 0,
            jfif: true,
            adobe: None,
            has_tables: true,
            has_height: true,
        }
    }

    pub(super) fn finest(&self) -> (usize, usize) {
        let across = self.factors.iter().map(|factors| factors.0).max();
        let down = self.factors.iter().map(|factors| factors.1).max();
        (across.unwrap(), down.unwrap())
    }

    /// True where libjpeg can interpolate or repeat.
    pub(super) fn divides(&self) -> bool {
        let (across, down) = self.finest();
        self.factors.iter().all(|&(a, d)| across % a == 0 && down % d == 0)
    }

    pub(super) fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.finest();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    /// Samples of a component.
    pub(super) fn samples(&self, at: usize) -> (usize, usize) {
        let (across, down) = self.finest();
        let (a, d) = self.factors[at];
        ((self.width * a).div_ceil(across), (self.height * d).div_ceil(down))
    }
}
