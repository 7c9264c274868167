import pytest

from legato.sim.ring import LATENCY_S, Availability, Device
from legato.sim.source import Delta
from tests.sim.listening import TEXT, Scene


def test_it_hears_a_story_to_its_end() -> None:
    scene = Scene()
    scene.run()
    (said,) = scene.listener.said
    assert (said.ended, said.characters) == ("finished", len(TEXT))
    assert scene.listener.over
    (first,) = scene.told("first")
    position = scene.listener.buffer.position()
    (finished,) = scene.told("finished")
    assert position.read == position.written
    assert finished.t_s == pytest.approx(first.t_s + position.written / 1_000, abs=0.005)


def test_what_is_told_of_a_sound_is_when_it_was_heard() -> None:
    scene = Scene()
    scene.run()
    (gate, *_) = scene.told("gate")
    (first,) = scene.told("first")
    assert first.t_s == pytest.approx(gate.t_s + LATENCY_S, abs=0.0011)


def test_a_device_with_portions_takes_them_at_its_own_times() -> None:
    scene = Scene(device=Device(period_s=0.010, phase_s=0.0037))
    scene.run()
    (first,) = scene.told("first")
    periods = (first.t_s - LATENCY_S - 0.0037) / 0.010
    assert periods == pytest.approx(round(periods), abs=1e-4)
    levels = [event.sample for event in scene.told("level")]
    assert {sample % 10 for sample in levels if sample < levels[-1]} == {0}


def test_text_is_written_when_it_is_due() -> None:
    scene = Scene()
    scene.plan(1.0, lambda: scene.say(Delta(0.0, "One. "), Delta(0.5, "Two. "), Delta(2.0, "")))
    scene.run()
    told = [(e.kind, round(e.t_s, 3)) for e in scene.told("text", "text_end")]
    assert told[2:] == [("text", 1.0), ("text", 1.5), ("text_end", 3.0)]
    assert [said.ended for said in scene.listener.said] == ["finished", "finished"]


def test_a_source_may_say_that_a_sentence_is_over_and_may_break_off() -> None:
    scene = Scene()
    scene.plan(
        1.0,
        lambda: scene.say(
            Delta(0.0, "Come in.", "opener", ends_sentence=True),
            Delta(30.0, " Sit down by the f", breaks_off=True),
        ),
    )
    scene.run()
    told = [e for e in scene.told("text", "sentence_end", "text_end") if e.t_s >= 1.0]
    assert [(e.kind, e.t_s, e.detail.get("writer", "")) for e in told] == [
        ("text", 1.0, "opener"), ("sentence_end", 1.0, ""),
        ("text", 31.0, ""), ("text_end", 31.0, ""),
    ]  # fmt: skip
    assert told[-1].detail["broken_off"] is True
    spoken = [(e.t_s, e.detail["spoken"]) for e in scene.told("chunk") if e.t_s >= 1.0]
    assert "Come in." in [text for _, text in spoken]
    assert "Sit" not in str(spoken)
    assert next(at_s for at_s, text in spoken if text == "Come in.") < 15.0


def test_a_pause_is_silence_without_loss() -> None:
    whole, paused = Scene(), Scene()
    paused.plan(4.0, lambda: paused.listener.act("pause"))
    paused.plan(6.5, lambda: paused.listener.act("resume"))
    for scene in (whole, paused):
        scene.run()
    ends_s = [scene.told("finished")[0].t_s for scene in (whole, paused)]
    assert ends_s[1] == pytest.approx(ends_s[0] + 2.5, abs=0.05)
    assert [event.kind for event in paused.told("paused", "resumed")] == ["paused", "resumed"]
    assert paused.told("hold", "underrun") == []


def test_a_skip_goes_on_with_the_next_text() -> None:
    scene = Scene()
    scene.plan(0.1, lambda: scene.say(Delta(0.0, "And then it was morning at last.")))
    scene.plan(4.0, lambda: scene.listener.act("skip"))
    scene.run()
    assert [said.ended for said in scene.listener.said] == ["cut", "finished"]
    assert scene.told("finished")[0].t_s < 12.0


def test_stop_drops_all_and_tells_what_was_heard() -> None:
    scene = Scene()
    scene.plan(4.0, lambda: scene.listener.act("stop"))
    scene.run()
    (said,) = scene.listener.said
    assert said.ended == "cut"
    assert 0 < said.heard_characters < len(TEXT) / 2
    position = scene.listener.buffer.position()
    assert position.read == position.written


def test_who_leaves_takes_the_lane_along() -> None:
    scene = Scene()
    scene.plan(3.0, lambda: scene.listener.act("leave"))
    scene.run()
    assert scene.listener.left
    assert scene.listener.over
    scene.worker.run_once(scene.clock.at_s)
    scene.clock.at_s = scene.engine.next_due_s()
    assert scene.engine.step({}, 0.0) == []


def test_a_start_in_hindsight() -> None:
    known = Availability(pushed=[(1.0, 0), (1.2, 500), (4.0, 2_000)])
    assert known.earliest_start_s() == 2.0


def test_insertions_can_be_scripted() -> None:
    scene = Scene(insertions=((1_000, 7), (1_500, 12)))
    scene.run()
    told = [(event.sample, event.detail["samples"]) for event in scene.told("stretch")]
    assert told == [(1_000, 7), (1_500, 12)]
    (first,), (finished,) = scene.told("first"), scene.told("finished")
    written = scene.listener.buffer.position().written
    assert finished.t_s == pytest.approx(first.t_s + (written + 19) / 1_000, abs=0.006)
