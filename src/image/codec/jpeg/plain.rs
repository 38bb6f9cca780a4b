//! Pictures in one scan, of the usual kinds: block after block, of which those in a window become levels.

use super::color::Output;
use super::data::Input;
use super::error::Broken;
use super::idct;
use super::plane::Plane;
use super::window::Window;
use pulp::NullaryFnOnce;
use std::ops::Range;

/// All that is done to the data of a [plain](super::header::Frame::is_plain) picture, compiled for the machine's vector
/// instructions, too: everything below is inlined.
pub(super) struct Plain<'a> {
    pub(super) input: Input<'a>,
    pub(super) output: Output<'a>,
}

impl NullaryFnOnce for Plain<'_> {
    type Output = Result<(), Broken>;

    #[inline(always)]
    fn call(self) -> Self::Output {
        let Self { input, output } = self;
        let (window, planes) = (output.window, &mut *output.planes);
        decode(input, window, planes)?;
        output.convert(input.frame.space);
        Ok(())
    }
}

/// Decodes what `window` needs, and nothing below it.
#[inline(always)]
fn decode(
    Input {
        frame,
        scan,
        tables,
        data,
    }: Input<'_>,
    window: &Window,
    planes: &mut [Plane],
) -> Result<(), Broken> {
    let (columns, rows) = window.mcus(frame);
    for (plane, component) in planes.iter_mut().zip(&frame.components) {
        let of = |range: &Range<usize>, blocks: usize| range.start * blocks..range.end * blocks;
        let blocks = (of(&columns, component.across), of(&rows, component.down));
        plane.hold(frame, component, window, blocks);
    }
    let row_of_mcus = (frame.width as usize).div_ceil(frame.across * 8);
    let interval = if scan.interval > 0 { scan.interval } else { usize::MAX };
    let (mut piece, mut bits, mut left) = (0, data.piece(0)?, interval);
    let mut means = [0_i32; 3];
    for row in 0..rows.end {
        for column in 0..row_of_mcus {
            if left == 0 {
                bits.check()?;
                piece += 1;
                (bits, left, means) = (data.piece(piece)?, interval, [0; 3]);
            }
            left -= 1;
            let inside = row >= rows.start && columns.contains(&column);
            for ((component, plane), mean) in frame.components.iter().zip(&mut *planes).zip(&mut means) {
                let (dc, ac) = (&tables.dc[component.dc & 3], &tables.ac[component.ac & 3]);
                for block in 0..component.down * component.across {
                    if !inside {
                        *mean = mean.wrapping_add(bits.pass(dc, ac)?);
                        continue;
                    }
                    let mut coefficients = [0; 64];
                    let (difference, last) = bits.block::<2>(dc, ac, &mut coefficients)?;
                    *mean = mean.wrapping_add(difference);
                    coefficients[0] = *mean as i16;
                    let across = (column - columns.start) * component.across + block % component.across;
                    let down = (row - rows.start) * component.down + block / component.across;
                    let points = plane.points;
                    let (levels, stride) = plane.block(across, down);
                    idct::levels(points, &coefficients, last, &component.factors, levels, stride);
                }
            }
        }
        bits.check()?;
    }
    Ok(())
}
