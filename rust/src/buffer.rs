//! The buffer that producer, consumer and observers share.
//!
//! Two sides. *Live* is all that the render side touches: atomics only. *Control* is the
//! rest, under one lock that no device callback ever takes: producers, `pop`, waiting, and
//! the renderer itself while no device has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::gate::{Chunks, Gate, OPEN};
use crate::heard::Timeline;
use crate::ledger::{Board, Counters, Event};
use crate::render::{Consumer, Renderer};
use crate::ring::Ring;
use crate::sync::{AtomicBool, AtomicU64, Condvar, Mutex, MutexGuard, Ordering};

/// The end of the buffer that was asked for is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Chunks end in order; `expected` is the one being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongOrdinal {
    /// The ordinal that may end now.
    pub expected: i64,
}

/// Absolute sample indices since the buffer was made: heard <= read <= written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)] // said above
pub struct Position {
    pub written: u64,
    pub read: u64,
    pub heard: u64,
}

/// The lengths, in samples, that a buffer is made of.
#[derive(Debug, Clone, Copy)]
pub struct Geometry {
    /// Storage, `kept_behind` included.
    pub capacity: usize,
    /// Kept behind `read` for rewinding.
    pub kept_behind: usize,
    /// Kept unread inside a chunk being written; also the length of a fade in.
    pub unread: usize,
    /// The longest fade out.
    pub ramp: usize,
    /// How many events and chunk ends are remembered.
    pub remembered: usize,
}

impl Geometry {
    /// 0.5 s behind, 5 ms unread, 10 ms ramps, 4,096 events; None where nothing would fit.
    pub fn of(sample_rate_hz: u32, capacity_s: f64) -> Option<Self> {
        let samples = |seconds: f64| (seconds * f64::from(sample_rate_hz)).round() as usize;
        let geometry = Self {
            capacity: samples(capacity_s),
            kept_behind: samples(0.5),
            unread: samples(0.005),
            ramp: samples(0.010),
            remembered: 4096,
        };
        (sample_rate_hz > 0 && geometry.capacity > geometry.kept_behind).then_some(geometry)
    }
}

/// What the render side reads and writes.
pub(crate) struct Live {
    pub ring: Ring,
    pub gate: Gate,
    pub board: Board,
    pub timeline: Timeline,
    pub paused: AtomicBool,
    /// Content before this index is to be dropped; only grows.
    pub discard: AtomicU64,
    /// How often more audio was announced.
    pub expects: AtomicU64,
    /// How often it was announced after an end; stored before `expects`.
    pub restarts: AtomicU64,
}

struct Control {
    chunks: Chunks,
    produced: bool,
    /// A reader without a device (`pop`, or `render` from Python) has claimed the end.
    claimed: bool,
    /// None while a device's `Consumer` has it.
    renderer: Option<Box<Renderer>>,
    events_drained: u64,
}

/// One listener's ring with its gate, counters and reading end.
pub struct SharedBuffer {
    sample_rate_hz: u32,
    born: Instant,
    live: Live,
    control: Mutex<Control>,
    changed: Condvar,
}

/// Beside its users every buffer is kept here, so that a device's thread that drops the
/// last `Consumer` never frees one.
#[cfg(not(loom))]
static KEPT: std::sync::Mutex<Vec<Arc<SharedBuffer>>> = std::sync::Mutex::new(Vec::new());

