//! What one callback of 10 ms at 48 kHz costs: `cargo bench --bench callback`.

use std::time::{Duration, Instant};

use _native::buffer::{Geometry, SharedBuffer};

const RATE: u32 = 48_000;
const BLOCK: usize = 480;
const CALLBACKS: u32 = 200_000;

fn main() {
    println!(
        "{:<10} {:>9} {:>9} {:>9} {:>9}",
        "state", "mean us", "p50 us", "p99.9 us", "max us"
    );
    for (state, content, pace) in [
        ("content", true, 1.0),
        ("slowed", true, 0.92),
        ("silence", false, 1.0),
    ] {
        let buffer = SharedBuffer::new(RATE, Geometry::of(RATE, 60.0).expect("room"));
        let mut device = buffer.attach_consumer().expect("free");
        buffer.open_through(i64::MAX);
        buffer.expect();
        buffer.set_pace(pace).expect("in range");
        let second: Vec<f32> = (0..RATE).map(voice).collect();
        let mut out = [0.0; BLOCK];
        let mut times = Vec::with_capacity(CALLBACKS as usize);
        for _ in 0..CALLBACKS {
            if content && buffer.buffered_samples() < u64::from(RATE) {
                buffer.push(&second);
            }
            let started = Instant::now();
            device.render(&mut out, 2_400);
            times.push(started.elapsed());
        }
        report(state, times);
    }
}

/// 120 Hz that glide, with the harmonics of a voice.
fn voice(n: u32) -> f32 {
    let seconds = n as f32 / RATE as f32;
    let phase = std::f32::consts::TAU * seconds * (120.0 + 10.0 * seconds);
    (1..20)
        .map(|k| (phase * k as f32).sin() / k as f32)
        .sum::<f32>()
        * 0.2
}

fn report(state: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let mean = us(times.iter().sum::<Duration>()) / times.len() as f64;
    let usual = us(times[times.len() / 2]);
    let rare = us(times[times.len() * 999 / 1000]);
    let worst = us(times[times.len() - 1]);
    println!("{state:<10} {mean:>9.2} {usual:>9.2} {rare:>9.2} {worst:>9.2}");
}
