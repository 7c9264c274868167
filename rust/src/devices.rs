//! Output devices, as cpal sees them, and the way to play mono float32 on one.

use std::fmt;
use std::time::Duration;

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Device, DeviceDirection, ErrorKind, Host, SampleFormat, SupportedStreamConfigRange};

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

/// The way to play mono float32 at `rate_hz`: float32 if the device takes it, in its own
/// channel count, then stereo, then whatever is closest.
pub(crate) fn choose_config(
    device: &Device,
    rate_hz: u32,
) -> Result<SupportedStreamConfigRange, DeviceError> {
    let own_channels = device.default_output_config().map_or(2, |c| c.channels());
    let ranges: Vec<_> = device.supported_output_configs()?.collect();
    best_range(&ranges, rate_hz, own_channels).ok_or_else(|| {
        let rates: Vec<u32> = ranges.iter().map(|r| r.max_sample_rate()).collect();
        let rates = rates
            .iter()
            .max()
            .map_or("none".into(), |r| format!("up to {r} Hz"));
        DeviceError::Unsupported(format!(
            "the device does not play float32, int32 or int16 at {rate_hz} Hz (rates: {rates}); \
             set it to {rate_hz} Hz or choose another backend"
        ))
    })
}

fn best_range(
    ranges: &[SupportedStreamConfigRange],
    rate_hz: u32,
    own_channels: u16,
) -> Option<SupportedStreamConfigRange> {
    let format_rank = |format| match format {
        SampleFormat::F32 => Some(0),
        SampleFormat::I32 => Some(1),
        SampleFormat::I16 => Some(2),
        SampleFormat::U16 => Some(3),
        _ => None,
    };
    ranges
        .iter()
        .filter(|range| range.contains_rate(rate_hz))
        .filter_map(|range| {
            let channels = range.channels();
            let shape = (channels != own_channels, channels != 2, channels);
            Some(((format_rank(range.sample_format())?, shape), *range))
        })
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, range)| range)
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
    use cpal::SupportedBufferSize;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let any = SupportedBufferSize::Unknown;
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, any, format)
    }

    fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(id, name)| (id.to_string(), name.to_string()))
            .collect()
    }

    #[test]
    fn float32_comes_before_the_own_channel_count() {
        let ranges = [
            range(6, (8_000, 96_000), SampleFormat::I16),
            range(1, (8_000, 96_000), SampleFormat::F32),
            range(2, (8_000, 96_000), SampleFormat::F32),
        ];
        let best = best_range(&ranges, 48_000, 6).unwrap();
        assert_eq!(
            (best.channels(), best.sample_format()),
            (2, SampleFormat::F32)
        );
    }

    #[test]
    fn the_own_channel_count_comes_before_stereo() {
        let ranges = [
            range(2, (48_000, 48_000), SampleFormat::F32),
            range(6, (48_000, 48_000), SampleFormat::F32),
        ];
        assert_eq!(best_range(&ranges, 48_000, 6).unwrap().channels(), 6);
    }

    #[test]
    fn a_rate_out_of_range_or_an_unknown_format_is_not_taken() {
        assert!(best_range(&[range(2, (44_100, 44_100), SampleFormat::F32)], 48_000, 2).is_none());
        assert!(best_range(&[range(2, (8_000, 96_000), SampleFormat::U8)], 48_000, 2).is_none());
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
