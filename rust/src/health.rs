//! What a stream's callbacks leave behind for the control side, and what it means.
//!
//! The data callback only stores atomics. The error callback may run on the audio thread
//! too: it stores an atomic and rings a bell, without taking a waiter's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use cpal::ErrorKind;

use crate::bell::{Bell, Verdict};

/// No callback for this long: the device is gone or its server hangs.
pub const STALL: Duration = Duration::from_secs(1);
/// A sleeping device may take this long to ask for more than its first buffer.
pub const WARM_UP: Duration = Duration::from_secs(5);
/// Callbacks until a stream counts as running.
pub const WARM_UP_CALLBACKS: u64 = 3;
/// An error counts as a loss unless callbacks still come this long after it: some backends
/// report a stream invalidated that goes on (WASAPI, when the default device changes).
const CONFIRM: Duration = Duration::from_millis(300);

/// Counters of one stream.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counts {
    /// Data callbacks so far, and the frames they filled.
    pub callbacks: u64,
    /// Frames filled so far.
    pub frames: u64,
    /// Seconds since the last callback; since opening if there was none.
    pub last_callback_age_s: f64,
    /// Seconds until the first frame of the last callback was to be heard.
    pub latency_s: f64,
    /// How far the listener was behind the last frame filled, right after it was.
    pub behind_samples: u64,
    /// Xruns that the backend reported. WASAPI and PulseAudio report none.
    pub xruns: u64,
    /// Errors after which callbacks went on.
    pub ignored_errors: u64,
    /// The audio thread was refused realtime priority.
    pub realtime_denied: bool,
}

/// Written by a stream's callbacks, read by the control side.
pub struct Health {
    opened: Instant,
    callbacks: AtomicU64,
    frames: AtomicU64,
    last_callback_ns: AtomicU64,
    latency_ns: AtomicU64,
    behind_samples: AtomicU64,
    heard: AtomicU64,
    xruns: AtomicU64,
    ignored_errors: AtomicU64,
    realtime_denied: AtomicBool,
    told_running: AtomicBool,
    fault: AtomicU8,
    fault_ns: AtomicU64,
    bell: Arc<Bell>,
}

const NO_FAULT: u8 = 0;
const SUSPECTED: u8 = 1;
const CERTAIN: u8 = 2;

impl Health {
    /// A stream that is about to be opened.
    pub fn new(bell: Arc<Bell>) -> Self {
        Self {
            opened: Instant::now(),
            callbacks: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            last_callback_ns: AtomicU64::new(0),
            latency_ns: AtomicU64::new(0),
            behind_samples: AtomicU64::new(0),
            heard: AtomicU64::new(0),
            xruns: AtomicU64::new(0),
            ignored_errors: AtomicU64::new(0),
            realtime_denied: AtomicBool::new(false),
            told_running: AtomicBool::new(false),
            fault: AtomicU8::new(NO_FAULT),
            fault_ns: AtomicU64::new(0),
            bell,
        }
    }

    /// Notes a data callback of `frames` whose first frame is heard after `latency`, and
    /// the content index heard at that time.
    pub(crate) fn on_callback(&self, frames: u64, latency: Duration, behind: u64, heard: u64) {
        self.heard.store(heard, Relaxed);
        self.frames.fetch_add(frames, Relaxed);
        self.latency_ns.store(latency.as_nanos() as u64, Relaxed);
        self.behind_samples.store(behind, Relaxed);
        self.last_callback_ns.store(self.now_ns(), Relaxed);
        if self.callbacks.fetch_add(1, Relaxed) + 1 == WARM_UP_CALLBACKS {
            self.bell.ring();
        }
    }

    /// Notes what the error callback was told, and the content index heard at that time.
    pub(crate) fn on_error(&self, kind: ErrorKind, heard: u64) {
        let certainty = match kind {
            ErrorKind::Xrun => {
                self.xruns.fetch_add(1, Relaxed);
                return;
            }
            ErrorKind::RealtimeDenied => {
                self.realtime_denied.store(true, Relaxed);
                return;
            }
            ErrorKind::DeviceChanged => return, // rerouted by the backend, and playing
            ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => CERTAIN,
            _ => SUSPECTED,
        };
        if self.fault.fetch_max(certainty, Relaxed) == NO_FAULT {
            self.fault_ns.store(self.now_ns(), Relaxed);
            self.heard.store(heard, Relaxed);
        }
        self.bell.ring();
    }

    /// Waits on the stream's bell for as long as the stream is well, at most `timeout`.
    pub fn wait(&self, timeout: Duration) -> Verdict {
        self.bell.wait(timeout, || self.judge(self.now_ns()))
    }

    /// Where and how long ago the sound ended, once `wait` said that it did: what was heard
    /// at the error, or at the last callback if there was none. Nothing later is known to
    /// have been heard.
    pub fn ending(&self) -> (u64, Duration) {
        let since_ns = match self.fault.load(Relaxed) {
            NO_FAULT => self.last_callback_ns.load(Relaxed),
            _ => self.fault_ns.load(Relaxed),
        };
        let ago = Duration::from_nanos(self.now_ns().saturating_sub(since_ns));
        (self.heard.load(Relaxed), ago)
    }

