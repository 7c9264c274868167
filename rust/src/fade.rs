//! The two ramps: content that fades in as it is handed out, and a tail that fades out.
//!
//! No sample of a ramp has gain 0 or 1, so each is changed and each counts as edited.

use crate::ring::Ring;

/// A rising ramp that may span several blocks.
pub(crate) struct FadeIn {
    length: usize,
    left: usize,
}

impl FadeIn {
    /// Ramps of `length` samples; none is due yet.
    pub fn new(length: usize) -> Self {
        Self { length, left: 0 }
    }

    /// What is handed out next begins inside a chunk.
    pub fn begin(&mut self) {
        self.left = self.length;
    }

    /// What is handed out next begins at a boundary.
    pub fn skip(&mut self) {
        self.left = 0;
    }

    /// The gain that the next sample would follow.
    pub fn gain(&self) -> f32 {
        if self.left == 0 {
            1.0
        } else {
            self.after(self.left)
        }
    }

    /// Ramp the beginning of `out`; returns how many samples were changed.
    pub fn apply(&mut self, out: &mut [f32]) -> usize {
        let samples = self.left.min(out.len());
        for sample in &mut out[..samples] {
            self.left -= 1;
            *sample *= self.after(self.left);
        }
        samples
    }

    fn after(&self, left: usize) -> f32 {
        (self.length - left) as f32 / (self.length + 1) as f32
    }
}

/// Content that was taken and faded out, still to be handed out.
pub(crate) struct Tail {
    pcm: Box<[f32]>,
    left: usize,
    end: u64,
}

impl Tail {
    /// Room for `longest` samples.
    pub fn new(longest: usize) -> Self {
        Self {
            pcm: vec![0.0; longest].into_boxed_slice(),
            left: 0,
            end: 0,
        }
    }

    /// The longest tail.
    pub fn longest(&self) -> usize {
        self.pcm.len()
    }

    /// Whether all of it was handed out.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Nobody will hear the rest.
    pub fn clear(&mut self) {
        self.left = 0;
    }

    /// Take `samples` from `index` on, falling from `gain` to silence.
    pub fn cut(&mut self, ring: &Ring, index: u64, samples: usize, gain: f32) {
        let at = self.pcm.len() - samples;
        let pcm = &mut self.pcm[at..];
        ring.copy(index, pcm);
        for (n, sample) in pcm.iter_mut().rev().enumerate() {
            *sample *= gain * (n + 1) as f32 / (samples + 1) as f32;
        }
        self.left = samples;
        self.end = index + samples as u64;
    }

    /// Hand out what is left, as far as it fits: the content index, and how many samples.
    pub fn hand_out(&mut self, out: &mut [f32]) -> (u64, usize) {
        let index = self.end - self.left as u64;
        let samples = self.left.min(out.len());
        let at = self.pcm.len() - self.left;
        out[..samples].copy_from_slice(&self.pcm[at..at + samples]);
        self.left -= samples;
        (index, samples)
    }
}
