//! What the listener hears now: a map from the device's timeline to content indices.
//!
//! The device plays what it was given `latency` samples later. Silence and discarded
//! content make the map piecewise: each piece begins at an output sample and either moves
//! through the content or stands still in it.

use crate::journal::Journal;
use crate::sync::{AtomicU64, Ordering};

/// Pieces that begin within the latency; more than that are never looked back at.
const PIECES: usize = 256;
const ANCHORS: usize = 8;

/// The map, as observers read it.
pub(crate) struct Timeline {
    pieces: Journal<3>,
    anchor: Journal<3>,
    latency: AtomicU64,
    heard: AtomicU64,
}

/// The writing end of a `Timeline`; owned by the render side.
pub(crate) struct Cursor {
    out: u64,
    index: u64,
    moving: bool,
}

impl Timeline {
    /// Nothing was played yet. `remembered`: an upper limit to what is kept.
    pub fn new(remembered: usize) -> Self {
        Self {
            pieces: Journal::new(PIECES.min(remembered)),
            anchor: Journal::new(ANCHORS.min(remembered)),
            latency: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        }
    }

    /// How far behind the rendered the heard is, in samples.
    pub fn latency(&self) -> u64 {
        self.latency.load(Ordering::Relaxed)
    }

    /// Set the latency.
    pub fn set_latency(&self, samples: u64) {
        self.latency.store(samples, Ordering::Relaxed);
    }

    /// The content index heard at `now_ns`; never goes back, except by `Cursor::rewind`.
    ///
    /// Between two renders time moves it on, by two blocks at most: a device that does
    /// not ask any more does not play any more either.
    pub fn heard(&self, now_ns: u64, rate_hz: u32) -> u64 {
        let [out, at_ns, block] = self.anchor.newest().unwrap_or_default();
        let passed_ns = u128::from(now_ns.saturating_sub(at_ns));
        let passed = (passed_ns * u128::from(rate_hz) / 1_000_000_000) as u64;
        let played = out
            .saturating_add(passed.min(2 * block))
            .saturating_sub(self.latency())
            .min(out);
        let heard = self.index_at(played);
        self.heard.fetch_max(heard, Ordering::Relaxed).max(heard)
    }

    fn index_at(&self, out: u64) -> u64 {
        let mut index = 0;
        let (oldest, count) = (self.pieces.oldest(), self.pieces.count());
        for n in (oldest..count).rev() {
            let Some([start, from, moving]) = self.pieces.get(n) else {
                break;
            };
            index = from;
            if start <= out {
                return from + moving * (out - start);
            }
        }
        if oldest == 0 { 0 } else { index }
    }
}

impl Cursor {
    /// At the beginning of everything, standing.
    pub fn new() -> Self {
        Self {
            out: 0,
            index: 0,
            moving: false,
        }
    }

    /// `samples` of content from `index` on are rendered.
    pub fn content(&mut self, timeline: &Timeline, index: u64, samples: u64) {
        if !self.moving || index != self.index {
            timeline.pieces.push([self.out, index, 1]);
        }
        self.moving = true;
        self.index = index + samples;
        self.out += samples;
    }

    /// `samples` of silence are rendered, before content `index`.
    pub fn silence(&mut self, timeline: &Timeline, index: u64, samples: u64) {
        if self.moving || index != self.index {
            timeline.pieces.push([self.out, index, 0]);
        }
        self.moving = false;
        self.index = index;
        self.out += samples;
    }

    /// The device is gone with what it had not played; content goes on from `index`.
    pub fn rewind(&mut self, timeline: &Timeline, index: u64) {
        timeline.pieces.push([0, index, 0]);
        timeline.heard.fetch_min(index, Ordering::Relaxed);
        self.moving = false;
        self.index = index;
    }

    /// The block of `samples` that ends here was rendered at `now_ns`.
    pub fn anchor(&self, timeline: &Timeline, now_ns: u64, samples: u64) {
        timeline.anchor.push([self.out, now_ns, samples]);
    }
}
