//! The buffer that producer, consumer and observers share.
//!
//! Two sides. *Live* is all that the render side touches: atomics only. *Control* is the
//! rest, under one lock that no device callback ever takes: producers, `pop`, waiting, and
//! the renderer itself while no device has it.

use std::sync::Arc;
use std::time::Instant;

use crate::gate::{Chunks, Gate, OPEN};
use crate::heard::Timeline;
use crate::ledger::{Board, Counters, Event};
use crate::render::Renderer;
use crate::ring::Ring;
use crate::stretch::SLOWEST_PACE;
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard, Ordering};

pub use crate::values::{Busy, Geometry, Position, WrongOrdinal, WrongPace};

/// What the render side reads and writes.
pub(crate) struct Live {
    pub ring: Ring,
    pub gate: Gate,
    pub board: Board,
    pub timeline: Timeline,
    pub paused: AtomicBool,
    /// The pace that was asked for, as the bits of an f64.
    pub pace: AtomicU64,
    /// Content before this index is to be dropped; only grows.
    pub discard: AtomicU64,
    /// How often more audio was announced.
    pub expects: AtomicU64,
    /// How often it was announced after an end; stored before `expects`.
    pub restarts: AtomicU64,
}

pub(crate) struct Control {
    chunks: Chunks,
    produced: bool,
    /// A reader without a device (`pop`, `render_here`) has claimed the end.
    pub claimed: bool,
    /// None while a device's `Consumer` has it.
    pub renderer: Option<Box<Renderer>>,
    events_drained: u64,
}

/// One listener's ring with its gate, counters and reading end.
pub struct SharedBuffer {
    sample_rate_hz: u32,
    born: Instant,
    pub(crate) live: Live,
    control: Mutex<Control>,
    pub(crate) changed: Condvar,
}

impl SharedBuffer {
    /// A buffer with its gate shut and both ends free.
    pub fn new(sample_rate_hz: u32, geometry: Geometry) -> Arc<Self> {
        let buffer = Arc::new(Self {
            sample_rate_hz,
            born: Instant::now(),
            live: Live {
                ring: Ring::new(geometry.capacity, geometry.kept_behind),
                gate: Gate::new(geometry.remembered),
                board: Board::new(geometry.remembered),
                timeline: Timeline::new(geometry.remembered),
                paused: AtomicBool::new(false),
                pace: AtomicU64::new(1.0_f64.to_bits()),
                discard: AtomicU64::new(0),
                expects: AtomicU64::new(0),
                restarts: AtomicU64::new(0),
            },
            control: Mutex::new(Control {
                chunks: Chunks::new(),
                produced: false,
                claimed: false,
                renderer: Some(Box::new(Renderer::new(sample_rate_hz, &geometry))),
                events_drained: 0,
            }),
            changed: Condvar::new(),
        });
        #[cfg(not(loom))]
        crate::keep::BUFFERS.keep(&buffer);
        buffer
    }

    /// The rate of every sample in the buffer.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// How many samples the ring holds, those kept behind `read` included.
    pub fn capacity_samples(&self) -> usize {
        self.live.ring.capacity()
    }

    /// Nanoseconds since the buffer was made: what events and positions are dated with.
    pub fn now_ns(&self) -> u64 {
        self.born.elapsed().as_nanos() as u64
    }

    // -- producer and control side -------------------------------------------------------

    /// Claim the producing end.
    pub fn attach_producer(&self) -> Result<(), Busy> {
        let mut control = self.lock();
        if control.produced {
            return Err(Busy);
        }
        control.produced = true;
        Ok(())
    }

    /// Give the producing end back.
    pub fn detach_producer(&self) {
        self.lock().produced = false;
    }

    /// Append samples; returns how many fitted.
    pub fn push(&self, pcm: &[f32]) -> usize {
        let _control = self.lock();
        let ring = &self.live.ring;
        let taken = pcm.len().min(ring.free());
        if taken > 0 {
            ring.write(&pcm[..taken]);
            if self.live.gate.final_end() != OPEN {
                let end = ring.written() + taken as u64;
                self.live.gate.set_final_end(end);
            }
            ring.publish(taken);
            self.changed.notify_all();
        }
        taken
    }

    /// How many samples `push` takes now.
    pub fn free_samples(&self) -> usize {
        self.live.ring.free()
    }

