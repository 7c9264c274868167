//! What the device callback runs: copy, ramp, count. Nothing here allocates, blocks or locks.
//!
//! Content is heard once and in order; `stretch` inserts periods between its samples.
//! Content is changed in two ways only, and each changed sample is counted as an edit:
//! it fades out where it must stop inside a chunk (underrun, pause, discard, gate shut),
//! and it fades in where it goes on inside a chunk. At chunk boundaries nothing is edited.

use std::sync::Arc;

use crate::buffer::{Geometry, Live, SharedBuffer};
use crate::fade::{FadeIn, Tail};
use crate::gate::View;
use crate::heard::Cursor;
use crate::ledger::{EventKind, Ledger, Silence};
use crate::stretch::Stretch;
use crate::sync::Ordering;

/// The reading end of a buffer, for one device callback.
///
/// Dropping it gives the end back, under the control side's lock: drop it where the stream
/// is dropped, not inside a callback. Its reference to the buffer is never the last one
/// (see `keep`), so no sample storage is freed on a device's thread.
pub struct Consumer {
    shared: Arc<SharedBuffer>,
    renderer: Option<Box<Renderer>>,
}

impl Consumer {
    pub(crate) fn new(shared: Arc<SharedBuffer>, renderer: Box<Renderer>) -> Self {
        Self {
            shared,
            renderer: Some(renderer),
        }
    }

    /// Fill `out` exactly with mono samples. Never allocates, blocks or locks.
    ///
    /// `latency_samples`: how much later than now the end of `out` will be heard; the
    /// buffer's `heard` is reckoned with it.
    pub fn render(&mut self, out: &mut [f32], latency_samples: u64) {
        let Some(renderer) = self.renderer.as_mut() else {
            return out.fill(0.0);
        };
        let live = &self.shared.live;
        live.timeline.set_latency(latency_samples);
        renderer.render(live, out, self.shared.now_ns());
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        if let Some(renderer) = self.renderer.take() {
            self.shared.take_back(renderer);
        }
    }
}

/// The state of rendering; outlives its consumers, so that counting goes on.
pub(crate) struct Renderer {
    read: u64,
    furthest: u64,
    sounding: bool, // the last sample handed out was content that nothing has faded out
    fade_in: FadeIn,
    tail: Tail,
    stretch: Stretch,
    clean_from: u64, // content from here to `read` was handed out as it is
    first_due: bool,
    holds_count: bool,
    seen_expects: u64,
    seen_restarts: u64,
    cursor: Cursor,
    ledger: Ledger,
    unread: usize,
}

impl Renderer {
    /// At index 0, in silence.
    pub fn new(sample_rate_hz: u32, geometry: &Geometry) -> Self {
        let unread = geometry.unread;
        Self {
            read: 0,
            furthest: 0,
            sounding: false,
            fade_in: FadeIn::new(unread),
            tail: Tail::new(geometry.ramp.max(unread)),
            stretch: Stretch::new(sample_rate_hz),
            clean_from: 0,
            first_due: false,
            holds_count: false,
            seen_expects: 0,
            seen_restarts: 0,
            cursor: Cursor::new(),
            ledger: Ledger::new(),
            unread,
        }
    }

    /// The device is gone: what is handed out next follows silence.
    pub fn hush(&mut self) {
        self.sounding = false;
        self.tail.clear();
        self.stretch.drop_rest();
    }

    /// Hand out exactly `out.len()` samples: content, or faded silence, counted.
    pub fn render(&mut self, live: &Live, out: &mut [f32], now_ns: u64) {
        self.take_discard(live, now_ns);
        let view = live.gate.view(&live.ring);
        self.take_announcements(live);
        let paused = live.paused.load(Ordering::Relaxed);
        self.stretch
            .want(f64::from_bits(live.pace.load(Ordering::Relaxed)));
        let mut done = self.play_inserted(live, out);
        done += self.play_tail(live, &mut out[done..]);
        if !paused {
            done += self.play_content(live, &view, &mut out[done..]);
        }
        if done < out.len() && self.sounding {
            self.stop_sounding(live, &view, paused);
            done += self.play_tail(live, &mut out[done..]);
        }
        self.play_silence(live, &view, paused, &mut out[done..]);
        self.finish_block(live, out.len());
    }

