//! What one callback of 10 ms at 48 kHz costs: `cargo bench --bench callback`.

use std::time::{Duration, Instant};

use _native::buffer::{Geometry, SharedBuffer};

const RATE: u32 = 48_000;
const BLOCK: usize = 480;
const CALLBACKS: u32 = 200_000;

fn main() {
    println!(
        "{:<10} {:>9} {:>9} {:>9}",
        "state", "mean us", "p99.9 us", "max us"
    );
    for content in [true, false] {
        let buffer = SharedBuffer::new(RATE, Geometry::of(RATE, 60.0).expect("room"));
        let mut device = buffer.attach_consumer().expect("free");
        buffer.open_through(i64::MAX);
        buffer.expect();
        let second = vec![0.25; RATE as usize];
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
        report(if content { "content" } else { "silence" }, times);
    }
}

fn report(state: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    let mean = us(times.iter().sum::<Duration>()) / times.len() as f64;
    let rare = us(times[times.len() * 999 / 1000]);
    let worst = us(times[times.len() - 1]);
    println!("{state:<10} {mean:>9.2} {rare:>9.2} {worst:>9.2}");
}
