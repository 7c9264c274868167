//! A bounded log of one writer that never waits, and of any number of readers.
//!
//! Entry `n` overwrites entry `n - len`. A reader learns whether the entry it copied was
//! overwritten meanwhile, so it never sees half of one.

use crate::sync::{AtomicU64, Ordering, fence};

/// The last `len` entries of `W` words each.
pub(crate) struct Journal<const W: usize> {
    slots: Box<[[AtomicU64; W]]>,
    begun: AtomicU64,
    done: AtomicU64,
}

impl<const W: usize> Journal<W> {
    /// An empty journal that keeps `len` entries (at least one).
    pub fn new(len: usize) -> Self {
        let slot = |_| std::array::from_fn(|_| AtomicU64::new(0));
        Self {
            slots: (0..len.max(1)).map(slot).collect(),
            begun: AtomicU64::new(0),
            done: AtomicU64::new(0),
        }
    }

    /// Append an entry. Only one thread at a time may write; never waits or allocates.
    pub fn push(&self, entry: [u64; W]) {
        let n = self.done.load(Ordering::Relaxed);
        // Whoever sees a word of this entry must also see that its slot was given up.
        self.begun.store(n + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (word, value) in self.slot(n).iter().zip(entry) {
            word.store(value, Ordering::Relaxed);
        }
        self.done.store(n + 1, Ordering::Release);
    }

    /// How many entries were ever written.
    pub fn count(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }

    /// The ordinal of the oldest entry that is still kept.
    pub fn oldest(&self) -> u64 {
        self.count().saturating_sub(self.slots.len() as u64)
    }

    /// Entry `n`, or None where it was overwritten or is not written yet.
    pub fn get(&self, n: u64) -> Option<[u64; W]> {
        if n >= self.count() {
            return None;
        }
        let slot = self.slot(n);
        let entry = std::array::from_fn(|at| slot[at].load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Relaxed);
        (begun - n <= self.slots.len() as u64).then_some(entry)
    }

    /// The newest entry; None where there is none yet.
    pub fn newest(&self) -> Option<[u64; W]> {
        loop {
            let count = self.count();
            if count == 0 {
                return None;
            }
            // Fails only if the writer went round the whole journal meanwhile.
            if let Some(entry) = self.get(count - 1) {
                return Some(entry);
            }
        }
    }

    fn slot(&self, n: u64) -> &[AtomicU64; W] {
        &self.slots[(n % self.slots.len() as u64) as usize]
    }
}
