//! What the tests of the buffer share: numbered PCM, and a small repeatable random source.
#![allow(dead_code)] // each test binary uses its own part

use _native::buffer::{Geometry, SharedBuffer};
use _native::render::Consumer;
use std::sync::Arc;

/// Hz: a sample is a millisecond, so 5 stay unread and ramps have at most 10.
pub const RATE: u32 = 1000;
/// Samples left unread inside a chunk being written.
pub const UNREAD: usize = 5;
/// The longest fade out.
pub const RAMP: usize = 10;
/// The longest insertion, and what it keeps away from ramps and edges of chunks.
pub const LONGEST: u64 = 15;
/// An ordinal beyond every chunk.
pub const OPEN_ALL: i64 = 1 << 62;

/// A buffer at `RATE`.
pub fn buffer(capacity_s: f64) -> Arc<SharedBuffer> {
    SharedBuffer::new(RATE, Geometry::of(RATE, capacity_s).expect("room"))
}

/// Content in which each sample is its own index, counted from 1.
pub fn pcm(start: u64, samples: usize) -> Vec<f32> {
    (start + 1..).take(samples).map(|n| n as f32).collect()
}

/// Push numbered PCM; returns how much was taken.
pub fn push(buffer: &SharedBuffer, samples: usize) -> usize {
    buffer.push(&pcm(buffer.position().written, samples))
}

/// A whole chunk of numbered PCM.
pub fn chunk(buffer: &SharedBuffer, ordinal: i64, samples: usize) {
    assert_eq!(push(buffer, samples), samples);
    buffer.end_chunk(ordinal).expect("the next ordinal");
}

/// One callback's worth.
pub fn render(consumer: &mut Consumer, samples: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; samples];
    consumer.render(&mut out, 0);
    out
}

/// SplitMix64: repeatable from its seed.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
