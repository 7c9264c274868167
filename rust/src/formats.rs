//! The way to play mono float32 on a device that may want something else.

use cpal::traits::DeviceTrait;
use cpal::{
    BufferSize, Device, FrameCount, SampleFormat, SupportedBufferSize, SupportedStreamConfigRange,
};

use crate::devices::DeviceError;

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

/// The period to ask for: about 50 ms deep callbacks where the backend lets us choose.
pub(crate) fn buffer_size(
    backend: &str,
    wanted: Option<FrameCount>,
    supported: &SupportedBufferSize,
) -> BufferSize {
    let usual = match backend {
        "jack" => return BufferSize::Default, // the server's own, nothing else
        "pulseaudio" => 2400,
        "wasapi" => 4800, // deepens the endpoint; the period stays at 10 ms
        _ => 2048,        // ALSA over PipeWire needs a power of two
    };
    let frames = wanted.unwrap_or(usual);
    BufferSize::Fixed(match *supported {
        SupportedBufferSize::Range { min, max } => frames.clamp(min, max.max(min)),
        SupportedBufferSize::Unknown => frames,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(channels: u16, rates: (u32, u32), format: SampleFormat) -> SupportedStreamConfigRange {
        let any = SupportedBufferSize::Unknown;
        SupportedStreamConfigRange::new(channels, rates.0, rates.1, any, format)
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
    fn the_period_stays_within_what_the_device_supports() {
        let range = SupportedBufferSize::Range { min: 16, max: 1024 };
        assert_eq!(buffer_size("alsa", None, &range), BufferSize::Fixed(1024));
        assert_eq!(buffer_size("alsa", Some(1), &range), BufferSize::Fixed(16));
        let unknown = SupportedBufferSize::Unknown;
        assert_eq!(
            buffer_size("pulseaudio", None, &unknown),
            BufferSize::Fixed(2400)
        );
        assert_eq!(buffer_size("jack", Some(64), &range), BufferSize::Default);
    }
}
