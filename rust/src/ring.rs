//! Samples by absolute index, in storage that is allocated once.
//!
//! One writer, one reader. What lies behind `read` is kept for a while, so that a device
//! that was lost can be fed again from the sample last heard. Samples are relaxed atomics:
//! on every common processor those are plain moves, and no unsafe code is needed. The
//! indices order them: `written` is stored after the samples it covers, `read` after the
//! samples before it were copied.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The storage and its two indices.
pub(crate) struct Ring {
    slots: Box<[AtomicU32]>,
    kept_behind: u64,
    written: AtomicU64,
    read: AtomicU64,
}

impl Ring {
    /// Silence everywhere; `kept_behind` of the `capacity` samples stay behind `read`.
    pub fn new(capacity: usize, kept_behind: usize) -> Self {
        Self {
            slots: (0..capacity).map(|_| AtomicU32::new(0)).collect(),
            kept_behind: kept_behind as u64,
            written: AtomicU64::new(0),
            read: AtomicU64::new(0),
        }
    }

    /// How many samples it holds, those behind `read` included.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many samples stay behind `read`.
    pub fn kept_behind(&self) -> u64 {
        self.kept_behind
    }

    /// The index of the next sample to be written.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// The index of the next sample to be read.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Acquire)
    }

    /// How many samples `push` takes now.
    pub fn free(&self) -> usize {
        let read = self.read();
        let ahead = self.written().saturating_sub(read);
        (self.capacity() as u64 - self.kept_behind).saturating_sub(ahead) as usize
    }

    /// Write `pcm` (no longer than `free`) without making it visible. Writer only.
    pub fn write(&self, pcm: &[f32]) {
        let (first, second) = self.halves(self.written.load(Ordering::Relaxed), pcm.len());
        for (slot, sample) in first.iter().chain(second).zip(pcm) {
            slot.store(sample.to_bits(), Ordering::Relaxed);
        }
    }

    /// Make `samples` more of what was written visible. Writer only.
    pub fn publish(&self, samples: usize) {
        let written = self.written.load(Ordering::Relaxed);
        self.written
            .store(written + samples as u64, Ordering::Release);
    }

    /// Copy the samples from `start` on, which must lie before `written`, to `out`.
    pub fn copy(&self, start: u64, out: &mut [f32]) {
        let (first, second) = self.halves(start, out.len());
        for (slot, sample) in first.iter().chain(second).zip(out) {
            *sample = f32::from_bits(slot.load(Ordering::Relaxed));
        }
    }

    /// Everything before `index` may be overwritten once it is `kept_behind` away.
    /// Reader only.
    pub fn set_read(&self, index: u64) {
        self.read.store(index, Ordering::Release);
    }

    fn halves(&self, start: u64, samples: usize) -> (&[AtomicU32], &[AtomicU32]) {
        let at = (start % self.capacity() as u64) as usize;
        let first = samples.min(self.capacity() - at);
        (&self.slots[at..at + first], &self.slots[..samples - first])
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn content_survives_the_end_of_the_storage() {
        let ring = Ring::new(5, 2);
        assert_eq!(
            (ring.capacity(), ring.kept_behind(), ring.free()),
            (5, 2, 3)
        );
        let mut out = [0.0; 3];
        for round in 0..7 {
            let pcm = [0.5, 1.5, 2.5].map(|sample| sample + round as f32);
            ring.write(&pcm);
            assert_eq!(ring.free(), 3);
            ring.publish(3);
            assert_eq!(ring.free(), 0);
            ring.copy(ring.read(), &mut out);
            assert_eq!(out, pcm);
            ring.set_read(ring.written());
        }
        ring.copy(ring.read() - 2, &mut out[..2]);
        assert_eq!(out[..2], [7.5, 8.5]);
    }

    #[test]
    fn going_back_takes_room_away_and_never_below_none() {
        let ring = Ring::new(10, 4);
        ring.publish(6);
        ring.set_read(4);
        ring.publish(4);
        ring.set_read(1);
        assert_eq!((ring.free(), ring.written()), (0, 10));
    }
}
