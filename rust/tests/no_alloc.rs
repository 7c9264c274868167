//! The callback allocates nothing, whatever state it is in: an allocation aborts this test.
#![cfg(not(loom))]

mod common;

use _native::render::Consumer;
use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use common::{OPEN_ALL, buffer, chunk, pcm};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn callback(device: &mut Consumer, out: &mut [f32]) {
    assert_no_alloc(|| device.render(out, 480));
}

#[test]
fn no_state_of_the_callback_allocates() {
    let buffer = buffer(3.0);
    let mut out = [0.0; 64];
    let mut device = buffer.attach_consumer().expect("free");
    callback(&mut device, &mut out); // before anything
    buffer.expect();
    chunk(&buffer, 0, 100);
    chunk(&buffer, 1, 200);
    buffer.open_through(0);
    callback(&mut device, &mut out); // first content
    callback(&mut device, &mut out); // into a hold
    buffer.open_through(OPEN_ALL);
    callback(&mut device, &mut out); // out of it
    buffer.set_paused(true);
    callback(&mut device, &mut out); // pause
    buffer.set_paused(false);
    callback(&mut device, &mut out); // resume
    buffer.push(&pcm(300, 200));
    buffer.discard_to(400);
    callback(&mut device, &mut out); // discard, in mid-chunk
    (0..3).for_each(|_| callback(&mut device, &mut out)); // underrun
    buffer.push(&pcm(500, 200));
    callback(&mut device, &mut out); // out of it
    buffer.shut_gate();
    callback(&mut device, &mut out); // gate shut in mid-chunk
    buffer.open_through(OPEN_ALL);
    buffer.finish();
    (0..20).for_each(|_| callback(&mut device, &mut out)); // to the end and beyond
    let counters = buffer.counters();
    assert!(counters.underruns > 0 && counters.holds > 0 && counters.edited_samples > 0);
    assert!(buffer.drained());
}

#[test]
fn slower_speech_allocates_nothing() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.set_pace(0.92).expect("in range");
    buffer.open_through(OPEN_ALL);
    for ordinal in 0..10 {
        chunk(&buffer, ordinal, 1_000);
        (0..22).for_each(|_| callback(&mut device, &mut [0.0; 50]));
    }
    buffer.set_pace(1.0).expect("in range");
    chunk(&buffer, 10, 1_000);
    (0..22).for_each(|_| callback(&mut device, &mut [0.0; 50]));
    assert!(buffer.counters().stretched_samples > 500);
}

#[test]
fn ten_thousand_events_that_nobody_drains_allocate_nothing() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.expect();
    buffer.open_through(OPEN_ALL);
    for ordinal in 0..10_000 {
        chunk(&buffer, ordinal, 1);
        callback(&mut device, &mut [0.0; 2]);
    }
    assert_eq!(buffer.counters().holds, 10_000);
}
