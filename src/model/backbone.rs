//! Every kind of network under one type.

use super::architecture::{Architecture, Known};
use super::convnext::ConvNeXt;
use super::efficientnet::EfficientNetLite0;
use super::mobilenet::MobileNetV3;
use super::network::{Level, Network};
use super::resnet::ResNet;
use super::vision_transformer::VisionTransformer;
use crate::error::{Error, Result};
use crate::quote::shown;
use burn::module::{Module, ModuleMapper, Param, ParamGroup};
use burn::tensor::{Device, Tensor};

/// The enum of all networks, and what asks each of them.
macro_rules! networks {
    ($($network:ident),+ $(,)?) => {
        /// A network from images to features: a chain of stages, and a pool of the last map.
        ///
        /// Images are `[n, 3, height, width]`, RGB, normalised as its weights expect ([`Preprocessing`](super::Preprocessing)); any
        /// height and width from [`smallest`](Self::smallest) on will do.
        ///
        /// It is frozen when it is made, parameters and BatchNorm statistics alike; [`unfreeze_last`](Self::unfreeze_last) lets the
        /// upper stages train. Clones share their BatchNorm statistics, as all Burn modules do: what trains in one moves in the
        /// other.
        #[derive(Module, Debug)]
        #[expect(clippy::large_enum_variant, reason = "there are few, and none in a collection")]
        pub enum Backbone {
            $(
                #[doc = concat!("[`", stringify!($network), "`]")]
                $network($network),
            )+
        }

        $(
            impl From<$network> for Backbone {
                fn from(network: $network) -> Self {
                    Self::$network(network)
                }
            }
        )+

        impl Backbone {
            /// All architectures.
            pub fn known() -> impl Iterator<Item = &'static Known> {
                [$($network::KNOWN),+].into_iter().flatten()
            }

            /// A network with random weights, frozen; see [`Pretrained`](super::Pretrained) for trained ones.
            ///
            /// # Errors
            ///
            /// `Config` for an unknown architecture, and for arguments that it does not have.
            pub fn init(architecture: &Architecture, device: &Device) -> Result<Self> {
                let name = architecture.name();
                $(
                    if $network::KNOWN.iter().any(|known| known.is_called(name)) {
                        return Ok(Self::$network($network::init(architecture, device)?.freeze()));
                    }
                )+
                Err(unknown(name))
            }

            /// Names in published checkpoints and ours, and the ends of names that are not needed.
            pub(crate) fn checkpoint_names(&self) -> (Vec<(String, String)>, &'static [&'static str]) {
                match self {
                    $(Self::$network(net) => (net.checkpoint_names(), $network::NOT_NEEDED)),+
                }
            }

            /// Number of stages, 0 the first.
            pub fn stages(&self) -> usize {
                match self {
                    $(Self::$network(net) => net.stages()),+
                }
            }

            /// Number of pooled features.
            pub fn features(&self) -> usize {
                match self {
                    $(Self::$network(net) => net.features()),+
                }
            }

            /// The maps that [`pyramid`](Self::pyramid) gives, from fine to coarse.
            pub fn levels(&self) -> Vec<Level> {
                match self {
                    $(Self::$network(net) => net.levels()),+
                }
            }

            fn run(&self, x: Tensor<4>, stage: usize) -> Tensor<4> {
                match self {
                    $(Self::$network(net) => net.run(x, stage)),+
                }
            }

            /// Features `[n, features]` of the last map.
            pub fn pool(&self, map: Tensor<4>) -> Tensor<2> {
                match self {
                    $(Self::$network(net) => net.pool(map)),+
                }
            }

            fn map(&self, x: Tensor<4>) -> Tensor<4> {
                match self {
                    $(Self::$network(net) => net.map(x)),+
                }
            }

            /// The least height and width of images.
            pub fn smallest(&self) -> usize {
                match self {
                    $(Self::$network(_) => $network::SMALLEST),+
                }
            }

            /// The parameters of a stage.
            pub(crate) fn group(&self, stage: usize) -> ParamGroup {
                match self {
                    $(Self::$network(net) => net.group(stage)),+
                }
            }

            /// Freezes every BatchNorm, in the stages that train as well: they keep normalising with the statistics that they
            /// have.
            ///
            /// Small batches of a small dataset estimate statistics badly, and running ones would lag behind weights that move
            /// for a few hundred steps only.
            #[must_use]
            pub fn freeze_norms(self) -> Self {
                match self {
                    $(Self::$network(net) => Self::$network(net.freeze_norms())),+
                }
            }

            /// Folds the BatchNorms of the stages below `stage` into their convolutions: the same outputs up to rounding, with
            /// one pass over each map less. For frozen stages only: a folded stage has no statistics left to train, and a
            /// network with one is neither saved nor loaded.
            #[must_use]
            pub fn fold_below(&self, stage: usize) -> Self {
                match self {
                    $(Self::$network(net) => Self::$network(net.fold_below(stage))),+
                }
            }

            /// Whether a stage is folded.
            pub(crate) fn is_folded(&self) -> bool {
                match self {
                    $(Self::$network(net) => net.is_folded()),+
                }
            }
        }
    };
}
// One line for each kind of network.
networks! {
    EfficientNetLite0,
    ResNet,
    MobileNetV3,
    ConvNeXt,
    VisionTransformer,
}

