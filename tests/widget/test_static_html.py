"""The HTML gallery that stays in the notebook."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dreambooth_widget.client.state import FetchResult, FetchState, PictureState
from dreambooth_widget.errors import DeadlineExceededError, InvalidKeyError, StoppedError
from dreambooth_widget.images.picture import Picture
from dreambooth_widget.widget.static_content import read_request
from dreambooth_widget.widget.static_copy import LARGEST, SAMPLE, USUAL
from dreambooth_widget.widget.static_html import render_content
from dreambooth_widget.widget.static_images import small_images

from ..copies import render, render_many, state_of
from ..image_files import SWAPPED, encoded, exif, noise, read_picture, scene, text_png

KEPT_BY_GITHUB = {
    "table",
    "tbody",
    "tr",
    "td",
    "img",
    "br",
    "small",
    "details",
    "summary",
    "dl",
    "dt",
    "dd",
    "b",
    "p",
    "div",
}
ID = "0a1b"
META = {"prompt": "a photo of sks dog", "seed": 7, "steps": 30, "init_image": "https://example.org/private.png"}


class Page(HTMLParser):
    """What is in the HTML: the tags with their attributes, the text that a reader sees, and the styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = self.styles = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in ("img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Every tag is closed in its turn."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text, or a style."""
        if "style" in self._open:
            self.styles += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


def picture(data: bytes, index: int = 0) -> Picture:
    """A picture from a signed link."""
    return read_picture(data, index=index, url="https://cdn.example.org/a.png?X-Signature=secret")


def result(pictures: Sequence[Picture], missing: Sequence[PictureState] = (), **meta: Any) -> FetchResult:
    """A result of 31 seconds."""
    return FetchResult("13443927", pictures, missing, meta or META, 31.4)


def many(count: int, size: tuple[int, int] = (512, 512)) -> list[Picture]:
    """`count` pictures that hardly compress."""
    data = encoded(noise(size))
    return [Picture(n, "", data, "PNG", *size) for n in range(count)]


def thumbnails(page: Page) -> list[Image.Image]:
    """The images in the page, decoded."""
    found = []
    for attributes in page.all("img"):
        head, _, body = attributes["src"].partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(body, validate=True))) as image:
            image.load()
            found.append(image)
    return found


def cost(html: str) -> int:
    """Bytes in an .ipynb."""
    return len(json.dumps(html, ensure_ascii=False).encode())


def test_a_gallery() -> None:
    """Four pictures: four thumbnails with alt texts and sizes, and the facts behind a summary."""
    four = [picture(text_png((1024, 768), seed=str(n), prompt="a <dog>"), n) for n in range(4)]
    page = Page(render(result(four)))
    images = page.all("img")
    assert [image["alt"] for image in images] == [f"Picture {n + 1}, seed {n}: a <dog>" for n in range(4)]
    assert [(image["width"], image["height"]) for image in images] == [("200", "150")] * 4
    assert {image.size for image in thumbnails(page)} == {(384, 288)}
    assert "4 pictures · took 31 s · seeds 0–3 · request 13443927" in page.text
    assert page.text.startswith("a photo of sks dog")
    assert "seed 2" in page.text


def test_one_picture_is_shown_larger() -> None:
    """Alone it has the room."""
    page = Page(render(result([picture(encoded(scene((1024, 1024))))])))
    assert page.all("img")[0]["width"] == "512"
    assert thumbnails(page)[0].size == (512, 512)
    assert "1 picture ·" in page.text


def test_small_pictures_are_not_enlarged() -> None:
    """64 pixels are shown as 64 pixels."""
    page = Page(render(result([picture(encoded(scene((64, 48))))] * 2)))
    assert (page.all("img")[0]["width"], page.all("img")[0]["height"]) == ("64", "48")


def test_it_reads_well_without_any_style() -> None:
    """Only tags that GitHub and untrusted notebooks keep, beside one style that may go; no class or style matters."""
    html = render(result(many(3), [PictureState(3, "missing", "the link answered 404")]), card_id=ID)
    page = Page(html)
    assert {tag for tag, _ in page.tags} - KEPT_BY_GITHUB == {"style"}
    assert {name for _, attributes in page.tags for name in attributes} <= {
        "class",
        "style",
        "src",
        "alt",
        "width",
        "height",
        "title",
    }
    bare = Page(re.sub(r"<style>.*?</style>| (class|style)='[^']*'", "", html, flags=re.DOTALL))
    assert bare.text == page.text
    assert sum(int(image["width"]) + 10 for image in bare.all("img")) < 900


def test_styles_name_their_own_card() -> None:
    """They hide this copy, its outputs, its dead card and its older line, by the card's id; without an id none are."""
    html = render(result(many(1)), card_id=ID)
    styles = Page(html).styles
    assert f":has(.dreambooth-card-{ID} :is(img, [data-alive])) .dreambooth-copy-{ID}" in styles
    selectors = re.findall(r"(?s)(.*?)\{ display: none \}", styles)
    assert len(selectors) == 3
    assert all(f".dreambooth-copy-{ID}" in selector for selector in selectors)
    assert all(f".dreambooth-card-{ID}" in selector for selector in selectors[:2])
    assert f"class='dreambooth-copy dreambooth-pictures dreambooth-copy-{ID}'" in html
    assert "<style" not in render(result(many(1)))


@pytest.mark.parametrize("count", [1, 2, 4])
def test_the_usual_budget(count: int) -> None:
    """Up to four pictures, however noisy, cost at most 128 KiB in the file, and all are there."""
    html = render(result(many(count, (1024, 1024))))
    assert cost(html) <= USUAL == 128 * 1024
    assert len(Page(html).all("img")) == count


@pytest.mark.parametrize("count", [9, 64, 300])
def test_the_largest_budget(count: int) -> None:
    """Any number of pictures costs at most 512 KiB; those that do not fit are counted."""
    html = render(result(many(count)))
    page = Page(html)
    shown = len(page.all("img"))
    assert cost(html) <= LARGEST == 512 * 1024
    assert shown >= min(count, 40)
    if shown < count:
        assert f"{shown} of {count} pictures · {count - shown} more were not saved" in page.text


@pytest.mark.parametrize("budget", [0, 3000, 20_000, 60_000])
def test_a_budget_of_ones_own(budget: int) -> None:
    """`budget` holds as far as the frame allows, with smaller and fewer pictures."""
    content = read_request(state_of(result(many(6))))
    html = render_content(content, small_images(content.pictures, 256), budget)
    assert cost(html) <= max(budget, 3000)
    if budget < 3000:
        assert Page(html).all("img") == []
        assert "6 more were not saved" in html


def test_nothing_remote_and_nothing_secret() -> None:
    """No link, no query string, no path, no unknown fact of the service is saved."""
    signed = "see https://example.org/x.png?X-Amz-Signature=secret#secret and ftp://a/b?c=secret"
    meta = {"prompt": signed, "file": "/home/secret/x", "webhook": "https://secret.example.org", "seed": {"secret": 1}}
    data = text_png((64, 64), prompt=signed, Comment="secret", path="/home/secret")
    html = render(result([picture(data)], [PictureState(1, "missing", signed)], **meta))
    assert "secret" not in html
    assert "https://example.org/x.png" in html
    page = Page(html)
    assert all(attributes["src"].startswith("data:image/jpeg;base64,") for attributes in page.all("img"))
    assert not {"href", "srcset", "action", "data"} & {name for _, attributes in page.tags for name in attributes}
    assert "url(" not in html


@pytest.mark.parametrize("field", ["prompt", "seed", "id", "reason", "chunk", "error"])
def test_text_stays_text(field: str) -> None:
    """Markup from the service, from a picture or from the user appears as the characters it is."""
    evil = """'"><img src=x onerror=alert(1)><script>alert(2)</script></style></details>&amp;"""
    one = picture(text_png((64, 64), **({"prompt": evil, "seed": evil} if field == "chunk" else {"seed": "1"})))
    source: FetchResult | FetchState = FetchResult(
        evil if field == "id" else "1",
        [one],
        [PictureState(1, "missing", evil if field == "reason" else "gone")],
        {field: evil},
    )
    if field == "error":
        source = FetchState(evil, status="error", error=InvalidKeyError(evil, advice=evil))
    page = Page(render(source))
    assert {tag for tag, _ in page.tags} <= KEPT_BY_GITHUB | {"style"}
    assert len(page.all("img")) == (field != "error")
    assert all("onerror" not in attributes for attributes in page.all("img"))
    assert evil[:20] in page.text + "".join(attributes.get("alt", "") for attributes in page.all("img"))


def test_thumbnails_are_upright_and_in_srgb() -> None:
    """EXIF and colour profile are honoured here as in the live view; transparency is laid on white."""
    turned = picture(encoded(scene((96, 64)), "JPEG", exif=exif(6)))
    swapped = picture(encoded(Image.new("RGB", (64, 64), "red"), icc_profile=SWAPPED), 1)
    clear = picture(encoded(Image.new("RGBA", (64, 64), (9, 9, 9, 0))), 2)
    page = Page(render(result([turned, swapped, clear])))
    first, second, third = thumbnails(page)
    assert first.size == (64, 96)
    assert page.all("img")[0]["height"] == "96"
    assert second.getpixel((9, 9))[1] > 240  # type: ignore[index]
    assert third.getpixel((9, 9)) == (255, 255, 255)


def test_missing_pictures_are_counted() -> None:
    """Their number stands in the summary, their reasons in the details."""
    missing = [PictureState(n, "missing", f"reason {n}") for n in (1, 2)]
    page = Page(render(result(many(1), missing)))
    assert "1 of 3 pictures · 2 could not be loaded" in page.text
    assert "Picture 2 is missing" in page.text
    assert "reason 2" in page.text


def test_retried_picture_is_still_missing() -> None:
    """While a picture of a successful job is loaded again, the copy says that it is not there."""
    state = state_of(result(many(1), [PictureState(1, "waiting", "trying again")]))
    assert "1 of 2 pictures · 1 could not be loaded" in Page(render(state)).text


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (FetchState("13", "error", error=InvalidKeyError("Refused.")), "✕ Key refusedRefused. Check the key"),
        (
            FetchState("13", "stopped", error=StoppedError("Nobody waits any more.")),
            "■ Stopped waitingThe job keeps running on the service. Run the cell to fetch request 13.",
        ),
        (
            FetchState("13", "timed_out", error=DeadlineExceededError("Not ready after 10:00.")),
            "⌛ Still runningNot ready after 10:00. Run the cell to fetch request 13.",
        ),
        (FetchState("13", "stopped"), "■ Stopped waiting"),
        (FetchState("13", "timed_out"), "⌛ Still runningNot ready"),
        (FetchState("13", "error", message="odd"), "✕ Failedodd"),
    ],
)
def test_other_ends_are_a_block(state: FetchState, words: str) -> None:
    """An error, a stop and a deadline leave what happened, the prompt and the id, which yield to any live view."""
    html = render(replace(state, meta=META), card_id=ID)
    page = Page(html)
    text = page.text.strip()
    assert text.startswith(words)
    assert "a photo of sks dog" in text
    assert text.count("request 13") + text.count("Request 13") == 1
    assert cost(html) < 2000
    assert f":has(.dreambooth-card-{ID} *)" in page.styles


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("idle", "Not started when this was saved."),
        ("processing", "Still generating when this was saved."),
        ("downloading", "Still downloading when this was saved."),
    ],
)
def test_running_job_leaves_a_line(status: Any, words: str) -> None:
    """With caption, count and id; without pictures, also when some are there."""
    pictures = (PictureState(0, "ready", picture=many(1)[0]), PictureState(1))
    html = render(FetchState("13443927", status, pictures=pictures), caption="a <dog>", card_id=ID)
    page = Page(html)
    assert page.text.strip() == (f"{words} Run the cell to fetch request 13443927.a <dog>2 pictures")
    assert page.all("img") == []
    assert cost(html) < 2000


