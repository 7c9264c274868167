//! Reading without a device: `pop`, and `render_here` for those that pace themselves.
#![cfg(not(loom))]

mod common;

use common::{OPEN_ALL, UNREAD, buffer, chunk, pcm, push};
use std::thread;
use std::time::{Duration, Instant};

fn now() -> Option<Instant> {
    Some(Instant::now())
}

#[test]
fn pop_takes_what_is_open_and_never_pads() {
    let buffer = buffer(2.0);
    chunk(&buffer, 0, 30);
    push(&buffer, 30);
    assert_eq!(buffer.pop(50, now()), Ok(None));
    buffer.open_through(0);
    assert_eq!(buffer.pop(20, now()), Ok(Some(pcm(0, 20))));
    assert_eq!(buffer.pop(20, now()), Ok(Some(pcm(20, 10))));
    assert_eq!(buffer.pop(20, now()), Ok(None));
    buffer.open_through(OPEN_ALL);
    buffer.finish();
    assert_eq!(buffer.pop(99, None), Ok(Some(pcm(30, 30))));
    assert_eq!(buffer.pop(99, None), Ok(Some(Vec::new())));
    let at = buffer.position();
    assert_eq!((at.heard, at.read, at.written), (60, 60, 60));
    assert_eq!(buffer.counters().rendered_samples, 0);
}

#[test]
fn pop_waits_for_a_push() {
    let buffer = buffer(2.0);
    buffer.open_through(OPEN_ALL);
    let waiting = {
        let buffer = buffer.clone();
        thread::spawn(move || buffer.pop(10, None))
    };
    thread::sleep(Duration::from_millis(20));
    push(&buffer, 10);
    assert_eq!(waiting.join().expect("no panic"), Ok(Some(pcm(0, 10))));
}

#[test]
fn a_reader_that_takes_the_last_sample_wakes_who_waits_for_the_end() {
    for by_render in [true, false] {
        let buffer = buffer(2.0);
        buffer.open_through(OPEN_ALL);
        chunk(&buffer, 0, 10);
        buffer.finish();
        let waiting = {
            let buffer = buffer.clone();
            let deadline = Instant::now() + Duration::from_secs(30);
            thread::spawn(move || buffer.wait_drained(deadline))
        };
        thread::sleep(Duration::from_millis(20));
        if by_render {
            buffer.render_here(&mut [0.0; 20]).expect("free");
        } else {
            buffer.pop(20, now()).expect("free");
        }
        assert!(waiting.join().expect("no panic"));
    }
}

#[test]
fn rendering_here_goes_on_where_it_was_until_someone_claims_the_end() {
    let buffer = buffer(2.0);
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 100);
    let mut out = [0.0; 20];
    for block in 0..3 {
        buffer.render_here(&mut out).expect("free");
        assert_eq!(out[..], pcm(20 * block, 20));
    }
    buffer.claim_reading().expect("free");
    buffer
        .render_here(&mut out)
        .expect("claimed by whoever renders");
    assert_eq!(out[UNREAD..], pcm(60 + UNREAD as u64, 20 - UNREAD));
    assert_eq!(buffer.counters().edited_samples, UNREAD as u64);
}

#[test]
fn a_push_after_the_end_moves_the_end() {
    let buffer = buffer(2.0);
    buffer.open_through(OPEN_ALL);
    buffer.finish();
    assert!(buffer.drained());
    push(&buffer, 10);
    assert!(!buffer.drained());
    assert_eq!(buffer.pop(20, None), Ok(Some(pcm(0, 10))));
    assert!(buffer.drained());
}

#[test]
fn a_buffer_knows_its_size() {
    let buffer = buffer(2.0);
    assert_eq!(
        (buffer.sample_rate_hz(), buffer.capacity_samples()),
        (1000, 2000)
    );
    push(&buffer, 100);
    assert_eq!(
        (buffer.buffered_samples(), buffer.free_samples()),
        (100, 1400)
    );
    assert_eq!(push(&buffer, 2000), 1400);
}
