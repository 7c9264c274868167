//! Slower speech at the same pitch: whole periods put in where their neighbours are alike.
//!
//! Between two neighbouring periods A and B goes a third one, B fading into A, so that every
//! sample of the content is still heard once, unchanged and in order (the way in which the
//! Sonic library slows speech down). What the callback needs for it is allocated once; a
//! search costs the same whatever it finds. The numpy twin is `legato/audio/stretch.py`.

/// The slowest pace that may be asked for; 1.0 is the fastest.
pub(crate) const SLOWEST_PACE: f64 = 0.92;
/// Inserted in any second of content; asked for a little above `SLOWEST_PACE`.
const LONGER_AT_MOST: f64 = 0.08;
const SECOND_S: f64 = 1.0;
/// More insertions than fit into a second.
const RECENT: usize = 32;
/// How far the pace moves towards the wanted one at each look: 0.01 for each 100 ms.
const PACE_STEP: f64 = 0.001;
const LOOK_S: f64 = 0.010;
const SHORTEST_S: f64 = 0.0025;
const LONGEST_S: f64 = 0.015;
/// What found no good place beyond this is given up.
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
    second: u64,
    recent: [(u64, usize); RECENT], // insertions: where that second ends, length
    begun: usize,
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
            second: (SECOND_S * rate).round() as u64,
            recent: [(0, 0); RECENT],
            begun: 0,
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
        let most = self.owed.min(self.left_in_this_second());
        if most < self.shortest as f64 {
            return 0;
        }
        let (period, likeness) = self.closest_period();
        if period as f64 > most {
            return 0;
        }
        let spare = self.owed - period as f64;
        let urgency = spare / (self.owed_at_most - period as f64);
        if f64::from(likeness) < ALIKE.0 + (ALIKE.1 - ALIKE.0) * urgency {
            return 0;
        }
        self.owed = spare;
        self.recent[self.begun % RECENT] = (self.accounted + self.second, period);
        self.begun += 1;
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

    fn left_in_this_second(&self) -> f64 {
        let recent = self.recent.iter().filter(|(end, _)| *end > self.accounted);
        let inserted: usize = recent.map(|(_, samples)| samples).sum();
        LONGER_AT_MOST * self.second as f64 - inserted as f64
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
        let (lag, likeness) = most_alike(coarse, self.shortest.div_ceil(step), lags);
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    const RATE: u32 = 48_000;
    const LOOK: u64 = 480;

    /// A voice-like tone of `period` samples, with three harmonics.
    fn voice(period: f32, samples: usize) -> Vec<f32> {
        let harmonic = |n: usize, k: f32| (TAU * k * n as f32 / period + k * k).sin() / k;
        (0..samples)
            .map(|n| 0.3 * (harmonic(n, 1.0) + harmonic(n, 2.0) + harmonic(n, 3.0)))
            .collect()
    }

    /// At the slowest pace, with all of it owed.
    fn slowed(rate: u32) -> Stretch {
        let mut stretch = Stretch::new(rate);
        stretch.want(SLOWEST_PACE);
        for look in 1..=200 {
            stretch.owes(look * stretch.look_every);
        }
        assert_eq!(stretch.owed, stretch.owed_at_most);
        stretch
    }

    fn begin(stretch: &mut Stretch, around: &[f32]) -> Vec<f32> {
        stretch.around().copy_from_slice(around);
        let mut out = vec![0.0; stretch.begin(7)];
        let (index, samples) = stretch.hand_out(&mut out);
        assert!(samples == out.len() && (samples == 0 || index == 7));
        out
    }

    #[test]
    fn at_full_pace_nothing_is_looked_at() {
        let mut stretch = Stretch::new(RATE);
        assert_eq!(stretch.until_look(479), u64::MAX);
        assert!(!stretch.looks_at(480));
        stretch.want(0.95);
        assert_eq!((stretch.until_look(479), stretch.until_look(480)), (1, 480));
        assert!(stretch.looks_at(480) && !stretch.looks_at(481));
    }

    #[test]
    fn the_pace_moves_by_a_hundredth_in_a_tenth_of_a_second() {
        let mut stretch = Stretch::new(RATE);
        let mut look = 0;
        let mut go = |stretch: &mut Stretch, pace: f64, looks: u64| {
            stretch.want(pace);
            (0..looks).for_each(|_| {
                look += LOOK;
                stretch.owes(look);
            });
            stretch.pace
        };
        assert!((go(&mut stretch, 0.92, 10) - 0.99).abs() < 1e-9);
        assert!((go(&mut stretch, 0.92, 69) - 0.921).abs() < 1e-9);
        assert_eq!(go(&mut stretch, 0.92, 10), 0.92);
        assert!(stretch.owed > 0.0);
        assert!((go(&mut stretch, 1.0, 79) - 0.999).abs() < 1e-9);
        assert_eq!(go(&mut stretch, 1.0, 1), 1.0);
        assert_eq!((stretch.owed, stretch.until_look(0)), (0.0, u64::MAX));
    }

    #[test]
    fn what_was_heard_at_full_pace_earns_nothing() {
        let mut stretch = Stretch::new(RATE);
        stretch.want(0.92);
        assert!(!stretch.owes(1_000_000));
        assert_eq!(stretch.owed, 0.0);
    }

    #[test]
    fn the_period_of_a_voice_is_found_at_every_rate() {
        let rates = [1_000, 8_000, 22_050, 24_000, 44_100, 48_000, 192_000];
        for &rate in &rates[..if cfg!(miri) { 2 } else { 7 }] {
            let mut stretch = slowed(rate);
            for period_s in [0.003, 0.0045, 0.008, 0.012] {
                let period = (period_s * rate as f32).round();
                let around = voice(period, 2 * stretch.longest);
                let inserted = begin(&mut stretch, &around).len() as f32;
                let whole = (inserted / period).round();
                assert!(whole >= 1.0 && (inserted / period - whole).abs() < 0.02);
                stretch.owed = stretch.owed_at_most;
                stretch.recent = [(0, 0); RECENT];
            }
        }
    }

    #[test]
    fn a_period_below_the_shortest_is_taken_several_times() {
        let mut stretch = slowed(RATE);
        let around = voice(109.09, 2 * stretch.longest);
        let inserted = begin(&mut stretch, &around).len() as f32 / 109.09;
        assert!(inserted > 1.9 && (inserted - inserted.round()).abs() < 0.01);
    }

    #[test]
    fn an_insertion_fades_from_what_follows_into_what_was_before() {
        let mut stretch = slowed(RATE);
        let mut around = voice(400.0, 2 * stretch.longest);
        let middle = stretch.longest;
        (middle..around.len()).for_each(|n| around[n] *= 1.1);
        let inserted = begin(&mut stretch, &around);
        assert_eq!(inserted.len(), 400);
        assert!((inserted[0] - around[middle]).abs() < 0.001);
        assert!((inserted[399] - around[middle - 1]).abs() < 0.001);
        let joined = [&around[..middle], &inserted[..], &around[middle..]].concat();
        let jump = |pcm: &[f32]| {
            let jumps = pcm.windows(2).map(|pair| (pair[1] - pair[0]).abs());
            jumps.fold(0.0, f32::max)
        };
        assert!(jump(&joined) <= 1.001 * jump(&around));
    }

    #[test]
    fn silence_takes_the_longest_and_noise_and_onsets_take_none() {
        let mut stretch = slowed(RATE);
        let longest = stretch.longest;
        let mut dice = 1_u32;
        let mut noise = || {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            dice as f32 / u32::MAX as f32 - 0.5
        };
        let loud: Vec<f32> = (0..2 * longest).map(|_| noise()).collect();
        assert!(begin(&mut stretch, &loud).is_empty());
        assert!(begin(&mut stretch, &vec![f32::NAN; 2 * longest]).is_empty());
        let onset = [&vec![0.0; longest][..], &voice(400.0, longest)].concat();
        assert!(begin(&mut stretch, &onset).is_empty());
        let quiet: Vec<f32> = loud.iter().map(|sample| sample * 1e-4).collect();
        assert!(!begin(&mut stretch, &quiet).is_empty());
        stretch.owed = stretch.owed_at_most;
        assert_eq!(begin(&mut stretch, &vec![0.0; 2 * longest]).len(), longest);
    }

    #[test]
    fn no_more_is_inserted_than_is_owed_or_fits_into_a_second() {
        let mut stretch = slowed(RATE);
        let silence = vec![0.0; 2 * stretch.longest];
        assert_eq!(begin(&mut stretch, &silence).len(), 720);
        assert_eq!(begin(&mut stretch, &silence).len(), 720);
        assert!(begin(&mut stretch, &silence).is_empty()); // 30 ms were owed
        for _ in 0..3 {
            stretch.owed = stretch.owed_at_most;
            assert_eq!(begin(&mut stretch, &silence).len(), 720);
        }
        stretch.owed = stretch.owed_at_most;
        assert!(begin(&mut stretch, &silence).is_empty()); // 75 of 80 ms were used
        stretch.owes(stretch.accounted + stretch.second);
        assert_eq!(begin(&mut stretch, &silence).len(), 720);
    }

    #[test]
    fn an_insertion_is_handed_out_in_pieces_or_dropped() {
        let mut stretch = slowed(RATE);
        let around = voice(200.0, 2 * stretch.longest);
        stretch.around().copy_from_slice(&around);
        let samples = stretch.begin(9);
        let mut whole = vec![0.0; samples + 5];
        assert_eq!(stretch.hand_out(&mut whole[..3]), (9, 3));
        assert_eq!(stretch.hand_out(&mut whole[3..]), (9, samples - 3));
        assert_eq!(stretch.hand_out(&mut whole).1, 0);
        stretch.owed = stretch.owed_at_most;
        stretch.around().copy_from_slice(&around);
        assert!(stretch.begin(9) > 0);
        stretch.drop_rest();
        assert_eq!(stretch.hand_out(&mut whole).1, 0);
    }

    #[test]
    fn the_lowest_rates_have_a_period_too() {
        for rate in 1..200 {
            let stretch = Stretch::new(rate);
            assert!(0 < stretch.shortest && stretch.shortest <= stretch.longest);
        }
    }
}
