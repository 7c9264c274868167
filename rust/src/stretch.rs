//! Slower speech at the same pitch: whole periods put in where their neighbours are alike.
//!
//! Between two neighbouring periods A and B goes a third one, B fading into A, so that every
//! sample of the content is still heard once, unchanged and in order (the way in which the
//! Sonic library slows speech down). What the callback needs for it is allocated once; a
//! search costs the same whatever it finds. The numpy twin is `legato/audio/stretch.py`.

/// The slowest pace that may be asked for; 1.0 is the fastest.
pub(crate) const SLOWEST_PACE: f64 = 0.92;
/// Inserted for each second of content; reached a little above `SLOWEST_PACE`.
const LONGER_AT_MOST: f64 = 0.08;
/// How far the pace moves towards the wanted one at each look: 0.01 for each 100 ms.
const PACE_STEP: f64 = 0.001;
const LOOK_S: f64 = 0.010;
const SHORTEST_S: f64 = 0.0025;
const LONGEST_S: f64 = 0.015;
/// What found no good place beyond this is given up: no second makes up for another.
const OWED_AT_MOST_S: f64 = 0.030;
/// Likeness asked for when a period has just become due, and when all the most is owed.
const ALIKE: (f64, f64) = (0.95, 0.7);
/// Power (-60 dBFS) below which everything is alike.
const QUIET: f32 = 1e-6;
/// The search begins at a rate at which the longest period has about this many samples.
const COARSE_LAGS: usize = 64;
const LANES: usize = 8;

/// One listener's account of what may be inserted, and the insertion that is being heard.
pub(crate) struct Stretch {
    look_every: u64,
    shortest: usize,
    longest: usize,
    owed_at_most: f64,
    wanted: f64,
    pace: f64,
    owed: f64,
    accounted: u64,
    around: Box<[f32]>,
    coarse: Box<[f32]>,
    inserted: Box<[f32]>, // its last `left` samples are still to be heard
    left: usize,
    index: u64,
}

impl Stretch {
    /// At full pace.
    pub fn new(sample_rate_hz: u32) -> Self {
        let rate = f64::from(sample_rate_hz);
        let longest = ((LONGEST_S * rate).round() as usize).max(1);
        let samples = || vec![0.0; 2 * longest].into_boxed_slice();
        Self {
            look_every: ((LOOK_S * rate).round() as u64).max(1),
            shortest: ((SHORTEST_S * rate).ceil() as usize).clamp(2.min(longest), longest),
            longest,
            owed_at_most: OWED_AT_MOST_S * rate,
            wanted: 1.0,
            pace: 1.0,
            owed: 0.0,
            accounted: 0,
            around: samples(),
            coarse: samples(),
            inserted: vec![0.0; longest].into_boxed_slice(),
            left: 0,
            index: 0,
        }
    }

    /// The pace to approach.
    pub fn want(&mut self, pace: f64) {
        self.wanted = pace;
    }

    /// How much content lies between `index` and the next place to be looked at.
    pub fn until_look(&self, index: u64) -> u64 {
        if self.idle() {
            u64::MAX
        } else {
            self.look_every - index % self.look_every
        }
    }

    /// Whether `index` is such a place: the same ones whatever the size of blocks.
    pub fn looks_at(&self, index: u64) -> bool {
        !self.idle() && index.is_multiple_of(self.look_every)
    }

    /// Whether a search is due, at a place to be looked at, `rendered` samples into content.
    pub fn owes(&mut self, rendered: u64) -> bool {
        let share = (1.0 / self.pace - 1.0).min(LONGER_AT_MOST);
        let owed = self.owed + share * (rendered - self.accounted) as f64;
        self.owed = owed.min(self.owed_at_most);
        self.accounted = rendered;
        self.pace = if self.pace < self.wanted {
            self.wanted.min(self.pace + PACE_STEP)
        } else {
            self.wanted.max(self.pace - PACE_STEP)
        };
        if self.idle() {
            self.owed = 0.0;
        }
        self.owed >= self.shortest as f64
    }

    /// The longest insertion, and how much content an insertion needs on each side.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// To be filled with the content around a place: `longest` samples on each side.
    pub fn around(&mut self) -> &mut [f32] {
        &mut self.around
    }

