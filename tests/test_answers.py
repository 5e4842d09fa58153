"""The checks sort answers: every right variant passes, every wrong one fails, and most wrong ones are named.

tests/answers/chNN.py holds, for each exercise, RIGHT[id] (at least three answers written differently) and WRONG[id]
(at least eight pairs of an answer and a fragment of the message that it must get; None: it must fail, no more).
"""

import dataclasses
import importlib
import sys
import time

import pytest
import torch

import helpers.checks
from helpers.checks import exercises, grade

IDS = [e.id for e in exercises()]
FUNCTIONS = [e for e in exercises() if e.probe is not None]


def answers(id):
    module = importlib.import_module(f"tests.answers.ch{int(id.split('.')[0]):02d}")
    return module.RIGHT[id], module.WRONG[id]


@pytest.mark.parametrize("id", IDS)
def test_the_reference_passes(id):
    verdict = grade(id, helpers.checks._catalogue()[id].reference if _is_behaviour(id) else _value(id))
    assert verdict.passed, verdict


def _is_behaviour(id):
    return helpers.checks._catalogue()[id].probe is not None


def _value(id):
    reference = helpers.checks._catalogue()[id].reference
    return reference() if callable(reference) else reference


@pytest.mark.parametrize("id", IDS)
def test_right_answers_pass(id):
    right, _ = answers(id)
    assert len(right) >= 3
    for k, answer in enumerate(right):
        verdict = grade(id, answer)
        assert verdict.passed, f"right answer {k} of {id} is refused: {verdict}"
        assert verdict.misconception is None


@pytest.mark.parametrize("id", IDS)
def test_wrong_answers_fail_and_are_named(id):
    _, wrong = answers(id)
    assert len(wrong) >= 8
    missed = []
    for k, (answer, due) in enumerate(wrong):
        start = time.monotonic()
        verdict = grade(id, answer)
        assert time.monotonic() - start < 5, f"wrong answer {k} of {id} took more than 5 s"
        assert not verdict.passed and verdict.attempted, f"wrong answer {k} of {id} is not refused: {verdict}"
        if due is not None and due not in verdict.message:
            missed.append(f"{k}: due {due!r}, came {verdict}")
    assert not missed, "\n".join(missed)
    named = sum(due is not None for _, due in wrong)
    assert named >= 0.8 * len(wrong), f"only {named} of {len(wrong)} wrong answers of {id} are named"


def misspelt(*args, **kwargs):
    return dif * 2  # noqa: F821


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda e: e.id)
def test_a_misspelt_name_is_what_is_said(exercise):
    parts = len(exercise.reference) if isinstance(exercise.reference, tuple) else 1
    verdict = grade(exercise.id, misspelt if parts == 1 else (misspelt,) * parts)
    assert "NameError" in verdict.message and "dif" in verdict.message, verdict


def test_a_name_misspelt_in_a_later_trial_is_said_as_well():
    def central_difference(f, x, h=1e-5, calls=[]):  # noqa: B006
        calls.append(x)
        return (f(x + h) - f(x - h)) / (2 * h) if len(calls) == 1 else dif  # noqa: F821

    assert "NameError" in grade("1.2", central_difference).message


def test_evidence_has_as_many_digits_as_tell_what_came_from_what_is_due():
    evidence = grade("0.2", lambda readings: round(sum(readings) / len(readings), 4)).evidence
    assert evidence["came"] != evidence["due"]


def test_of_several_findings_only_those_that_differ_are_shown():
    def through_data(params, lr):
        for p in params:
            if p.grad is not None:
                p.data -= lr * p.grad

    evidence = grade("5.1", through_data).evidence
    assert (evidence["came"], evidence["due"]) == ("{'moved': [False]}", "{'moved': [True]}")


def test_the_trial_that_is_shown_is_the_one_that_the_message_speaks_of():
    def always_training_afterwards(model, x, y, batch_size):
        model.eval()
        with torch.no_grad():
            batches = zip(x.split(batch_size), y.split(batch_size), strict=True)
            losses = [((model(a)[:, 0] - b) ** 2).mean() for a, b in batches]
        model.train()
        return float(sum(losses) / len(losses))  # a mean of means: wrong from the first trial on

    verdict = grade("8.2", always_training_afterwards)
    assert verdict.message == "It was in eval mode before."
    assert "model.training=False" in verdict.evidence["tried"]


def test_a_hat_is_no_power():
    assert "`**`" in grade("1.1", lambda t_p, t_c: ((t_p - t_c) ^ 2).mean()).message


@pytest.mark.parametrize("id", IDS)
def test_an_untouched_stub_is_not_attempted(id):
    reference = helpers.checks._catalogue()[id].reference

    def stub(*args, **kwargs):
        raise NotImplementedError

    class Stub:
        def __init__(self, *args, **kwargs):
            raise NotImplementedError

    stubs = [...]
    if _is_behaviour(id):
        several = len(reference) if isinstance(reference, tuple) else 0
        kind = Stub if isinstance(reference, type) else stub
        stubs.append((kind,) * several if several else kind)
    for answer in stubs:
        verdict = grade(id, answer)
        assert not verdict.attempted and not verdict.passed, verdict


