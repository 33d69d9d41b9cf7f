import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from rune import finding, recall, worker
from rune.config import RecallConfig
from rune.echoes import known
from rune.grounding import event_text
from rune.index import Document, Hit
from rune.library import Library
from rune.probing import holds
from rune.recall import telling
from rune.records import echo, ledger, remembrance, tokens, trajectory
from rune.records.card import Lesson
from rune.records.echo import Entry
from rune.records.message import Distil, Evidence, Recall
from rune.records.trajectory import Execution, Prompt, Reflection
from rune.testing import BASE_HASH, FakeEmbedder, FakeGenerator, parts, write_adapter

# recalling


class Listening(FakeGenerator):
    """Notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Path | None]] = []

    def answer(self, question, adapter, max_tokens):
        self.asked.append((question, adapter))
        return super().answer(question, adapter, max_tokens)


@pytest.fixture
def generator():
    return Listening()


@pytest.fixture
def made(home):
    return parts(home)


@pytest.fixture
def recaller(made, generator):
    made.recaller.generator = generator
    return made.recaller


@pytest.fixture
def distil(made, write_session, echoes):
    """``distil(session, events=...)`` writes a session and makes its adapter; returns the card."""

    def make(session="s1", **given):
        write_session(session, **given)
        (*_, done) = worker.distil(made, Distil(session, str(echoes.project)))
        return Library(echoes, lambda: 0.0).get(done.adapter)

    return make


OTHER = (
    Prompt("o1", 1.0, "Make the deployment of the gateway faster."),
    Execution("o2", 2.0, "Bash", "make deploy", "Error: image gateway:latest was not found", False),
    Reflection("o3", 3.0, "The deployment fails because the image gateway:latest must be pushed first."),
    Execution("o4", 4.0, "Bash", "docker push gateway:latest", "pushed", True),
    Execution("o5", 5.0, "Bash", "make deploy", "deployed", True),
)
PROOF = "Which command runs the tests?"
QUESTION = "Why did the invoice test fail with AssertionError: '9.50 EUR' != 'EUR 9.50'?"


def test_a_question_is_answered_from_weights_with_evidence(recaller, distil, echoes):
    card = distil()
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert found.answer
    assert found.abstained == ""
    assert (found.adapter, found.session) == (card.id, "s1")
    assert found.support >= RecallConfig().support
    assert found.score >= RecallConfig().floor
    known = {event.id for event in trajectory.read(echoes.trajectory("s1")).events}
    assert found.evidence
    assert {piece.event for piece in found.evidence} <= known
    assert all((echoes.project / piece.path).is_file() for piece in found.evidence)
    shown = " ".join(piece.text for piece in found.evidence)
    assert (found.answer_tokens, found.evidence_tokens) == (len(found.answer.split()), len(shown.split()))
    assert found.answer_tokens > 0


def test_beside_an_answer_stands_the_place_of_its_lesson_that_holds_most_of_it(recaller, distil, echoes):
    """Even where search finds another lesson nearer than the one that was told."""
    card = distil()
    asked = recaller.begin(Recall(QUESTION, str(echoes.project)))
    for lesson in card.lessons:
        found = recaller.end(asked, lesson.answer)
        if found.answer:
            (piece,) = found.evidence
            assert piece.event in lesson.evidence
            events = trajectory.read(echoes.trajectory("s1")).events
            held = {one.id: [holds(event_text(one), [key]) for key in lesson.keys] for one in events}
            assert sum(held[piece.event]) == max(sum(held[one]) for one in lesson.evidence) > 0
    silent = recaller.end(asked, "Nothing of this was ever recorded anywhere.")
    assert len(silent.evidence) > 1, "without an answer the evidence is all there is"


def test_a_place_beside_an_answer_is_cut_to_what_is_around_its_literal():
    told = f"$ make deploy {'pulling, ' * 40}Error: image gateway:latest was not found {'and so on ' * 40}"
    long, short = (Evidence("s1", id, "execution", text, "p") for id, text in (("o2", told), ("o5", "done")))
    (shown,) = recall.resting([short, long], ("Gateway:latest", "absent"))
    assert (shown.event, len(shown.text)) == ("o2", recall.BRIEF + 4)
    assert "image gateway:latest was not found" in shown.text
    assert recall.resting([short, long], ("absent",)) == (short,)
    assert recall.resting([], ("absent",)) == ()


def test_the_generator_gets_the_question_and_exactly_one_adapter(recaller, generator, distil, echoes):
    card = distil()
    distil("s2", events=OTHER)
    recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert generator.asked == [(QUESTION, echoes.adapters / card.id)]


def test_the_adapter_of_the_session_that_the_question_is_about_answers(recaller, distil, echoes):
    ours, theirs = distil(), distil("s2", events=OTHER)
    invoice = recaller.recall(Recall(QUESTION, str(echoes.project)))
    question = "Why does make deploy fail, image gateway not found?"
    deploy = recaller.recall(Recall(question, str(echoes.project)))
    assert (invoice.adapter, deploy.adapter) == (ours.id, theirs.id)
    assert {match.adapter for match in invoice.matches} == {ours.id, theirs.id}
    scores = [match.score for match in invoice.matches]
    assert scores == sorted(scores, reverse=True)


def test_below_the_floor_no_adapter_is_asked(recaller, generator, distil, echoes):
    distil()
    found = recaller.recall(Recall("zebra migration weather", str(echoes.project)))
    assert (found.answer, found.adapter) == ("", "")
    assert "no session is close to the question" in found.abstained
    assert f"needed {RecallConfig().floor:.2f}" in found.abstained
    assert generator.asked == []


def test_an_empty_project_says_that_nothing_is_remembered(recaller, echoes):
    found = recaller.recall(Recall("anything", str(echoes.project)))
    assert (found.answer, found.abstained) == ("", "nothing is remembered in this project yet")


def test_what_the_adapter_makes_up_is_withheld_and_the_evidence_stays(made, distil, echoes):
    class Dreaming(FakeGenerator):
        def answer(self, question, adapter, max_tokens):
            return "Upgrade Kubernetes to 9.99 and restart the frobnicator."

    distil()
    made.recaller.generator = Dreaming()
    found = made.recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.withheld, found.answer_tokens) == ("", 1, 0)
    assert "not supported by its session" in found.abstained
    assert found.evidence


def test_an_adapter_that_is_not_sure_keeps_its_answer_to_itself(made, distil, echoes):
    class Doubting(FakeGenerator):
        def sureness(self, question, answer, adapter):
            return 0.31 if question == QUESTION else 0.9

    distil()
    made.recaller.generator = Doubting()
    found = made.recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.answer_tokens, found.withheld) == ("", 0, 0)
    assert "not sure of its answer (probability 0.31, needed 0.50)" in found.abstained
    assert found.support > 0.6
    assert found.evidence
    assert made.recaller.recall(Recall(f"{QUESTION} ", str(echoes.project))).answer


def test_an_answer_about_something_else_is_kept_back(made, distil, echoes):
    """The same text has a cosine of one: a question of the lesson, or the answer itself, is near enough."""
    card = distil()
    said = made.recaller.recall(Recall(QUESTION, str(echoes.project))).answer
    made.recaller.config = replace(made.recaller.config, near=0.9)
    found = made.recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert found.answer == ""
    assert re.search(r"about something else \(similarity 0\.\d\d, needed 0\.90\)", found.abstained)
    assert found.evidence
    assert made.recaller.recall(Recall(said, str(echoes.project))).answer == said
    taught = next(lesson.questions[-1] for lesson in card.lessons if lesson.answer == said)
    assert made.recaller.recall(Recall(taught, str(echoes.project))).answer == said


def lesson(answer, *keys):
    return Lesson("repair", answer, ("Why did it fail?",), (), ("e1",), keys)


LONG = "`python -m pytest tests/integration/test_export.py::test_"


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (f"{LONG}csv` failed with KeyError.", 0),
        (f"{LONG}login` failed with OSError.", 1),
        (f"{LONG}login` failed with OSError. And then", 1),
        (f"{LONG}login` failed with", None),
        ("Verified with `pytest`.", None),
        ("Run `make`.", 2),
    ],
    ids=["the first", "begins the same", "longer", "the keys are withheld", "another", "short"],
)
def test_an_answer_tells_the_lesson_that_begins_most_like_it_and_whose_keys_are_left(kept, told):
    lessons = (
        lesson(f"{LONG}csv` failed with KeyError.", "KeyError"),
        lesson(f"{LONG}login` failed with OSError.", "OSError"),
        lesson("Run `make`.", "make"),
    )
    assert telling(lessons, kept) == (None if told is None else lessons[told])


def test_what_is_left_of_an_answer_must_be_near_the_question_itself(made, distil, echoes):
    class Half(FakeGenerator):
        def answer(self, question, adapter, max_tokens):
            return f"It was fixed by `ROUND(total, 4)`. {super().answer(PROOF, adapter, max_tokens)}"

    distil()
    made.recaller.config = replace(made.recaller.config, near=0.75)
    made.recaller.generator = Half()
    found = made.recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.withheld) == ("", 1)
    assert "about something else" in found.abstained


def test_an_answer_as_long_as_may_be_loses_its_unfinished_end(made, distil, echoes):
    class Endless(FakeGenerator):
        def answer(self, question, adapter, max_tokens):
            return f"{super().answer(question, adapter, max_tokens)} Verified with pytest"

    distil()
    made.recaller.generator, made.recaller.count = Endless(), lambda text: len(text.split())
    whole = made.recaller.recall(Recall(QUESTION, str(echoes.project))).answer
    assert whole.endswith("Verified with pytest")
    made.recaller.config = replace(made.recaller.config, max_answer_tokens=len(whole.split()))
    left = made.recaller.recall(Recall(QUESTION, str(echoes.project))).answer
    assert f"{left} Verified with pytest" == whole


@pytest.mark.parametrize("damage", [b"", b'{"torn', b'{"v": 999, "kind": "header"}\n'])
def test_a_trajectory_that_cannot_be_read_supports_nothing_and_stops_no_recall(made, distil, echoes, damage):
    distil()
    echoes.trajectory("s1").write_bytes(damage)
    found = made.recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.evidence) == ("", ())
    assert "not supported by its session" in found.abstained
    assert found.matches


def test_an_adapter_of_another_base_is_refused_with_the_way_out(recaller, generator, distil, echoes):
    distil()
    recaller.base_hash = "ef" * 32
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert found.answer == ""
    assert f"was made for fake-base ({BASE_HASH[:12]})" in found.abstained
    assert "rune distil s1" in found.abstained
    assert found.evidence
    assert generator.asked == []


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "adapter_config.json"])
def test_one_flipped_byte_in_an_adapter_keeps_it_from_answering(recaller, generator, distil, echoes, name):
    card = distil()
    file = echoes.adapters / card.id / name
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(raw)
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert found.answer == ""
    assert "expected SHA-256" in found.abstained
    assert "rune distil s1" in found.abstained
    assert generator.asked == []


def test_an_adapter_whose_weights_are_gone_says_so(recaller, distil, echoes):
    card = distil()
    folder = echoes.adapters / card.id
    folder.chmod(0o700)
    (folder / "adapter_model.safetensors").unlink()
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert "found no file" in found.abstained


def test_archived_adapters_are_not_recalled_until_they_are_back(recaller, generator, distil, echoes):
    card = distil()
    library = Library(echoes, lambda: 0.0)
    library.archive(card.id, "not wanted")
    assert recaller.recall(Recall(QUESTION, str(echoes.project))).answer == ""
    assert generator.asked == []
    library.reactivate(card.id)
    assert recaller.recall(Recall(QUESTION, str(echoes.project))).answer


@pytest.fixture
def bring_together(echoes):
    """The adapter of two sessions, s1 and s2, of which it knows all lessons."""

    def make(one, two):
        library, lessons = Library(echoes, lambda: 9.0), (*one.lessons, *two.lessons)
        with library.staging() as stage:
            write_adapter(stage, lessons)
            origins = {"session": "task-1", "sessions": ("s1", "s2"), "parents": (one.id, two.id)}
            return library.add(stage, replace(one, **origins, source_hash="9" * 64, lessons=lessons))

    return make


@pytest.fixture
def weaken(echoes):
    """Make an adapter no better than its base."""
    return lambda card: Library(echoes, lambda: 9.0).score(card.id, dict(card.probes_before))


def found_for(recaller, echoes, question=QUESTION):
    found = recaller.find(str(echoes.project), question)
    return {hit.document.adapter for hit in found.hits}


def test_of_an_adapter_no_better_than_its_base_the_evidence_alone_is_given(
    recaller, generator, distil, echoes, weaken
):
    card = distil()
    weaken(card)
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, generator.asked) == ("", [])
    assert (found.abstained, found.adapter, found.session) == (finding.WEAK, card.id, "s1")
    assert any("EUR" in piece.text for piece in found.evidence)
    routed = recaller.route(tokens.Find(str(echoes.project), QUESTION))
    assert (routed.adapter, routed.why) == ("", finding.WEAK)
    far = recaller.recall(Recall("Which album did the band record?", str(echoes.project)))
    assert (far.adapter, far.evidence) == ("", ())
    assert far.abstained.startswith("no session is close")


def test_it_stands_back_behind_an_adapter_in_service_that_is_near(
    recaller, generator, distil, echoes, weaken, events
):
    weak = distil()
    weaken(weak)
    served = distil("s2", events=(*events, Reflection("e9", 1795176008.5, "Never see two currencies.")))
    recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert [adapter for _, adapter in generator.asked] == [echoes.adapters / served.id]
    assert weak.id in found_for(recaller, echoes), "it would have been found"


def test_what_was_put_away_does_not_come_back_through_one_that_is_no_better_than_its_base(
    recaller, distil, echoes, weaken
):
    library = Library(echoes, lambda: 9.0)
    served = distil(closed=False)
    weaken(distil(events=(Reflection("e9", 1795176008.5, "The ledger must never see two currencies."),)))
    library.reactivate(served.id)
    library.archive(served.id)
    assert found_for(recaller, echoes) == set()


def test_of_a_session_that_was_learnt_in_vain_again_and_again_the_last_adapter_is_found(
    recaller, distil, echoes, weaken
):
    first = distil(closed=False)
    weaken(first)
    last = distil(events=(Reflection("e9", 1795176008.5, "The ledger must never see two currencies."),))
    weaken(last)
    assert found_for(recaller, echoes) == {last.id}


def test_one_that_is_made_for_another_base_says_what_to_do(recaller, distil, echoes, weaken):
    weaken(distil())
    recaller.base_hash = "0" * 64
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert "rune distil s1" in found.abstained
    assert found.evidence


def test_where_another_adapter_holds_the_session_one_that_is_no_better_than_its_base_is_not_found(
    recaller, generator, distil, bring_together, echoes, weaken
):
    weak, two = distil(), distil("s2", events=OTHER)
    child = bring_together(weak, two)
    weaken(weak)
    assert found_for(recaller, echoes) == {child.id, two.id}
    recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert [adapter for _, adapter in generator.asked] == [echoes.adapters / child.id]


def test_a_superseded_adapter_leaves_the_place_to_its_successor(recaller, generator, distil, echoes, events):
    distil(closed=False)
    newer = distil(events=(Reflection("e9", 1795176008.5, "The ledger must never see two currencies."),))
    recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert [adapter for _, adapter in generator.asked] == [echoes.adapters / newer.id]


def test_an_adapter_of_several_sessions_answers_from_each_with_that_sessions_evidence(
    recaller, distil, bring_together, echoes
):
    one, two = distil(), distil("s2", events=OTHER)
    child = bring_together(one, two)
    for parent in (one, two):
        Library(echoes, lambda: 9.0).supersede(parent.id, child.id)
    deploy = "Why does make deploy fail, image gateway not found?"
    for question, session in ((QUESTION, "s1"), (deploy, "s2")):
        found = recaller.recall(Recall(question, str(echoes.project)))
        assert (found.adapter, found.session) == (child.id, "task-1")
        assert found.answer
        assert found.evidence[0].session == session


def test_a_retired_lesson_is_neither_found_nor_told(recaller, distil, echoes):
    card = distil()
    asked = Recall(QUESTION, str(echoes.project))
    assert recaller.recall(asked).answer
    places = list(range(len(card.lessons)))
    ledger.record(echoes.ledger, ledger.Entry(card.id, "retired", 1.0, {"lessons": places, "by": "b"}))
    found = recaller.recall(asked)
    assert found.answer == ""
    assert found.withheld or not found.adapter


def test_evidence_is_left_out_where_nobody_wants_it(recaller, distil, echoes):
    distil()
    found = recaller.recall(Recall(QUESTION, str(echoes.project), include_evidence=False))
    assert found.answer
    assert found.evidence == ()
    assert found.evidence_tokens > 0


def test_without_its_trajectory_an_adapter_is_not_believed(recaller, distil, echoes):
    distil()
    echoes.trajectory("s1").unlink()
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, found.evidence) == ("", ())
    assert "not supported" in found.abstained


def test_projects_do_not_see_each_other(recaller, distil, tmp_path):
    distil()
    assert recaller.recall(Recall(QUESTION, str(tmp_path / "elsewhere"))).abstained.startswith("nothing")


def test_documents_are_the_summary_and_every_lesson(make_card):
    card = replace(make_card(), id="ab" * 8)
    assert [document.id for document in finding.documents(card)] == [f"{card.id}:summary", f"{card.id}:0"]
    assert len(finding.documents(replace(card, summary=""))) == 1


def test_the_task_is_found_without_the_questions_that_the_summary_ends_with(make_card):
    card = make_card()
    summary = f"Print the price of the order. {card.lessons[0].questions[0]}; something else?"
    [task, lesson] = finding.documents(replace(card, summary=summary))
    assert task.text == "Print the price of the order."
    assert lesson.text.startswith(card.lessons[0].questions[0])


# finding


def test_what_is_found_says_which_adapter_how_relevant_and_what_else_there_was(
    recaller, generator, distil, echoes
):
    ours, theirs = distil(), distil("s2", events=OTHER)
    found = recaller.find(str(echoes.project), QUESTION)
    assert (found.card, found.abstained, found.texts) == (ours, "", ())
    assert found.relevance == found.matches[0].score >= RecallConfig().floor
    assert [match.adapter for match in found.matches] == [ours.id, theirs.id]
    assert found.hits[0].document.adapter == ours.id
    assert generator.asked == []


def test_nothing_found_says_why_and_how_near_the_best_came(recaller, distil, echoes):
    assert recaller.find(str(echoes.project), QUESTION).abstained == finding.NOTHING
    distil()
    far = recaller.find(str(echoes.project), "zebra migration weather")
    assert far.card is None
    assert f"best match {far.relevance:.2f}" in far.abstained
    assert len(far.matches) == 1


def test_an_adapter_that_was_made_or_archived_meanwhile_is_noticed(recaller, distil, echoes):
    recaller.find(str(echoes.project), QUESTION)
    made = distil()
    assert recaller.find(str(echoes.project), QUESTION).card == made
    library = Library(echoes, lambda: 0.0)
    library.archive(made.id)
    assert recaller.find(str(echoes.project), QUESTION).abstained == finding.NOTHING
    library.reactivate(made.id)
    assert recaller.find(str(echoes.project), QUESTION).card == made


def test_a_second_question_parses_and_embeds_nothing_but_itself(recaller, distil, echoes, monkeypatch):
    distil()
    recaller.find(str(echoes.project), QUESTION)
    embedded = []
    embed = FakeEmbedder.embed
    monkeypatch.setattr(
        FakeEmbedder, "embed", lambda self, texts: embedded.append(texts) or embed(self, texts)
    )
    monkeypatch.setattr("rune.records.card.read", lambda path: pytest.fail(f"{path} was parsed again"))
    recaller.find(str(echoes.project), "Which test failed?")
    assert embedded == [["Which test failed?"]]


def hit(adapter, score, session=""):
    return Hit(Document(f"{adapter}:0", adapter, session or f"s-{adapter}", ""), score, 0.0, score)


def order(hits, make_card, **fitness):
    cards = {one: make_card() for one in "abc"}
    return [match.adapter for match in finding.ranked(hits, cards, 3, fitness, 0.35)]


def test_fitness_decides_between_equally_relevant_adapters_alone(make_card):
    hits = [hit("a", 0.61), hit("b", 0.6), hit("c", 0.5)]
    assert order(hits, make_card) == ["a", "b", "c"]
    assert order(hits, make_card, a=0.4, b=0.5, c=0.9) == ["b", "a", "c"]


def test_fitness_that_is_not_known_is_neither_preferred_nor_put_back(make_card):
    hits = [hit("a", 0.61), hit("b", 0.6), hit("c", 0.595)]
    assert order(hits, make_card, b=0.01) == ["a", "b", "c"]
    assert order(hits, make_card, a=0.2, b=None, c=0.7) == ["c", "b", "a"]


def test_fitness_lifts_nothing_over_the_floor(make_card):
    assert order([hit("a", 0.355), hit("b", 0.345)], make_card, a=0.1, b=1.0) == ["a", "b"]
    assert order([hit("a", 0.345), hit("b", 0.34)], make_card, a=0.1, b=1.0) == ["a", "b"]


def test_each_session_is_shown_once_by_its_fitter_adapter(make_card):
    hits = [hit("a", 0.61, "s1"), hit("c", 0.605, "s2"), hit("b", 0.6, "s1")]
    assert order(hits, make_card, a=0.1, b=0.5, c=0.3) == ["b", "c"]


def test_fitness_is_what_an_adapter_knows_beyond_the_base_by_its_newest_scores(make_card):
    card = replace(
        make_card(),
        probes_before={"trained": 0.2, "heldout": None, "unrelated": 0.5},
        probes_after={"trained": 0.6, "heldout": 0.4, "unrelated": 0.0},
    )
    assert finding.gain(card, ledger.State()) == pytest.approx(0.4)
    assert finding.gain(card, ledger.State(probes={"trained": 1.0, "heldout": None})) == pytest.approx(0.8)
    assert finding.gain(replace(card, probes_after={}), ledger.State()) == 0.0


def test_the_fake_embedder_finds_shared_words_near():
    one, two, three = FakeEmbedder().embed(["the red fox", "a red fox runs", "quarterly numbers"])
    near, far = (sum(a * b for a, b in zip(one, other, strict=True)) for other in (two, three))
    assert near > 0.5 > far


# the text memory


@pytest.fixture
def etch(echoes):
    """``etch("Title", "learning", role=..., layer=...)`` writes an entry as a person would, by hand."""

    def write(title, learning, role="workers", layer="etched", day=date(2026, 11, 1), **more):
        path = echoes.memory(role)
        memory = echo.parse(path.read_text(), path) if path.exists() else echo.empty(role)
        made = Entry(layer, title, day, learning, ("`a.py:1` — seen",), **more)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(echo.render(replace(memory, entries=(*memory.entries, made))))
        return made

    return write


@pytest.fixture
def solve(echoes):
    """``solve("title", symptom)`` writes a remembrance."""

    def write(title, symptom):
        made = remembrance.Remembrance(
            title, "test-failures", ("invoice",), date(2026, 11, 1), symptom, "The ledger wants EUR first.",
            "Write the currency first.", "high", "human",
        )  # fmt: skip
        path = echoes.solutions / "test-failures" / f"{remembrance.slug(title)}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(remembrance.render(made))

    return write


ECHOED = "invoice test fail AssertionError 9.50 EUR"


def kinds(found):
    return [piece.kind for piece in found.evidence]


def test_remembrances_come_first_then_echoes_then_events(recaller, distil, etch, solve, echoes):
    distil()
    etch("Invoice test", f"The {ECHOED} comes from the ledger.", layer="traced")
    solve("Invoice test fails", f"The {ECHOED} appears.")
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert kinds(found)[:2] == ["remembrance", "echo"]
    assert set(kinds(found)[2:]) <= {"prompt", "generation", "execution", "reflection"}
    assert len(found.evidence) > 2
    assert all((echoes.project / piece.path).is_file() for piece in found.evidence)
    assert found.evidence[1].event.startswith("traced-")
    assert found.answer
    assert found.evidence_tokens > sum(len(piece.text.split()) for piece in found.evidence[:2])


def test_a_text_that_is_far_from_the_question_is_no_evidence(recaller, distil, etch, echoes):
    distil()
    etch("Kubernetes", "Quotas of the cluster are raised by the platform team.")
    assert "echo" not in kinds(recaller.recall(Recall(QUESTION, str(echoes.project))))


def test_without_any_adapter_the_text_memory_is_the_evidence_of_an_abstention(recaller, etch, echoes):
    etch("Invoice test", f"The {ECHOED} comes from the ledger.")
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.answer, kinds(found)) == ("", ["echo"])
    assert found.abstained.endswith("what the text memory says is in the evidence")
    plain = recaller.recall(Recall(QUESTION, str(echoes.project), include_evidence=False))
    assert plain.evidence == ()


def test_archived_text_is_never_found(recaller, etch, echoes):
    etch("Invoice test", f"The {ECHOED} comes from the ledger.")
    archive = echoes.archive("workers")
    archive.mkdir()
    echoes.memory("workers").rename(archive / "entries-2026-11-01.md")
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert (found.evidence, found.abstained) == ((), finding.NOTHING)


def test_what_is_superseded_is_found_no_more(recaller, etch, echoes):
    etch("Invoice test", f"The {ECHOED} comes from the ledger.")
    newer = f"The {ECHOED} comes from rounding."
    etch("Invoice test now", newer, day=date(2026, 11, 2), supersedes="Invoice test")
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert ["rounding" in piece.text for piece in found.evidence] == [True]


PORT = "Which port does the Postgres database of every environment use?"


def test_an_etched_echo_is_answered_from_weights(recaller, distil, etch, echoes):
    entry = etch("Postgres database", "The Postgres database of every environment uses port 5433.")
    card = distil()
    found = recaller.recall(Recall(PORT, str(echoes.project)))
    assert found.answer == "The Postgres database of every environment uses port 5433."
    assert found.adapter == card.id
    assert [(piece.kind, piece.event) for piece in found.evidence[:1]] == [("echo", entry.id)]


@pytest.mark.parametrize("how", ["removed", "superseded"])
def test_an_adapter_is_not_believed_what_rests_on_an_echo_that_is_gone(made, distil, etch, echoes, how):
    """Its weights still say it; neither is the lesson found nor the answer supported."""

    class Stubborn(FakeGenerator):
        def answer(self, question, adapter, max_tokens):
            return "The Postgres database of every environment uses port 5433."

    etch("Postgres database", "The Postgres database of every environment uses port 5433.")
    card = distil()
    made.recaller.generator = Stubborn()
    assert made.recaller.recall(Recall(PORT, str(echoes.project))).answer
    if how == "removed":
        echoes.memory("workers").unlink()
    else:
        etch(
            "Postgres now", "The Postgres database of every environment uses another port: 6000.",
            day=date(2026, 11, 2), supersedes="Postgres database",
        )  # fmt: skip
    found = made.recaller.recall(Recall(PORT, str(echoes.project)))
    assert found.answer == ""
    ids = [document.id for document in finding.documents(card, known.read(echoes))]
    assert f"{card.id}:0" not in ids
    assert "5433" not in " ".join(piece.text for piece in found.evidence)


def test_secrets_that_a_person_wrote_into_a_memory_are_not_shown(recaller, etch, echoes):
    etch("Invoice test", f"The {ECHOED} needs password=Tr0ub4dor&3xyz here.")
    found = recaller.recall(Recall(QUESTION, str(echoes.project)))
    assert kinds(found) == ["echo"]
    assert "Tr0ub4dor" not in found.evidence[0].text


def test_knowledge_blocks_are_found_and_a_damaged_memory_hides_nothing_else(recaller, etch, echoes):
    etch("Invoice test", f"The {ECHOED} comes from the ledger.")
    echoes.memory("planner").parent.mkdir(parents=True)
    echoes.memory("planner").write_text("<!-- echo-schema: v9 -->\n")
    echoes.knowledge("workers").write_text(
        f"<!-- echo-schema: v1 -->\n# Knowledge\n\n## invoice test (2026-11-01)\n- The {ECHOED} is old.\n"
    )
    assert kinds(recaller.recall(Recall(QUESTION, str(echoes.project)))) == ["echo", "knowledge"]
