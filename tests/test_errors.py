"""`errors`: the tree, its sentences, and that each error survives a process boundary."""

from __future__ import annotations

import copy
import pickle
import re

import pytest

from dreambooth_widget import errors
from dreambooth_widget.errors import DeadlineExceededError, DreamboothError, EndpointMovedError

from .endpoint import CANARY

TREE = [DreamboothError, *DreamboothError.__subclasses__()]


def drawn_tree() -> list[str]:
    """Return the names in the docstring's drawing, in its order."""
    return re.findall(r"^ {4}(?:[├└]── )?([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)


def make(kind: type[DreamboothError]) -> DreamboothError:
    """Return an error with everything that it can hold."""
    extra = {"location": "https://new.example/fetch"} if kind is EndpointMovedError else {}
    return kind("It broke.", request_id="77", details="the service's words", **extra)


def test_tree_is_drawn() -> None:
    """The tree in the docstring is the real one, and `__all__` lists it."""
    assert sorted(drawn_tree()) == sorted(kind.__name__ for kind in TREE) == sorted(errors.__all__)


def test_tree_is_flat() -> None:
    """Nothing is below what the drawing shows: `except` on a name catches that name alone."""
    assert not [kind for kind in TREE[1:] if kind.__subclasses__()]


def test_deadline_is_a_timeout() -> None:
    """A deadline is what Python calls a time-out."""
    assert issubclass(DeadlineExceededError, TimeoutError)


@pytest.mark.parametrize("kind", TREE)
class TestEach:
    """What holds for every error of the tree."""

    def test_sentence(self, kind: type[DreamboothError]) -> None:
        """The text is what happened and what to do, in whole sentences."""
        error = make(kind)
        assert str(error).startswith("It broke. ")
        assert str(error)[-1] in ".…"
        assert kind.title
        assert kind.title[-1] != "."

    def test_docstring_is_its_own(self, kind: type[DreamboothError]) -> None:
        """The docstring describes when it happens."""
        assert kind.__doc__
        assert kind.__doc__ != DreamboothError.__doc__ or kind is DreamboothError

    def test_own_advice(self, kind: type[DreamboothError]) -> None:
        """Better advice replaces the standing one; none leaves the message alone."""
        assert str(kind("It broke.", advice="Wait.")) == "It broke. Wait."
        assert str(kind("It broke.", advice="")) == "It broke."

    @pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
    def test_round_trip(self, kind: type[DreamboothError], again: object) -> None:
        """Pickled (a process pool, papermill) or copied, it is the same error."""
        error = make(kind)
        assert callable(again)
        other = again(error)
        assert type(other) is kind
        assert vars(other) == vars(error)
        assert str(other) == str(error)
        assert other.args == error.args

    def test_no_key(self, kind: type[DreamboothError]) -> None:
        """An error takes no key and keeps none."""
        with pytest.raises(TypeError):
            kind("It broke.", key=CANARY)  # type: ignore[call-arg]
        assert "key" not in vars(make(kind))


def test_location_is_in_the_advice() -> None:
    """The moved address is in the advice and in `location`; without one, the advice is to find it."""
    error = make(EndpointMovedError)
    assert isinstance(error, EndpointMovedError)
    assert error.location == "https://new.example/fetch"
    assert "endpoint='https://new.example/fetch'" in str(error)
    assert "new address" in str(EndpointMovedError("It moved."))


def test_repr_names_the_request() -> None:
    """The outcomes of a batch are looked at as a list: each error names its request there."""
    error = errors.RequestNotFoundError("Unknown.", request_id="42")
    assert repr([error]) == "[RequestNotFoundError('Unknown.', request_id='42')]"
