//! Files of every kind, made of random coefficients.
//!
//! `tests/scripts/jpeg_corpus.py` compares the same files with Pillow's pixels.

use super::bits::{Writer, size};
use super::scans::{finer, first, sequential};
use super::spec::Spec;
use crate::image::codec::jpeg::huffman::Tables;
use crate::image::codec::jpeg::standard;
use crate::rng::Rng;

/// A made file.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) spec: Spec,
    /// Blocks of each component in rows of whole MCUs, each in zigzag order.
    pub(super) blocks: Vec<Vec<[i32; 64]>>,
    pub(super) file: Vec<u8>,
}

pub(super) fn quantisation(component: usize, place: usize) -> i32 {
    if place == 0 {
        8
    } else {
        3 + (component.min(1) + place / 8) as i32
    }
}

/// Makes the file; `seed` decides what it shows.
pub(super) fn make(spec: &Spec, seed: u64) -> Made {
    let mut rng = Rng::new(7, "blocks", seed);
    let (across, down) = spec.mcus();
    let blocks = spec.factors.iter().map(|&(a, d)| {
        let blocks = (0..across * a * down * d).map(|_| {
            let mut block = [0; 64];
            block[0] = rng.below(181) as i32 - 90;
            // Flat blocks, those of low frequencies, and of all.
            let places = [1, 6, 64][rng.below(3) as usize];
            for value in &mut block[1..places.max(1)] {
                if places < 10 || rng.below(4) == 0 {
                    *value = rng.below(9) as i32 - 4;
                }
            }
            block
        });
        blocks.collect()
    });
    let mut made = Made {
        spec: spec.clone(),
        blocks: blocks.collect(),
        file: Vec::new(),
    };
    made.write();
    made
}

impl Made {
    fn segment(&mut self, marker: u8, bytes: &[u8]) {
        self.file.extend([0xff, marker]);
        self.file.extend((bytes.len() as u16 + 2).to_be_bytes());
        self.file.extend(bytes);
    }

    fn write(&mut self) {
        let spec = self.spec.clone();
        self.file.extend([0xff, 0xd8]);
        if spec.jfif {
            self.segment(0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0");
        }
        if let Some((colors, length)) = spec.adobe {
            let segment = [b"Adobe\0\x64\0\0\0\0".as_slice(), &[colors, 0, 0]].concat();
            self.segment(0xee, &segment[..length]);
        }
        for table in 0..2 {
            let values = (0..64).map(|place| quantisation(table, place) as u8);
            let bytes: Vec<u8> = std::iter::once(table as u8).chain(values).collect();
            self.segment(0xdb, &bytes);
        }
        let [high, low] = if spec.has_height { spec.height as u16 } else { 0 }.to_be_bytes();
        let [wide, narrow] = (spec.width as u16).to_be_bytes();
        let mut frame = vec![8, high, low, wide, narrow, spec.factors.len() as u8];
        for (at, (id, (across, down))) in spec.ids.iter().zip(&spec.factors).enumerate() {
            frame.extend([*id, (across << 4 | down) as u8, at.min(1) as u8]);
        }
        self.segment(if spec.progressive { 0xc2 } else { 0xc0 }, &frame);
        if spec.interval > 0 {
            self.segment(0xdd, &(spec.interval as u16).to_be_bytes());
        }
        if spec.has_tables {
            self.write_tables();
        }
        for (nth, scan) in spec.scans.iter().enumerate() {
            self.scan(
                scan,
                0..=if spec.progressive { 0 } else { 63 },
                0,
                u32::from(spec.progressive),
            );
            if nth == 0 && !spec.has_height {
                self.segment(0xdc, &(spec.height as u16).to_be_bytes());
            }
        }
        if spec.progressive {
            let all = 0..spec.factors.len();
            all.clone().for_each(|at| self.scan(&[at], 1..=5, 0, 2));
            all.clone().for_each(|at| self.scan(&[at], 6..=63, 0, 2));
            all.clone().for_each(|at| self.scan(&[at], 1..=63, 2, 1));
            spec.scans.iter().for_each(|scan| self.scan(scan, 0..=0, 1, 0));
            all.for_each(|at| self.scan(&[at], 1..=63, 1, 0));
        }
        self.file.extend([0xff, 0xd9]);
    }

    /// The standard tables, or, in a progressive file, one of all symbols.
    fn write_tables(&mut self) {
        let mut tables = Tables::default();
        for slot in 0..2 {
            for is_ac in [false, true] {
                assert!(standard::define(is_ac, slot, &mut tables));
                let table = if is_ac { &tables.ac[slot] } else { &tables.dc[slot] };
                let (mut counts, mut values) = table.definition();
                if is_ac && self.spec.progressive {
                    counts = [0, 0, 0, 0, 0, 0, 0, 254, 2, 0, 0, 0, 0, 0, 0, 0];
                    values = (0..=255).collect();
                }
                let class = u8::from(is_ac) << 4 | slot as u8;
                self.segment(0xc4, &[&[class], counts.as_slice(), &values].concat());
            }
        }
    }

    fn scan(&mut self, components: &[usize], band: std::ops::RangeInclusive<usize>, high: u32, low: u32) {
        let mut header = vec![components.len() as u8];
        for &at in components {
            header.extend([self.spec.ids[at], if at == 0 { 0 } else { 0x11 }]);
        }
        header.extend([*band.start() as u8, *band.end() as u8, (high << 4 | low) as u8]);
        self.segment(0xda, &header);
        let mut tables = Tables::default();
        for slot in 0..2 {
            standard::define(false, slot, &mut tables);
            standard::define(true, slot, &mut tables);
        }
        let (across, down) = match components {
            &[at] => {
                let (width, height) = self.spec.samples(at);
                (width.div_ceil(8), height.div_ceil(8))
            }
            _ => self.spec.mcus(),
        };
        let mut writer = Writer::default();
        let (mut means, mut restarts) = ([0; 4], 0);
        for mcu in 0..across * down {
            if self.spec.interval > 0 && mcu > 0 && mcu % self.spec.interval == 0 {
                writer.flush();
                writer.out.extend([0xff, 0xd0 + restarts % 8]);
                (means, restarts) = ([0; 4], restarts + 1);
            }
            for &at in components {
                let (a, d) = if components.len() == 1 {
                    (1, 1)
                } else {
                    self.spec.factors[at]
                };
                let stride = self.spec.mcus().0 * self.spec.factors[at].0;
                for inner in 0..a * d {
                    let (x, y) = (mcu % across * a + inner % a, mcu / across * d + inner / a);
                    let block = self.blocks[at][y * stride + x];
                    let (dc, ac) = (&tables.dc[at.min(1)], &tables.ac[at.min(1)]);
                    if *band.start() == 0 && high == 0 {
                        let mean = block[0] >> low;
                        writer.symbol(dc.code(size(mean - means[at]) as u8));
                        writer.value(mean - means[at]);
                        means[at] = mean;
                    } else if *band.start() == 0 {
                        writer.bits((block[0] >> low) as u32 & 1, 1);
                    }
                    let rest = &block[..=*band.end()];
                    match (self.spec.progressive, *band.start(), high) {
                        (false, ..) => sequential(&mut writer, rest, |symbol| ac.code(symbol)),
                        (true, 0, _) => {}
                        (true, start, 0) => first(&mut writer, &rest[start..], low),
                        (true, start, _) => finer(&mut writer, &rest[start..], low),
                    }
                }
            }
        }
        writer.flush();
        self.file.extend(writer.out);
    }
}
