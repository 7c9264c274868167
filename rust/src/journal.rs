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
        let n = self.begun.fetch_add(1, Ordering::Relaxed);
        // Whoever sees a word of this entry must also see that its slot was given up.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_newest() {
        let journal = Journal::new(3);
        assert_eq!((journal.newest(), journal.get(0)), (None, None));
        for n in 0..5 {
            journal.push([n, n * 10]);
        }
        assert_eq!((journal.oldest(), journal.count()), (2, 5));
        assert_eq!(journal.get(1), None);
        assert_eq!(journal.get(2), Some([2, 20]));
        assert_eq!(journal.newest(), Some([4, 40]));
        assert_eq!(journal.get(5), None);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn no_reader_sees_half_an_entry() {
        loom::model(|| {
            let journal = Arc::new(Journal::new(1));
            let reader = {
                let journal = journal.clone();
                loom::thread::spawn(move || {
                    for n in 0..2 {
                        if let Some([first, second]) = journal.get(n) {
                            assert_eq!((first, second), (n + 1, n + 1));
                        }
                    }
                })
            };
            (1..4).for_each(|n| journal.push([n, n]));
            reader.join().expect("no panic");
            assert_eq!(journal.newest(), Some([3, 3]));
        });
    }
}
