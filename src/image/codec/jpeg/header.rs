//! What stands before the picture and between its scans: its size, its components and their tables.

use super::error::{corrupt, unread};
use super::huffman::{Tables, ZIGZAG};
use super::idct::Factors;
use super::segments::{END, SCAN, Segment, Segments, height_behind, short};
use super::standard;
use crate::image::error::ImageError;

/// A picture's size and components.
#[derive(Debug, Default)]
pub(super) struct Frame {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) progressive: bool,
    /// One, three or four; none before the frame's header.
    pub(super) components: Vec<Component>,
    /// Blocks that an MCU of all components has of the finest across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    pub(super) space: Space,
}

/// What the components are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Space {
    #[default]
    Grey,
    YCbCr,
    Rgb,
    /// Inks, which are 0 where they are full, as Adobe writes them and everyone since.
    Cmyk,
    /// YCbCr of the inks, and black.
    Ycck,
}

/// One component.
#[derive(Clone, Debug, Default)]
pub(super) struct Component {
    id: u8,
    /// Blocks that an MCU of all components has of it across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    quantisation: usize,
    /// Those of the table at its first scan.
    pub(super) factors: Factors,
    begun: bool,
    /// Indices of its tables in the present scan.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// One scan.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    /// Indices of its components.
    pub(super) components: Vec<usize>,
    /// First and last place, in zigzag order, of the coefficients in it.
    pub(super) start: usize,
    pub(super) end: usize,
    /// The lowest bit of them that was there before, 0 where none was, and the one that is now.
    pub(super) high: u8,
    pub(super) low: u8,
    /// MCUs between two restart markers; 0 where there are none.
    pub(super) interval: usize,
    /// What follows its header.
    pub(super) data: &'a [u8],
}

impl Frame {
    /// True where `scan` is the whole picture, of a kind that [`plain`](super::plain) decodes: grey, or YCbCr with no component
    /// finer than luminance, and none of less than half its resolution.
    pub(super) fn is_plain(&self, scan: &Scan<'_>, tables: &Tables) -> bool {
        let [first, colors @ ..] = self.components.as_slice() else {
            return false;
        };
        let coarser = |color: &Component| color.across <= first.across && color.down <= first.down;
        // libjpeg does not interpolate colours of one or two columns.
        let colors = self.space == Space::YCbCr
            && (first.across <= 2 && first.down <= 2 && self.width > 4)
            && colors.iter().all(coarser);
        !self.progressive
            && (self.space == Space::Grey || colors)
            && scan.components.iter().copied().eq(0..self.components.len())
            && self.components.iter().all(|of| tables.ac[of.ac].is_narrow())
    }
}

/// Reads a file's segments from scan to scan.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    segments: Segments<'a>,
    pub(super) frame: Frame,
    quantisations: [Option<Factors>; 4],
    /// The tables that the file has defined: DC, AC.
    defined: [[bool; 4]; 2],
    interval: usize,
    jfif: bool,
    /// What Adobe's segment says of the colours.
    adobe: Option<u8>,
}

impl<'a> Reader<'a> {
    /// Reads up to the first scan.
    pub(super) fn open(file: &'a [u8], tables: &mut Tables) -> Result<(Self, Scan<'a>), ImageError> {
        let mut reader = Self {
            segments: Segments::of(file),
            frame: Frame::default(),
            quantisations: [None; 4],
            defined: [[false; 4]; 2],
            interval: 0,
            jfif: false,
            adobe: None,
        };
        let scan = reader.scan(tables)?.ok_or_else(|| corrupt("no picture in it"))?;
        if reader.frame.height == 0 {
            reader.frame.height = height_behind(scan.data).unwrap_or(0).into();
        }
        let Frame { width, height, .. } = reader.frame;
        if width == 0 || height == 0 {
            return Err(corrupt(format!("{width} x {height} pixels")));
        }
        reader.frame.space = reader.space();
        Ok((reader, scan))
    }

