"""How recalls while a session is learnt are summed up."""

from rune.bench.serve import busy, stages


def row(learner: str, state: str, seconds: float, generated: bool = True) -> dict[str, object]:
    return {"learner": learner, "state": state, "seconds": seconds, "generated": generated}


def test_the_ratio_is_that_of_the_95th_percentiles_of_generated_answers():
    rows = [row(way, "idle", seconds) for way in busy.WAYS.values() for seconds in (1.0, 2.0)]
    rows += [row("apart", "busy", seconds) for seconds in (2.0, 3.0)]
    rows += [row("within", "busy", 9.0), row("apart", "busy", 99.0, generated=False)]
    found = busy.summary(rows)
    assert found["recall_p95_busy_over_idle"] == found["recall_p95_busy_over_idle_apart"] == 1.5
    assert found["recall_p95_busy_over_idle_within"] == 4.5


def test_a_stage_of_one_way_says_nothing_of_the_other():
    found = busy.summary([row("within", "idle", 1.0), row("within", "busy", 3.0)])
    assert found["recall_p95_busy_over_idle_within"] == 3.0
    assert not any("apart" in key or key == "recall_p95_busy_over_idle" for key in found)


def test_its_key_is_among_those_of_the_result_file():
    assert set(busy.KEYS) <= set(stages.KEYS)