def test_form_leaves_a_line() -> None:
    """A card that waits for a request id shows how to go on."""
    assert "Run the cell to enter a request id." in Page(render(FetchState(""))).text


def test_stopped_job_keeps_pictures() -> None:
    """What was loaded before the stop is shown below the sentence."""
    entries = (PictureState(0, "ready", picture=many(1)[0]), PictureState(1))
    page = Page(render(FetchState("1", "stopped", pictures=entries)))
    assert "Stopped waiting" in page.text
    assert len(page.all("img")) == 1


@settings(max_examples=30, deadline=None)
@given(st.text(), st.dictionaries(st.text(), st.none() | st.text() | st.integers() | st.lists(st.text()), max_size=4))
def test_any_words_make_a_page(words: str, meta: dict[str, Any]) -> None:
    """Whatever the service answers, the page is well-formed and within its budget."""
    html = render(FetchResult(words, many(1, (32, 32)), [], {**meta, "prompt": words}))
    assert {tag for tag, _ in Page(html).tags} <= KEPT_BY_GITHUB | {"style"}
    assert cost(html) < USUAL


# -- many requests ---------------------------------------------------------------------------------------------------

FAILED = FetchState("8", "error", "no", error=InvalidKeyError("The key was refused.", details="Invalid Api Key"))


