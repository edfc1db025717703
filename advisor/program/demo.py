"""A believable company for a first look: two plants, one hub, eight initiatives, a year of updates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from advisor.domain.records import RecordKind
from advisor.domain.register import RecordChange

_FILE = Path(__file__).parent / "demo.yaml"
_PASSED_ON = frozenset({"ago", "start", "end", "due", "done", "planned", "last", "rollback", "calibrated", "closed"})


def demo_changes(today: date) -> list[RecordChange]:
    """Return everything that the demo company has recorded, as changes in the order of their days."""
    company = _Company(yaml.safe_load(_FILE.read_text(encoding="utf-8")), today)
    changes = list(company.changes())
    first = [c for c in changes if c.kind in {RecordKind.SITE, RecordKind.INITIATIVE} and not c.subject]
    rest = [c for c in changes if c not in first]
    cards = [c for c in rest if c.kind is RecordKind.KPI_CARD]
    return [
        *first,
        *cards,
        *sorted((c for c in rest if c.kind is not RecordKind.KPI_CARD), key=lambda c: c.on or today),
    ]


class _Company:
    def __init__(self, raw: Mapping[str, Any], today: date) -> None:
        self._raw = raw
        self._today = today

    def _day(self, ago: int) -> date:
        return self._today - timedelta(days=ago)

    def _change(self, kind: RecordKind, ago: int, fields: Mapping[str, Any], subject: str = "") -> RecordChange:
        given = {name: value for name, value in fields.items() if name not in _PASSED_ON and value not in ("", None)}
        return RecordChange(kind=kind, subject=subject, fields=given, on=self._day(ago))

    def changes(self) -> Iterator[RecordChange]:
        raw = self._raw
        for site in raw["sites"]:
            yield self._change(RecordKind.SITE, 365, site)
        for initiative in raw["initiatives"]:
            yield from self._initiative(initiative)
        for dimension, level in raw["targets"].items():
            fields = {"dimension": dimension, "level": level, "by": self._day(-200).isoformat()}
            yield self._change(RecordKind.TARGET_LEVEL, 150, fields)
        for row in raw["commitments"]:
            yield self._change(RecordKind.PLATFORM_COMMITMENT, row["ago"], row)
        for row in raw["evidence"]:
            yield self._change(RecordKind.EVIDENCE, row["ago"], row)
        for row in raw["lessons"]:
            yield self._change(RecordKind.LESSON, row["ago"], row)
        for row in raw["actions"]:
            done = {"done_on": self._day(row["done"]).isoformat(), "status": "done"} if "done" in row else {}
            due = {"due_on": self._day(-row["due"]).isoformat()}
            yield self._change(RecordKind.ACTION_ITEM, row.get("done", row["ago"]), row | due | done)

    def _initiative(self, raw: Mapping[str, Any]) -> Iterator[RecordChange]:
        name = raw["name"]
        stages = list(raw["stages"].items())
        start = stages[0][1]
        fields = {key: raw[key] for key in ("name", "aliases", "site", "track", "use_case") if key in raw}
        fields |= raw["people"] | {"stage": stages[0][0], "started_on": self._day(start).isoformat()}
        fields |= {"check_in_days": 28}
        if "next_gate" in raw:
            fields["next_gate_on"] = self._day(-raw["next_gate"]).isoformat()
        yield self._change(RecordKind.INITIATIVE, start, fields)
        subject = name.lower().replace(" ", "-")
        for stage, ago in stages[1:]:
            yield self._change(RecordKind.INITIATIVE, ago, {"stage": stage}, subject)
        of = {"initiative": name}
        for ago, health, summary, risks, next_step in raw["status"]:
            said = {"health": health, "summary": summary, "risks": risks, "next_step": next_step}
            yield self._change(RecordKind.STATUS_UPDATE, ago, of | said)
        for card in raw.get("cards", ()):
            readings = card.pop("readings", {})
            yield self._change(RecordKind.KPI_CARD, start, of | card)
            for ago, value in readings.items():
                reading = {"card": card["name"], "value": str(value)}
                yield self._change(RecordKind.KPI_READING, ago, of | reading)
        yield from self._evidence_of_work(raw, of)

    def _evidence_of_work(self, raw: Mapping[str, Any], of: Mapping[str, str]) -> Iterator[RecordChange]:
        for row in raw.get("rights", ()):
            yield self._change(RecordKind.DECISION_RIGHT, row["ago"], {**of, **row})
        for row in raw.get("contracts", ()):
            yield self._change(RecordKind.DATA_CONTRACT, row["ago"], {**of, **row})
        for row in raw.get("debts", ()):
            due = {"due_on": self._day(-row["due"]).isoformat()} if "due" in row else {}
            closed = {"status": "closed"} if "closed" in row else {}
            yield self._change(
                RecordKind.INTEGRATION_DEBT, row.get("closed", row["ago"]), {**of, **row, **due, **closed}
            )
        for row in raw.get("shadows", ()):
            period = {
                "started_on": self._day(row["start"]).isoformat(),
                "track_record_published": row.get("published", False),
            }
            if "end" in row:
                period["ended_on"] = self._day(row["end"]).isoformat()
            shown = {key: value for key, value in row.items() if key != "published"}
            yield self._change(RecordKind.SHADOW_PERIOD, row.get("end", row["start"]), {**of, **shown, **period})
        for row in raw.get("reviews", ()):
            stages = {"from_stage": row["from"], "to_stage": row["to"]}
            shown = {key: value for key, value in row.items() if key not in {"from", "to"}}
            yield self._change(RecordKind.GATE_REVIEW, row["ago"], {**of, **shown, **stages})
        for row in raw.get("retraining", ()):
            days = {"last_retrained_on": self._day(row["last"]).isoformat()}
            if "rollback" in row:
                days["rollback_tested_on"] = self._day(row["rollback"]).isoformat()
            yield self._change(RecordKind.RETRAINING_PLAN, row["ago"], {**of, **row, **days})
        for row in raw.get("training", ()):
            days = {"planned_on": self._day(row["planned"]).isoformat()}
            if "done" in row:
                days["completed_on"] = self._day(row["done"]).isoformat()
            yield self._change(RecordKind.TRAINING, row.get("done", 30), {**of, **row, **days})
        for row in raw.get("thresholds", ()):
            calibrated = {"calibrated_on": self._day(row["calibrated"]).isoformat()}
            yield self._change(RecordKind.DEFER_THRESHOLD, row["ago"], {**of, **row, **calibrated})
        if "interventions" in raw:
            yield from self._interventions(raw["interventions"], of)

    def _interventions(self, raw: Mapping[str, Any], of: Mapping[str, str]) -> Iterator[RecordChange]:
        responses = [name for name in ("acted", "deferred", "dismissed") for _ in range(raw[name])]
        responses += ["none"] * (raw["count"] - len(responses))
        fixed = {name: raw[name] for name in ("channel", "asset", "action", "owner")}
        for place in range(raw["count"]):
            response = responses[(place * 7) % raw["count"] if raw["count"] % 7 else place]
            ago = 1 + place * raw["span"] // raw["count"]
            reason = {"deferred": "Waited for the planned stop", "dismissed": "Known sensor fault"}.get(response, "")
            outcome = {"acted": "true_positive", "dismissed": "false_positive"}.get(response, "unknown")
            deadline = self._day(ago - 2).isoformat()
            fields = fixed | {"response": response, "reason": reason, "outcome": outcome, "deadline_on": deadline}
            yield self._change(RecordKind.INTERVENTION, ago, {**of, **fields})
