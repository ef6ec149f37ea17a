"""The register of open questions: what may be chosen, and what is said of a wrong choice."""

import pytest

from localorg.kernel.readings import QUESTIONS, UnknownReadingError, chosen, question
from localorg.kernel.settings import Settings


def test_every_question_has_two_readings_at_least() -> None:
    """A question with one answer is an assumption, not a question; ids are unique, sentences are there."""
    assert len({each.id for each in QUESTIONS}) == len(QUESTIONS)
    for each in QUESTIONS:
        assert len(each.readings) >= 2, each.id
        assert each.asks.endswith("?"), each.id
        assert all([each.source, *each.readings.values()]), each.id


def test_the_default_counts_until_another_is_chosen() -> None:
    """The first reading is the default."""
    assert Settings().reading("runbook-lookup") == "hub"
    assert Settings(readings=chosen(["runbook-lookup=strict"])).reading("runbook-lookup") == "strict"


def test_an_engine_that_asks_for_no_question_is_a_defect() -> None:
    """A misspelt id does not silently mean the default."""
    with pytest.raises(KeyError, match="is no question of the register; there are runbook-lookup"):
        question("runbook-look-up")


def test_all_wrong_words_are_told_at_once() -> None:
    """Unknown question, unknown reading, two answers to one question."""
    words = ["color=red", "runbook-lookup=any", "runbook-lookup=hub", "runbook-lookup=strict", "runbook-lookup"]
    with pytest.raises(UnknownReadingError) as caught:
        chosen(words)
    first, *rest = caught.value.problems
    assert first.startswith("'color=red': expected QUESTION=READING with one of runbook-lookup, ")
    assert rest == [
        "'runbook-lookup=any': runbook-lookup has the readings hub, strict, strict-role",
        "'runbook-lookup=strict': runbook-lookup was given as hub before; give it once",
        "'runbook-lookup': runbook-lookup has the readings hub, strict, strict-role",
    ]
