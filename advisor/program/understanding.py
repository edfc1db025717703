"""What a question about the program asks: of which initiatives, sites or people, and about what. By rule."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple

from advisor.domain.criteria import Dimension
from advisor.domain.records import (
    Initiative,
    Intervention,
    KpiCard,
    Site,
)
from advisor.domain.register import AnyRecord, Record, Register
from advisor.program.filters import LISTING, Keep, Records, find_filter, find_health_filter, find_records, find_titled
from advisor.program.names import fold
from advisor.program.phrases import find_day, parse_number
from advisor.text import content_stems

PEOPLE_FIELDS = ("accountable_owner", "business_owner", "it_owner", "ot_owner", "sponsor")


class Topic(StrEnum):
    """What is asked."""

    STATUS = "status"
    OWNER = "owner"
    PLATE = "plate"
    GATE = "gate"
    WEAKEST = "weakest"
    OVERDUE = "overdue"
    CHANGED = "changed"
    STAGE = "stage"
    AGE = "age"
    STALLED = "stalled"
    KPI = "kpi"
    LIST = "list"
    RECORDS = "records"
    FOUND = "found"


class Asked(NamedTuple):
    """A question about the program, understood."""

    topic: Topic
    initiatives: tuple[Record[Initiative], ...]
    sites: tuple[Record[Site], ...]
    people: tuple[str, ...]
    unknown: str
    """A name that the question uses and the register does not know."""
    wants_playbook: bool
    keep: Keep | None
    """Which initiatives a list is about; None for all."""
    filter_words: str
    since: date | None
    cards: tuple[str, ...] = ()
    records: Records | None = None
    dimensions: tuple[str, ...] = ()
    """Ids of the sides of an operating model that the question is about."""
    vague: bool = False
    """Whether nothing says what is asked, so that it is taken to be how things stand."""
    found: tuple[AnyRecord, ...] = ()
    """Records that the question is after, the best first."""


_TOPICS: tuple[tuple[Topic, str], ...] = (
    (Topic.OVERDUE, r"\boverdue\b|\b(?:dates?|deadlines?|days?) (?:has|have|had) (?:come and gone|passed|gone by|slipped)|\b(?:hasn['’]t|haven['’]t|not) delivered\b|\bbehind schedule\b|\bpast (?:its|their|the) (?:due|date)|\bpast due\b|\bdue dates?\b|\bmissed (?:its |their )?deadlines?|\bdeadlines?\b.*\b(?:missed|passed)|\bwhat (?:is|are|'s) late\b|\brunning late\b|\bslipped\b"),
    (Topic.AGE, r"\bhow (?:old|fresh|stale|recent|current|up to date)\b|\bwhen (?:did|was|have)\b.*\b(?:last|latest)\b|\blast (?:update[d]?|heard|report(?:ed)?|check(?:ed)?[- ]?in|status)\b|\b(?:last|latest) (?:time )?(?:an? )?(?:update|news|word)\b|\bhow long (?:ago|since)\b.*\b(?:update|report|heard|status|news)"),
    (Topic.STALLED, r"\bstall(?:ed|ing|s)?\b|\bstuck\b|\bnot mov(?:ed|ing)\b|\bgoing nowhere\b|\bdead in the water\b|\bhanging\b|\bstand(?:ing|s)? still\b|\bdragging\b"),
    (Topic.CHANGED, r"\bchang(?:ed|es)\b|\bwhat(?:'s| is| has)? (?:new|moved|happened)\b|\bwhat moved\b|\bwhile i was\b|\bsince (?:last|i|the|my)\b|\bhappened\b|\bprogress\b.*\bsince\b|\bdid i miss\b|\bany (?:news|movement)\b|\bimproved\b|\bworsened\b|\bgot (?:better|worse)\b"),
    (Topic.GATE, r"\bgates?\b|\bready\b|\breadiness\b|\bmove (?:up|on|forward|ahead)\b|\bnext (?:stage|step on)\b|\bladder\b|\bexit criteri|\bpromot(?:e|ion)\b|\bblocking\b|\bholding (?:it|them|\w+) back\b|\bkeeps? .* from\b|\bgo(?:es)? next\b|\badvance\b"),
    (Topic.WEAKEST, r"\bweak(?:est|ness(?:es)?|er)?\b|\bworst\b|\bgaps?\b|\bshortcomings?\b|\bshortfalls?\b|\bblind spots?\b|\bfall(?:ing)? short\b|\blag(?:ging)? behind\b|\bbiggest (?:problems?|risks?|issues?|worr)|\bworr(?:y|ies|ied)\b.*\bmost\b|\bmost (?:trouble|urgent|pressing|exposed)|\bneeds? (?:the )?most (?:help|attention)|\bfirst priority\b|\bpriorit|\bimmature\b|\bin trouble\b|\bneeds? my attention\b"),
    (Topic.PLATE, r"\bplate\b|\bworking on\b|\bto[- ]?dos?\b|\bon (?:his|her|their) (?:desk|list)\b|\bactions?\b.*\bfor\b|\b(?:does|do|did) [\w\s.'’-]{2,40} (?:own|run|lead|look after|answer for|sponsor|have)\b|\bresponsible for\b|\blooks? after\b|\binvolved in\b"),
    (Topic.OWNER, r"\bwho\b.*\b(?:own|owns|runs?|leads?|accountable|responsible|in charge|answers? for|sponsors?|looks? after)\b|\bowners?\b|\bowned by\b|\bwhose\b|\bwho is (?:on|behind)\b|\bin charge\b|\bsponsor(?:s|ed)?\b|\bwho do i (?:call|ask)|\bwho should i (?:call|ask)"),
    (Topic.STAGE, r"\bright stage\b|\b(?:what|which) stage\b"),
    (Topic.KPI, r"\bkpis?\b|\breadings?\b|\bmetrics?\b|\bmeasur(?:e|es|ed|ing)\b|\bfigures?\b|\bnumbers?\b|\bindicators?\b|\bbaseline\b|\btarget\b"),
    (Topic.STAGE, r"\b(?:what|which) (?:stage|phase|step)\b|\bstage\b.*\b(?:in|at)\b|\bhow (?:long|many (?:days|weeks|months))\b|\bwhere (?:does|is|are)\b.*\b(?:ladder|rollout|stand)|\bsince when\b|\bhow far (?:along|is)|\bshadow period\b"),
)  # fmt: skip
_LACKS = re.compile(
    r"\b(?:lack(?:s|ing)?|missing|missed|owe[sd]?|still open|(?:is|are|left|stays?) open|open (?:there|here|at|in|for)"
    r"|(?:left|have|has|needs?) to (?:be )?closed?|(?:fall|falls|falling|fell) short|shortcomings?|shortfalls?|holes?"
    r"|in order|lag(?:s|ging)?|unfinished|thin|hollow|homework|weak spots?|neglect(?:ed|ing)?|forgot(?:ten)?|overlooked|uncovered|deficien\w+|loose ends?|blind spots?)\b"
    r"|\b(?:not|never|yet to|without|hasn|haven|isn|aren)\b['’t]*[\w\s]{0,20}"
    r"\b(?:sorted|covered|planned|settled|done|in place|arranged|agreed|taken care of|dealt with|addressed|set up)\b",
    re.I,
)
"""Where someone asks what a place still lacks."""
_OURS = re.compile(
    r"\b(?:our|we|us|my)\b|\bthe program(?:me)?\b|\b(?:which|how many|what|list|all|any|every|each)\b[\w\s]{0,20}\b(?:initiatives?|projects?|pilots?|use cases?)\b|\bacross (?:the|all) (?:group|company|sites|plants)\b|\ball (?:sites|plants)\b|\banything\b|\banyone\b|\beverything\b|\bright now\b|\bat the moment\b|\bcurrently\b|\bso far\b",
    re.I,
)
_WHAT_CHANGED = re.compile(r"^\W*what(?:'s| is| has| have)? (?:changed|moved|happened|new|improved|worsened)\b", re.I)
_TOWARDS_PLAYBOOK = re.compile(
    r"\bplaybooks?\b|\bshould(?:n't)?\b|\benough\b|\bas (?:they|it|we) (?:should|ought)|\bexpects?\b|\bsupposed to\b|\brecommend|\bright (?:stage|way|kpi|time)|\bgood practice|\bbest practice|\bought\b|\brequired?\b|\bcompared? (?:to|with) (?:the )?(?:playbook|advice|standard|rule)|\bin line with\b|\baccording to\b|\bby the book\b|\bgoing by\b"
    r"|\b(?:is|are) (?:that|this|it|they|those) (?:alright|all right|ok(?:ay)?|right|fine|good enough)\b",
    re.I,
)
_ADVICE = re.compile(
    r"\b(?:should|must|ought)\b|^(?:why|how (?:do|can|should|long should|often should|much should))\b", re.I
)
_HOW_TO = re.compile(
    r"^\W*(?:and |but |so |then )?how (?:do|can|could|should|would|must|might) "
    r"(?!.*\b(?:stand|doing|compare|look|rank|score|measure up)\b)",
    re.I,
)
_IN_GENERAL = re.compile(
    r"\b(?:share|percentage|percent|proportion|portion) of (?!our\b|my\b|the\b|these\b|those\b)"
    r"|^\W*what(?:'s| is| are) an? [\w\s-]{1,40}\?*\s*$|\bin general\b|\bsupposed to be\b|\b(?:firms|companies|plants|others) like (?:us|ours)\b|\bin (?:our|the) industry\b"
    r"|\bis it (?:normal|usual|common|typical)\b|\bmean(?:s|t)? by\b|\bwhat (?:do|does|did) .{1,30} mean\b|\bdefin(?:e|ition)\b"
    r"|\b(?:never|always|usually|typically|generally|tend to|keep failing|(?:do|go|doing|going|went) wrong)\b"
    r"|\b(?:does|do|should|must|can|may|would|has|is) an? (?:\w+ ){0,2}(?:initiative|pilot|project|use case|model)\b",
    re.I,
)
"""What is asked of initiatives at large, also where ours are named as the occasion."""
_NAMELIKE = (
    re.compile(r"\b(?P<name>(?:line|lines|press|cell|unit|booth|furnace|plant|hub) (?:\d+|[A-Z]\b))", re.I),
    re.compile(r"\b(?:the |our )(?P<name>[\w-]+(?: [\w-]+){0,2}) (?:project|initiative|hub|plant|site|pilot|use case|terminal|depot|warehouse|works)\b", re.I),
    re.compile(r"\b(?P<name>[A-Z][\w'’-]+ (?:hub|plant|site|terminal|depot|warehouse|works|factory))\b"),
    re.compile(r"\b(?P<name>[A-Z][a-zà-ÿ'’-]+ [A-Z][a-zà-ÿ'’-]+)(?:['’]s)?\b"),
    re.compile(r"\b(?:does|do|is|has|for) (?P<name>[A-Z][a-zà-ÿ'’-]+) (?:own|run|lead|working|responsible|in charge|have|on)\b"),
    re.compile(r"\bhow(?: is|'s| are things (?:with|on|at|coming along (?:at|with|on)))(?: the)? (?P<name>[A-Z][\w-]*(?: [\w-]+){0,3}?) (?:doing|going|coming along|getting on|looking)\b"),
)  # fmt: skip
_ASKS_AFTER = re.compile(
    r"\bhow(?:s\b| is| are|'s)|\bcoming along\b|\bstatus\b|\bwhat about\b|\bdoing\b|\bgoing\b|\bnews\b|\btell me (?:more )?about\b|\breport(?:ed|s)?\b|\bsay\b|"
    r"\bsaid\b|\bon track\b|\boff track\b|\bat risk\b|\b(?:gone|go|went|goes) live\b|\blive yet\b|\bin production\b|\bproblems?\b|\bhappen(?:ed|ing)\b|"
    r"\bany (?:update|progress)\b|\bup to\b|\bstands?\b|\bpicture\b|\boverview\b|\bsummar(?:y|ise|ize)\b|\bparagraph\b|\bresponsible for\b",
    re.I,
)
"""Where someone asks after a thing by its name."""
_WHICH_INITIATIVES = re.compile(
    r"\b(?:which|what|how many|list|all|any)(?: of)?(?: our| the)? (?:\w+ )?(?:initiatives?|projects?|pilots?|use cases?)\b",
    re.I,
)
_OUR_RECORDS = re.compile(
    r"\b(?:our|we|us)\b|\b(?:which|how many|list|show)\b[\w\s]{0,25}\b(?:are|is|were|was|have been)\b[\w\s]{0,20}\b(?:signed|unsigned|open|closed|dismissed|deferred|acted|breached|draft|recorded)\b",
    re.I,
)
_SUPPOSED = re.compile(
    r"^\W*(?:and |but |so )?(?:suppose|imagine|say (?:we|you|that))\b|\bif (?:we|you|one|someone|somebody|a company)\b"
    r"|\b(?:would|could|can|may|might) (?:we|you|one|it|that)\b",
    re.I,
)
"""What is asked of something that is not yet so."""
_ANY_SUCH = re.compile(r"\b(?:an?|any|another|some|each|every)\s+(?:[\w-]+\s+){0,2}[\w-]+", re.I)
"""Words that name no thing of ours: a furnace, any other press line."""
_STAND = re.compile(
    r"\b(?:how|where) (?:do|are) we (?:stand|compare|look|do|doing|fare|measure up)|\bwhere we stand\b|\bcompared? (?:to|with)\b",
    re.I,
)
"""Where someone asks how we stand to what is required."""
GATES_AHEAD = re.compile(
    r"\bcoming up\b|\bupcoming\b|\b(?:next|this|coming) (?:week|month|quarter|year)\b|\b(?:lie|lies|are|is) ahead\b|\b20\d\d\b|\bQ[1-4]\b"
    r"|\bbefore (?:christmas|xmas|easter|summer|(?:the )?(?:year|end|holidays)|new year|\d|(?:jan|feb|mar|apr|may|jun|jul|aug|sep"
    r"|oct|nov|dec)\w*)\b|\b(?:are|is) (?:the |our )?(?:next )?gates? (?:planned|scheduled|due)\b|\bgates? (?:are|is) (?:planned|scheduled|due)\b",
    re.I,
)
"""Where someone asks when gates are."""
_SITE_WORDS = ("plant", "hub", "site", "factory", "warehouse", "the")
_INITIATIVES = re.compile(r"\b(?:initiatives?|projects?|pilots?|use cases?)\b", re.I)
_COMMON = frozenset(
    "the our a an ai whole entire same next first last this that which any each every other new old single shadow pilot it ot kpi api "
    "defer threshold physical average typical industrial good bad stalled failed standard usual normal successful real best own".split()
)


def understand(
    question: str,
    register: Register,
    today: date,
    *,
    before: str = "",
    dimensions: Sequence[Dimension] = (),
    ordinary: frozenset[str] = frozenset(),
) -> Asked | None:
    """Return what a question asks of the register, or None when it is a question for the playbooks alone.

    `before` is the earlier question that a follow-up leans on: who is meant may stand there. `ordinary` are stems, and
    pairs of them, that playbooks use too, so that they name no initiative.
    """
    if register.empty:
        return None
    initiatives = _find_initiatives(question, register)
    if not initiatives and _may_be_ours(question):
        initiatives = _find_by_words(question, register, ordinary)
    sites = _find_sites(question, register, initiatives)
    people = _find_people(question, register)
    cards = _find_cards(question, register)
    topic = _find_topic(question)
    sides = _find_dimensions(question, dimensions, [*initiatives, *sites])
    lacks = bool(_LACKS.search(question))
    if (
        topic is Topic.PLATE and initiatives and (not people or lacks)
    ):  # "does Line 3 have ..." asks about Line 3, not a person
        topic = _find_topic(question, but=(Topic.PLATE,))
    unknown = "" if initiatives or people else _find_unknown(question, sites)
    if before and not (initiatives or sites or people or unknown):
        initiatives = _find_initiatives(before, register)
    keep, filter_words = find_filter(question, register)
    records = _find_records(question, register, named=bool(initiatives or sites))
    named = bool(initiatives or sites or people or unknown or records)
    ours = bool(_OURS.search(question))
    advice = bool(_ADVICE.search(question.strip()))
    sided = bool(sides) and ours and (lacks or topic is Topic.WEAKEST or bool(_STAND.search(question)))
    sided = sided or (
        bool(sides) and ours and topic is None and bool(re.search(r"\bwhere (?:is|are)\b", question, re.I))
    )
    of_program = named or (sided and not _is_general(question))
    if not of_program and not _asks_of_program(question, topic, keep, ours=ours, advice=advice, cards=cards):
        return None
    if unknown and topic is None and not _ASKS_AFTER.search(question):
        return None
    listed = (
        records is not None and bool(records.words) and topic is not Topic.WEAKEST and bool(LISTING.search(question))
    )
    if (
        sides
        and not listed
        and (lacks or topic is Topic.WEAKEST or (sided and topic in {None, Topic.OWNER, Topic.KPI}))
    ):
        topic = Topic.WEAKEST
    elif records and topic not in {Topic.GATE, Topic.STALLED, Topic.CHANGED, Topic.OVERDUE, Topic.WEAKEST}:
        topic = Topic.RECORDS
    elif lacks and not people and topic in {None, Topic.KPI} and (initiatives or sites or ours) and not (keep or cards):
        topic = Topic.WEAKEST
    else:
        topic = _settle(
            topic, question, keep=bool(keep), people=bool(people), initiatives=bool(initiatives), sites=bool(sites)
        )
    if cards and topic in {None, Topic.LIST}:
        topic = Topic.KPI
    return Asked(
        topic=topic or Topic.STATUS,
        initiatives=initiatives,
        sites=sites,
        people=people,
        unknown=unknown,
        wants_playbook=bool(_TOWARDS_PLAYBOOK.search(question)),
        keep=keep,
        filter_words=filter_words,
        since=_find_since(question, today),
        cards=cards,
        records=records,
        dimensions=sides if topic in {None, Topic.WEAKEST} else (),
        vague=(topic is None or (topic is Topic.LIST and not keep and _counts_other(question)))
        and not (_ASKS_AFTER.search(question) or unknown),
    )


def _counts_other(question: str) -> bool:
    """Whether somebody asks how many of something other than initiatives there are."""
    return bool(re.search(r"\bhow (?:many|much)\b", question, re.I)) and not _INITIATIVES.search(question)


def ask_for_found(question: str, register: Register, found: Sequence[AnyRecord], asked: Asked | None) -> Asked:
    """Return a question as one that is after the records that it found; of many interventions, after all of them."""
    base = asked or Asked(
        topic=Topic.FOUND,
        initiatives=(),
        sites=(),
        people=_find_people(question, register),
        unknown="",
        wants_playbook=bool(_TOWARDS_PLAYBOOK.search(question)),
        keep=None,
        filter_words="",
        since=None,
    )
    if not isinstance(first := found[0].fields, Intervention):
        return base._replace(topic=Topic.FOUND, found=tuple(found))
    of = register.find_initiative(first.initiative)
    return base._replace(
        topic=Topic.RECORDS, records=Records(Intervention, None, ""), initiatives=(of,) if of else base.initiatives
    )


def may_ask_of_records(question: str) -> bool:
    """Whether a question that names nothing of the register may be after one of its records."""
    return not _is_general(question) and not _ADVICE.search(question.strip())


def asks_what_was(question: str) -> bool:
    """Whether somebody asks what we did or had."""
    return bool(_OURS.search(question) and re.search(r"\b(?:did|was|were|has|had)\b", question, re.I))


def _settle(
    topic: Topic | None, question: str, *, keep: bool, people: bool, initiatives: bool, sites: bool
) -> Topic | None:
    """Return the topic once it is known what is named: a list, what somebody has to do, or what it looked like."""
    listing = LISTING.search(question)
    if topic in {None, Topic.OWNER, Topic.KPI, Topic.PLATE} and keep and listing:
        return Topic.LIST
    if people and not initiatives and topic in {None, Topic.OWNER, Topic.STATUS}:
        return Topic.PLATE
    if topic is None and not initiatives and listing and not sites:
        return Topic.LIST
    if topic is None and sites and re.search(r"\bhow many\b|\blist\b|\bname them\b", question, re.I):
        return Topic.LIST
    return topic


def _find_dimensions(
    question: str, dimensions: Sequence[Dimension], named: Sequence[Record[Initiative] | Record[Site]]
) -> tuple[str, ...]:
    """Return the sides that a question is about; a name of the register is none of their words."""
    rest = leave_out(question, named)
    return tuple(
        dimension.id
        for dimension in dimensions
        if any(re.search(rf"(?<!\w){re.escape(word)}(?:\w{{0,3}})(?!\w)", rest, re.I) for word in dimension.words)
    )


def leave_out(question: str, named: Sequence[Record[Initiative] | Record[Site]]) -> str:
    """Return a question without the names of initiatives and sites."""
    for record in named:
        for name in (record.fields.name, *getattr(record.fields, "aliases", ())):
            question = re.sub(rf"\b{re.escape(name)}\b", " ", question, flags=re.I)
    return question


def _is_general(question: str) -> bool:
    return bool(_HOW_TO.match(question) or _IN_GENERAL.search(question) or _SUPPOSED.search(question))


def _may_be_ours(question: str) -> bool:
    """Whether a question may be about an initiative of ours that it does not name in full."""
    return not _is_general(question) and not (_ADVICE.search(question.strip()) and not _OURS.search(question))


def _find_records(question: str, register: Register, *, named: bool) -> Records | None:
    """Return the records that a question asks for, when it asks for the company's own: of an initiative, or of ours."""
    if not _is_general(question) and (titled := find_titled(question, register)):
        return titled
    records = find_records(question)
    if records is None or _WHICH_INITIATIVES.search(question) or _IN_GENERAL.search(question):
        return None
    if named:
        return None if _ADVICE.search(question.strip()) else records
    ours = _OUR_RECORDS.search(question)
    return records if ours and not _ADVICE.search(question.strip()) else None