impl Backbone {
    /// The architecture that is called `name`.
    ///
    /// # Errors
    ///
    /// `Config` for an unknown name, with the nearest that is known and all of them.
    pub fn find(name: &str) -> Result<&'static Known> {
        Self::known()
            .find(|known| known.is_called(name))
            .ok_or_else(|| unknown(name))
    }

    /// Pooled features `[n, features]` of images `[n, 3, height, width]`.
    pub fn forward_features(&self, images: Tensor<4>) -> Tensor<2> {
        self.forward_from(images, 0)
    }

    /// Runs the stages below `stage`: the map that stage `stage` takes, `[n, channels, height, width]` (of a transformer, with its
    /// further tokens in rows above it).
    ///
    /// Where all of these are frozen the map of an image never changes: compute it once, without autodiff, and keep it.
    /// `map.autodiff()` then takes it to a network that trains.
    pub fn forward_until(&self, images: Tensor<4>, stage: usize) -> Tensor<4> {
        (0..stage.min(self.stages())).fold(images, |x, stage| self.run(x, stage))
    }

    /// Runs `stage` and the stages above it on what [`forward_until`](Self::forward_until) gave, and pools the last map:
    /// `[n, features]`. With `stage` = [`stages`](Self::stages) it only pools.
    pub fn forward_from(&self, map: Tensor<4>, stage: usize) -> Tensor<2> {
        self.pool((stage..self.stages()).fold(map, |x, stage| self.run(x, stage)))
    }

    /// The maps of all [`levels`](Self::levels), from fine to coarse: `[n, channels, height / stride, width / stride]`, rounded
    /// up or, by ConvNeXt, down.
    pub fn pyramid(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        self.pyramid_from(images, 0)
    }

    /// As [`pyramid`](Self::pyramid), on what [`forward_until`](Self::forward_until) gave: the maps of the levels whose
    /// [`stage`](Level::stage) is `stage` or above it.
    pub fn pyramid_from(&self, map: Tensor<4>, stage: usize) -> Vec<Tensor<4>> {
        let levels = self.levels().into_iter().filter(|level| level.stage >= stage);
        let next = |(map, from): &mut (Tensor<4>, usize), level: Level| {
            *map = (*from..level.stage).fold(map.clone(), |x, stage| self.run(x, stage));
            *from = level.stage;
            Some(self.map(map.clone()))
        };
        levels.scan((map, stage), next).collect()
    }

    /// The maps of the levels whose [`stage`](Level::stage) is below `stage`, and the map that stage `stage` takes.
    pub fn pyramid_until(&self, images: Tensor<4>, stage: usize) -> (Vec<Tensor<4>>, Tensor<4>) {
        let (mut map, mut from, mut maps) = (images, 0, Vec::new());
        for level in self.levels().into_iter().filter(|level| level.stage < stage) {
            map = (from..level.stage).fold(map, |x, stage| self.run(x, stage));
            from = level.stage;
            maps.push(map.clone());
        }
        let map = (from..stage.min(self.stages())).fold(map, |x, stage| self.run(x, stage));
        (maps, map)
    }

    /// Lets the last `n` stages train and freezes all others: their parameters and their BatchNorm statistics.
    ///
    /// 0 freezes everything; [`stages`](Self::stages) or more frees everything. Call it again after weights were loaded,
    /// because flags are not part of a record.
    #[must_use]
    pub fn unfreeze_last(self, n: usize) -> Self {
        let free = self.stages().saturating_sub(n)..self.stages();
        let groups: Vec<_> = free.map(|stage| self.group(stage)).collect();
        groups.into_iter().fold(self.freeze(), Self::unfreeze_group)
    }

    /// Freezes the kernels of depthwise convolutions: those with an input channel for each output channel.
    #[must_use]
    pub fn freeze_depthwise(self) -> Self {
        self.map(&mut FreezeDepthwise)
    }
}

struct FreezeDepthwise;

impl ModuleMapper for FreezeDepthwise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // `[output channels, input channels of a group, height, width]`; a picture's own convolution has more than one of these.
        let is_depthwise = matches!(param.dims()[..], [outputs, 1, height, width] if outputs > 1 && height * width > 1);
        match is_depthwise {
            true => param.set_require_grad(false),
            false => param,
        }
    }
}

/// An error that names what there is.
fn unknown(name: &str) -> Error {
    let names: Vec<&str> = Backbone::known().map(|known| known.name).collect();
    // Nothing that is much longer than a name is a slip of the finger.
    let name = shown(name, 64);
    let near = |known: &&str| strsim::jaro_winkler(&name, known);
    let nearest = names.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b)));
    let nearest = nearest.filter(|known| near(known) > 0.8);
    let meant = nearest.map_or_else(String::new, |known| format!(" (did you mean {known:?}?)"));
    Error::config(format!(
        "there is no backbone {name:?}{meant}: those known are {}",
        names.join(", ")
    ))
}
