//! Damaged bytes: flips a reader's bits and cuts its file short, and looks at what it makes of them.

use super::broken::broken;
use crate::error::{ErrorKind, Result};
use crate::exec::catch;
use crate::rng::Rng;
use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// One way to damage a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// One bit is inverted.
    Flip {
        /// Index of the byte.
        byte: usize,
        /// The bit in it, 0 is the lowest.
        bit: u8,
    },
    /// The file ends after so many bytes.
    Cut(usize),
}

impl Damage {
    /// Up to `count` flips of different bits in `bytes` of a file, drawn by `seed`, in the order of the file; all of
    /// them where there are not more.
    pub fn flips(bytes: Range<usize>, count: usize, seed: u64) -> Vec<Self> {
        let (mut rng, bits) = (Rng::new(seed, "damage", bytes.start as u64), bytes.len() * 8);
        let mut drawn: Vec<usize> = (0..bits).collect();
        for i in 0..count.min(bits) {
            drawn.swap(i, i + rng.below((bits - i) as u64) as usize);
        }
        drawn.truncate(count);
        drawn.sort_unstable();
        let flip = |at: usize| Self::Flip {
            byte: bytes.start + at / 8,
            bit: (at % 8) as u8,
        };
        drawn.into_iter().map(flip).collect()
    }

    /// Up to `count` shorter lengths of a file of `length` bytes, evenly spaced from none to all but one.
    pub fn cuts(length: usize, count: usize) -> Vec<Self> {
        let count = count.min(length);
        (0..count)
            .map(|i| Self::Cut(i * (length - 1) / count.saturating_sub(1).max(1)))
            .collect()
    }

    /// A damaged copy of `file`.
    #[must_use]
    pub fn of(self, file: &[u8]) -> Vec<u8> {
        let mut copy = file.to_vec();
        match self {
            Self::Flip { byte, bit } => copy.iter_mut().skip(byte).take(1).for_each(|byte| *byte ^= 1 << bit),
            Self::Cut(length) => copy.truncate(length),
        }
        copy
    }
}

/// What a reader made of a damaged file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An error.
    Refused,
    /// What it reads in the sound file.
    Same,
    /// Something else, and no word of it.
    Different,
}

/// Longest time for one file.
const PATIENCE: Duration = Duration::from_secs(20);

/// Reads `file` once for each of `damages` and says what came of it, in their order: `read` gets the damaged bytes.
///
/// What may come of it is up to you: a reader that checks a checksum must never give [`Outcome::Different`] for a flip
/// in the bytes that it covers.
///
/// ```
/// use millstream::testing::{Damage, Outcome, check_corruption};
/// use millstream::{Error, Result};
///
/// /// A number in decimal digits, then the same number again.
/// fn read(file: &[u8]) -> Result<u32> {
///     let text = std::str::from_utf8(file).map_err(|e| Error::data(e.to_string()))?;
///     match text.split_once(' ') {
///         Some((one, two)) if one == two => one.parse().map_err(|_| Error::data("no number")),
///         _ => Err(Error::data("the two are not the same")),
///     }
/// }
///
/// let damages = [Damage::flips(0..11, 88, 1), Damage::cuts(11, 11)].concat();
/// let outcomes = check_corruption(b"12345 12345", &damages, read)?;
/// assert!(outcomes.iter().all(|&outcome| outcome == Outcome::Refused));
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
///
/// A panic, or a read that takes more than 20 seconds, with the damage that did it (the thread that hangs is left
/// behind); what `read` fails with on the sound file. A `Stage` error is a panic: it is what [`Context::compute`]
/// makes of one.
///
/// [`Context::compute`]: crate::Context::compute
pub fn check_corruption<T: PartialEq + Send + 'static>(
    file: &[u8],
    damages: &[Damage],
    read: impl Fn(&[u8]) -> Result<T> + Send + Sync + 'static,
) -> Result<Vec<Outcome>> {
    let (read, file): (_, Arc<[u8]>) = (Arc::new(read), file.into());
    let sound = read(&file).map_err(|error| error.context("the sound file"))?;
    let (ask, asked) = channel::<Damage>();
    let (answer, answers) = channel();
    let worker = {
        let file = Arc::clone(&file);
        move || {
            for damage in asked {
                let bytes = damage.of(&file);
                if answer.send(catch(|| read(&bytes))).is_err() {
                    return;
                }
            }
        }
    };
    std::thread::spawn(worker);
    let outcome = |&damage: &Damage| {
        // A worker that ended is one whose answer never comes.
        let _ = ask.send(damage);
        match answers.recv_timeout(PATIENCE) {
            Ok(Ok(read)) if read == sound => Ok(Outcome::Same),
            Ok(Ok(_)) => Ok(Outcome::Different),
            Ok(Err(error)) if error.kind() == ErrorKind::Stage => Err(broken(format!("{damage:?}: {error}"))),
            Ok(Err(_)) => Ok(Outcome::Refused),
            Err(RecvTimeoutError::Timeout) => Err(broken(format!("{damage:?}: no end after {PATIENCE:?}"))),
            Err(RecvTimeoutError::Disconnected) => Err(broken(format!("{damage:?}: the reader is gone"))),
        }
    };
    damages.iter().map(outcome).collect()
}