def _asks_of_program(
    question: str, topic: Topic | None, keep: object, *, ours: bool, advice: bool, cards: Sequence[str]
) -> bool:
    """Whether a question that names nobody and nothing of the register is still about the program."""
    if _is_general(question) and topic is not Topic.OVERDUE:
        return False
    if advice and not re.search(r"\b(?:our|we have|do we|are we|have we)\b", question, re.I):
        return False
    if topic is Topic.OVERDUE or (topic is Topic.CHANGED and _WHAT_CHANGED.search(question)):
        return True
    if find_health_filter(question) and LISTING.search(question):
        return not advice
    if advice and not (keep and ours):
        return False
    if topic is None:
        return bool((keep and (ours or LISTING.search(question))) or (cards and ours) or re.search(
            r"\bhow (?:many|are) (?:our |the |we |things |all )?(?:initiatives|projects|pilots|doing)", question, re.I))  # fmt: skip
    if topic is Topic.GATE and GATES_AHEAD.search(question) and not (advice or _SUPPOSED.search(question)):
        return True
    if topic in {Topic.GATE, Topic.WEAKEST, Topic.CHANGED, Topic.STALLED, Topic.AGE}:
        general = r"\b(?:criteria|mean|definition|what is an?|what are(?! (?:our|the|my)\b))\b"
        return ours and not re.search(general, question, re.I)
    if ours and _STAND.search(question):
        return True
    return ours and bool(LISTING.search(question) or keep or (cards and topic is Topic.KPI))


