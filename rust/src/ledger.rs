//! What a rendering listener heard, counted: silences by kind, edits, and events of both.

use crate::journal::Journal;

/// Why there is silence that neither text nor voice asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// At a boundary whose next chunk is not open.
    Hold,
    /// Inside an open chunk.
    Underrun,
}

/// What kind of thing the render side did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // named as in `legato.audio.audio_buffer.RenderEvent`
pub enum EventKind {
    First,
    Hold,
    Underrun,
    Edit,
    Discard,
    Stretch,
}

const KINDS: [EventKind; 6] = [
    EventKind::First,
    EventKind::Hold,
    EventKind::Underrun,
    EventKind::Edit,
    EventKind::Discard,
    EventKind::Stretch,
];

/// Something the render side did, at content `index`, `at_ns` after the buffer was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it was.
    pub kind: EventKind,
    /// The content index it concerns.
    pub index: u64,
    /// How many samples of silence or content.
    pub samples: u64,
    /// When it was rendered.
    pub at_ns: u64,
}

/// Totals since the buffer was made; what still goes on is included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // named as in `legato.audio.audio_buffer.BufferCounters`
pub struct Counters {
    pub underruns: u64,
    pub underrun_samples: u64,
    pub holds: u64,
    pub hold_samples: u64,
    pub gap_max_samples: u64,
    pub edited_samples: u64,
    pub rendered_samples: u64,
    pub stretched_samples: u64,
}

/// Counters and events as observers read them, without stopping the render side.
pub(crate) struct Board {
    totals: Journal<8>,
    events: Journal<4>,
}

impl Board {
    /// Empty; keeps the last `events`.
    pub fn new(events: usize) -> Self {
        Self {
            totals: Journal::new(events.min(8)),
            events: Journal::new(events),
        }
    }

    /// The totals after the last render.
    pub fn counters(&self) -> Counters {
        let [
            underruns,
            underrun_samples,
            holds,
            hold_samples,
            gap_max_samples,
            edited_samples,
            rendered_samples,
            stretched_samples,
        ] = self.totals.newest().unwrap_or_default();
        Counters {
            underruns,
            underrun_samples,
            holds,
            hold_samples,
            gap_max_samples,
            edited_samples,
            rendered_samples,
            stretched_samples,
        }
    }

    /// The events from ordinal `from` on that are still kept, and the next `from`.
    pub fn events(&self, from: u64) -> (Vec<Event>, u64) {
        let next = self.events.count();
        let first = from.max(self.events.oldest());
        let event = |[kind, index, samples, at_ns]: [u64; 4]| Event {
            kind: KINDS[kind as usize],
            index,
            samples,
            at_ns,
        };
        let kept = (first..next).filter_map(|n| self.events.get(n).map(event));
        (kept.collect(), next)
    }
}

/// The render side's own account, published to a `Board` after each render.
pub(crate) struct Ledger {
    /// What events are dated with: when the render in progress began.
    pub now_ns: u64,
    now: Counters,
    before_run: Counters,
    kind: Option<Silence>,
    run: u64,
    gap: u64,
}

impl Ledger {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self {
            now_ns: 0,
            now: Counters::default(),
            before_run: Counters::default(),
            kind: None,
            run: 0,
            gap: 0,
        }
    }

    /// Keep an event that happens in this render.
    pub fn note(&self, board: &Board, kind: EventKind, index: u64, samples: u64) {
        board
            .events
            .push([kind as u64, index, samples, self.now_ns]);
    }

    /// Count ramped content, if there is any.
    pub fn edit(&mut self, board: &Board, index: u64, samples: u64) {
        if samples > 0 {
            self.now.edited_samples += samples;
            self.note(board, EventKind::Edit, index, samples);
        }
    }

    /// Count a span that goes in before content `index`.
    pub fn stretch(&mut self, board: &Board, index: u64, samples: u64) {
        self.now.stretched_samples += samples;
        self.note(board, EventKind::Stretch, index, samples);
    }

    /// Count content that was handed out.
    pub fn render(&mut self, samples: u64) {
        self.now.rendered_samples += samples;
    }

    /// How much content was handed out in all.
    pub fn rendered(&self) -> u64 {
        self.now.rendered_samples
    }

    /// Count silence before content `index`; None: silence that is nobody's fault.
    pub fn silence(&mut self, board: &Board, kind: Option<Silence>, index: u64, samples: u64) {
        if kind != self.kind {
            self.end_run(board, index);
            self.begin_run(kind);
        }
        self.run += samples;
        match kind {
            None => self.gap = 0,
            Some(Silence::Hold) => self.now.hold_samples += samples,
            Some(Silence::Underrun) => self.now.underrun_samples += samples,
        }
        if kind.is_some() {
            self.gap += samples;
            self.now.gap_max_samples = self.now.gap_max_samples.max(self.gap);
        }
    }

    /// The end was announced while the listener waited at it: that was no hold after all.
    pub fn forget_hold(&mut self) {
        if self.kind == Some(Silence::Hold) {
            self.now.holds = self.before_run.holds;
            self.now.hold_samples = self.before_run.hold_samples;
            self.now.gap_max_samples = self.before_run.gap_max_samples;
            self.kind = None;
        }
    }

    /// Let observers see the totals.
    pub fn publish(&self, board: &Board) {
        let now = &self.now;
        board.totals.push([
            now.underruns,
            now.underrun_samples,
            now.holds,
            now.hold_samples,
            now.gap_max_samples,
            now.edited_samples,
            now.rendered_samples,
            now.stretched_samples,
        ]);
    }

    fn end_run(&mut self, board: &Board, index: u64) {
        match self.kind {
            None => {}
            Some(Silence::Hold) => self.note(board, EventKind::Hold, index, self.run),
            Some(Silence::Underrun) => self.note(board, EventKind::Underrun, index, self.run),
        }
    }

    fn begin_run(&mut self, kind: Option<Silence>) {
        self.before_run = self.now;
        self.kind = kind;
        self.run = 0;
        match kind {
            None => {}
            Some(Silence::Hold) => self.now.holds += 1,
            Some(Silence::Underrun) => self.now.underruns += 1,
        }
    }
}
