//! The device callback allocates nothing, whatever the device asks for.
#![cfg(not(loom))]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use _native::bell::Bell;
use _native::buffer::{Geometry, SharedBuffer};
use _native::callback::Callback;
use _native::health::Health;
use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use cpal::{OutputCallbackInfo, OutputStreamTimestamp, StreamInstant};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

fn info(latency_ms: u64) -> OutputCallbackInfo {
    let callback = StreamInstant::new(1, 0);
    let playback = callback + Duration::from_millis(latency_ms);
    OutputCallbackInfo::new(OutputStreamTimestamp { callback, playback })
}

fn buffer() -> Arc<SharedBuffer> {
    let geometry = Geometry::of(48_000, 2.0).expect("two seconds fit");
    let buffer = SharedBuffer::new(48_000, geometry);
    buffer.open_through(i64::MAX);
    buffer
}

#[test]
fn content_silence_and_conversion_allocate_nothing() {
    let buffer = buffer();
    let health = Arc::new(Health::new(Arc::<Bell>::default()));
    let consumer = buffer.attach_consumer().expect("the reading end is free");
    let slot = Arc::new(Mutex::new(Some(consumer)));
    let parts = || (Arc::clone(&slot), Arc::clone(&buffer), Arc::clone(&health));
    let (slot_a, buffer_a, health_a) = parts();
    let mut stereo = Callback::new(slot_a, buffer_a, health_a, 2);
    let (slot_b, buffer_b, health_b) = parts();
    let mut surround = Callback::new(slot_b, buffer_b, health_b, 6);
    let mut floats = vec![0.0_f32; 2 * 10_000];
    let mut integers = vec![0_i16; 6 * 480];
    buffer.push(&vec![0.25; 40_000]);
    for latency_ms in [0, 50, 50, 2_000] {
        let info = info(latency_ms);
        assert_no_alloc(|| {
            stereo.run(&mut floats, &info);
            surround.run(&mut integers, &info);
        });
    }
    assert_eq!(health.counts().callbacks, 8);
    assert!(floats[0] > 0.0 && integers[0] > 0 && integers[2] == 0);
}

#[test]
fn a_fresh_stream_begins_with_silence_and_a_revoked_one_ends_with_it() {
    let buffer = buffer();
    let health = Arc::new(Health::new(Arc::<Bell>::default()));
    let consumer = buffer.attach_consumer().expect("the reading end is free");
    let slot = Arc::new(Mutex::new(Some(consumer)));
    let shared = (Arc::clone(&slot), Arc::clone(&buffer), Arc::clone(&health));
    let mut callback = Callback::new(shared.0, shared.1, shared.2, 1);
    buffer.push(&[0.25; 4_800]);
    let mut heard = [9.0_f32; 480];
    let mut ask = |heard: &mut [f32]| assert_no_alloc(|| callback.run(heard, &info(10)));
    ask(&mut heard);
    ask(&mut heard);
    assert_eq!(heard, [0.0; 480]);
    ask(&mut heard);
    assert_eq!(heard, [0.25; 480]);
    slot.lock().expect("no panic").take();
    ask(&mut heard);
    assert_eq!(heard, [0.0; 480]);
    assert_eq!(health.counts().behind_samples, 480 + 480);
}
