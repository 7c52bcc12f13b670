"""The four meanings of an answer, as values."""

from __future__ import annotations

from dreambooth_widget.protocol.answer_types import Answer, Busy, Processing, Refused
from dreambooth_widget.protocol.parsing import PictureLink


def test_repr_hides_announced_links() -> None:
    """A log with an answer in it does not give away signed links, which are as good as the pictures to come."""
    answer: Answer = Processing(links=(PictureLink("https://pictures.example/1.png?signature=abc"),))
    assert "signature" not in repr(answer)


def test_equal_answers_are_equal() -> None:
    """Answers are compared by their values, and no kind equals another."""
    assert Busy("maintenance", 3.0) == Busy("maintenance", 3.0) != Busy("maintenance", 4.0)
    assert len({Processing(), Processing(), Busy(""), Refused(Exception, "")}) == 3  # type: ignore[arg-type]