# --- hostile answers: each must fail, in time, and leave no trace --------------------------------------------


def endless(*args, **kwargs):
    while True:
        pass


def leaves(*args, **kwargs):
    sys.exit(0)


def kills(*args, **kwargs):
    import os

    os._exit(0)


def throws(*args, **kwargs):
    raise ValueError("no idea")


def nothing(*args, **kwargs):
    return None


def greedy(*args, **kwargs):
    return bytearray(10**13)


def greedy_tensor(*args, **kwargs):
    return torch.zeros(10**12)


def itself(*args, **kwargs):
    return itself


def wreck(*args, **kwargs):
    """Changes whatever it can reach, and claims to be right."""
    for arg in args:
        if isinstance(arg, torch.Tensor):
            arg.data.fill_(7.0)
        elif isinstance(arg, list):
            arg.clear()
    torch.manual_seed(99)
    torch.set_grad_enabled(False)
    torch.set_printoptions(precision=1)
    torch.allclose = lambda *a, **k: True
    helpers.checks.grade = helpers.checks.check = lambda *a: True
    helpers.checks.exercise.difference = lambda *a: None
    helpers.checks.exercise.record_difference = lambda *a: None
    return EqualToEverything()


class EqualToEverything:
    def __eq__(self, other):
        return True

    def __float__(self):
        return 0.0


def looks_at_the_caller(*args, **kwargs):
    """Searches the frames above for a reference or a due value and returns what that gives."""
    frame = sys._getframe(1)
    while frame is not None:
        for name, value in frame.f_locals.items():
            if "reference" in name or name in ("due", "expected", "exercise", "self"):
                reference = getattr(value, "reference", value)
                if callable(reference):
                    return reference(*args, **kwargs)
                return value
        frame = frame.f_back
    return None


HOSTILE = [endless, leaves, kills, throws, nothing, greedy, greedy_tensor, itself, wreck, looks_at_the_caller]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda f: f.__name__)
@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda e: e.id)
def test_hostile_answers_fail_and_leave_no_trace(exercise, hostile):
    torch.manual_seed(1)
    before = (
        torch.get_rng_state(),
        torch.is_grad_enabled(),
        repr(torch.tensor(1 / 3)),
        torch.allclose,
        helpers.checks.grade,
    )
    answer = (hostile,) * len(exercise.reference) if isinstance(exercise.reference, tuple) else hostile
    quick = dataclasses.replace(exercise, seconds=min(exercise.seconds, 0.2)) if hostile is endless else exercise
    start = time.monotonic()
    verdict = quick.grade(answer)
    assert time.monotonic() - start < 5
    assert not verdict.passed and verdict.attempted, verdict
    after = (
        torch.get_rng_state(),
        torch.is_grad_enabled(),
        repr(torch.tensor(1 / 3)),
        torch.allclose,
        helpers.checks.grade,
    )
    assert torch.equal(before[0], after[0]) and before[1:] == after[1:]


@pytest.mark.parametrize("exercise", FUNCTIONS, ids=lambda e: e.id)
def test_an_answer_cannot_take_the_reference_from_the_catalogue(exercise):
    """The list of exercises is public, and closed while an answer runs."""

    def borrowed(part):
        def answer(*args, **kwargs):
            reference = next(e.reference for e in helpers.checks.exercises() if e.id == exercise.id)
            return (reference if part is None else reference[part])(*args, **kwargs)

        return answer

    several = isinstance(exercise.reference, tuple)
    verdict = exercise.grade(tuple(map(borrowed, range(len(exercise.reference)))) if several else borrowed(None))
    assert not verdict.passed and verdict.attempted, verdict


def test_an_endless_loop_is_ended_within_five_seconds_at_the_full_limit():
    start = time.monotonic()
    verdict = max(FUNCTIONS, key=lambda e: e.seconds).grade(endless)
    assert not verdict.passed and time.monotonic() - start < 5


def test_what_an_answer_printed_is_shown():
    assert "10.5" in grade("0.2", lambda r: print("10.5")).evidence["printed"]


def test_a_list_of_exercises_is_in_order_and_complete():
    keys = [tuple(int(k) for k in id.split(".")) for id in IDS]
    assert keys == sorted(keys)
    for e in exercises():
        assert e.title and e.points >= 1 and 2 <= len(e.hints) <= 3 and e.chapter == int(e.id.split(".")[0])


def test_an_unknown_id_names_the_known_ones():
    with pytest.raises(KeyError, match=r"chapter 0 has 0\.1, 0\.2"):
        grade("0.9", 1)