    /// The counters now.
    pub fn counts(&self) -> Counts {
        let age_ns = self
            .now_ns()
            .saturating_sub(self.last_callback_ns.load(Relaxed));
        Counts {
            callbacks: self.callbacks.load(Relaxed),
            frames: self.frames.load(Relaxed),
            last_callback_age_s: Duration::from_nanos(age_ns).as_secs_f64(),
            latency_s: Duration::from_nanos(self.latency_ns.load(Relaxed)).as_secs_f64(),
            behind_samples: self.behind_samples.load(Relaxed),
            xruns: self.xruns.load(Relaxed),
            ignored_errors: self.ignored_errors.load(Relaxed),
            realtime_denied: self.realtime_denied.load(Relaxed),
        }
    }

    fn now_ns(&self) -> u64 {
        self.opened.elapsed().as_nanos() as u64
    }

    fn judge(&self, now_ns: u64) -> Verdict {
        let last_ns = self.last_callback_ns.load(Relaxed);
        let fault_ns = self.fault_ns.load(Relaxed);
        match self.fault.load(Relaxed) {
            CERTAIN => return Verdict::Lost,
            SUSPECTED if now_ns >= fault_ns + CONFIRM.as_nanos() as u64 => {
                if last_ns <= fault_ns + CONFIRM.as_nanos() as u64 / 2 {
                    return Verdict::Lost;
                }
                self.fault.store(NO_FAULT, Relaxed);
                self.ignored_errors.fetch_add(1, Relaxed);
            }
            _ => {}
        }
        let running = self.callbacks.load(Relaxed) >= WARM_UP_CALLBACKS;
        let limit = if running { STALL } else { WARM_UP };
        if now_ns.saturating_sub(last_ns) > limit.as_nanos() as u64 {
            return Verdict::Stalled;
        }
        if running && !self.told_running.swap(true, Relaxed) {
            return Verdict::Running;
        }
        Verdict::Quiet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn running(last_callback_ms: u64) -> Health {
        let health = Health::new(Arc::default());
        health.callbacks.store(WARM_UP_CALLBACKS, Relaxed);
        health.told_running.store(true, Relaxed);
        health
            .last_callback_ns
            .store(last_callback_ms * MS, Relaxed);
        health
    }

    #[test]
    fn a_second_without_callbacks_is_a_stall() {
        let health = running(500);
        assert_eq!(health.judge(1_400 * MS), Verdict::Quiet);
        assert_eq!(health.judge(1_501 * MS), Verdict::Stalled);
    }

    #[test]
    fn a_device_that_wakes_up_slowly_is_given_five_seconds() {
        let health = Health::new(Arc::default());
        assert_eq!(health.judge(4_900 * MS), Verdict::Quiet);
        assert_eq!(health.judge(5_001 * MS), Verdict::Stalled);
    }

    #[test]
    fn a_stream_that_runs_says_so_once() {
        let health = Health::new(Arc::default());
        for callbacks in 0..WARM_UP_CALLBACKS {
            assert_eq!(health.judge(callbacks), Verdict::Quiet);
            health.on_callback(480, Duration::ZERO, 480, 0);
        }
        assert_eq!(health.judge(MS), Verdict::Running);
        assert_eq!(health.judge(2 * MS), Verdict::Quiet);
    }

    #[test]
    fn a_missing_device_is_lost_at_once() {
        let health = running(0);
        health.on_error(ErrorKind::DeviceNotAvailable, 0);
        assert_eq!(health.wait(Duration::from_secs(5)), Verdict::Lost);
    }

    #[test]
    fn an_invalidated_stream_is_lost_when_callbacks_stop() {
        let health = running(990);
        health.fault.store(SUSPECTED, Relaxed);
        health.fault_ns.store(1_000 * MS, Relaxed);
        assert_eq!(health.judge(1_200 * MS), Verdict::Quiet);
        assert_eq!(health.judge(1_301 * MS), Verdict::Lost);
    }

    #[test]
    fn an_invalidated_stream_that_goes_on_is_left_alone() {
        let health = running(1_290);
        health.fault.store(SUSPECTED, Relaxed);
        health.fault_ns.store(1_000 * MS, Relaxed);
        assert_eq!(health.judge(1_301 * MS), Verdict::Quiet);
        assert_eq!(health.fault.load(Relaxed), NO_FAULT);
        assert_eq!(health.counts().ignored_errors, 1);
    }

    #[test]
    fn xruns_and_refused_priority_are_counted_and_never_a_loss() {
        let health = running(0);
        for kind in [
            ErrorKind::Xrun,
            ErrorKind::RealtimeDenied,
            ErrorKind::DeviceChanged,
        ] {
            health.on_error(kind, 0);
        }
        assert_eq!(health.fault.load(Relaxed), NO_FAULT);
        let counts = health.counts();
        assert_eq!((counts.xruns, counts.realtime_denied), (1, true));
    }

    #[test]
    fn sound_ended_at_the_error_or_else_at_the_last_callback() {
        let health = running(0);
        health.on_callback(480, Duration::ZERO, 960, 7);
        assert_eq!(health.ending().0, 7);
        health.on_error(ErrorKind::StreamInvalidated, 300);
        health.on_error(ErrorKind::DeviceNotAvailable, 900);
        assert_eq!(health.ending().0, 300);
        assert!(health.ending().1 <= health.opened.elapsed());
    }
}