def _find_topic(question: str, *, but: Sequence[Topic] = ()) -> Topic | None:
    return next((topic for topic, pattern in _TOPICS if topic not in but and re.search(pattern, question, re.I)), None)


def _find_initiatives(question: str, register: Register) -> tuple[Record[Initiative], ...]:
    folded = f"-{fold(question)}-"
    found = []
    for record in register.initiatives:
        names = [fold(name) for name in (record.fields.name, *record.fields.aliases)]
        if any(_is_told(name, folded) for name in names):
            found.append(record)
    return tuple(found)


def _is_told(name: str, folded: str) -> bool:
    """Whether a name stands in a question, and not as one of any such: "a paint shop in Poland"."""
    found = re.search(rf"-(?P<any>(?:an?|another)-(?:\w+-)?)?{re.escape(name)}(?:-?s)?-", folded)
    return found is not None and not found["any"]


def _find_by_words(question: str, register: Register, ordinary: frozenset[str]) -> tuple[Record[Initiative], ...]:
    """Return initiatives of whose name a question uses a word that nothing else is called, and not of just any."""
    said = set(content_stems(_ANY_SUCH.sub(" ", question)))
    told = set(pair_stems(_ANY_SUCH.sub(" ", question)))
    shared = Counter(stem for record in register.initiatives for stem in _list_stems(record))
    found = []
    for record in register.initiatives:
        pairs = {pair for name in (record.fields.name, *record.fields.aliases) for pair in pair_stems(name)}
        if any(shared[stem] == 1 and stem not in ordinary for stem in _list_stems(record) & said) or pairs & (
            told - ordinary
        ):
            found.append(record)
    return tuple(found)


