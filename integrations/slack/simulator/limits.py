"""The published limits of blocks, messages and views."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from integrations.slack.simulator.elements import Checker
from integrations.slack.simulator.errors import ApiError, Json

MESSAGE, MODAL, HOME = "message", "modal", "home"
MAX_TEXT = 40_000
MAX_MARKDOWN = 12_000
MAX_BLOCK_TEXT = 13_200
MAX_CHARTS, MAX_SERIES = 2, 6
_EVERYWHERE = frozenset({MESSAGE, MODAL, HOME})
_MESSAGES = frozenset({MESSAGE})

_SURFACES: dict[str, frozenset[str]] = {
    **dict.fromkeys(("section", "divider", "image", "actions", "context", "input", "header"), _EVERYWHERE),
    **dict.fromkeys(("rich_text", "video", "card"), _EVERYWHERE),
    **dict.fromkeys(("markdown", "table", "context_actions", "file", "plan", "task_card"), _MESSAGES),
    **dict.fromkeys(("data_table", "data_visualization", "container"), _MESSAGES),
    "carousel": frozenset({MESSAGE, HOME}),
    "alert": frozenset({MODAL}),
}


def check_message(text: str | None, blocks: Sequence[Json] | None, *, needs_text: bool = True) -> None:
    """Raise the error Slack gives for this text and these blocks in a message."""
    if needs_text and not text and not blocks:
        raise ApiError("no_text")
    if text and len(text) > MAX_TEXT:
        raise ApiError("msg_too_long")
    if blocks is None:
        return
    checker = BlockChecker(MESSAGE)
    checker.blocks(blocks, 50, "/blocks")
    if checker.problems:
        raise ApiError("invalid_blocks", checker.problems)
    if text_length(blocks) > MAX_BLOCK_TEXT:
        raise ApiError("msg_blocks_too_long")


def check_view(view: Any, kind: str = MODAL) -> None:
    """Raise `invalid_arguments` when a view breaks a limit."""
    checker = BlockChecker(kind)
    if not isinstance(view, dict) or view.get("type") != kind:
        checker.fail(f"must be a view of type {kind}", "/view/type")
        raise ApiError("invalid_arguments", checker.problems)
    blocks = view.get("blocks")
    checker.blocks(blocks, 100, "/view/blocks")
    checker.optional(view, "private_metadata", 3000, "/view")
    checker.optional(view, "callback_id", 255, "/view")
    if kind == MODAL:
        checker.text(view.get("title"), 24, "/view/title", plain=True)
        for key in ("submit", "close"):
            if view.get(key) is not None:
                checker.text(view[key], 24, f"/view/{key}", plain=True)
        has_inputs = isinstance(blocks, list) and any(
            block.get("type") == "input" for block in blocks if isinstance(block, dict)
        )
        if has_inputs and not view.get("submit"):
            checker.fail("a view with input blocks must have a submit", "/view/submit")
    if checker.problems:
        raise ApiError("invalid_arguments", checker.problems)


def text_length(value: Any) -> int:
    """Return the number of characters of text in blocks."""
    if isinstance(value, dict):
        own = value.get("text")
        rest = (part for key, part in value.items() if key != "text" or not isinstance(part, str))
        return (len(own) if isinstance(own, str) else 0) + sum(map(text_length, rest))
    if isinstance(value, list):
        return sum(map(text_length, value))
    return 0


class BlockChecker(Checker):
    """Check whole blocks for one surface."""

    def __init__(self, surface: str) -> None:
        super().__init__()
        self._surface = surface

    def blocks(self, blocks: Any, most: int, path: str) -> None:
        """Check a list of blocks and what must be unique or limited among them."""
        listed = [block for block in self.count(blocks, most, path, least=0) if self._is_block(block, path)]
        for index, block in enumerate(listed):
            self._block(block, f"{path}/{index}")
        ids = [block["block_id"] for block in listed if block.get("block_id")]
        for block_id in _repeated(ids):
            self.fail(f"block_id already exists: {block_id}", path)
        markdown = sum(len(b["text"]) for b in listed if b["type"] == "markdown" and isinstance(b.get("text"), str))
        if markdown > MAX_MARKDOWN:
            self.fail(f"markdown blocks hold more than {MAX_MARKDOWN} characters", path)
        if sum(block["type"] == "table" for block in listed) > 1:
            self.fail("only_one_table_allowed", path)
        if sum(block["type"] == "data_visualization" for block in listed) > MAX_CHARTS:
            self.fail(f"no more than {MAX_CHARTS} charts", path)

    def _is_block(self, block: Any, path: str) -> bool:
        if isinstance(block, dict) and isinstance(block.get("type"), str):
            return True
        self.fail("must be a block", path)
        return False

    def _block(self, block: Json, path: str) -> None:
        kind = block["type"]
        if kind not in _SURFACES:
            self.fail(f"unsupported type: {kind}", f"{path}/type")
            return
        if self._surface not in _SURFACES[kind]:
            self.fail(f"{kind} is not supported in a {self._surface}", f"{path}/type")
            return
        self.optional(block, "block_id", 255, path)
        check = getattr(self, f"_check_{kind}", None)
        if check is not None:
            check(block, path)
        elements = [e for e in block.get("elements") or [] if isinstance(e, dict)]
        for action_id in _repeated(e["action_id"] for e in elements if e.get("action_id")):
            self.fail(f"action_id already exists: {action_id}", path)

    def _check_section(self, block: Json, path: str) -> None:
        if block.get("text") is None and not block.get("fields"):
            self.fail("text or fields is required", path)
        if block.get("text") is not None:
            self.text(block["text"], 3000, f"{path}/text")
        if block.get("fields") is not None:
            for index, text in enumerate(self.count(block["fields"], 10, f"{path}/fields")):
                self.text(text, 2000, f"{path}/fields/{index}")
        if block.get("accessory") is not None:
            self.element("section", block["accessory"], f"{path}/accessory")

    def _check_header(self, block: Json, path: str) -> None:
        self.text(block.get("text"), 150, f"{path}/text", plain=True)

    def _check_image(self, block: Json, path: str) -> None:
        self.image(block, path)
        if block.get("title") is not None:
            self.text(block["title"], 2000, f"{path}/title", plain=True)

    def _check_context(self, block: Json, path: str) -> None:
        self._elements(block, 10, path)

    def _check_actions(self, block: Json, path: str) -> None:
        self._elements(block, 25, path)

    def _check_context_actions(self, block: Json, path: str) -> None:
        self._elements(block, 5, path)

    def _elements(self, block: Json, most: int, path: str) -> None:
        for index, element in enumerate(self.count(block.get("elements"), most, f"{path}/elements")):
            self.element(block["type"], element, f"{path}/elements/{index}")

    def _check_input(self, block: Json, path: str) -> None:
        self.text(block.get("label"), 2000, f"{path}/label", plain=True)
        if block.get("hint") is not None:
            self.text(block["hint"], 2000, f"{path}/hint", plain=True)
        self.element("input", block.get("element"), f"{path}/element")

    def _check_markdown(self, block: Json, path: str) -> None:
        self.length(block.get("text"), MAX_MARKDOWN, f"{path}/text", least=1)

    def _check_table(self, block: Json, path: str) -> None:
        for index, row in enumerate(self.count(block.get("rows"), 100, f"{path}/rows")):
            for column, cell in enumerate(self.count(row, 20, f"{path}/rows/{index}")):
                here = f"{path}/rows/{index}/{column}"
                kind = cell.get("type") if isinstance(cell, dict) else None
                if kind not in {"raw_text", "raw_number", "rich_text"}:
                    self.fail("unsupported type of cell", f"{here}/type")
                elif kind == "raw_text":
                    self.length(cell.get("text"), MAX_BLOCK_TEXT, f"{here}/text", least=1)
        if block.get("column_settings") is not None:
            self.count(block["column_settings"], 20, f"{path}/column_settings", least=0)

    def _check_data_table(self, block: Json, path: str) -> None:
        self.length(block.get("caption"), MAX_BLOCK_TEXT, f"{path}/caption", least=1)
        rows = self.count(block.get("rows"), 101, f"{path}/rows", least=2)
        if len({len(row) for row in rows}) > 1:
            self.fail("all rows must have the same number of cells", f"{path}/rows")
        if not 1 <= int(block.get("page_size", 5)) <= 100:
            self.fail("page_size must be 1 to 100", f"{path}/page_size")
        for index, row in enumerate(rows):
            for column, cell in enumerate(self.count(row, 20, f"{path}/rows/{index}")):
                if cell.get("type") not in {"raw_text", "raw_number"} | ({"rich_text"} if index else set()):
                    self.fail("unsupported type of cell", f"{path}/rows/{index}/{column}/type")
                elif cell["type"] != "rich_text":
                    self.length(cell.get("text"), MAX_BLOCK_TEXT, f"{path}/rows/{index}/{column}/text", least=1)

    def _check_data_visualization(self, block: Json, path: str) -> None:
        self.length(block.get("title"), 50, f"{path}/title", least=1)
        chart = block.get("chart") or {}
        if chart.get("type") not in {"pie", "bar", "line", "area"}:
            self.fail("unsupported type of chart", f"{path}/chart/type")
            return
        if chart["type"] == "pie":
            self.count(chart.get("segments"), MAX_SERIES, f"{path}/chart/segments")
            return
        categories = (chart.get("axis_config") or {}).get("categories")
        for label in self.count(categories, 20, f"{path}/chart/axis_config/categories"):
            self.length(label, 20, f"{path}/chart/axis_config/categories", least=1)
        series = self.count(chart.get("series"), MAX_SERIES, f"{path}/chart/series")
        if len({one.get("name") for one in series}) < len(series):
            self.fail("names of series must differ", f"{path}/chart/series")
        for one in series:
            if [point.get("label") for point in one.get("data") or []] != categories:
                self.fail("labels must be the categories", f"{path}/chart/series")

    def _check_alert(self, block: Json, path: str) -> None:
        self.text(block.get("text"), 200, f"{path}/text")

    def _check_card(self, block: Json, path: str) -> None:
        for key, most in (("title", 150), ("subtitle", 150), ("body", 200)):
            if block.get(key) is not None:
                self.text(block[key], most, f"{path}/{key}")

    def _check_carousel(self, block: Json, path: str) -> None:
        self.count(block.get("elements"), 10, f"{path}/elements")

    def _check_container(self, block: Json, path: str) -> None:
        self.blocks(block.get("child_blocks"), 10, f"{path}/child_blocks")


def _repeated(ids: Iterable[str]) -> list[str]:
    seen: set[str] = set()
    return [i for i in ids if i in seen or seen.add(i)]  # type: ignore[func-returns-value]