    /// Take up to `out.len()` open samples as they are; returns how many.
    pub fn pop(&mut self, live: &Live, out: &mut [f32], now_ns: u64) -> usize {
        self.take_discard(live, now_ns);
        self.hush();
        let samples = self.open(live).min(out.len());
        live.ring.copy(self.read, &mut out[..samples]);
        self.cursor
            .content(&live.timeline, self.read, samples as u64);
        self.read += samples as u64;
        self.finish_block(live, samples);
        samples
    }

    /// How many samples exist and may be heard.
    pub fn open(&self, live: &Live) -> usize {
        let end = live.gate.view(&live.ring).end();
        end.saturating_sub(self.read) as usize
    }

    /// Drop what the control side asked to drop, after a ramp if it is being heard.
    pub fn take_discard(&mut self, live: &Live, now_ns: u64) {
        self.ledger.now_ns = now_ns;
        let target = live.discard.load(Ordering::Acquire);
        if target <= self.read {
            return;
        }
        let open_end = live.gate.view(&live.ring).end();
        self.fade_away(live, open_end.min(target), self.tail.longest());
        if target > self.read {
            let dropped = target - self.read;
            self.ledger
                .note(&live.board, EventKind::Discard, self.read, dropped);
            self.read = target;
            if self.tail.is_empty() {
                self.cursor.silence(&live.timeline, target, 0);
            }
        }
        self.publish(live);
    }

    /// Go back to `index`, as far as it is kept and was not discarded.
    pub fn rewind(&mut self, live: &Live, index: u64) -> u64 {
        let kept_from = self.furthest.saturating_sub(live.ring.kept_behind());
        let from = kept_from.max(live.discard.load(Ordering::Acquire));
        self.read = index.max(from).min(self.read);
        self.hush();
        live.ring.set_read(self.read);
        self.cursor.rewind(&live.timeline, self.read);
        self.read
    }

    fn take_announcements(&mut self, live: &Live) {
        let restarts = live.restarts.load(Ordering::Relaxed);
        let expects = live.expects.load(Ordering::Acquire);
        if restarts != self.seen_restarts {
            self.seen_restarts = restarts;
            self.holds_count = false;
        }
        if expects != self.seen_expects {
            self.seen_expects = expects;
            self.first_due = true;
        }
    }

    fn play_tail(&mut self, live: &Live, out: &mut [f32]) -> usize {
        if self.tail.is_empty() {
            return 0;
        }
        let (index, samples) = self.tail.hand_out(out);
        self.cursor.content(&live.timeline, index, samples as u64);
        self.ledger.render(samples as u64);
        samples
    }

    /// Content up to what may be heard, and what is inserted in it; returns how much.
    fn play_content(&mut self, live: &Live, view: &View, out: &mut [f32]) -> usize {
        let end = view.playable(self.unread as u64);
        let mut done = 0;
        loop {
            let left = end.saturating_sub(self.read);
            let samples = left.min(self.stretch.until_look(self.read)) as usize;
            let samples = samples.min(out.len() - done);
            if samples == 0 {
                return done;
            }
            self.play_piece(live, &mut out[done..done + samples]);
            done += samples;
            if self.stretch.looks_at(self.read) {
                self.begin_insertion(live, end);
                done += self.play_inserted(live, &mut out[done..]);
            }
        }
    }

    fn play_piece(&mut self, live: &Live, out: &mut [f32]) {
        self.begin_content(live);
        live.ring.copy(self.read, out);
        let (edited, samples) = (self.fade_in.apply(out) as u64, out.len() as u64);
        self.ledger.edit(&live.board, self.read, edited);
        self.ledger.render(samples);
        self.cursor.content(&live.timeline, self.read, samples);
        self.read += samples;
    }