    /// Begin an insertion amid `around`, before content `index`, if there is a good one;
    /// returns how many samples it has.
    pub fn begin(&mut self, index: u64) -> usize {
        let (period, likeness) = self.closest_period();
        let spare = self.owed - period as f64;
        if spare < 0.0 {
            return 0;
        }
        let urgency = spare / (self.owed_at_most - period as f64);
        if f64::from(likeness) < ALIKE.0 + (ALIKE.1 - ALIKE.0) * urgency {
            return 0;
        }
        self.owed = spare;
        self.blend(period);
        self.left = period;
        self.index = index;
        period
    }

    /// Hand out what is left of an insertion, as far as it fits: the content index that it
    /// goes before, and how many samples.
    pub fn hand_out(&mut self, out: &mut [f32]) -> (u64, usize) {
        let samples = self.left.min(out.len());
        let at = self.longest - self.left;
        out[..samples].copy_from_slice(&self.inserted[at..at + samples]);
        self.left -= samples;
        (self.index, samples)
    }

    /// Nobody will hear the rest of the insertion.
    pub fn drop_rest(&mut self) {
        self.left = 0;
    }

    fn idle(&self) -> bool {
        self.pace >= 1.0 && self.wanted >= 1.0
    }

    /// The length over which both sides of the middle are most alike, and how alike: 1 is
    /// the same, 0 as different as any two sounds. Looked for at a low rate first.
    fn closest_period(&mut self) -> (usize, f32) {
        let step = (self.longest / COARSE_LAGS).max(1);
        let lags = self.longest / step;
        let coarse = &mut self.coarse[..2 * lags];
        let from = &self.around[self.longest - lags * step..];
        for (sample, fine) in coarse.iter_mut().zip(from.chunks_exact(step)) {
            *sample = fine.iter().sum::<f32>() / step as f32;
        }
        let shortest = (self.shortest / step).max(1);
        let (lag, likeness) = most_alike(coarse, shortest, lags);
        if step == 1 {
            return (lag, likeness);
        }
        let near = lag * step;
        let shortest = self.shortest.max(near - step);
        most_alike(&self.around, shortest, self.longest.min(near + step))
    }

    /// Lay the period after the middle, fading into the one before it.
    fn blend(&mut self, period: usize) {
        let (before, after) = neighbours(&self.around, period);
        let out = &mut self.inserted[self.longest - period..];
        for (n, (sample, (a, b))) in out.iter_mut().zip(before.iter().zip(after)).enumerate() {
            *sample = b + (a - b) * ((n + 1) as f32 / (period + 1) as f32);
        }
    }
}

/// The best period from `shortest` to `longest`, the longest of the best, and its likeness.
fn most_alike(around: &[f32], shortest: usize, longest: usize) -> (usize, f32) {
    let mut best = (longest, f32::NEG_INFINITY);
    for period in (shortest..=longest).rev() {
        let likeness = likeness(neighbours(around, period));
        if likeness > best.1 {
            best = (period, likeness);
        }
    }
    best
}

fn neighbours(around: &[f32], period: usize) -> (&[f32], &[f32]) {
    let (before, after) = around.split_at(around.len() / 2);
    (&before[before.len() - period..], &after[..period])
}

/// 1 less the power of the difference over the power of both; sums in lanes, for speed.
fn likeness((before, after): (&[f32], &[f32])) -> f32 {
    let mut difference = [0.0; LANES];
    let mut power = [2.0 * QUIET * before.len() as f32 / LANES as f32; LANES];
    let (a, a_rest) = before.as_chunks::<LANES>();
    let (b, b_rest) = after.as_chunks::<LANES>();
    let mut add = |lane: usize, a: f32, b: f32| {
        difference[lane] += (a - b) * (a - b);
        power[lane] += a * a + b * b;
    };
    for (a, b) in a.iter().zip(b) {
        (0..LANES).for_each(|lane| add(lane, a[lane], b[lane]));
    }
    for (lane, (a, b)) in a_rest.iter().zip(b_rest).enumerate() {
        add(lane, *a, *b);
    }
    1.0 - difference.iter().sum::<f32>() / power.iter().sum::<f32>()
}