def test_many_requests_in_one_gallery() -> None:
    """All pictures, each with the caption of its request or its id, then the failures with their reasons."""
    sources: list[tuple[str, FetchResult | FetchState]] = [
        ("a <dog>", result(many(2, (64, 64)))),
        ("", FetchResult("9", many(1, (64, 64)))),
        ("a cat", FAILED),
    ]
    html = render_many(sources, "2 of 3 done, 1 failed")
    page = Page(html)
    assert len(thumbnails(page)) == 3
    assert "1/2 a <dog>" in page.text
    assert "2/2 a <dog>" in page.text
    assert "request 9" in page.text
    assert "2 of 3 done, 1 failed" in page.text
    assert "a cat" in page.text
    assert "✕ Key refused: The key was refused." in page.text
    assert "3 requests" in page.text


def test_many_requests_that_all_succeeded() -> None:
    """No line above the pictures: there is nothing to report."""
    page = Page(render_many([("a", result(many(1, (64, 64)))), ("b", result(many(1, (64, 64))))], "2 of 2 done"))
    assert "of 2 done" not in page.text
    assert "2 pictures · 2 requests" in page.text
    missing = [PictureState(1, "missing", "missing (404)")]
    page = Page(
        render_many([("a", result(many(1, (64, 64)), missing)), ("b", result(many(1, (64, 64))))], "2 of 2 done")
    )
    assert "2 of 3 pictures · 1 could not be loaded · 2 requests" in page.text


