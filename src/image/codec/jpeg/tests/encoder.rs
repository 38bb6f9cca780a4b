//! Files of every kind, made of random coefficients, and the pixels that libjpeg decodes from them.
//!
//! The pixels are computed from the coefficients, not from the file: an exact transform, and libjpeg's rules for what lies between
//! samples. `tests/scripts/jpeg_corpus.py` compares the same files with Pillow's pixels.

use crate::image::Pixels;
use crate::image::codec::jpeg::header::Tables;
use crate::image::codec::jpeg::huffman::ZIGZAG;
use crate::image::codec::jpeg::standard;
use crate::rng::Rng;
use std::f64::consts::PI;

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

    fn mcus(&self) -> (usize, usize) {
        let (across, down) = self.finest();
        (self.width.div_ceil(8 * across), self.height.div_ceil(8 * down))
    }

    /// Samples of a component.
    fn samples(&self, at: usize) -> (usize, usize) {
        let (across, down) = self.finest();
        let (a, d) = self.factors[at];
        ((self.width * a).div_ceil(across), (self.height * d).div_ceil(down))
    }
}

/// A made file.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) spec: Spec,
    /// Blocks of each component in rows of whole MCUs, each in zigzag order.
    blocks: Vec<Vec<[i32; 64]>>,
    pub(super) file: Vec<u8>,
}

fn quantisation(component: usize, place: usize) -> i32 {
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

/// A code of all 256 symbols: 254 of 8 bits, two of 9.
fn code_of_all(symbol: u8) -> (u32, u32) {
    match symbol {
        0..254 => (u32::from(symbol), 8),
        254 => (0x1fc, 9),
        255 => (0x1fd, 9),
    }
}

/// The bits of a scan.
#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    bits: u64,
    count: u32,
    /// Blocks that end where nothing more is written of them, and the bits that refine them.
    run: u32,
    finer: Vec<u32>,
}

impl Writer {
    fn bits(&mut self, value: u32, count: u32) {
        for at in (0..count).rev() {
            self.bits = self.bits << 1 | u64::from(value >> at & 1);
            self.count += 1;
            if self.count == 8 {
                self.out.push(self.bits as u8);
                if self.bits as u8 == 0xff {
                    self.out.push(0);
                }
                (self.bits, self.count) = (0, 0);
            }
        }
    }

    fn symbol(&mut self, (code, length): (u32, u32)) {
        self.bits(code, length);
    }

    /// A value's bits, of as many as its size.
    fn value(&mut self, value: i32) {
        let size = size(value);
        let below = if value < 0 { value - 1 } else { value };
        self.bits(below as u32 & ((1 << size) - 1), size);
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            let size = self.run.ilog2();
            self.symbol(code_of_all((size as u8) << 4));
            self.bits(self.run & ((1 << size) - 1), size);
            self.run = 0;
        }
        for bit in std::mem::take(&mut self.finer) {
            self.bits(bit, 1);
        }
    }

    fn flush(&mut self) {
        self.end_run();
        while self.count > 0 {
            self.bits(1, 1);
        }
    }
}

fn size(value: i32) -> u32 {
    32 - value.unsigned_abs().leading_zeros()
}

