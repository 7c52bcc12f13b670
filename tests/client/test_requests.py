"""What a batch takes: each form of a request, and the error for each wrong one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from dreambooth_widget.client.requests import RequestSpec, read_request_id, read_requests
from dreambooth_widget.credentials import KEY_VARIABLE, ApiKey
from dreambooth_widget.errors import InvalidRequestError
from dreambooth_widget.protocol.answer_types import Finished

from ..answers import BAD_KEY, DONE_WITH_META, QUEUED
from ..endpoint import CANARY


def read(requests: Any) -> list[RequestSpec]:
    """All of them."""
    return read_requests(requests)


class Identifier:
    """An integer of another library, as numpy has them."""

    def __index__(self) -> int:
        """The value."""
        return 44


def test_ids_and_pairs() -> None:
    """An id is an int or a text, alone or with its ETA in seconds; order and repetitions are kept."""
    specs = read([1, "abc", (2, 20), ["3", 0.5], ("4", None), Identifier(), 1])
    assert [spec.options.request_id for spec in specs] == ["1", "abc", "2", "3", "4", "44", "1"]
    assert [spec.options.eta for spec in specs] == [None, None, 20, 0.5, None, None, None]
    assert {spec.options.caption for spec in specs} == {""}
    assert not any(spec.error for spec in specs)


def test_pairs_of_a_table() -> None:
    """Numbers out of a DataFrame; NaN is an unknown ETA."""
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame({"id": [1, 2], "eta": [3.5, None], "whole": [5, 6]})
    assert [spec.options.eta for spec in read(zip(table.id, table.eta, strict=True))] == [3.5, None]
    pairs = read(table[["id", "whole"]].itertuples(index=False))
    pairs += read([(table.id.iloc[0], table.whole.iloc[0]), (2, table.eta.astype("float32").iloc[1])])
    assert [spec.options.request_id for spec in pairs] == ["1", "2", "1", "2"]
    assert [spec.options.eta for spec in pairs] == [5, 6, 5, None]
    assert {type(spec.options.eta) for spec in pairs} == {float, type(None)}


def test_answers_of_generation_calls() -> None:
    """Queued or finished, as an object or as text: the ETA, what is announced and what is known come from it."""
    queued, finished, text = read([json.loads(QUEUED), json.loads(DONE_WITH_META), f"  {QUEUED}"])
    assert (queued.options.request_id, queued.options.eta, queued.options.expected) == ("32798037", 20.94, 1)
    assert isinstance(finished.options.answer, Finished)
    assert finished.options.meta["seed"] == 1793745243
    assert text == queued


def test_captions_of_requests() -> None:
    """A mapping's keys are captions; without one, the prompt that the generation's answer names."""
    answer = {**json.loads(QUEUED), "meta": {"prompt": "a cat"}}
    mapped = {"a dog": 1, "a fox": (2, 5), "mine": answer, "": answer, 7: 3}
    assert [each.options.caption for each in read(mapped)] == ["a dog", "a fox", "mine", "a cat", "7"]
    listed = [answer, 1, {**answer, "meta": {"prompt": ["a", "b"]}}]
    assert [each.options.caption for each in read(listed)] == ["a cat", "", ""]


def test_captions_named_like_fields() -> None:
    """Prompts may be called "status" and "id"; their requests are no status."""
    assert [each.options.caption for each in read({"status": 1, "id": 2})] == ["status", "id"]


@pytest.mark.parametrize(
    "answer", [json.loads(BAD_KEY), BAD_KEY, {"status": "processing", "eta": 3}, "{broken", {}], ids=str
)
def test_failed_generation_is_one_failure(answer: Any) -> None:
    """Among the others, with its caption and an advice; nothing is raised."""
    first, failed, last = read({"a": 1, "b": answer, "c": 2})
    assert isinstance(failed.error, InvalidRequestError)
    assert failed.error.advice
    assert failed.options.caption == "b"
    assert (first.error, last.error) == (None, None)


def test_key_is_redacted_in_answers() -> None:
    """A service that repeats the key does not get it shown: in the error, and in the facts."""
    answers = [
        {"status": "error", "message": f"Invalid Api Key {CANARY}"},
        {**json.loads(QUEUED), "meta": {"prompt": CANARY}},
    ]
    failed, queued = read_requests(answers, ApiKey(CANARY).redact)
    assert failed.error is not None
    assert CANARY not in str(failed.error) + failed.error.details
    assert str(failed.error).startswith("The generation call failed: The service refused the API key. (Invalid Api Key")
    assert "). Look at the answer" in str(failed.error)
    assert queued.options.caption == "[key]"


@pytest.mark.parametrize(
    ("request_", "error", "reason"),
    [
        (None, TypeError, "NoneType"),
        (True, TypeError, "bool"),
        (1.5, TypeError, "float"),
        (b"1", TypeError, "bytes"),
        ("", ValueError, "empty"),
        (-1, ValueError, "negative"),
        ((1, 2, 3), ValueError, r"\(id, eta\), not 3"),
        ((), ValueError, "not 0"),
        (("1", "soon"), TypeError, "eta"),
        (("1", -1), ValueError, "eta"),
        ((None, 1), TypeError, "NoneType"),
        (((1, 2), 3), TypeError, "tuple"),
        ({1, 2}, TypeError, "set"),
    ],
    ids=str,
)
@pytest.mark.parametrize("mapped", [False, True])
def test_wrong_request_is_named(request_: Any, error: type[Exception], reason: str, mapped: bool) -> None:
    """`TypeError` or `ValueError`, and which one of the many it is."""
    with pytest.raises(error, match=rf"^request 2: .*{reason}"):
        read({"a": 1, "b": 2, "c": request_} if mapped else [1, 2, request_])


def test_error_with_arguments_is_named() -> None:
    """A `UnicodeError` is a `ValueError` that cannot be made from a text alone."""

    class Strange:
        def __index__(self) -> int:
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "strange")

    with pytest.raises(ValueError, match=r"request 1: .*strange"):
        read([1, Strange()])


@pytest.mark.parametrize("requests", ["12", b"12", json.loads(QUEUED), 5, None, 1.5], ids=str)
def test_one_request_is_no_batch(requests: Any) -> None:
    """A text would be taken letter by letter, an answer field by field: the error names the right forms."""
    with pytest.raises(TypeError, match="requests must be a list of requests"):
        read(requests)


def test_any_iterable_once() -> None:
    """A generator is read once, in its order; what goes wrong inside of it is its own."""

    def generate() -> Iterator[int]:
        yield 1
        yield 2
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        read(generate())
    assert [each.options.request_id for each in read(iter(range(3)))] == ["0", "1", "2"]
    assert read([]) == read({}) == []


class Table:
    """What pandas has: looked through one by one, it gives the names of its columns."""

    columns = ("prompt", "id")

    def __iter__(self) -> Iterator[str]:
        """The names of the columns."""
        return iter(self.columns)


def test_table_is_no_list() -> None:
    """Else the names of its columns would be polled."""
    with pytest.raises(TypeError, match="column of ids"):
        read(Table())


@pytest.mark.parametrize("answer", [{"status": "error", "message": "Invalid key"}, {"status": "processing", "eta": 3}])
def test_answer_is_no_mapping(answer: dict[str, Any]) -> None:
    """Else its fields would be polled."""
    with pytest.raises(TypeError, match="list of requests"):
        read(answer)


def test_key_of_the_environment_is_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """An id that is the key which the environment names is refused, whatever key the client has."""
    monkeypatch.setenv(KEY_VARIABLE, CANARY)
    for request in (CANARY, f" {CANARY}\n", f"'{CANARY}'"):
        with pytest.raises(ValueError, match="looks like an API key"):
            read_request_id(request)
    with pytest.raises(ValueError, match="request 1: the request id looks like an API key"):
        read([1, CANARY])
