//! Output devices, as cpal sees them.

use std::fmt;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, DeviceDirection, ErrorKind, Host};

use crate::formats::choose_config;
use crate::hosts;

/// One output device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The backend's own identifier; stable across runs where the backend can do that.
    pub id: String,
    /// The name a person knows it by.
    pub name: String,
    /// True if it is what opens when no device is named.
    pub is_default: bool,
    /// Its own channel count and rate; 0 where only opening it would tell.
    pub channels: u16,
    /// See `channels`.
    pub sample_rate_hz: u32,
}

/// Why a backend or device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceError {
    /// Not compiled in. Holds the names that are.
    UnknownBackend(Vec<String>),
    /// The backend has no such device. Holds the ids that it has.
    UnknownDevice(Vec<String>),
    /// The backend's server or its default device does not answer, or cannot be opened.
    Unavailable(String),
    /// The device does not play at that rate or in any format known here.
    Unsupported(String),
    /// No answer in time.
    TimedOut,
}

impl fmt::Display for DeviceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownBackend(known) => {
                write!(
                    f,
                    "no such backend in this build; it has: {}",
                    known.join(", ")
                )
            }
            Self::UnknownDevice(known) if known.is_empty() => {
                write!(f, "no such device; the backend lists none")
            }
            Self::UnknownDevice(known) => {
                write!(f, "no such device; there are: {}", known.join(", "))
            }
            Self::Unavailable(reason) | Self::Unsupported(reason) => f.write_str(reason),
            Self::TimedOut => f.write_str("the sound server does not answer"),
        }
    }
}

impl std::error::Error for DeviceError {}

impl From<cpal::Error> for DeviceError {
    fn from(error: cpal::Error) -> Self {
        match error.kind() {
            ErrorKind::UnsupportedConfig => Self::Unsupported(error.to_string()),
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// Asks for a device (see [`StreamRequest::device`](crate::output::StreamRequest)), opening
/// nothing for long. Its `sample_rate_hz` is `rate_hz` if it plays that, else its own.
pub fn probe(
    backend: &str,
    device: Option<&str>,
    rate_hz: u32,
    timeout: Duration,
) -> Result<DeviceInfo, DeviceError> {
    let (backend, wanted) = (backend.to_owned(), device.map(str::to_owned));
    hosts::within(timeout, move || {
        hosts::with_host(&backend, |host| {
            let device = find_device(host, &backend, wanted.as_deref())?;
            let (rate_hz, range) = match choose_config(&device, rate_hz) {
                Ok(range) => (rate_hz, range),
                Err(error) => {
                    let own_hz = device.default_output_config()?.sample_rate();
                    (own_hz, choose_config(&device, own_hz).map_err(|_| error)?)
                }
            };
            let (id, name) = label(&device);
            let is_default = wanted.is_none();
            Ok(DeviceInfo {
                id,
                name,
                is_default,
                channels: range.channels(),
                sample_rate_hz: rate_hz,
            })
        })
    })
}

/// The backend's output devices, the default one marked.
pub fn list_devices(backend: &str, timeout: Duration) -> Result<Vec<DeviceInfo>, DeviceError> {
    let backend = backend.to_owned();
    hosts::within(timeout, move || {
        hosts::with_host(&backend, |host| {
            let default = host.default_output_device().and_then(|d| d.id().ok());
            let mut infos = Vec::new();
            for device in outputs(host)? {
                let id = device.id()?;
                infos.push(describe(&device, Some(&id) == default.as_ref(), &backend)?);
            }
            if infos.is_empty() {
                return Err(no_device(&backend));
            }
            Ok(infos)
        })
    })
}

/// The device called `wanted` (its id, its name, or a part of one name only), or the default.
pub(crate) fn find_device(
    host: &Host,
    backend: &str,
    wanted: Option<&str>,
) -> Result<Device, DeviceError> {
    let Some(wanted) = wanted else {
        return host
            .default_output_device()
            .ok_or_else(|| no_device(backend));
    };
    let devices = outputs(host)?;
    let labels: Vec<(String, String)> = devices.iter().map(label).collect();
    let position = pick(&labels, wanted).ok_or_else(|| {
        DeviceError::UnknownDevice(labels.into_iter().map(|(id, _)| id).collect())
    })?;
    Ok(devices
        .into_iter()
        .nth(position)
        .expect("a position in the list"))
}

fn outputs(host: &Host) -> Result<Vec<Device>, DeviceError> {
    // cpal's JACK inputs claim to support output, too.
    let input = |device: &Device| {
        device
            .description()
            .is_ok_and(|about| about.direction() == DeviceDirection::Input)
    };
    let devices = host.devices()?;
    Ok(devices
        .filter(|device| device.supports_output() && !input(device))
        .collect())
}

/// Index of the (id, name) that `wanted` means: equal id, equal name, else the only match.
fn pick(labels: &[(String, String)], wanted: &str) -> Option<usize> {
    let exact = labels
        .iter()
        .position(|(id, _)| id == wanted)
        .or_else(|| labels.iter().position(|(_, name)| name == wanted));
    let lower = wanted.to_lowercase();
    exact.or_else(|| {
        let mut partial = labels
            .iter()
            .enumerate()
            .filter(|(_, (id, name))| id.contains(wanted) || name.to_lowercase().contains(&lower));
        match (partial.next(), partial.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        }
    })
}

/// A device's id and name, as strings.
pub(crate) fn label(device: &Device) -> (String, String) {
    let id = device.id().map(|id| id.id().to_owned()).unwrap_or_default();
    (id, device.to_string())
}

fn describe(device: &Device, is_default: bool, backend: &str) -> Result<DeviceInfo, DeviceError> {
    let (id, name) = label(device);
    // Asking an ALSA device means opening it, which can disturb whoever is using it.
    let config = match backend {
        "alsa" => None,
        _ => device.default_output_config().ok(),
    };
    Ok(DeviceInfo {
        id,
        name,
        is_default,
        channels: config.as_ref().map_or(0, |c| c.channels()),
        sample_rate_hz: config.as_ref().map_or(0, |c| c.sample_rate()),
    })
}

fn no_device(backend: &str) -> DeviceError {
    DeviceError::Unavailable(match backend {
        "jack" => "no JACK server is running".into(),
        _ => format!("{backend} has no output device"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(id, name)| (id.to_string(), name.to_string()))
            .collect()
    }

    #[test]
    fn a_device_is_found_by_id_then_name_then_the_only_part() {
        let known = labels(&[
            ("hw:0", "USB Audio"),
            ("hw:1", "Built-in Audio"),
            ("x", "hw:1"),
        ]);
        assert_eq!(pick(&known, "hw:1"), Some(1));
        assert_eq!(pick(&known, "Built-in Audio"), Some(1));
        assert_eq!(pick(&known, "usb"), Some(0));
        assert_eq!(pick(&known, "Audio"), None);
        assert_eq!(pick(&known, "nothing"), None);
    }

    #[test]
    fn an_unknown_backend_names_those_that_exist() {
        let error = list_devices("gramophone", Duration::from_secs(5)).unwrap_err();
        assert_eq!(error, DeviceError::UnknownBackend(hosts::backend_names()));
    }
}