def pair_stems(text: str) -> list[str]:
    """Return each two words of a text that follow each other, by their stems: `tool wear`."""
    stems = content_stems(text)
    return [f"{one} {other}" for one, other in itertools.pairwise(stems)]


def _list_stems(record: Record[Initiative]) -> set[str]:
    return {stem for name in (record.fields.name, *record.fields.aliases) for stem in content_stems(name)}


def _find_sites(
    question: str, register: Register, initiatives: Sequence[Record[Initiative]]
) -> tuple[Record[Site], ...]:
    folded = f"-{fold(question)}-"
    sites = []
    for record in register.sites:
        words = fold(record.fields.name).split("-")
        telling = [word for word in words if word not in _SITE_WORDS]
        taken = any(word in fold(name).split("-") for i in initiatives for name in (i.fields.name, *i.fields.aliases) for word in telling)  # fmt: skip
        if telling and not taken and f"-{'-'.join(telling)}-" in folded:
            sites.append(record)
    if not sites:  # "the hub", where there is one
        for word in _SITE_WORDS:
            of_kind = [record for record in register.sites if word in fold(record.fields.name).split("-")]
            if len(of_kind) == 1 and f"-the-{word}-" in folded:
                sites += of_kind
    return tuple(sites)


def list_people(register: Register) -> tuple[str, ...]:
    """Return everyone whom the register names as an owner or a sponsor."""
    return tuple(sorted({p for i in register.initiatives for f in PEOPLE_FIELDS if (p := getattr(i.fields, f))}))


