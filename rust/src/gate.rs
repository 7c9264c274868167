//! Where chunks end, and up to which of them the listener may hear.
//!
//! `Gate` is what the render side reads without a lock; `Chunks` is what the control side
//! keeps under its lock. The order of loads in `Gate::view` carries the promises: see there.

use std::collections::VecDeque;

use crate::journal::Journal;
use crate::ring::Ring;
use crate::sync::{AtomicU64, Ordering};

/// No index: the gate covers the chunk being written, or no end was announced.
pub(crate) const OPEN: u64 = u64::MAX;

/// The gate as the render side sees it.
pub(crate) struct Gate {
    limit: AtomicU64,
    last_end: AtomicU64,
    final_end: AtomicU64,
    ends: Journal<1>,
}

/// One look at the gate and at `written`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub written: u64,
    pub last_end: u64,
    pub limit: u64,
    pub final_end: u64,
}

impl Gate {
    /// A shut gate that remembers the last `boundaries` chunk ends.
    pub fn new(boundaries: usize) -> Self {
        Self {
            limit: AtomicU64::new(0),
            last_end: AtomicU64::new(0),
            final_end: AtomicU64::new(OPEN),
            ends: Journal::new(boundaries),
        }
    }

    /// Look at everything, in the one order that is safe beside a running producer.
    ///
    /// `last_end` and `final_end` before `written`: where they are equal to it, the chunk
    /// (or the text) had ended there, and what came since is merely not seen yet. `limit`
    /// after `written`: a chunk's end shuts the gate before the next chunk's first sample
    /// becomes visible, so whoever sees that sample sees the gate shut.
    pub fn view(&self, ring: &Ring) -> View {
        let final_end = self.final_end.load(Ordering::Acquire);
        let last_end = self.last_end.load(Ordering::Acquire);
        let written = ring.written();
        let limit = self.limit.load(Ordering::Acquire);
        View {
            written,
            last_end,
            limit,
            final_end,
        }
    }

    /// Where the text ends, or `OPEN` while more is due.
    pub fn final_end(&self) -> u64 {
        self.final_end.load(Ordering::Acquire)
    }

    /// Announce where the text ends, or with `OPEN` that more is due.
    pub fn set_final_end(&self, index: u64) {
        self.final_end.store(index, Ordering::Release);
    }

    /// Whether a chunk begins or ends at `index`, as far back as it is remembered.
    pub fn is_boundary(&self, index: u64) -> bool {
        index == 0
            || index == self.last_end.load(Ordering::Acquire)
            || self.chunk_at(index).0 == Some(index)
    }

    /// Where the chunk with sample `index` begins, if that is remembered, and where it ends:
    /// `OPEN` while it is being written.
    pub fn chunk_at(&self, index: u64) -> (Option<u64>, u64) {
        let (mut low, mut high) = (self.ends.oldest(), self.ends.count());
        let mut begin = (low == 0).then_some(0);
        let mut end = OPEN;
        while low < high {
            let middle = low + (high - low) / 2;
            match self.ends.get(middle) {
                Some([later]) if later > index => (end, high) = (later, middle),
                Some([earlier]) => (begin, low) = (Some(earlier), middle + 1),
                None => low = middle + 1, // forgotten meanwhile
            }
        }
        (begin, end)
    }
}

impl View {
    /// Up to where samples exist and may be heard.
    pub fn end(&self) -> u64 {
        self.written.min(self.limit)
    }

    /// Whether everything before `end` can be heard to its end: nothing is half written.
    fn settled(&self) -> bool {
        self.limit <= self.written
            || self.written == self.last_end
            || self.written == self.final_end
    }

    /// Up to where to play: inside a chunk being written, `tail` samples stay unread.
    pub fn playable(&self, tail: u64) -> u64 {
        if self.settled() {
            self.end()
        } else {
            self.last_end.max(self.end().saturating_sub(tail))
        }
    }

    /// Whether `read` is the announced end.
    pub fn at_end(&self, read: u64) -> bool {
        read == self.final_end
    }
}

/// The control side's account of chunks: which ended where, and which are open.
pub(crate) struct Chunks {
    ended: i64,
    open: i64,
    shut_ends: VecDeque<u64>,
}

impl Chunks {
    /// No chunk yet, none open.
    pub fn new() -> Self {
        Self {
            ended: 0,
            open: -1,
            shut_ends: VecDeque::new(),
        }
    }

    /// The ordinal of the chunk being written.
    pub fn current(&self) -> i64 {
        self.ended
    }

    /// The current chunk ends at `index`: where the gate goes no further, it shuts there.
    pub fn end(&mut self, gate: &Gate, index: u64) {
        if self.open < self.ended {
            self.shut_ends.push_back(index);
        } else if self.open == self.ended {
            gate.limit.store(index, Ordering::Release);
        }
        gate.ends.push([index]);
        gate.last_end.store(index, Ordering::Release);
        self.ended += 1;
    }

