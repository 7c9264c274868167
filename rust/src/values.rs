//! The small values that the buffer is made with and answers with.

/// The longest fade out.
pub(crate) const RAMP_S: f64 = 0.010;

/// The end of the buffer that was asked for is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

/// Chunks end in order; `expected` is the one being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongOrdinal {
    /// The ordinal that may end now.
    pub expected: i64,
}

/// The pace is none of 0.92 to 1.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongPace;

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
            ramp: samples(RAMP_S),
            remembered: 4096,
        };
        (sample_rate_hz > 0 && geometry.capacity > geometry.kept_behind).then_some(geometry)
    }
}
