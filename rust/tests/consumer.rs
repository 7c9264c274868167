//! A device's reading end, state by state.
#![cfg(not(loom))]

mod common;

use _native::buffer::{Busy, Geometry, Position, WrongOrdinal, WrongPace};
use _native::ledger::EventKind;
use common::{OPEN_ALL, RAMP, UNREAD, buffer, chunk, pcm, push, render};
use std::time::{Duration, Instant};

fn zeros(out: &[f32]) -> usize {
    out.iter().filter(|sample| **sample == 0.0).count()
}

#[test]
fn the_reading_end_has_one_owner_and_comes_back() {
    let buffer = buffer(2.0);
    let consumer = buffer.attach_consumer().expect("free");
    assert!(buffer.attach_consumer().is_err());
    assert_eq!(buffer.claim_reading(), Err(Busy));
    assert_eq!(buffer.pop(1, Some(Instant::now())), Err(Busy));
    assert_eq!(buffer.render_here(&mut [0.0]), Err(Busy));
    assert_eq!(buffer.rewind_to(0), Err(Busy));
    drop(consumer);
    buffer.claim_reading().expect("free again");
    assert!(buffer.attach_consumer().is_err());
    assert_eq!(buffer.rewind_to(0), Err(Busy));
    buffer.release_reading();
    assert!(buffer.attach_consumer().is_ok());
}

#[test]
fn the_producing_end_has_one_owner() {
    let buffer = buffer(2.0);
    buffer.attach_producer().expect("free");
    assert_eq!(buffer.attach_producer(), Err(Busy));
    buffer.detach_producer();
    buffer.attach_producer().expect("free again");
    assert_eq!(buffer.end_chunk(1), Err(WrongOrdinal { expected: 0 }));
}

#[test]
fn a_geometry_without_room_is_none() {
    assert!(Geometry::of(0, 60.0).is_none());
    assert!(Geometry::of(48_000, 0.5).is_none());
    let usual = Geometry::of(48_000, 60.0).expect("room");
    assert_eq!(
        (usual.capacity, usual.unread, usual.ramp),
        (2_880_000, 240, 480)
    );
}

#[test]
fn a_hold_edits_nothing_and_is_counted() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.expect();
    chunk(&buffer, 0, 20);
    chunk(&buffer, 1, 20);
    buffer.open_through(0);
    let out = render(&mut device, 30);
    assert_eq!((&out[..20], zeros(&out)), (&pcm(0, 20)[..], 10));
    buffer.open_through(1);
    assert_eq!(render(&mut device, 20), pcm(20, 20));
    let counters = buffer.counters();
    assert_eq!((counters.holds, counters.hold_samples), (1, 10));
    assert_eq!((counters.underruns, counters.edited_samples), (0, 0));
    let kinds: Vec<_> = buffer.drain_events().iter().map(|e| e.kind).collect();
    assert_eq!(kinds, [EventKind::First, EventKind::Hold]);
}

#[test]
fn waiting_at_the_end_before_it_was_announced_was_no_hold() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.expect();
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 20);
    render(&mut device, 30);
    assert_eq!(buffer.counters().holds, 1);
    buffer.finish();
    render(&mut device, 30);
    let counters = buffer.counters();
    assert_eq!((counters.holds, counters.hold_samples), (0, 0));
    assert_eq!(counters.gap_max_samples, 0);
    assert!(
        buffer
            .drain_events()
            .iter()
            .all(|e| e.kind == EventKind::First)
    );
}

#[test]
fn an_underrun_fades_over_its_whole_tail_in_short_periods() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    push(&buffer, 20);
    let out: Vec<f32> = (0..10).flat_map(|_| render(&mut device, 3)).collect();
    assert_eq!(out[..20 - UNREAD], pcm(0, 20 - UNREAD));
    let gains: Vec<f32> = (20 - UNREAD..20).map(|n| out[n] / (n + 1) as f32).collect();
    assert!(gains.windows(2).all(|pair| pair[1] < pair[0]));
    assert!(gains[0] < 1.0 && gains[UNREAD - 1] > 0.0);
    assert_eq!(zeros(&out), 10);
    assert_eq!(buffer.counters().underrun_samples, 10);
}

#[test]
fn a_fade_in_cut_short_falls_from_where_it_stood() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    push(&buffer, 20);
    render(&mut device, 30);
    push(&buffer, 2 + UNREAD);
    let out = render(&mut device, 20);
    let gains: Vec<f32> = (0..7).map(|n| out[n] / (n + 21) as f32).collect();
    assert!(gains.iter().all(|gain| *gain > 0.0 && *gain < 0.4));
    assert!(gains[1] > gains[0]);
    assert!(gains[1..].windows(2).all(|pair| pair[1] < pair[0]));
}

#[test]
fn a_discard_waits_for_the_callback_and_then_ramps() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 100);
    chunk(&buffer, 1, 100);
    render(&mut device, 40);
    buffer.discard_to(100);
    buffer.discard_to(60); // less than before: nothing more to drop
    assert_eq!(buffer.position().read, 40);
    let out = render(&mut device, 30);
    assert!((1..RAMP).all(|n| out[n] < out[n - 1]));
    assert_eq!(out[RAMP..], pcm(100, 20));
    assert_eq!(buffer.counters().edited_samples, RAMP as u64);
    let dropped = buffer.drain_events().pop().expect("an event");
    assert_eq!(
        (dropped.kind, dropped.index, dropped.samples),
        (EventKind::Discard, 50, 50)
    );
}

