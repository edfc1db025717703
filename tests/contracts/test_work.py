"""What every work queue promises."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from advisor.domain.work import NewWork, Queue, Work
from advisor.ports import WorkQueue
from advisor.storage.database import open_database
from advisor.storage.work import SqlWorkQueue

NOW = 1_000_000.0


@pytest.fixture(params=["sqlite", "postgresql"])
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> WorkQueue:
    url = f"sqlite:///{tmp_path}/t.sqlite" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = SqlWorkQueue(open_database(url))
    for lane in Queue:
        while work := made.take(lane, NOW * 2, lease=1):
            made.finish(work, 0)
    return made


def piece(lane: str = "a", key: str = "", alias: str | None = None, not_before: float = 0) -> NewWork:
    return NewWork(
        queue=Queue.IN, key=key or uuid.uuid4().hex, alias=alias, lane=lane, payload={"text": "naïve ✓"},
        not_before=not_before,
    )  # fmt: skip


def take(queue: WorkQueue, now: float = NOW, pace: float = 0) -> Work | None:
    return queue.take(Queue.IN, now, lease=10, pace=pace)


def test_a_piece_is_queued_once_by_key_and_by_alias(queue: WorkQueue) -> None:
    key, alias = uuid.uuid4().hex, uuid.uuid4().hex
    assert queue.put([piece(key=key, alias=alias), piece(key=key), piece(alias=alias), piece(key=alias)]) == 1
    work = take(queue)
    assert work is not None
    queue.finish(work, NOW)
    assert queue.put([piece(key=key)]) == 0


def test_a_lane_keeps_its_order_and_others_do_not_wait(queue: WorkQueue) -> None:
    first, second, other = piece("a"), piece("a"), piece("b")
    queue.put([first, second, other])
    one, two = take(queue), take(queue)
    assert one is not None
    assert two is not None
    assert (one.key, two.key) == (first.key, other.key)
    assert take(queue) is None
    queue.postpone(one, NOW + 5)
    assert take(queue) is None
    again = take(queue, NOW + 5)
    assert again is not None
    assert (again.key, again.attempts) == (first.key, 2)
    queue.finish(again, NOW + 5)
    last = take(queue, NOW + 5)
    assert last is not None
    assert last.key == second.key


def test_a_lane_keeps_its_pace(queue: WorkQueue) -> None:
    lane = uuid.uuid4().hex
    queue.put([piece(lane), piece(lane)])
    first = take(queue, pace=1)
    assert first is not None
    queue.finish(first, NOW)
    assert take(queue, NOW + 0.5, pace=1) is None
    assert take(queue, NOW + 1, pace=1) is not None


def test_what_a_crash_left_is_taken_again_with_its_note(queue: WorkQueue) -> None:
    queue.put([piece()])
    work = take(queue)
    assert work is not None
    queue.leave_note(work, {"ts": "1.2"})
    assert take(queue, NOW + 9) is None
    again = take(queue, NOW + 10)
    assert again is not None
    assert (again.attempts, again.note, again.payload) == (2, {"ts": "1.2"}, {"text": "naïve ✓"})


def test_finishing_queues_what_follows_once(queue: WorkQueue) -> None:
    queue.put([piece()])
    work = take(queue)
    assert work is not None
    follow = [NewWork(queue=Queue.OUT, key=f"{work.key}/0", lane="c", payload={})]
    queue.finish(work, NOW, follow=follow)
    queue.finish(work, NOW, follow=follow)
    assert queue.take(Queue.OUT, NOW, lease=10) is not None
    assert queue.take(Queue.OUT, NOW + 20, lease=10) is not None
    assert take(queue, NOW + 20) is None


def test_of_many_takers_each_piece_goes_to_one(queue: WorkQueue) -> None:
    queue.put([piece(lane=str(number)) for number in range(40)])
    with ThreadPoolExecutor(8) as pool:
        taken = [work.key for work in pool.map(lambda _: take(queue), range(60)) if work]
    assert len(taken) == len(set(taken)) == 40


def test_what_is_given_up_no_longer_holds_its_lane(queue: WorkQueue) -> None:
    first, second = piece(), piece()
    queue.put([first, second])
    failed = queue.count(Queue.IN)["failed"]
    work = take(queue)
    assert work is not None
    queue.give_up(work, NOW, "channel_not_found")
    following = take(queue)
    assert following is not None
    assert following.key == second.key
    assert queue.count(Queue.IN)["failed"] == failed + 1
