from legato.synthesis.silence import Silence


def test_time_within_steps_counts_in_full_and_between_them_up_to_a_second() -> None:
    silence = Silence(0.0)
    silence.resume(100.0)
    assert silence.lasted_s == 1.0
    silence.pause(104.0)
    assert silence.lasted_s == 5.0
    silence.resume(104.5)
    assert silence.lasted_s == 5.5


def test_a_sign_of_life_ends_it() -> None:
    silence = Silence(0.0)
    silence.resume(1.0)
    silence.end(2.0)
    silence.pause(2.5)
    assert silence.lasted_s == 0.5
