"""Every question ends in one answer, whatever happens on the way."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
from slack_sdk import WebClient

from advisor.bootstrap import build_advisor
from advisor.domain.identity import Directory
from advisor.domain.work import Queue
from advisor.ports import WorkQueue
from advisor.settings import Settings
from advisor.storage.database import open_database
from advisor.storage.work import SqlWorkQueue
from integrations.slack.blocks import say
from integrations.slack.clerk import Clerk
from integrations.slack.desk import Desk
from integrations.slack.outgoing import Place, post_all
from integrations.slack.people import People
from integrations.slack.postman import Postman
from integrations.slack.service import open_client
from integrations.slack.simulator import Fault, Simulator
from tests.conftest import ROOT, OfficeMaker
from tests.integrations.slack.conftest import wait_for

EVENTS, PEOPLE, KILLS = 500, 100, 5
QUESTIONS = ("How should we choose KPIs?", "How long should a shadow period be?", "Why do pilots fail to scale?")


@pytest.mark.slow
@pytest.mark.fault("R13")
def test_500_questions_survive_repeats_lost_acks_and_kills(indexed: Settings, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/slack.sqlite"
    with Simulator(signing_secret="x") as sim:
        for number in range(PEOPLE):
            sim.add_user(f"U{number}", f"Person {number}", f"p{number}@example.com")
        sim.delivery.copies = 4
        sim.delivery.lose_acks = 0.2
        sim.delivery.retry_delays = (1.0, 8.0, 16.0)
        sim.delivery.connect_wait = 10.0
        command = [sys.executable, "-m", "tests.integrations.slack.process"]
        command += [str(indexed.data_dir), database, sim.base_url]
        process = subprocess.Popen(command, cwd=ROOT)
        wait_for(sim.sockets.count, 60)
        asked = [(f"U{number % PEOPLE}", QUESTIONS[number % len(QUESTIONS)]) for number in range(EVENTS)]
        chance = random.Random(5)
        chance.shuffle(asked)
        with ThreadPoolExecutor(12) as pool:
            sent = [pool.submit(sim.say, user, sim.dm(user), question) for user, question in asked]
            for _ in range(KILLS):
                time.sleep(chance.uniform(4, 9))
                process.kill()
                process.wait()
                process = subprocess.Popen(command, cwd=ROOT)
            threads = [future.result() for future in sent]
        queue = SqlWorkQueue(open_database(database))
        try:
            wait_for(lambda: not sum(queue.count(way)["waiting"] for way in Queue), 240)
        finally:
            process.kill()
            process.wait()
        replies = Counter(len(sim.messages(sim.dm(user), ts)) - 1 for (user, _), ts in zip(asked, threads, strict=True))
        assert replies == {1: EVENTS}


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


class Bench:
    """Clerk and postman worked by hand, on a clock that is moved by hand."""

    def __init__(self, sim: Simulator, queue: WorkQueue, desk: Desk, clock: Clock) -> None:
        self.sim = sim
        self.queue = queue
        self.clock = clock
        self._clerk = Clerk(queue, desk, clock=clock)
        self._postman = Postman(queue, sim_client(sim), team="T1", clock=clock)

    def work(self, until: float) -> None:
        """Work until nothing waits or the clock says so."""
        while self.clock.now < until:
            busy = self._clerk.handle_next()
            busy = self._postman.deliver_next() or busy
            if not busy:
                if not any(self.queue.count(way)["waiting"] for way in Queue):
                    return
                self.clock.now += 1


def sim_client(sim: Simulator) -> WebClient:
    return open_client("xoxb-sim", sim.base_url)


@pytest.fixture
def bench(indexed: Settings, make_office: OfficeMaker, tmp_path: Path) -> Iterator[Bench]:
    clock = Clock()
    database = f"sqlite:///{tmp_path}/bench.sqlite"
    with Simulator(clock=clock) as sim:
        sim.add_user("UANNA", "Anna Kovacs", "anna@example.com")
        sim.add_channel("C1", "one", ["UANNA"])
        sim.add_channel("C2", "two", ["UANNA"])
        client = sim_client(sim)
        office = make_office(database)
        advisor = build_advisor(indexed.model_copy(update={"database_url": database}), office)
        desk = Desk(advisor, office, People(client, Directory({}), rules={}, clock=clock), client, "UBOT", "T1")
        yield Bench(sim, SqlWorkQueue(open_database(database)), desk, clock)


@pytest.mark.fault("R12")
def test_ten_minutes_of_refusals_and_faults_delay_but_lose_nothing(bench: Bench) -> None:
    sim, clock = bench.sim, bench.clock
    begin = clock.now
    sim.faults.add(Fault(method="chat.postMessage", status=429, retry_after=7, probability=0.4))
    sim.faults.add(Fault(method="chat.postMessage", status=500, probability=0.4))
    sim.faults.add(Fault(method="chat.postMessage", lose_reply=True, probability=0.3))
    sim.faults.add(Fault(method="users.info", status=500, probability=0.5))
    for number in range(30):
        place = Place(f"C{number % 2 + 1}", user="UANNA")
        bench.queue.put(post_all(f"note/{number}", place, [say(f"Answer {number}, part {part}") for part in range(2)]))
    bench.work(until=begin + 600)
    sim.faults.clear()
    bench.work(until=begin + 7200)
    for channel in ("C1", "C2"):
        said = [m.text for m in sim.messages(channel)]
        numbers = [number for number in range(30) if f"C{number % 2 + 1}" == channel]
        assert said == [f"Answer {number}, part {part}" for number in numbers for part in range(2)]
    refused = [call for call in sim.calls if call.method == "chat.postMessage"]
    assert len(refused) > 60, "nothing went wrong, so nothing was shown"


@pytest.mark.fault("R12")
def test_a_channel_gets_no_more_than_one_message_a_second(bench: Bench) -> None:
    place = Place("C1", user="UANNA")
    bench.queue.put(post_all("paced", place, [say(f"{number}") for number in range(5)]))
    bench.work(until=bench.clock.now + 60)
    times = [call.at for call in bench.sim.calls if call.method == "chat.postMessage"]
    assert len(times) == 5
    assert all(later - earlier >= 1 for earlier, later in pairwise(times))


def test_where_it_may_not_post_it_says_so_to_the_person_alone(bench: Bench) -> None:
    bench.sim.add_channel("C9", "elsewhere", ["UANNA"], bot=False)
    bench.queue.put(post_all("far", Place("C9", user="UANNA"), [say("secret")]))
    bench.work(until=bench.clock.now + 60)
    (told,) = bench.sim.messages(bench.sim.dm("UANNA"))
    assert "could not post" in told.text
    assert "secret" not in told.text
