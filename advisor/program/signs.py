"""Words by which a question shows what it asks, and whether it is about us or about such things at large."""

from __future__ import annotations

import re

from advisor.program.asked import Topic

TOPICS: tuple[tuple[Topic, str], ...] = (
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
LACKS = re.compile(
    r"\b(?:lack(?:s|ing)?|missing|missed|owe[sd]?|still open|(?:is|are|left|stays?) open|open (?:there|here|at|in|for)"
    r"|(?:left|have|has|needs?) to (?:be )?closed?|(?:fall|falls|falling|fell) short|shortcomings?|shortfalls?|holes?"
    r"|in order|lag(?:s|ging)?|unfinished|thin|hollow|homework|weak spots?|neglect(?:ed|ing)?|forgot(?:ten)?|overlooked|uncovered|deficien\w+|loose ends?|blind spots?)\b"
    r"|\b(?:not|never|yet to|without|hasn|haven|isn|aren)\b['’t]*[\w\s]{0,20}"
    r"\b(?:sorted|covered|planned|settled|done|in place|arranged|agreed|taken care of|dealt with|addressed|set up)\b",
    re.I,
)
"""Where someone asks what a place still lacks."""
OURS = re.compile(
    r"\b(?:our|we|us|my)\b|\bthe program(?:me)?\b|\b(?:which|how many|what|list|all|any|every|each)\b[\w\s]{0,20}\b(?:initiatives?|projects?|pilots?|use cases?)\b|\bacross (?:the|all) (?:group|company|sites|plants)\b|\ball (?:sites|plants)\b|\banything\b|\banyone\b|\beverything\b|\bright now\b|\bat the moment\b|\bcurrently\b|\bso far\b",
    re.I,
)
WHAT_CHANGED = re.compile(r"^\W*what(?:'s| is| has| have)? (?:changed|moved|happened|new|improved|worsened)\b", re.I)
TOWARDS_PLAYBOOK = re.compile(
    r"\bplaybooks?\b|\bshould(?:n't)?\b|\benough\b|\bas (?:they|it|we) (?:should|ought)|\bexpects?\b|\bsupposed to\b|\brecommend|\bright (?:stage|way|kpi|time)|\bgood practice|\bbest practice|\bought\b|\brequired?\b|\bcompared? (?:to|with) (?:the )?(?:playbook|advice|standard|rule)|\bin line with\b|\baccording to\b|\bby the book\b|\bgoing by\b"
    r"|\b(?:is|are) (?:that|this|it|they|those) (?:alright|all right|ok(?:ay)?|right|fine|good enough)\b",
    re.I,
)
ADVICE = re.compile(
    r"\b(?:should|must|ought)\b|^(?:why|how (?:do|can|should|long should|often should|much should))\b", re.I
)
HOW_TO = re.compile(
    r"^\W*(?:and |but |so |then )?how (?:do|can|could|should|would|must|might) "
    r"(?!.*\b(?:stand|doing|compare|look|rank|score|measure up)\b)",
    re.I,
)
IN_GENERAL = re.compile(
    r"\b(?:share|percentage|percent|proportion|portion) of (?!our\b|my\b|the\b|these\b|those\b)"
    r"|^\W*what(?:'s| is| are) an? [\w\s-]{1,40}\?*\s*$|\bin general\b|\bsupposed to be\b|\b(?:firms|companies|plants|others) like (?:us|ours)\b|\bin (?:our|the) industry\b"
    r"|\bis it (?:normal|usual|common|typical)\b|\bmean(?:s|t)? by\b|\bwhat (?:do|does|did) .{1,30} mean\b|\bdefin(?:e|ition)\b"
    r"|\b(?:never|always|usually|typically|generally|tend to|keep failing|(?:do|go|doing|going|went) wrong)\b"
    r"|\b(?:does|do|should|must|can|may|would|has|is) an? (?:\w+ ){0,2}(?:initiative|pilot|project|use case|model)\b",
    re.I,
)
"""What is asked of initiatives at large, also where ours are named as the occasion."""
NAMELIKE = (
    re.compile(r"\b(?P<name>(?:line|lines|press|cell|unit|booth|furnace|plant|hub) (?:\d+|[A-Z]\b))", re.I),
    re.compile(r"\b(?:the |our )(?P<name>[\w-]+(?: [\w-]+){0,2}) (?:project|initiative|hub|plant|site|pilot|use case|terminal|depot|warehouse|works)\b", re.I),
    re.compile(r"\b(?P<name>[A-Z][\w'’-]+ (?:hub|plant|site|terminal|depot|warehouse|works|factory))\b"),
    re.compile(r"\b(?P<name>[A-Z][a-zà-ÿ'’-]+ [A-Z][a-zà-ÿ'’-]+)(?:['’]s)?\b"),
    re.compile(r"\b(?:does|do|is|has|for) (?P<name>[A-Z][a-zà-ÿ'’-]+) (?:own|run|lead|working|responsible|in charge|have|on)\b"),
    re.compile(r"\bhow(?: is|'s| are things (?:with|on|at|coming along (?:at|with|on)))(?: the)? (?P<name>[A-Z][\w-]*(?: [\w-]+){0,3}?) (?:doing|going|coming along|getting on|looking)\b"),
)  # fmt: skip
ASKS_AFTER = re.compile(
    r"\bhow(?:s\b| is| are|'s)|\bcoming along\b|\bstatus\b|\bwhat about\b|\bdoing\b|\bgoing\b|\bnews\b|\btell me (?:more )?about\b|\breport(?:ed|s)?\b|\bsay\b|"
    r"\bsaid\b|\bon track\b|\boff track\b|\bat risk\b|\b(?:gone|go|went|goes) live\b|\blive yet\b|\bin production\b|\bproblems?\b|\bhappen(?:ed|ing)\b|"
    r"\bany (?:update|progress)\b|\bup to\b|\bstands?\b|\bpicture\b|\boverview\b|\bsummar(?:y|ise|ize)\b|\bparagraph\b|\bresponsible for\b",
    re.I,
)
"""Where someone asks after a thing by its name."""
WHICH_INITIATIVES = re.compile(
    r"\b(?:which|what|how many|list|all|any)(?: of)?(?: our| the)? (?:\w+ )?(?:initiatives?|projects?|pilots?|use cases?)\b",
    re.I,
)
OUR_RECORDS = re.compile(
    r"\b(?:our|we|us)\b|\b(?:which|how many|list|show)\b[\w\s]{0,25}\b(?:are|is|were|was|have been)\b[\w\s]{0,20}\b(?:signed|unsigned|open|closed|dismissed|deferred|acted|breached|draft|recorded)\b",
    re.I,
)
SUPPOSED = re.compile(
    r"^\W*(?:and |but |so )?(?:suppose|imagine|say (?:we|you|that))\b|\bif (?:we|you|one|someone|somebody|a company)\b"
    r"|\b(?:would|could|can|may|might) (?:we|you|one|it|that)\b",
    re.I,
)
"""What is asked of something that is not yet so."""
ANY_SUCH = re.compile(r"\b(?:an?|any|another|some|each|every)\s+(?:[\w-]+\s+){0,2}[\w-]+", re.I)
"""Words that name no thing of ours: a furnace, any other press line."""
HOW_MANY_OR_HOW = re.compile(
    r"\bhow (?:many|are) (?:our |the |we |things |all )?(?:initiatives|projects|pilots|doing)", re.I
)
STAND = re.compile(
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
SITE_WORDS = ("plant", "hub", "site", "factory", "warehouse", "the")
INITIATIVES = re.compile(r"\b(?:initiatives?|projects?|pilots?|use cases?)\b", re.I)
COMMON = frozenset(
    "the our a an ai whole entire same next first last this that which any each every other new old single shadow pilot it ot kpi api "
    "defer threshold physical average typical industrial good bad stalled failed standard usual normal successful real best own".split()
)
