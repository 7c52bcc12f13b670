"""axe-core, run on one element: a notebook's own page has violations of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Locator

SCRIPT = Path(__file__).parents[2] / "dreambooth_widget/frontend/node_modules/axe-core/axe.min.js"
RUN = """async (element) => {
  // To their ends at once: one that is out of sight may never come there by itself.
  for (const animation of element.getAnimations({ subtree: true }))
    if (animation.effect.getTiming().iterations === 1) animation.finish();
  const { violations } = await axe.run(element);
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html.slice(0, 200)}\\n  ${node.failureSummary}`));
}"""


class Axe:
    """Asks axe-core for violations."""

    def __init__(self) -> None:
        if not SCRIPT.exists():
            pytest.fail("axe-core is missing: run `npm ci` in dreambooth_widget/frontend, or `bash tests/run`", False)

    async def finds_nothing(self, element: Locator) -> None:
        """Assert that nothing in `element` violates axe-core's rules."""
        if not await element.page.evaluate("() => 'axe' in globalThis"):
            await element.page.evaluate(SCRIPT.read_text(encoding="utf-8"))
        violations = await element.evaluate(RUN)
        assert not violations, "\n".join(violations)
