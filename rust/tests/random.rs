//! Seeded random operations: what is heard is what was pushed, in order, once, as opened.
#![cfg(not(loom))]

mod common;

use _native::buffer::SharedBuffer;
use _native::ledger::{Event, EventKind};
use _native::render::Consumer;
use common::{Dice, LONGEST, RAMP, buffer, pcm, render};
use std::collections::HashSet;
use std::sync::Arc;

/// The buffer, its device, and what the test knows of both.
struct Listening {
    buffer: Arc<SharedBuffer>,
    device: Option<Consumer>,
    ends: Vec<u64>,
    open: i64,
    grace: u64,      // content that a shut gate lets fade out
    heard: Vec<f32>, // insertions included
    insertions: Vec<(u64, u64)>,
    edits: HashSet<u64>,
    edited: u64,
    dropped: HashSet<u64>,
    silence: u64,
}

impl Listening {
    fn new() -> Self {
        let buffer = buffer(1.5);
        let device = buffer.attach_consumer().ok();
        Self {
            buffer,
            device,
            ends: Vec::new(),
            open: -1,
            grace: 0,
            heard: Vec::new(),
            insertions: Vec::new(),
            edits: HashSet::new(),
            edited: 0,
            dropped: HashSet::new(),
            silence: 0,
        }
    }

    fn act(&mut self, dice: &mut Dice) {
        match dice.below(17) {
            0..4 => self.push(dice.below(300) as usize),
            4..6 => self.end_chunk(),
            6..8 => self.open_through(self.ends.len() as i64 + dice.below(5) as i64 - 2),
            8 => self.shut_gate(),
            9 => self.buffer.set_paused(dice.below(2) == 0),
            10 => self.buffer.expect(),
            11 => self.buffer.finish(),
            12 => self.discard(dice.below(400)),
            13 => self.set_pace(1.0 - 0.08 * dice.below(2) as f64),
            _ => self.render(1 + dice.below(400) as usize),
        }
    }

    fn push(&mut self, samples: usize) {
        let room = self.buffer.free_samples();
        let taken = self
            .buffer
            .push(&pcm(self.buffer.position().written, samples));
        assert_eq!(taken, samples.min(room));
    }

    fn end_chunk(&mut self) {
        let end = self
            .buffer
            .end_chunk(self.ends.len() as i64)
            .expect("in order");
        self.ends.push(end);
    }

    fn open_through(&mut self, ordinal: i64) {
        self.buffer.open_through(ordinal);
        self.open = self.open.max(ordinal);
    }

    fn shut_gate(&mut self) {
        self.buffer.shut_gate();
        if self.open >= self.ends.len() as i64 {
            self.open = self.ends.len() as i64 - 1;
            self.grace = self.buffer.position().read + RAMP as u64;
        }
    }

    fn set_pace(&self, pace: f64) {
        self.buffer.set_pace(pace).expect("0.92 or 1.0");
    }

    /// So much content at the slowest pace that it is reached.
    fn reach_the_slowest_pace(&mut self) {
        self.set_pace(0.92);
        self.push(900);
        self.end_chunk();
        self.open_through(0);
        self.render(1000);
    }

    fn discard(&mut self, back: u64) {
        let written = self.buffer.position().written;
        self.buffer.discard_to(written.saturating_sub(back));
        self.render(2 * RAMP); // the model knows no tail that is cut by a shut gate
    }

    fn render(&mut self, samples: usize) {
        let device = self.device.as_mut().expect("attached");
        let out = render(device, samples);
        assert!(out.iter().all(|sample| sample.is_finite()));
        self.heard
            .extend(out.iter().filter(|sample| **sample != 0.0));
        self.silence += out.iter().filter(|sample| **sample == 0.0).count() as u64;
        for Event {
            kind,
            index,
            samples,
            ..
        } in self.buffer.drain_events()
        {
            match kind {
                EventKind::Edit => {
                    self.edited += samples;
                    self.edits.extend(index..index + samples);
                }
                EventKind::Stretch => self.inserted(index, samples),
                EventKind::Discard => self.dropped.extend(index..index + samples),
                _ => {}
            }
        }
    }

    fn inserted(&mut self, index: u64, samples: u64) {
        self.insertions.push((index, samples));
        let (from, to) = (index - LONGEST, index + LONGEST);
        assert!((3..=LONGEST).contains(&samples));
        assert!(self.ends.iter().all(|end| *end <= from || to <= *end));
        assert!(to <= self.limit().max(self.grace));
        assert!((from..index).all(|index| !self.edits.contains(&index)));
    }

    /// What was heard without what was inserted, one of which may go on.
    fn content(&self) -> Vec<f32> {
        let (mut kept, mut at, mut index) = (Vec::new(), 0, 0);
        for (before, samples) in &self.insertions {
            let spans = (index..*before).filter(|index| !self.dropped.contains(index));
            let content = spans.count();
            kept.extend(&self.heard[at..at + content]);
            (at, index) = (at + content + *samples as usize, *before);
        }
        kept.extend(self.heard.get(at..).unwrap_or_default());
        kept
    }

    fn limit(&self) -> u64 {
        match usize::try_from(self.open) {
            Ok(open) if open < self.ends.len() => self.ends[open],
            Ok(_) => self.buffer.position().written,
            Err(_) => 0,
        }
    }

    fn check(&self) {
        let position = self.buffer.position();
        let kept = (0..position.written).filter(|index| !self.dropped.contains(index));
        let content = self.content();
        let mut last = None;
        for (index, sample) in kept.zip(&content) {
            let exact = *sample == (index + 1) as f32;
            assert_eq!(exact, !self.edits.contains(&index), "sample {index}");
            assert!(*sample > 0.0 && *sample <= (index + 1) as f32);
            last = Some(index);
        }
        assert!(last.is_none_or(|last| last < self.limit().max(self.grace)));
        let counters = self.buffer.counters();
        assert_eq!(counters.rendered_samples, content.len() as u64);
        let inserted: u64 = self.insertions.iter().map(|(_, samples)| samples).sum();
        assert_eq!(counters.stretched_samples, inserted);
        assert_eq!(counters.edited_samples, self.edited);
        assert_eq!(self.edited, self.edits.len() as u64);
        assert!(counters.hold_samples + counters.underrun_samples <= self.silence);
        assert!(position.heard <= position.read && position.read <= position.written);
    }
}

#[test]
fn what_is_heard_is_what_was_pushed() {
    let mut insertions = 0;
    for seed in 0..400 {
        let mut dice = Dice(seed);
        let mut listening = Listening::new();
        if seed % 2 == 0 {
            listening.reach_the_slowest_pace();
        }
        for _ in 0..80 {
            listening.act(&mut dice);
        }
        listening.check();
        insertions += listening.insertions.len();
    }
    assert!(insertions > 2_000);
}
