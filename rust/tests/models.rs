//! Loom models of what runs beside a callback; see rust/README.md for the command.
//!
//! Each model explores every interleaving and every value that the memory model allows a
//! load to see, on a ring of three or four samples.
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

#[test]
fn content_arrives_in_order_once_across_the_end_of_the_ring() {
    loom::model(|| {
        let buffer = tiny(3, 1, 0);
        buffer.open_through(OPEN_ALL);
        let mut device = buffer.attach_consumer().expect("free");
        let producer = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || {
                let mut next = 1.0;
                for _ in 0..3 {
                    next += buffer.push(&[next, next + 1.0]) as f32;
                }
            })
        };
        let mut all = heard(&mut device, 2);
        all.extend(heard(&mut device, 2));
        producer.join().expect("no panic");
        all.extend(heard(&mut device, 4));
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
        let mut device = buffer.attach_consumer().expect("free");
        let producer = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || {
                buffer.push(&[1.0]);
                buffer.end_chunk(0).expect("in order");
                buffer.push(&[2.0]);
            })
        };
        let mut all = heard(&mut device, 2);
        all.extend(heard(&mut device, 2));
        producer.join().expect("no panic");
        all.extend(heard(&mut device, 2));
        assert_eq!(all, [1.0]);
    });
}

#[test]
fn a_chunk_that_ends_beside_the_callback_is_not_edited_at_its_end() {
    loom::model(|| {
        let buffer = tiny(4, 0, 1);
        buffer.open_through(OPEN_ALL);
        buffer.push(&[8.0, 8.0]);
        let mut device = buffer.attach_consumer().expect("free");
        let producer = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || {
                buffer.end_chunk(0).expect("in order");
                buffer.push(&[8.0, 8.0]);
            })
        };
        // Two samples are there, one to be kept unless the end or more content is seen.
        let first = heard(&mut device, 1);
        producer.join().expect("no panic");
        let second = heard(&mut device, 1);
        assert_eq!((first, second), (vec![8.0], vec![8.0]));
        assert_eq!(buffer.counters().edited_samples, 0);
    });
}

#[test]
fn a_discard_beside_the_callback_drops_what_it_names() {
    loom::model(|| {
        let buffer = tiny(4, 0, 1);
        buffer.open_through(OPEN_ALL);
        buffer.push(&[8.0, 32.0, 128.0]);
        buffer.end_chunk(0).expect("in order");
        let mut device = buffer.attach_consumer().expect("free");
        let control = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || buffer.discard_to(3))
        };
        let mut all = heard(&mut device, 1);
        control.join().expect("no panic");
        all.extend(heard(&mut device, 4));
        let events = buffer.drain_events();
        let dropped = events.iter().find(|event| event.kind == EventKind::Discard);
        let dropped = dropped.map_or(0, |event| event.samples);
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
                assert!(buffer.counters().rendered_samples <= 2);
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
        let mut device = buffer.attach_consumer().expect("free");
        let producer = {
            let buffer = buffer.clone();
            loom::thread::spawn(move || {
                buffer.push(&[8.0, 8.0]);
                buffer.end_chunk(0).expect("in order");
                buffer.finish();
            })
        };
        let mut all = heard(&mut device, 1);
        producer.join().expect("no panic");
        all.extend(heard(&mut device, 4));
        assert_eq!(all.len(), 2);
        assert!(buffer.drained());
        assert_eq!(buffer.counters().holds, 0);
    });
}
