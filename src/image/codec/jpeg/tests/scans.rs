//! How coefficients are coded: a whole block, the first bits of a band, and one more bit of it.

use super::bits::{Writer, code_of_all, size};

/// The part of a coefficient above bit `low`: means are shifted, others divided.
fn above(value: i32, low: u32) -> i32 {
    value.signum() * (value.abs() >> low)
}

pub(super) fn sequential(writer: &mut Writer, block: &[i32], code: impl Fn(u8) -> (u32, u32)) {
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

pub(super) fn first(writer: &mut Writer, band: &[i32], low: u32) {
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

pub(super) fn finer(writer: &mut Writer, band: &[i32], low: u32) {
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
