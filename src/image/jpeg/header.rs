//! What stands before the picture: its size, its components and their tables.

use super::huffman::{Table, ZIGZAG};
use super::idct::Factors;
use super::markers;

/// A picture of a kind that this decoder reads: sequential, Huffman, 8 bits, one scan; grey, or YCbCr with the colours at
/// half or full resolution in either direction.
#[derive(Debug)]
pub(super) struct Header<'a> {
    pub(super) width: u32,
    pub(super) height: u32,
    /// One, or three.
    pub(super) components: Vec<Component>,
    /// Blocks of luminance that an MCU has across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    /// MCUs between two restart markers; 0 where there are none.
    pub(super) interval: usize,
    /// What follows the header.
    pub(super) data: &'a [u8],
}

/// One component.
#[derive(Clone, Debug)]
pub(super) struct Component {
    id: u8,
    /// Blocks that an MCU has of it across and down.
    pub(super) across: usize,
    pub(super) down: usize,
    quantisation: usize,
    pub(super) factors: Factors,
    /// Indices of its tables.
    pub(super) dc: usize,
    pub(super) ac: usize,
}

/// The tables that a file defines; they stay from file to file.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) dc: [Table; 4],
    pub(super) ac: [Table; 4],
}

/// Reads the header of `file`; none where it is of another kind, or damaged: that is for the general decoder to say.
pub(super) fn read<'a>(file: &'a [u8], tables: &mut Tables) -> Option<Header<'a>> {
    let mut rest = file.strip_prefix(&[0xff, 0xd8])?;
    let (mut frame, mut interval) = (None, 0);
    let (mut quantisations, mut defined) = ([None; 4], [[false; 4]; 2]);
    loop {
        let mut at = 0;
        let marker = markers::next(rest, &mut at)?;
        let length = usize::from(short(rest.get(at..)?)?);
        let segment = rest.get(at + 2..at + length)?;
        rest = &rest[at + length..];
        match marker {
            0xc0 | 0xc1 => frame = Some(read_frame(segment).filter(|_| frame.is_none())?),
            0xc4 => read_codes(segment, tables, &mut defined)?,
            0xdb => read_factors(segment, &mut quantisations)?,
            0xdd => interval = usize::from(short(segment)?),
            0xda => {
                let mut header: Header<'a> = frame?;
                read_scan(segment, &mut header, &defined)?;
                for component in &mut header.components {
                    component.factors = (*quantisations.get(component.quantisation)?)?;
                }
                return Some(Header {
                    interval,
                    data: rest,
                    ..header
                });
            }
            // Adobe's word on the colours, if it is not that they are YCbCr.
            0xee if segment.starts_with(b"Adobe") && segment.get(11) != Some(&1) => return None,
            0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
    }
}

fn short(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|two| u16::from_be_bytes(*two))
}

fn read_frame<'a>(segment: &[u8]) -> Option<Header<'a>> {
    let (&precision, size) = segment.split_first()?;
    let (height, width, &count) = (short(size)?, short(size.get(2..)?)?, size.get(4)?);
    (precision == 8).then_some(())?;
    let parts = segment[6..].as_chunks::<3>().0;
    let component = |&[id, factors, quantisation]: &[u8; 3]| Component {
        id,
        across: usize::from(factors >> 4),
        down: usize::from(factors & 15),
        quantisation: usize::from(quantisation),
        factors: Factors::default(),
        dc: 0,
        ac: 0,
    };
    let mut components: Vec<_> = parts.iter().map(component).collect();
    match components.as_mut_slice() {
        // A scan of one component is not interleaved: its blocks follow each other, whatever its factors.
        [grey] => (grey.across, grey.down) = (1, 1),
        [luminance, colors @ ..] if colors.len() == 2 => {
            let halves = (1..=2).contains(&luminance.across) && (1..=2).contains(&luminance.down);
            let plain = colors.iter().all(|color| (color.across, color.down) == (1, 1));
            let rgb = luminance.id == b'R';
            (halves && plain && !rgb).then_some(())?;
        }
        _ => return None,
    }
    (components.len() == usize::from(count) && width > 0 && height > 0).then(|| Header {
        width: width.into(),
        height: height.into(),
        across: components[0].across,
        down: components[0].down,
        components,
        interval: 0,
        data: &[],
    })
}

fn read_codes(mut segment: &[u8], tables: &mut Tables, defined: &mut [[bool; 4]; 2]) -> Option<()> {
    while let Some((&[class, ref counts @ ..], rest)) = segment.split_first_chunk::<17>() {
        let total = counts.iter().map(|&count| usize::from(count)).sum();
        let (values, rest) = rest.split_at_checked(total)?;
        let (is_ac, at) = (class >> 4 == 1, usize::from(class & 15));
        let of_class = if is_ac { &mut tables.ac } else { &mut tables.dc };
        let known = class >> 4 <= 1 && of_class.get_mut(at)?.define(is_ac, counts, values);
        known.then_some(())?;
        defined[usize::from(is_ac)][at] = true;
        segment = rest;
    }
    segment.is_empty().then_some(())
}

fn read_factors(mut segment: &[u8], quantisations: &mut [Option<Factors>; 4]) -> Option<()> {
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
        *quantisations.get_mut(usize::from(kind & 15))? = Some(factors);
        segment = rest;
    }
    Some(())
}

/// The scan's own header: all components, in their order, each with tables that are there.
fn read_scan(segment: &[u8], header: &mut Header<'_>, defined: &[[bool; 4]; 2]) -> Option<()> {
    let (&count, rest) = segment.split_first()?;
    let (tables, spectrum) = rest.split_at_checked(2 * usize::from(count))?;
    let whole = spectrum == [0, 63, 0] && usize::from(count) == header.components.len();
    whole.then_some(())?;
    for (component, &[id, of]) in header.components.iter_mut().zip(tables.as_chunks::<2>().0) {
        (component.dc, component.ac) = (usize::from(of >> 4), usize::from(of & 15));
        let there = *defined[0].get(component.dc)? && *defined[1].get(component.ac)?;
        (id == component.id && there).then_some(())?;
    }
    Some(())
}