    /// Reads on to the next scan; none where the picture ends.
    pub(super) fn scan(&mut self, tables: &mut Tables) -> Result<Option<Scan<'a>>, ImageError> {
        while let Some(segment) = self.segments.next() {
            let Segment { marker, data: segment } = segment?;
            match marker {
                END => return Ok(None),
                SCAN => return self.read_scan(segment, tables).map(Some),
                0xc0..=0xc2 => self.begin(segment, marker == 0xc2)?,
                0xc4 => self.read_codes(segment, tables).ok_or_else(damaged)?,
                0xdb => self.read_factors(segment).ok_or_else(damaged)?,
                0xdd => self.interval = short(segment).ok_or_else(damaged)?.into(),
                0xe0 => self.jfif |= segment.len() >= 14 && segment.starts_with(b"JFIF\0"),
                0xee if segment.starts_with(b"Adobe") => self.adobe = segment.get(11).copied().or(self.adobe),
                0xc3 | 0xcb => return Err(unread("lossless")),
                0xc5..=0xc7 | 0xcd..=0xcf | 0xde => return Err(unread("hierarchical")),
                0xc9 | 0xca => return Err(unread("arithmetic coding")),
                0xf7 => return Err(unread("JPEG-LS")),
                _ => {}
            }
        }
        Err(ImageError::Truncated("JPEG"))
    }

    /// The frame's header.
    fn begin(&mut self, segment: &[u8], progressive: bool) -> Result<(), ImageError> {
        if !self.frame.components.is_empty() {
            return Err(corrupt("a second frame"));
        }
        let Some((&[precision, a, b, c, d, count], parts)) = segment.split_first_chunk() else {
            return Err(damaged());
        };
        let parts = parts.as_chunks::<3>().0;
        if parts.len() != usize::from(count) {
            return Err(damaged());
        }
        if precision != 8 {
            return Err(unread(format!("{precision} bits a level")));
        }
        if !matches!(count, 1 | 3 | 4) {
            return Err(unread(format!("{count} components")));
        }
        let component = |&[id, factors, quantisation]: &[u8; 3]| Component {
            id,
            across: usize::from(factors >> 4),
            down: usize::from(factors & 15),
            quantisation: quantisation.into(),
            ..Component::default()
        };
        let mut components: Vec<_> = parts.iter().map(component).collect();
        // A scan of one component is not interleaved: its blocks follow each other, whatever its factors.
        if let [grey] = components.as_mut_slice() {
            (grey.across, grey.down) = (1, 1);
        }
        let of = |factor: fn(&Component) -> usize| components.iter().map(factor).max().unwrap_or(1);
        let (across, down) = (of(|component| component.across), of(|component| component.down));
        let is_factor = |factor| (1..=4).contains(&factor);
        if !components.iter().all(|of| is_factor(of.across) && is_factor(of.down)) {
            return Err(corrupt("sampling factors beyond 1 to 4"));
        }
        if components.iter().any(|of| across % of.across + down % of.down > 0) {
            let factors: Vec<_> = components
                .iter()
                .map(|of| format!("{} x {}", of.across, of.down))
                .collect();
            return Err(unread(format!("sampling factors {}", factors.join(", "))));
        }
        self.frame = Frame {
            width: u16::from_be_bytes([c, d]).into(),
            height: u16::from_be_bytes([a, b]).into(),
            progressive,
            components,
            across,
            down,
            space: Space::default(),
        };
        Ok(())
    }

    /// What the components are, by libjpeg's rules: JFIF decides before Adobe's segment, and both before the names.
    fn space(&self) -> Space {
        let ids: Vec<u8> = self.frame.components.iter().map(|component| component.id).collect();
        match (ids.len(), self.adobe) {
            (1, _) => Space::Grey,
            (4, None | Some(0)) => Space::Cmyk,
            (4, _) => Space::Ycck,
            (_, Some(0)) if !self.jfif => Space::Rgb,
            (_, None) if !self.jfif && ids == b"RGB" => Space::Rgb,
            _ => Space::YCbCr,
        }
    }

    fn read_codes(&mut self, mut segment: &[u8], tables: &mut Tables) -> Option<()> {
        while let Some((&[class, ref counts @ ..], rest)) = segment.split_first_chunk::<17>() {
            let total = counts.iter().map(|&count| usize::from(count)).sum();
            let (values, rest) = rest.split_at_checked(total)?;
            let (is_ac, at) = (class >> 4 == 1, usize::from(class & 15));
            let of_class = if is_ac { &mut tables.ac } else { &mut tables.dc };
            let known = class >> 4 <= 1 && of_class.get_mut(at)?.define(is_ac, counts, values);
            known.then_some(())?;
            self.defined[usize::from(is_ac)][at] = true;
            segment = rest;
        }
        segment.is_empty().then_some(())
    }

    fn read_factors(&mut self, mut segment: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = segment.split_first() {
            let wide = match kind >> 4 {
                0 => false,
                1 => true,
                _ => return None,
            };
            let (values, rest) = rest.split_at_checked(if wide { 128 } else { 64 })?;
            let mut factors = Factors::default();
            for (i, &place) in ZIGZAG.iter().enumerate() {
                let value = if wide {
                    short(&values[2 * i..])?
                } else {
                    values[i].into()
                };
                factors[usize::from(place) / 8][usize::from(place) % 8] = value.into();
            }
            *self.quantisations.get_mut(usize::from(kind & 15))? = Some(factors);
            segment = rest;
        }
        Some(())
    }

    /// A scan's own header: its components, each with tables that are there.
    fn read_scan(&mut self, segment: &[u8], tables: &mut Tables) -> Result<Scan<'a>, ImageError> {
        let Some((&count, rest)) = segment.split_first() else {
            return Err(damaged());
        };
        let Some((parts, &[start, end, bits])) = rest.split_at_checked(2 * usize::from(count)) else {
            return Err(damaged());
        };
        let mut scan = Scan {
            components: Vec::new(),
            start: start.into(),
            end: end.into(),
            high: bits >> 4,
            low: bits & 15,
            interval: self.interval,
            data: self.segments.rest(),
        };
        let progressive = self.frame.progressive;
        if progressive {
            let band = if start == 0 {
                end == 0
            } else {
                count == 1 && (start..=63).contains(&end)
            };
            if !band || scan.low > 13 || (scan.high > 0 && scan.high != scan.low + 1) {
                return Err(corrupt("a scan of no progressive picture"));
            }
        }
        let needs = match (progressive, start, scan.high) {
            (false, ..) => [true, true],
            (true, 0, high) => [high == 0, false],
            (true, ..) => [false, true],
        };
        for &[id, of] in parts.as_chunks::<2>().0 {
            // Names may come twice.
            let mut unused = (0..)
                .zip(&mut self.frame.components)
                .filter(|(at, _)| !scan.components.contains(at));
            let found = unused.find(|(_, component)| component.id == id);
            let (at, component) = found.ok_or_else(|| corrupt(format!("a scan of no component (id {id})")))?;
            scan.components.push(at);
            (component.dc, component.ac) = (usize::from(of >> 4), usize::from(of & 15));
            for (class, slot) in [component.dc, component.ac].into_iter().enumerate() {
                if !needs[class] {
                    continue;
                }
                let defined = self.defined[class].get_mut(slot);
                let defined = defined.ok_or_else(|| corrupt(format!("no Huffman table {slot}")))?;
                if !*defined {
                    // Frames of a camera's video leave out the tables that all of them use.
                    let known = !progressive && standard::define(class == 1, slot, tables);
                    *defined = known
                        .then_some(true)
                        .ok_or_else(|| corrupt(format!("no Huffman table {slot}")))?;
                }
            }
            (component.dc, component.ac) = (component.dc & 3, component.ac & 3);
            if !component.begun {
                let factors = self.quantisations.get(component.quantisation).copied().flatten();
                component.factors = factors.ok_or_else(|| corrupt("no quantisation table for a component"))?;
                component.begun = true;
            }
        }
        if scan.components.is_empty() {
            return Err(corrupt("a scan of nothing"));
        }
        Ok(scan)
    }
}

fn damaged() -> ImageError {
    corrupt("a damaged header")
}