    /// Close the chunk being written; returns its end index.
    pub fn end_chunk(&self, ordinal: i64) -> Result<u64, WrongOrdinal> {
        let mut control = self.lock();
        let expected = control.chunks.current();
        if ordinal != expected {
            return Err(WrongOrdinal { expected });
        }
        let index = self.live.ring.written();
        control.chunks.end(&self.live.gate, index);
        Ok(index)
    }

    /// Let the listener hear all chunks up to `ordinal`; never closes.
    pub fn open_through(&self, ordinal: i64) {
        self.lock().chunks.open_through(&self.live.gate, ordinal);
        self.changed.notify_all();
    }

    /// Take the gate back to the last chunk that was ended.
    pub fn shut_gate(&self) {
        self.lock().chunks.shut(&self.live.gate);
    }

    /// Announce that more audio is due.
    pub fn expect(&self) {
        let _control = self.lock();
        if self.live.gate.final_end() != OPEN {
            self.live.gate.set_final_end(OPEN);
            self.live.restarts.fetch_add(1, Ordering::Relaxed);
        }
        self.live.expects.fetch_add(1, Ordering::Release);
    }

    /// Announce that nothing is due after what is written.
    pub fn finish(&self) {
        let _control = self.lock();
        self.live.gate.set_final_end(self.live.ring.written());
        self.changed.notify_all();
    }

    /// Drop content before `index` unheard: at once, or at a device's next callback.
    pub fn discard_to(&self, index: u64) {
        let mut control = self.lock();
        let target = index
            .max(self.live.ring.read())
            .min(self.live.ring.written());
        self.live.discard.fetch_max(target, Ordering::Release);
        if let Some(renderer) = control.renderer.as_mut() {
            renderer.take_discard(&self.live, self.now_ns());
        }
        self.changed.notify_all();
    }

    /// Move `read` back to `index`, as far as it is kept; returns the new read index.
    pub fn rewind_to(&self, index: u64) -> Result<u64, Busy> {
        let mut control = self.lock();
        if control.claimed {
            return Err(Busy);
        }
        let renderer = control.renderer.as_mut().ok_or(Busy)?;
        let read = renderer.rewind(&self.live, index);
        self.changed.notify_all();
        Ok(read)
    }

    /// Silence a rendering listener after a ramp, or let it go on.
    pub fn set_paused(&self, paused: bool) {
        let _control = self.lock();
        self.live.paused.store(paused, Ordering::Relaxed);
        self.changed.notify_all();
    }

    /// Render what is in the ring at `pace` (0.92 to 1.0) times its speed, approached in
    /// steps, by inserting whole pitch periods.
    pub fn set_pace(&self, pace: f64) -> Result<(), WrongPace> {
        if !(SLOWEST_PACE..=1.0).contains(&pace) {
            return Err(WrongPace);
        }
        self.live.pace.store(pace.to_bits(), Ordering::Relaxed);
        Ok(())
    }

    // -- observers -----------------------------------------------------------------------

    /// How far behind `read` the listener hears; a device's callback sets its own.
    pub fn set_output_latency(&self, samples: u64) {
        self.live.timeline.set_latency(samples);
    }

    /// How many samples are written and not yet read, open or not.
    pub fn buffered_samples(&self) -> u64 {
        let read = self.live.ring.read();
        self.live.ring.written().saturating_sub(read)
    }

    /// Where writing, reading and hearing are.
    pub fn position(&self) -> Position {
        let heard = self.live.timeline.heard(self.now_ns(), self.sample_rate_hz);
        let read = self.live.ring.read();
        let written = self.live.ring.written();
        Position {
            written,
            read: read.min(written),
            heard: heard.min(read),
        }
    }

    /// Whether the end was announced and everything before it was read.
    pub fn drained(&self) -> bool {
        self.live.ring.read() >= self.live.gate.final_end()
    }

    /// Totals since the buffer was made, as of the last render.
    pub fn counters(&self) -> Counters {
        self.live.board.counters()
    }

    /// Events since the last call, oldest first; the oldest are lost beyond what is kept.
    pub fn drain_events(&self) -> Vec<Event> {
        let mut control = self.lock();
        let (events, next) = self.live.board.events(control.events_drained);
        control.events_drained = next;
        events
    }

    /// The lock. Nothing panics while holding it half way, so poison is no news.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Control> {
        self.control
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
