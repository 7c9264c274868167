//! What runs on the device's thread: copy, convert, count. No allocation, no waiting.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cpal::{FromSample, OutputCallbackInfo, SizedSample};

use crate::buffer::SharedBuffer;
use crate::health::{Health, WARM_UP_CALLBACKS};
use crate::render::Consumer;

/// Where a stream finds the consumer, and where the control side takes it away again, so
/// that a stream that cannot be ended (its server hangs) can still be cut off.
///
/// The callback only ever tries the lock. It is contended while the consumer is being
/// taken away and at no other time; the callback plays silence then.
pub type Slot = Arc<Mutex<Option<Consumer>>>;

/// Frames rendered at a time: more than callbacks usually ask for, so that one is one `render`.
const BLOCK_FRAMES: usize = 8192;

/// One stream's callback.
pub struct Callback {
    slot: Slot,
    buffer: Arc<SharedBuffer>,
    health: Arc<Health>,
    channels: usize,
    callbacks: u64,
    mono: Box<[f32]>,
}

impl Callback {
    /// Plays what the slot's consumer of `buffer` renders, on `channels` channels.
    pub fn new(slot: Slot, buffer: Arc<SharedBuffer>, health: Arc<Health>, channels: u16) -> Self {
        Self {
            slot,
            buffer,
            health,
            channels: channels.into(),
            callbacks: 0,
            mono: vec![0.0; BLOCK_FRAMES].into_boxed_slice(),
        }
    }

    /// Fills `out` (interleaved): the content on the first two channels, silence on the rest.
    ///
    /// A new stream plays silence for its first callbacks: servers lose the first samples
    /// of a fresh stream, and know its latency only once it runs.
    pub fn run<T>(&mut self, out: &mut [T], info: &OutputCallbackInfo)
    where
        T: SizedSample + FromSample<f32>,
    {
        let timestamp = info.timestamp();
        let latency = timestamp.playback.duration_since(timestamp.callback);
        let frames = (out.len() / self.channels) as u64;
        let latency_samples = samples(latency, self.buffer.sample_rate_hz());
        self.callbacks += 1;
        if self.callbacks < WARM_UP_CALLBACKS {
            out.fill(T::EQUILIBRIUM);
        } else {
            self.fill(out, latency_samples);
        }
        let heard = self.buffer.position().heard;
        self.health
            .on_callback(frames, latency, latency_samples + frames, heard);
    }

    fn fill<T: SizedSample + FromSample<f32>>(&mut self, out: &mut [T], latency_samples: u64) {
        let Ok(mut slot) = self.slot.try_lock() else {
            out.fill(T::EQUILIBRIUM);
            return;
        };
        let Some(consumer) = slot.as_mut() else {
            out.fill(T::EQUILIBRIUM);
            return;
        };
        let mut behind = latency_samples;
        for block in out.chunks_mut(BLOCK_FRAMES * self.channels) {
            let mono = &mut self.mono[..block.len() / self.channels];
            behind += mono.len() as u64; // counted from the end of what is rendered
            consumer.render(mono, behind);
            spread(mono, block, self.channels);
        }
    }
}

/// Copies mono samples to the first two of `channels` interleaved channels.
fn spread<T: SizedSample + FromSample<f32>>(mono: &[f32], out: &mut [T], channels: usize) {
    for (frame, &sample) in out.chunks_exact_mut(channels).zip(mono) {
        let (voiced, silent) = frame.split_at_mut(channels.min(2));
        voiced.fill(T::from_sample(sample));
        silent.fill(T::EQUILIBRIUM);
    }
}

fn samples(duration: Duration, rate_hz: u32) -> u64 {
    (duration.as_secs_f64() * f64::from(rate_hz)).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float32_reaches_both_channels_unchanged() {
        let mono = [0.1_f32, -1.0, f32::MIN_POSITIVE];
        let mut out = [9.0_f32; 6];
        spread(&mono, &mut out, 2);
        assert_eq!(
            out,
            [0.1, 0.1, -1.0, -1.0, f32::MIN_POSITIVE, f32::MIN_POSITIVE]
        );
    }

    #[test]
    fn surround_plays_on_the_front_pair_alone() {
        let mut out = [9.0_f32; 6];
        spread(&[0.5], &mut out, 6);
        assert_eq!(out, [0.5, 0.5, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn integers_are_saturated_and_unsigned_silence_is_the_middle() {
        let mut signed = [0_i16; 3];
        spread(&[2.0, -2.0, 0.0], &mut signed, 1);
        assert_eq!(signed, [i16::MAX, i16::MIN, 0]);
        let mut unsigned = [0_u16; 3];
        spread(&[0.0], &mut unsigned, 3);
        assert_eq!(unsigned, [32_768; 3]);
    }
}
