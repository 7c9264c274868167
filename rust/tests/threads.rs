//! Producer, callback, control and observers at once, at full speed.
#![cfg(not(loom))]

mod common;

use _native::ledger::EventKind;
use common::{OPEN_ALL, buffer, pcm};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const TOTAL: u64 = 400_000;
const CHUNK: u64 = 1_000;

#[test]
fn every_sample_arrives_in_order_once() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    let done = AtomicBool::new(false);
    let (mut heard, mut events) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            for ordinal in 0..TOTAL / CHUNK {
                let end = (ordinal + 1) * CHUNK;
                let mut at = ordinal * CHUNK;
                while at < end {
                    at += buffer.push(&pcm(at, 331.min((end - at) as usize))) as u64;
                    thread::yield_now();
                }
                buffer.end_chunk(ordinal as i64).expect("in order");
            }
            buffer.finish();
        });
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let at = buffer.position();
                assert!(at.heard <= at.read && at.read <= at.written);
                let counters = buffer.counters();
                assert!(counters.edited_samples <= counters.rendered_samples + 10);
                thread::yield_now();
            }
        });
        let mut out = [0.0; 256];
        while !buffer.drained() {
            device.render(&mut out, 0);
            heard.extend(out.iter().copied().filter(|sample| *sample != 0.0));
            events.extend(buffer.drain_events());
            thread::yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    let edits: HashSet<u64> = events
        .iter()
        .filter(|event| event.kind == EventKind::Edit)
        .flat_map(|event| event.index..event.index + event.samples)
        .collect();
    assert_eq!(heard.len() as u64, TOTAL);
    for (index, sample) in (0..TOTAL).zip(&heard) {
        assert_eq!(*sample == (index + 1) as f32, !edits.contains(&index));
    }
    assert_eq!(buffer.counters().edited_samples, edits.len() as u64);
}

#[test]
fn a_pace_set_beside_a_callback_loses_nothing() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    let (mut heard, mut told) = (0, 0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for ordinal in 0..100 {
                let pace = [0.92, 0.95, 1.0][ordinal as usize % 3];
                buffer.set_pace(pace).expect("in range");
                let mut left = CHUNK as usize;
                while left > 0 {
                    left -= buffer.push(&vec![1.0; left]);
                    thread::yield_now();
                }
                buffer.end_chunk(ordinal).expect("in order");
            }
            buffer.finish();
        });
        let mut out = [0.0; 256];
        while !buffer.drained() {
            device.render(&mut out, 0);
            heard += out.iter().filter(|sample| **sample != 0.0).count() as u64;
            let events = buffer.drain_events().into_iter();
            let stretches = events.filter(|event| event.kind == EventKind::Stretch);
            told += stretches.map(|event| event.samples).sum::<u64>();
            thread::yield_now();
        }
    });
    let counters = buffer.counters();
    assert_eq!(counters.rendered_samples, 100 * CHUNK);
    assert_eq!(counters.stretched_samples, told);
    assert_eq!(heard, 100 * CHUNK + told);
    assert!(told > CHUNK);
}

#[test]
fn discards_and_pauses_beside_a_callback_lose_only_what_they_name() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    let (mut heard, mut dropped) = (0_u64, 0_u64);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut at = 0;
            for step in 0.. {
                at += buffer.push(&pcm(at, 331)) as u64;
                buffer.set_paused(step % 7 == 0);
                if step % 11 == 0 {
                    buffer.discard_to(at.saturating_sub(400));
                }
                if at >= TOTAL {
                    break;
                }
                thread::yield_now();
            }
            buffer.set_paused(false);
            buffer.finish();
        });
        let mut out = [0.0; 256];
        while !buffer.drained() {
            device.render(&mut out, 0);
            heard += out.iter().filter(|sample| **sample != 0.0).count() as u64;
            let events = buffer.drain_events().into_iter();
            let discards = events.filter(|event| event.kind == EventKind::Discard);
            dropped += discards.map(|event| event.samples).sum::<u64>();
            thread::yield_now();
        }
        device.render(&mut out, 0); // the rest of a ramp
        heard += out.iter().filter(|sample| **sample != 0.0).count() as u64;
    });
    assert_eq!(heard + dropped, buffer.position().written);
    assert_eq!(heard, buffer.counters().rendered_samples);
}
