//! Devices by name.

use crate::error::{Error, Result};
use burn::tensor::Device;

/// The devices that are known: the kind's name, and the Cargo feature that builds it.
const KINDS: [(&str, &str); 3] = [("flex", "train"), ("wgpu", "wgpu"), ("cuda", "cuda")];

/// The device that is called `name`.
///
/// | name | device | Cargo feature |
/// |---|---|---|
/// | `flex` | the processor, Burn's pure-Rust backend | `train` |
/// | `wgpu` | the best graphics device that is found | `wgpu` |
/// | `wgpu:cpu` | the processor behind Vulkan, such as Mesa's `lavapipe` | `wgpu` |
/// | `cuda`, `cuda:1` | an NVIDIA device by its number, 0 if left out | `cuda` |
///
/// ```
/// use millstream::burn::tensor::Device;
/// use millstream::model::device;
///
/// assert_eq!(device::by_name("flex")?, Device::flex());
/// assert!(device::by_name("tpu").is_err());
/// # Ok::<(), millstream::Error>(())
/// ```
///
/// # Errors
///
/// `Config` for an unknown name, and for a device that this build does not have, with the Cargo feature that has it.
pub fn by_name(name: &str) -> Result<Device> {
    let (kind, which) = name
        .split_once(':')
        .map_or((name, None), |(kind, which)| (kind, Some(which)));
    let Some((_, feature)) = KINDS.into_iter().find(|(known, _)| *known == kind) else {
        return Err(unknown(name));
    };
    match (kind, which) {
        ("flex", None) => Ok(Device::flex()),
        #[cfg(feature = "wgpu")]
        ("wgpu", None) => Ok(Device::wgpu(burn::tensor::DeviceKind::DefaultDevice)),
        #[cfg(feature = "wgpu")]
        ("wgpu", Some("cpu")) => Ok(Device::wgpu(burn::tensor::DeviceKind::Cpu)),
        #[cfg(feature = "cuda")]
        ("cuda", which) => match which.unwrap_or("0").parse::<usize>() {
            Ok(number) => Ok(Device::cuda(number)),
            Err(_) => Err(unknown(name)),
        },
        _ if compiled(kind) => Err(unknown(name)),
        _ => Err(Error::config(format!(
            "this build has no {kind}: build it with the Cargo feature `{feature}`"
        ))),
    }
}

/// The name of `device`, as [`by_name`] takes it, with gradients or without. What it does not know is called as Burn prints it.
pub fn name(device: &Device) -> String {
    let named = names()
        .into_iter()
        .find(|name| by_name(name).is_ok_and(|known| known == *device));
    named.unwrap_or_else(|| format!("{:?}", device.as_dispatch()).to_lowercase())
}

/// Names that may be meant, of this build.
fn names() -> Vec<String> {
    let mut names = vec!["flex".to_owned()];
    if compiled("wgpu") {
        names.extend(["wgpu", "wgpu:cpu"].map(str::to_owned));
    }
    if compiled("cuda") {
        names.push("cuda".to_owned());
        names.extend((1..16).map(|number| format!("cuda:{number}")));
    }
    names
}

/// Whether this build has devices of `kind`.
fn compiled(kind: &str) -> bool {
    let others = [("wgpu", cfg!(feature = "wgpu")), ("cuda", cfg!(feature = "cuda"))];
    !others.contains(&(kind, false))
}

fn unknown(name: &str) -> Error {
    Error::config(format!(
        "there is no device {name:?}: those known are flex, wgpu, wgpu:cpu, cuda and cuda:N"
    ))
}

/// Whether `device` is [`flex`](Device::flex), with gradients or without.
pub(crate) fn is_flex(device: &Device) -> bool {
    #[cfg(feature = "testing")]
    if crate::testing::is_other_device() {
        return false;
    }
    *device == Device::flex()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_has_the_name_that_finds_it() -> Result<()> {
        for known in names() {
            let device = by_name(&known)?;
            assert_eq!(name(&device), known);
            assert_eq!(name(&device.autodiff()), known);
        }
        Ok(())
    }

    #[test]
    fn a_device_of_another_build_is_refused_with_its_feature() {
        let said = |name: &str| by_name(name).map(drop).unwrap_err().to_string();
        for other in ["gpu", "flex:1", "flex:", "Flex", ""] {
            assert!(
                said(other).starts_with(&format!("there is no device {other:?}")),
                "{}",
                said(other)
            );
        }
        #[cfg(not(feature = "cuda"))]
        assert_eq!(
            said("cuda:1"),
            "this build has no cuda: build it with the Cargo feature `cuda`"
        );
        #[cfg(not(feature = "wgpu"))]
        assert_eq!(
            said("wgpu"),
            "this build has no wgpu: build it with the Cargo feature `wgpu`"
        );
    }
}