/// Free the buffers that nobody but `except` uses any more. Called when buffers are made
/// and when Python lets go of one, so on threads that may free memory.
#[cfg(not(loom))]
pub(crate) fn release(except: Option<&Arc<SharedBuffer>>) {
    let mut kept = KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    kept.retain(|buffer| {
        let own = except.is_some_and(|except| Arc::ptr_eq(except, buffer));
        Arc::strong_count(buffer) > 1 + usize::from(own)
    });
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
                discard: AtomicU64::new(0),
                expects: AtomicU64::new(0),
                restarts: AtomicU64::new(0),
            },
            control: Mutex::new(Control {
                chunks: Chunks::new(),
                produced: false,
                claimed: false,
                renderer: Some(Box::new(Renderer::new(geometry.unread, geometry.ramp))),
                events_drained: 0,
            }),
            changed: Condvar::new(),
        });
        #[cfg(not(loom))]
        {
            release(None);
            let mut kept = KEPT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            kept.push(Arc::clone(&buffer));
        }
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

    pub(crate) fn live(&self) -> &Live {
        &self.live
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

    // -- consumer side -------------------------------------------------------------------

    /// Claim the reading end for a device; dropping the `Consumer` gives it back.
    pub fn attach_consumer(self: &Arc<Self>) -> Result<Consumer, Busy> {
        let mut control = self.lock();
        if control.claimed {
            return Err(Busy);
        }
        let mut renderer = control.renderer.take().ok_or(Busy)?;
        renderer.hush();
        self.changed.notify_all();
        Ok(Consumer::new(Arc::clone(self), renderer))
    }

    pub(crate) fn take_back(&self, mut renderer: Box<Renderer>) {
        let mut control = self.lock();
        renderer.hush();
        renderer.take_discard(&self.live, self.now_ns());
        control.renderer = Some(renderer);
        self.changed.notify_all();
    }

    /// Claim the reading end for `pop` and `render_here`.
    pub fn claim_reading(&self) -> Result<(), Busy> {
        let mut control = self.lock();
        if control.claimed {
            return Err(Busy);
        }
        control.renderer.as_mut().ok_or(Busy)?.hush();
        control.claimed = true;
        Ok(())
    }

    /// Give back what `claim_reading` took.
    pub fn release_reading(&self) {
        self.lock().claimed = false;
    }

    /// Take up to `samples` open samples, waiting for at least one.
    ///
    /// Empty at the end; None where the deadline passed before there was anything.
    pub fn pop(&self, samples: usize, deadline: Option<Instant>) -> Result<Option<Vec<f32>>, Busy> {
        let mut control = self.lock();
        loop {
            let renderer = control.renderer.as_mut().ok_or(Busy)?;
            let open = renderer.open(&self.live);
            if open > 0 || self.drained() {
                let mut pcm = vec![0.0; open.min(samples)];
                renderer.pop(&self.live, &mut pcm, self.now_ns());
                if self.drained() {
                    self.changed.notify_all();
                }
                return Ok(Some(pcm));
            }
            control = match self.wait(control, None, deadline) {
                Ok(control) => control,
                Err(_) => return Ok(None),
            };
        }
    }

    /// What a device's callback does, for readers that are none; waits for no audio.
    pub fn render_here(&self, out: &mut [f32]) -> Result<(), Busy> {
        let mut control = self.lock();
        let renderer = control.renderer.as_mut().ok_or(Busy)?;
        renderer.render(&self.live, out, self.now_ns());
        if self.drained() {
            self.changed.notify_all();
        }
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

    /// Wait until `drained`, or the deadline; returns whether it is.
    ///
    /// A device's callback wakes nobody, since that could block it. While one can reach
    /// the end by itself, this looks again when the rest can have been played at the
    /// earliest; everything else that could change the answer takes the lock and wakes it.
    pub fn wait_drained(&self, deadline: Instant) -> bool {
        let mut control = self.lock();
        while !self.drained() {
            let look_again = self.earliest_end(&control);
            control = match self.wait(control, look_again, Some(deadline)) {
                Ok(control) => control,
                Err(control) => {
                    drop(control);
                    return self.drained();
                }
            };
        }
        true
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

    fn earliest_end(&self, control: &Control) -> Option<Duration> {
        let view = self.live.gate.view(&self.live.ring);
        let by_itself = control.renderer.is_none()
            && view.final_end <= view.limit
            && view.final_end != OPEN
            && !self.live.paused.load(Ordering::Relaxed);
        let discarded = self.live.discard.load(Ordering::Relaxed);
        let from = self.live.ring.read().max(discarded);
        let rest = view.written.saturating_sub(from) as f64 / f64::from(self.sample_rate_hz);
        by_itself.then(|| Duration::from_secs_f64(rest.max(0.010)))
    }

    /// Wait for a change, `look_again` or the deadline; Err: the deadline has passed.
    fn wait<'a>(
        &self,
        control: MutexGuard<'a, Control>,
        look_again: Option<Duration>,
        deadline: Option<Instant>,
    ) -> Result<MutexGuard<'a, Control>, MutexGuard<'a, Control>> {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(control);
        }
        let Some(longest) = look_again.into_iter().chain(left).min() else {
            let woken = self.changed.wait(control);
            return Ok(woken.unwrap_or_else(|poisoned| poisoned.into_inner()));
        };
        let woken = self.changed.wait_timeout(control, longest);
        Ok(woken.unwrap_or_else(|poisoned| poisoned.into_inner()).0)
    }

    /// The lock. Nothing panics while holding it half way, so poison is no news.
    fn lock(&self) -> MutexGuard<'_, Control> {
        self.control
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