    /// Insert something before `read`, if that is due and there is a good place.
    fn begin_insertion(&mut self, live: &Live, playable_end: u64) {
        if !self.stretch.owes(self.ledger.rendered()) {
            return;
        }
        let room = self.stretch.longest() as u64;
        let (Some(begin), end) = live.gate.chunk_at(self.read) else {
            return;
        };
        let kept_from = self.read.saturating_sub(live.ring.kept_behind());
        let clean_from = begin.max(self.clean_from).max(kept_from);
        if self.read < clean_from + room || self.read + room > end.min(playable_end) {
            return;
        }
        live.ring.copy(self.read - room, self.stretch.around());
        let samples = self.stretch.begin(self.read) as u64;
        if samples > 0 {
            self.ledger.stretch(&live.board, self.read, samples);
        }
    }

    fn play_inserted(&mut self, live: &Live, out: &mut [f32]) -> usize {
        let (index, samples) = self.stretch.hand_out(out);
        if samples > 0 {
            self.cursor.silence(&live.timeline, index, samples as u64);
        }
        samples
    }

    fn begin_content(&mut self, live: &Live) {
        self.ledger.silence(&live.board, None, self.read, 0);
        if self.first_due {
            self.ledger
                .note(&live.board, EventKind::First, self.read, 0);
            self.first_due = false;
            self.holds_count = true;
        }
        if !self.sounding {
            self.sounding = true;
            self.clean_from = self.read;
            if live.gate.is_boundary(self.read) {
                self.fade_in.skip();
            } else {
                self.fade_in.begin();
                self.clean_from += self.unread as u64;
            }
        }
    }

    /// Content has run out, or may not go on: fade it out unless it stands at a boundary.
    fn stop_sounding(&mut self, live: &Live, view: &View, paused: bool) {
        if live.gate.is_boundary(self.read) {
            self.sounding = false;
        } else if view.limit <= self.read {
            // The gate was shut in mid-chunk: this much beyond it is heard, fading.
            self.fade_away(live, view.written, self.tail.longest());
        } else {
            let longest = if paused {
                self.tail.longest()
            } else {
                self.unread
            };
            self.fade_away(live, view.end(), longest);
        }
    }

    /// Take at most `longest` samples before `up_to` as a tail that fades to silence.
    fn fade_away(&mut self, live: &Live, up_to: u64, longest: usize) {
        if !self.sounding {
            return;
        }
        self.sounding = false;
        let samples = longest.min(up_to.saturating_sub(self.read) as usize);
        self.tail
            .cut(&live.ring, self.read, samples, self.fade_in.gain());
        self.ledger.edit(&live.board, self.read, samples as u64);
        self.read += samples as u64;
    }

    fn play_silence(&mut self, live: &Live, view: &View, paused: bool, out: &mut [f32]) {
        if out.is_empty() {
            return;
        }
        out.fill(0.0);
        let samples = out.len() as u64;
        let at_end = view.at_end(self.read);
        if at_end {
            self.ledger.forget_hold();
        }
        let kind = if paused || at_end {
            None
        } else {
            self.silence_kind(live, view)
        };
        self.ledger.silence(&live.board, kind, self.read, samples);
        self.cursor.silence(&live.timeline, self.read, samples);
    }

    fn silence_kind(&self, live: &Live, view: &View) -> Option<Silence> {
        if self.read < view.limit && !live.gate.is_boundary(self.read) {
            return Some(Silence::Underrun);
        }
        self.holds_count.then_some(Silence::Hold)
    }

    fn finish_block(&mut self, live: &Live, samples: usize) {
        self.publish(live);
        let now_ns = self.ledger.now_ns;
        self.cursor.anchor(&live.timeline, now_ns, samples as u64);
    }

    fn publish(&mut self, live: &Live) {
        self.furthest = self.furthest.max(self.read);
        live.ring.set_read(self.read);
        self.ledger.publish(&live.board);
    }
}
