from __future__ import annotations

from dataclasses import replace

import pytest

from legato.audio.measured_policy import MeasuredPolicy
from legato.audio.playout_policy import FixedPolicy
from legato.audio.policies import name_of, policy_named
from legato.audio.prebuffer_manager import Decision, PlayoutPolicy, PlayoutState
from legato.errors import UsageError


class Own:
    """Somebody's own policy."""

    def decide(self, state: PlayoutState) -> Decision:  # noqa: ARG002 - it knows already
        return Decision(-1, "never", 1.0)


@pytest.mark.parametrize(
    ("name", "policy"), [("fixed", FixedPolicy()), ("measured", MeasuredPolicy())]
)
def test_a_name_means_a_policy_with_its_defaults(name: str, policy: PlayoutPolicy) -> None:
    assert policy_named(name) == policy
    assert name_of(policy) == name


def test_other_names_are_refused_with_the_choice() -> None:
    with pytest.raises(UsageError, match=r"'eager'.*fixed or measured"):
        policy_named("eager")


def test_settings_do_not_change_a_policys_name() -> None:
    assert name_of(FixedPolicy(start_s=0.5)) == "fixed"
    assert name_of(replace(MeasuredPolicy(), quantile=0.9)) == "measured"


def test_somebodys_own_is_called_as_its_class() -> None:
    assert name_of(Own()) == "Own"
