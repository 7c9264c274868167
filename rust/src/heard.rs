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

    /// `samples` of silence, or of an insertion, are rendered, before content `index`.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const RATE: u32 = 1000; // a sample is a millisecond
    const MS: u64 = 1_000_000;

    #[test]
    fn heard_lags_by_the_latency_and_moves_with_time() {
        let (timeline, mut cursor) = (Timeline::new(99), Cursor::new());
        assert_eq!(timeline.heard(0, RATE), 0);
        timeline.set_latency(80);
        cursor.content(&timeline, 0, 100);
        cursor.anchor(&timeline, 500 * MS, 100);
        assert_eq!(timeline.heard(500 * MS, RATE), 20);
        assert_eq!(timeline.heard(530 * MS, RATE), 50);
        assert_eq!(timeline.heard(900 * MS, RATE), 100);
        assert_eq!(timeline.heard(510 * MS, RATE), 100, "never back");
    }

    #[test]
    fn a_device_that_stopped_asking_stopped_playing() {
        let (timeline, mut cursor) = (Timeline::new(99), Cursor::new());
        timeline.set_latency(80);
        for _ in 0..10 {
            cursor.content(&timeline, cursor.index, 10);
            cursor.anchor(&timeline, 0, 10);
        }
        assert_eq!(timeline.heard(9_000 * MS, RATE), 40);
    }

    #[test]
    fn silence_and_jumps_are_heard_when_they_are_played() {
        let (timeline, mut cursor) = (Timeline::new(99), Cursor::new());
        cursor.content(&timeline, 0, 100);
        cursor.silence(&timeline, 100, 50);
        cursor.content(&timeline, 700, 100);
        cursor.silence(&timeline, 900, 0);
        cursor.anchor(&timeline, 0, 0);
        for (latency, heard) in [(300, 0), (200, 50), (120, 100), (99, 701), (0, 900)] {
            timeline.set_latency(latency);
            assert_eq!(timeline.heard(0, RATE), heard);
        }
    }

    #[test]
    fn after_a_rewind_what_was_in_flight_was_not_heard() {
        let (timeline, mut cursor) = (Timeline::new(99), Cursor::new());
        cursor.content(&timeline, 0, 100);
        cursor.anchor(&timeline, 0, 100);
        assert_eq!(timeline.heard(0, RATE), 100);
        cursor.rewind(&timeline, 30);
        assert_eq!(timeline.heard(0, RATE), 30);
        timeline.set_latency(20);
        cursor.content(&timeline, 30, 40);
        cursor.anchor(&timeline, 0, 40);
        assert_eq!(timeline.heard(0, RATE), 50);
    }

    #[test]
    fn beyond_what_is_remembered_the_oldest_counts() {
        let (timeline, mut cursor) = (Timeline::new(2), Cursor::new());
        for start in [0, 1000, 2000] {
            cursor.content(&timeline, start, 10);
        }
        cursor.anchor(&timeline, 0, 0);
        timeline.set_latency(25);
        assert_eq!(timeline.heard(0, RATE), 1000);
    }
}