def _find_people(question: str, register: Register) -> tuple[str, ...]:
    folded = f"-{fold(question.replace('’', ' ').replace(chr(39), ' '))}-"
    people = list_people(register)
    full = [name for name in people if f"-{fold(name)}-" in folded]
    if full:
        return tuple(full)
    found = []
    for name in people:
        for part in (name.split()[0], name.split()[-1]):
            same = [other for other in people if part in other.split()]
            after = re.search(rf"\b{re.escape(part)}\b(?:['’]s)?(?P<next> [A-Z][a-zà-ÿ]+)?", question)
            stranger = after and after["next"] and part == name.split()[0]
            if len(same) == 1 and after and not stranger:
                found.append(name)
    return tuple(dict.fromkeys(found))


def _find_cards(question: str, register: Register) -> tuple[str, ...]:
    folded = f"-{fold(question)}-"
    return tuple(sorted({c.fields.name for c in register.all(KpiCard) if f"-{fold(c.fields.name)}-" in folded}))


def _find_unknown(question: str, sites: Sequence[Record[Site]]) -> str:
    """Return a name that nothing in the register goes by; the words of sites that are named are none."""
    known = {word for site in sites for word in fold(site.fields.name).split("-")}
    for pattern in _NAMELIKE:
        for found in pattern.finditer(question):
            words = found["name"].lower().split()
            starts = question.strip().startswith(found["name"].split()[0])
            if (
                not (set(words) & _COMMON)
                and not (set(map(fold, words)) & known)
                and not (starts and words[0] in {"how", "what", "who", "is", "are", "which", "does"})
            ):
                return found["name"]
    return ""


def _find_since(question: str, today: date) -> date | None:
    low = question.lower()
    if found := re.search(r"\b(?:for|last|past|in) (?P<n>\w+) (?P<unit>day|week|month)s\b", low):
        number = parse_number(found["n"])
        if number is not None:
            return today - timedelta(days=int(number) * {"day": 1, "week": 7, "month": 30}[found["unit"]])
    for words, days in (("week", 7), ("fortnight", 14), ("month", 30), ("quarter", 91), ("year", 365)):
        if re.search(rf"\b(?:last|past|this|a|previous) {words}\b", low):
            return today - timedelta(days=days)
    found_day = find_day(question, today)
    return found_day.day if found_day and found_day.day and found_day.day < today else None
