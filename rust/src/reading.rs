//! The reading end of a `SharedBuffer`: who has it, reading without a device, waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::buffer::{Busy, Control, SharedBuffer};
use crate::gate::OPEN;
use crate::render::{Consumer, Renderer};
use crate::sync::{MutexGuard, Ordering};
use crate::values::RAMP_S;

/// About one callback: to look more often would find nothing new.
const PERIOD_S: f64 = 0.020;

impl SharedBuffer {
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

    /// When a device's callback alone can have reached the end; None: it cannot.
    fn earliest_end(&self, control: &Control) -> Option<Duration> {
        let view = self.live.gate.view(&self.live.ring);
        if control.renderer.is_some() || view.final_end == OPEN {
            return None;
        }
        let discarded = self.live.discard.load(Ordering::Relaxed);
        let from = self.live.ring.read().max(discarded);
        let rest = view.written.saturating_sub(from);
        let rest_s = rest as f64 / f64::from(self.sample_rate_hz());
        let stopped = self.live.paused.load(Ordering::Relaxed) || view.limit < view.final_end;
        // A ramp may still reach the end where playing is stopped.
        (!stopped || rest_s <= RAMP_S).then(|| Duration::from_secs_f64(rest_s.max(PERIOD_S)))
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
}
