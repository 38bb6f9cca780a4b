//! Does it help? Ways to deal with rare classes side by side, on several data sets and under several seeds, with paired tests.
//!
//! [`Ablation`] says what is compared, [`run`](Ablation::run) trains and tests it, and [`AblationReport`] has the table. Of pictures frozen
//! features are computed once and serve all rows and seeds; beside them a small network is trained on pixels of 28 x 28 from scratch, so that the table
//! also says what transfer learning brings. Tables of the KEEL repository are read by [`KeelTable`].
//!
//! Of tables a random forest is fitted beside the linear layer, on as many rows as an epoch has.
//!
//! | row | shares of the classes | rows beyond those that are stored | loss |
//! |---|---|---|---|
//! | none | as stored | | cross-entropy |
//! | repeats | uniform | repeats | cross-entropy |
//! | augmentation | as stored | | cross-entropy, augmented views |
//! | repeats + augmentation | uniform | repeats | cross-entropy, augmented views |
//! | a generator's name | uniform | half of them synthetic | cross-entropy, augmented views |
//! | balanced softmax | as stored | | balanced softmax, augmented views |
//! | TVAE, CTGAN, VAE, GAN | uniform | half of them synthetic, from a file that a network made once | cross-entropy |
//! | rules: columns | uniform | half of them drawn column by column, from a normal distribution or the frequencies of the class | cross-entropy |
//! | rules: warp | uniform | half of them stored pictures that are bent by a smooth random field, from a file | cross-entropy, augmented views |
//! | auto | chosen by [`AutoBalance`](crate::train::AutoBalance) under the cell's seed, of a network from scratch by linear heads on its pixels | | chosen |
//!
//! What of these an input cannot have stands in [`InputReport::not_applicable`] with the reason.
//!
//! Of pictures with boxes ([`Detection`]) a detector is trained on the frozen network: with none, repeat factors, copy-paste, and scenes of objects that were cut
//! out of training pictures. Which of the last two, and how many, is chosen on parts of the training pictures that are held out ([`DetectionChoice`]).
//!
//! Beyond the table, one way to make synthetic rows (generator and its strength or two in turn, share, schedule, gate) is chosen in cross-validations inside the training rows
//! ([`SyntheticChoice`]), and then compared with repeats and augmentation on the test rows, once, under ten paired seeds. Holm's rule is over the sets of pictures and the
//! tables, whose mean is one set.

mod absent;
mod arms;
mod cell;
mod choice;
mod damage;
mod data;
mod detection;
mod encoded;
mod encoder;
mod figures;
mod fitted;
mod flat;
mod forest;
mod gain;
mod generators;
mod in_turn;
mod inside;
mod journal;
mod line;
mod network;
mod paired;
mod pictures;
mod result;
mod rows;
mod rules;
mod run;
mod search;
mod side_by_side;
mod sides;
mod spec;
mod tables;
mod trainer;

pub use arms::{SyntheticShare, Way};
pub use choice::{SyntheticChoice, Tried};
pub use detection::{BoxFigures, DetectionCell, DetectionChoice, DetectionWay, PastedShare, TriedDetection};
pub use figures::Figures;
pub use gain::Gain;
pub use line::Cell;
pub use paired::{PairedTest, holm};
pub use result::{
    AblationReport, Against, ChosenDetection, ChosenReport, DataReport, DetectionReport, DetectionRow, InputReport,
    NoFigures, RowReport, Tested, TransferReport,
};
pub use rows::Input;
pub use spec::{Ablation, DataSet, Detection, Pictures};
pub use tables::{KeelColumn, KeelTable, KeelValues};