/// The part of a coefficient above bit `low`: means are shifted, others divided.
fn above(value: i32, low: u32) -> i32 {
    value.signum() * (value.abs() >> low)
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

fn sequential(writer: &mut Writer, block: &[i32], code: impl Fn(u8) -> (u32, u32)) {
    let mut zeros = 0;
    for &value in &block[1..] {
        if value == 0 {
            zeros += 1;
            continue;
        }
        while zeros > 15 {
            writer.symbol(code(0xf0));
            zeros -= 16;
        }
        writer.symbol(code(zeros << 4 | size(value) as u8));
        writer.value(value);
        zeros = 0;
    }
    if zeros > 0 {
        writer.symbol(code(0));
    }
}

fn first(writer: &mut Writer, band: &[i32], low: u32) {
    let mut zeros = 0;
    for &value in band {
        let value = above(value, low);
        if value == 0 {
            zeros += 1;
            continue;
        }
        writer.end_run();
        while zeros > 15 {
            writer.symbol(code_of_all(0xf0));
            zeros -= 16;
        }
        writer.symbol(code_of_all(zeros << 4 | size(value) as u8));
        writer.value(value);
        zeros = 0;
    }
    if zeros > 0 {
        writer.run += 1;
    }
}

fn finer(writer: &mut Writer, band: &[i32], low: u32) {
    let new = |&value: &i32| above(value, low).abs() == 1;
    let last = band.iter().rposition(new).map_or(0, |at| at + 1);
    let (mut zeros, mut bits) = (0, Vec::new());
    for (at, &value) in band.iter().enumerate() {
        let level = above(value, low).unsigned_abs();
        if level == 0 {
            zeros += 1;
            continue;
        }
        while zeros > 15 && at < last {
            writer.end_run();
            writer.symbol(code_of_all(0xf0));
            bits.drain(..).for_each(|bit| writer.bits(bit, 1));
            zeros -= 16;
        }
        if level > 1 {
            bits.push(level & 1);
            continue;
        }
        writer.end_run();
        writer.symbol(code_of_all(zeros << 4 | 1));
        writer.bits(u32::from(value > 0), 1);
        bits.drain(..).for_each(|bit| writer.bits(bit, 1));
        zeros = 0;
    }
    if zeros > 0 || !bits.is_empty() {
        writer.run += 1;
        writer.finer.append(&mut bits);
    }
}

// What libjpeg makes of it.

/// Rows of samples.
type Samples = Vec<Vec<i32>>;

impl Made {
    /// The levels of a component: the samples that count.
    fn samples(&self, at: usize) -> Samples {
        let (width, height) = self.spec.samples(at);
        let stride = self.spec.mcus().0 * self.spec.factors[at].0;
        let mut samples = vec![vec![0; width]; height];
        let wave = |k: usize, x: usize| {
            let scale = if k == 0 { 0.5_f64.sqrt() } else { 1.0 };
            scale / 2.0 * ((2 * x + 1) as f64 * k as f64 * PI / 16.0).cos()
        };
        let waves: [[f64; 8]; 8] = std::array::from_fn(|k| std::array::from_fn(|x| wave(k, x)));
        for down in 0..height.div_ceil(8) {
            for across in 0..width.div_ceil(8) {
                let block = &self.blocks[at][down * stride + across];
                // Across, then down.
                let mut columns = [[0.0; 8]; 8];
                for (place, &value) in block.iter().enumerate().filter(|(_, value)| **value != 0) {
                    let (v, u) = (usize::from(ZIGZAG[place]) / 8, usize::from(ZIGZAG[place]) % 8);
                    let value = f64::from(value * quantisation(at, place));
                    (0..8).for_each(|x| columns[v][x] += value * waves[u][x]);
                }
                for y in 0..8.min(height - down * 8) {
                    for x in 0..8.min(width - across * 8) {
                        let sum: f64 = (0..8).map(|v| columns[v][x] * waves[v][y]).sum();
                        samples[down * 8 + y][across * 8 + x] = (sum + 128.0).round().clamp(0.0, 255.0) as i32;
                    }
                }
            }
        }
        samples
    }

    /// The component's level at each pixel (jdsample.c).
    fn full(&self, at: usize) -> Samples {
        let samples = self.samples(at);
        let (across, down) = self.spec.finest();
        let (a, d) = self.spec.factors[at];
        let (last_x, last_y) = (samples[0].len() - 1, samples.len() - 1);
        let at = |x: usize, y: usize| samples[y.min(last_y)][x.min(last_x)];
        let beside = |at: usize| {
            if at.is_multiple_of(2) {
                (at / 2).saturating_sub(1)
            } else {
                at / 2 + 1
            }
        };
        let level = |x: usize, y: usize| match (across / a, down / d) {
            (2, 1) if last_x > 1 => (3 * at(x / 2, y) + at(beside(x), y) + 1 + (x % 2) as i32) >> 2,
            (1, 2) => (3 * at(x, y / 2) + at(x, beside(y)) + 1 + (y % 2) as i32) >> 2,
            (2, 2) if last_x > 1 => {
                let column = |x: usize| 3 * at(x, y / 2) + at(x, beside(y));
                (3 * column(x / 2) + column(beside(x).min(last_x)) + 8 - (x % 2) as i32) >> 4
            }
            (across, down) => at(x / across, y / down),
        };
        let rows = (0..self.spec.height).map(|y| (0..self.spec.width).map(|x| level(x, y)).collect());
        rows.collect()
    }

    /// The picture.
    pub(super) fn expected(&self) -> Pixels {
        let all: Vec<_> = (0..self.spec.factors.len()).map(|at| self.full(at)).collect();
        let mut pixels = Pixels::new(self.spec.width as u32, self.spec.height as u32);
        let adobe = self
            .spec
            .adobe
            .and_then(|(colors, length)| (length >= 12).then_some(colors));
        let rgb = match (all.len(), adobe) {
            (3, adobe) => !self.spec.jfif && (adobe == Some(0) || adobe.is_none() && self.spec.ids == b"RGB"),
            (_, adobe) => adobe.unwrap_or(0) == 0,
        };
        for (at, pixel) in pixels.rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
            let level = |component: usize| all[component][at / self.spec.width][at % self.spec.width];
            if all.len() == 1 {
                *pixel = [level(0) as u8; 3];
                continue;
            }
            let mut color = [level(0), level(1), level(2)].map(f64::from);
            if !rgb {
                let (y, blue, red) = (color[0], color[1] - 128.0, color[2] - 128.0);
                color = [
                    y + 1.402 * red,
                    y - 0.344_136_286 * blue - 0.714_136_286 * red,
                    y + 1.772 * blue,
                ];
                color = color.map(|level| level.round().clamp(0.0, 255.0));
            }
            if all.len() == 4 {
                // Where inks come as YCbCr, libjpeg inverts them, and Pillow inverts all of them once more.
                let black = f64::from(level(3));
                color = color.map(|level| {
                    let ink = if rgb { 255.0 - level } else { level };
                    black - (ink * black / 255.0).round()
                });
            }
            *pixel = color.map(|level| level as u8);
        }
        pixels
    }
}
