//! Loom models of what runs beside a callback; see rust/README.md for the command.
//!
//! Each model explores the interleavings, and every value that the memory model allows a
//! load to see, on a ring of three or four samples. The device is the spawned thread:
//! loom runs the first thread first, and finds a race by a load after a store more surely
//! than by a store after a load (it remembers only the last access).
#![cfg(loom)]

use _native::buffer::{Geometry, SharedBuffer};
use _native::ledger::EventKind;
use _native::render::Consumer;
use std::sync::Arc;

const OPEN_ALL: i64 = 1 << 62;

fn tiny(capacity: usize, kept_behind: usize, unread: usize) -> Arc<SharedBuffer> {
    let geometry = Geometry {
        capacity,
        kept_behind,
        unread,
        ramp: unread,
        remembered: 2,
    };
    SharedBuffer::new(1000, geometry)
}

/// The content of one callback's block.
fn heard(device: &mut Consumer, samples: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; samples];
    device.render(&mut out, 0);
    assert!(out.iter().all(|sample| sample.is_finite()));
    out.retain(|sample| *sample != 0.0);
    out
}

/// A device plays `blocks` while `control` runs, and one more of `rest` samples after it.
fn beside(
    buffer: &Arc<SharedBuffer>,
    blocks: &'static [usize],
    control: impl FnOnce(&SharedBuffer),
    rest: usize,
) -> Vec<f32> {
    let mut device = buffer.attach_consumer().expect("free");
    let playing = loom::thread::spawn(move || {
        let mut all = Vec::new();
        for samples in blocks {
            all.extend(heard(&mut device, *samples));
        }
        (device, all)
    });
    control(buffer);
    let (mut device, mut all) = playing.join().expect("no panic");
    all.extend(heard(&mut device, rest));
    all
}

#[test]
fn content_arrives_in_order_once_across_the_end_of_the_ring() {
    loom::model(|| {
        let buffer = tiny(3, 1, 0);
        buffer.open_through(OPEN_ALL);
        let produce = |buffer: &SharedBuffer| {
            let mut next = 1.0;
            for _ in 0..3 {
                next += buffer.push(&[next, next + 1.0]) as f32;
            }
        };
        let all = beside(&buffer, &[2, 2], produce, 4);
        let written = buffer.position().written;
        assert!(written >= 2);
        assert_eq!(all, (1..=written).map(|n| n as f32).collect::<Vec<_>>());
    });
}

#[test]
fn nothing_beyond_the_gate_is_heard() {
    loom::model(|| {
        let buffer = tiny(4, 0, 0);
        buffer.open_through(0);
        let produce = |buffer: &SharedBuffer| {
            buffer.push(&[1.0]);
            buffer.end_chunk(0).expect("in order");
            buffer.push(&[2.0]);
        };
        assert_eq!(beside(&buffer, &[2, 2], produce, 2), [1.0]);
    });
}

#[test]
fn a_chunk_that_ends_beside_the_callback_is_not_edited_at_its_end() {
    loom::model(|| {
        let buffer = tiny(8, 0, 1);
        buffer.open_through(OPEN_ALL);
        buffer.push(&[8.0, 8.0]);
        let produce = |buffer: &SharedBuffer| {
            buffer.end_chunk(0).expect("in order");
            buffer.push(&[8.0, 8.0, 8.0]);
        };
        // Of two samples one is kept back, unless their end or more content is seen; to
        // see the end as well as a part of what follows must not cut into that part.
        let all = beside(&buffer, &[1, 1], produce, 1);
        assert!(all.iter().all(|sample| *sample == 8.0 || *sample == 4.0));
        let edited = buffer.counters().edited_samples as usize;
        assert_eq!(edited, all.iter().filter(|sample| **sample == 4.0).count());
        assert!(edited == 0 || buffer.counters().underruns <= 1);
    });
}

#[test]
fn a_discard_beside_the_callback_drops_what_it_names() {
    loom::model(|| {
        let buffer = tiny(4, 0, 1);
        buffer.open_through(OPEN_ALL);
        let control = |buffer: &SharedBuffer| {
            buffer.push(&[8.0, 32.0, 128.0]);
            buffer.end_chunk(0).expect("in order");
            buffer.discard_to(3);
        };
        let all = beside(&buffer, &[1], control, 4);
        let events = buffer.drain_events();
        let discards = events.iter().filter(|e| e.kind == EventKind::Discard);
        let dropped: u64 = discards.map(|event| event.samples).sum();
        assert_eq!(all.len() as u64 + dropped, 3);
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(buffer.position().read, 3);
    });
}

#[test]
fn observers_see_whole_positions() {
    loom::model(|| {
        let buffer = tiny(4, 0, 0);
        buffer.open_through(OPEN_ALL);
        buffer.push(&[1.0, 2.0, 3.0]);
        let mut device = buffer.attach_consumer().expect("free");
        let observer = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || {
                let at = buffer.position();
                assert!(at.heard <= at.read && at.read <= at.written);
                let counters = buffer.counters();
                assert!(counters.rendered_samples <= 2);
                assert!(buffer.drain_events().is_empty());
            })
        };
        heard(&mut device, 1);
        heard(&mut device, 1);
        observer.join().expect("no panic");
    });
}

#[test]
fn the_announced_end_beside_the_callback_is_reached() {
    loom::model(|| {
        let buffer = tiny(4, 0, 1);
        buffer.open_through(OPEN_ALL);
        buffer.expect();
        let produce = |buffer: &SharedBuffer| {
            buffer.push(&[8.0, 8.0]);
            buffer.end_chunk(0).expect("in order");
            buffer.finish();
        };
        let all = beside(&buffer, &[1], produce, 4);
        assert_eq!(all, [8.0, 8.0]);
        assert!(buffer.drained());
        assert_eq!(buffer.counters().holds, 0);
    });
}