    /// Open all chunks up to `ordinal`; a lower one than before is ignored.
    pub fn open_through(&mut self, gate: &Gate, ordinal: i64) {
        if ordinal <= self.open {
            return;
        }
        let mut limit = OPEN;
        if ordinal < self.ended {
            for _ in self.open..ordinal {
                limit = self.shut_ends.pop_front().unwrap_or(OPEN);
            }
        } else {
            self.shut_ends.clear();
        }
        self.open = ordinal;
        gate.limit.store(limit, Ordering::Release);
    }

    /// Shut the gate behind the last chunk that ended, if it is open further.
    pub fn shut(&mut self, gate: &Gate) {
        if self.open >= self.ended {
            self.open = self.ended - 1;
            gate.limit
                .store(gate.last_end.load(Ordering::Relaxed), Ordering::Release);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const TAIL: u64 = 5;

    struct Made {
        ring: Ring,
        gate: Gate,
        chunks: Chunks,
    }

    impl Made {
        fn new() -> Self {
            Self {
                ring: Ring::new(1000, 100),
                gate: Gate::new(4),
                chunks: Chunks::new(),
            }
        }

        fn write(&self, samples: usize) {
            self.ring.publish(samples);
        }

        fn chunk(&mut self, samples: usize) {
            self.write(samples);
            self.chunks.end(&self.gate, self.ring.written());
        }

        fn view(&self) -> View {
            self.gate.view(&self.ring)
        }
    }

    #[test]
    fn the_gate_opens_by_ordinal_and_never_closes() {
        let mut made = Made::new();
        (0..3).for_each(|_| made.chunk(10));
        assert_eq!(made.view().playable(TAIL), 0);
        made.chunks.open_through(&made.gate, 1);
        assert_eq!(made.view().playable(TAIL), 20);
        made.chunks.open_through(&made.gate, 0);
        assert_eq!(made.view().end(), 20);
        made.chunks.open_through(&made.gate, 2);
        assert_eq!(made.view().end(), 30);
    }

    #[test]
    fn an_open_chunk_shuts_the_gate_where_it_ends() {
        let mut made = Made::new();
        made.chunks.open_through(&made.gate, 1);
        made.chunk(10);
        made.chunk(10);
        made.chunk(10);
        assert_eq!(made.view().playable(TAIL), 20);
    }

    #[test]
    fn inside_a_chunk_being_written_a_tail_stays_unread() {
        let mut made = Made::new();
        made.chunks.open_through(&made.gate, 9);
        made.write(3);
        assert_eq!(made.view().playable(TAIL), 0);
        made.write(17);
        assert_eq!(made.view().playable(TAIL), 15);
        made.chunk(0);
        assert_eq!(made.view().playable(TAIL), 20);
        made.write(TAIL as usize);
        assert_eq!(made.view().playable(TAIL), 20);
        made.gate.set_final_end(25);
        assert_eq!(made.view().playable(TAIL), 25);
        assert!(made.view().at_end(25) && !made.view().at_end(24));
    }

    #[test]
    fn shutting_goes_back_to_the_last_end_and_never_opens() {
        let mut made = Made::new();
        made.chunk(10);
        made.chunk(10);
        made.chunks.open_through(&made.gate, 0);
        made.chunks.shut(&made.gate);
        assert_eq!(made.view().end(), 10);
        made.chunks.open_through(&made.gate, 9);
        made.write(10);
        made.chunks.shut(&made.gate);
        assert_eq!(made.view().end(), 20);
        made.chunks.open_through(&made.gate, 2);
        assert_eq!(made.view().end(), 30);
    }

    #[test]
    fn boundaries_are_known_as_far_back_as_they_are_kept() {
        let mut made = Made::new();
        for samples in [10, 0, 20, 30, 40] {
            made.chunk(samples);
        }
        let known: Vec<u64> = (0..=101).filter(|n| made.gate.is_boundary(*n)).collect();
        assert_eq!(known, [0, 10, 30, 60, 100]);
        made.chunk(50);
        made.chunk(50);
        assert!(!made.gate.is_boundary(30) && made.gate.is_boundary(60));
    }

    #[test]
    fn a_chunk_is_found_by_any_of_its_samples() {
        let mut made = Made::new();
        assert_eq!(made.gate.chunk_at(0), (Some(0), OPEN));
        for samples in [10, 0, 20] {
            made.chunk(samples);
        }
        assert_eq!(made.gate.chunk_at(9), (Some(0), 10));
        assert_eq!(made.gate.chunk_at(10), (Some(10), 30));
        assert_eq!(made.gate.chunk_at(29), (Some(10), 30));
        assert_eq!(made.gate.chunk_at(30), (Some(30), OPEN));
        (0..4).for_each(|_| made.chunk(10));
        assert_eq!(made.gate.chunk_at(30), (None, 40));
        assert_eq!(made.gate.chunk_at(45), (Some(40), 50));
    }
}