#[test]
fn a_discard_that_no_callback_saw_is_done_when_the_device_goes() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 1000);
    render(&mut device, 40);
    buffer.discard_to(1000);
    let full = buffer.free_samples();
    drop(device);
    assert_eq!(buffer.position().read, 1000);
    assert_eq!(buffer.free_samples(), full + 960);
    assert_eq!(buffer.rewind_to(0), Ok(1000));
    assert_eq!(buffer.counters().edited_samples, 0);
}

#[test]
fn pause_ramps_stands_still_and_counts_nothing() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.expect();
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 100);
    render(&mut device, 40);
    buffer.set_paused(true);
    assert_eq!(zeros(&render(&mut device, 30)), 30 - RAMP);
    assert_eq!(zeros(&render(&mut device, 30)), 30);
    assert_eq!(buffer.position().read, 40 + RAMP as u64);
    buffer.set_paused(false);
    let out = render(&mut device, 50);
    assert_eq!(out[UNREAD..], pcm(50 + UNREAD as u64, 50 - UNREAD));
    let counters = buffer.counters();
    assert_eq!((counters.holds, counters.underruns), (0, 0));
    assert_eq!(counters.edited_samples, (RAMP + UNREAD) as u64);
}

#[test]
fn a_gate_shut_in_mid_chunk_ramps() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(0);
    push(&buffer, 100);
    render(&mut device, 40);
    buffer.shut_gate();
    let out = render(&mut device, 30);
    assert_eq!(zeros(&out), 30 - RAMP);
    assert_eq!(buffer.counters().underruns, 0);
}

#[test]
fn a_new_device_goes_on_from_what_was_heard() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 600);
    let mut out = [0.0; 100];
    device.render(&mut out, 100);
    device.render(&mut out, 400); // so long that the time a test takes is capped below it
    drop(device);
    let heard = buffer.position().heard;
    assert!(heard <= 100);
    assert_eq!(buffer.rewind_to(heard), Ok(heard));
    assert_eq!(
        buffer.position(),
        Position {
            written: 600,
            read: heard,
            heard
        }
    );
    let mut device = buffer.attach_consumer().expect("free");
    let again = render(&mut device, 200);
    assert_eq!(again[UNREAD..], pcm(heard + UNREAD as u64, 200 - UNREAD));
}

#[test]
fn heard_follows_silence_and_discards() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 100);
    chunk(&buffer, 1, 500);
    let mut silence_after = [0.0; 150];
    let mut one = [0.0; 1];
    device.render(&mut silence_after, 0);
    buffer.discard_to(600);
    device.render(&mut one, 0);
    // 100 + 50 of content, one sample of the ramp: with a latency of 51, sample 99 is next.
    buffer.set_output_latency(52);
    assert!((99..=101).contains(&buffer.position().heard));
}

#[test]
fn a_pace_out_of_range_is_refused() {
    let buffer = buffer(2.0);
    for pace in [0.9199, 1.0001, 0.0, f64::NAN] {
        assert_eq!(buffer.set_pace(pace), Err(WrongPace));
    }
    assert_eq!(
        (buffer.set_pace(0.92), buffer.set_pace(1.0)),
        (Ok(()), Ok(()))
    );
}

#[test]
fn what_was_inserted_is_counted_told_and_heard_standing_still() {
    let buffer = buffer(3.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.set_pace(0.92).expect("in range");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 2_400);
    let mut out = render(&mut device, 1_999);
    out.extend(render(&mut device, 1)); // time moves what is heard by two such blocks at most
    let (counters, events) = (buffer.counters(), buffer.drain_events());
    let inserted: u64 = events.iter().map(|event| event.samples).sum();
    assert!(events.iter().all(|event| event.kind == EventKind::Stretch));
    assert_eq!(counters.stretched_samples, inserted);
    assert_eq!(counters.rendered_samples + inserted, 2_000);
    assert_eq!((counters.edited_samples, counters.gap_max_samples), (0, 0));
    // Output sample 1,000 is heard: these lie before it.
    let standing = events
        .iter()
        .take_while(|event| (event.index as f32) < out[1_000]);
    let before: u64 = standing.map(|event| event.samples).sum();
    buffer.set_output_latency(1_000);
    let heard = buffer.position().heard;
    assert!(before > 30 && (1_000 - before..=1_002 - before).contains(&heard));
}

#[test]
fn draining_on_a_device_is_noticed_without_its_help() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    buffer.open_through(OPEN_ALL);
    chunk(&buffer, 0, 100);
    buffer.finish();
    assert!(!buffer.wait_drained(Instant::now() + Duration::from_millis(5)));
    let playing = std::thread::spawn(move || {
        while zeros(&render(&mut device, 10)) == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    assert!(buffer.wait_drained(Instant::now() + Duration::from_secs(30)));
    playing.join().expect("no panic");
}

#[test]
fn what_cannot_drain_by_itself_waits_for_the_call_that_changes_it() {
    let buffer = buffer(2.0);
    let mut device = buffer.attach_consumer().expect("free");
    chunk(&buffer, 0, 100); // behind a shut gate
    buffer.finish();
    let waiting = {
        let buffer = buffer.clone();
        let deadline = Instant::now() + Duration::from_secs(30);
        std::thread::spawn(move || buffer.wait_drained(deadline))
    };
    std::thread::sleep(Duration::from_millis(30));
    buffer.discard_to(100); // wakes it; from here on the next callback brings the end
    std::thread::sleep(Duration::from_millis(30));
    render(&mut device, 10);
    assert!(waiting.join().expect("no panic"));
}