def test_many_requests_without_any_picture() -> None:
    """One line on all of them, and their reasons; before there is anything, nothing."""
    page = Page(render_many([("a", FAILED), ("b", FAILED)], "0 of 2 done, 2 failed"))
    assert "0 of 2 done, 2 failed" in page.text
    assert page.text.count("✕ Key refused: The key was refused.") == 2
    assert page.all("img") == []
    assert render_many([], "") == ""


def requests(count: int, each: int = 4) -> list[tuple[str, FetchResult | FetchState]]:
    """As many requests with `each` pictures."""
    return [(f"dog {n}", result(many(each, (96, 96)))) for n in range(count)]


def test_fifty_requests_have_the_largest_budget() -> None:
    """200 pictures that hardly compress fill it, and those that do not fit are counted."""
    html = render_many(requests(50), "50 of 50 done")
    assert LARGEST * 0.9 < cost(html) <= LARGEST
    page = Page(html)
    kept = len(thumbnails(page))
    assert 60 < kept <= 160
    assert f"{kept} of 200 pictures · {200 - kept} more were not saved" in page.text


def test_more_pictures_are_a_sample() -> None:
    """More than 200 cost less than 200 do, which JupyterLab feels; so many failures are not all named."""
    html = render_many([*requests(250), *((f"cat {n}", FAILED) for n in range(100))], "250 of 350 done, 100 failed")
    assert SAMPLE * 0.9 < cost(html) <= SAMPLE == 192 * 1024
    page = Page(html)
    kept = len(thumbnails(page))
    assert 20 < kept <= 160
    assert f"{kept} of 1000 pictures · {1000 - kept} more were not saved" in page.text
    assert page.text.count("cat ") == 40
    assert "250 of 350 done, 100 failed" in page.text
    assert cost(render_many(requests(51), "")) <= SAMPLE


def test_small_thumbnails_stand_closer() -> None:
    """About eight in a row, each with its caption's beginning, and all of it as title. Large ones: four."""
    caption = "a dog in a red scarf, " + "oil " * 30
    small = Page(render_many([(caption, result([picture(text_png((96, 96), seed="7"))] * 300))], ""))
    assert 7.5 <= len(small.all("img")) / len(small.all("table")) <= 8.5
    assert "1/300 a dog in a red scarf, oil oil oil oil oil oil oil oil…" in small.text
    assert small.all("img")[0]["title"] == f"1/300 {caption}"
    assert small.all("img")[0]["alt"].startswith("Picture 1, seed 7")
    large = Page(render_many([(caption, result([picture(text_png((512, 512), seed="7"))] * 12))], ""))
    assert len(large.all("table")) == 3
    assert f"12/12 {caption}" in large.text


def test_rows_keep_shapes() -> None:
    """Landscape, portrait and square in one row have one height, and no row is wider than the page."""
    shapes = [(1024, 512), (512, 1024), (768, 768), (1024, 256), (512, 512)]
    page = Page(render(result([Picture(n, "", encoded(scene(s)), "PNG", *s) for n, s in enumerate(shapes)])))
    sizes = [(int(image["width"]), int(image["height"])) for image in page.all("img")]
    assert all(abs(w / h - s[0] / s[1]) < 0.05 * s[0] / s[1] for (w, h), s in zip(sizes, shapes, strict=True))
    assert len(page.all("table")) == 2
    assert len({height for _, height in sizes[:3]}) == 1
    assert sum(width + 8 for width, _ in sizes[:3]) <= 832


def test_huge_galleries_leave_a_sample() -> None:
    """However many there are, the room for the first of them is the same."""
    few, all_ = (len(Page(render_many(requests(count), "")).all("img")) for count in (250, 2500))
    assert abs(few - all_) <= 1


def test_captions_are_texts_without_signatures() -> None:
    """Escaped, not endless, and a link in a prompt loses its query."""
    caption = "a dog <script>alert(1)</script> https://x.example/a.png?X-Signature=secret " + "very " * 100 + "long"
    html = render_many([(caption, result(many(1, (64, 64)))), (caption, FAILED)], "1 of 2 done, 1 failed")
    assert "<script" not in html
    assert "secret" not in html
    assert "long" not in html
    assert "a dog <script>" in Page(html).text
