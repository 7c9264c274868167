//! What the control thread sleeps on while streams come and go.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A wake-up that falls between a waiter's check and its sleep is seen this much later.
const TICK: Duration = Duration::from_millis(100);

/// What the control side should do about a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing happened until the timeout.
    Quiet,
    /// [`Bell::wake`] was called.
    Woken,
    /// The stream runs, from now on with content. Told once.
    Running,
    /// The stream ended with an error: reopen.
    Lost,
    /// Callbacks stopped coming: reopen.
    Stalled,
}

/// What the control thread sleeps on; outlives the streams that ring it.
#[derive(Default)]
pub struct Bell {
    woken: AtomicBool,
    lock: Mutex<()>,
    changed: Condvar,
}

impl Bell {
    /// Makes the present or the next [`wait`](Self::wait) return.
    pub fn wake(&self) {
        self.woken.store(true, Relaxed);
        self.ring();
    }

    /// Makes a waiter look again. Takes no lock: the audio thread may call it.
    pub(crate) fn ring(&self) {
        self.changed.notify_all();
    }

    /// Waits until `look` sees something, `wake` is called, or `timeout` has passed.
    pub fn wait(&self, timeout: Duration, look: impl Fn() -> Verdict) -> Verdict {
        let deadline = Instant::now() + timeout;
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.woken.swap(false, Relaxed) {
                return Verdict::Woken;
            }
            match look() {
                Verdict::Quiet => {}
                verdict => return verdict,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Verdict::Quiet;
            }
            let waited = self.changed.wait_timeout(guard, left.min(TICK));
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_waiter_is_woken() {
        let bell = Arc::new(Bell::default());
        let waker = Arc::clone(&bell);
        let thread = thread::spawn(move || waker.wake());
        assert_eq!(
            bell.wait(Duration::from_secs(30), || Verdict::Quiet),
            Verdict::Woken
        );
        thread.join().unwrap();
    }

    #[test]
    fn a_wake_up_before_the_wait_is_not_lost() {
        let bell = Bell::default();
        bell.wake();
        assert_eq!(bell.wait(Duration::ZERO, || Verdict::Lost), Verdict::Woken);
        assert_eq!(bell.wait(Duration::ZERO, || Verdict::Quiet), Verdict::Quiet);
    }
}
