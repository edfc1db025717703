"""Recognises questions that are not in English, by script and by function words."""

from __future__ import annotations

import unicodedata

from advisor.text import words

_FUNCTION_WORDS = {
    "German": "der das und ist wie wir nicht ein eine für mit auf dem den des sich wer warum welche sollen können "
    "unsere zu wird oder bei haben sind ich sie es von werden müssen soll kann wann vor nach",
    "French": "le la les des est et comment nous pour une un dans qui que pourquoi quelle quels quel avec sur notre "
    "nos doit devons il du au ce avant faut combien temps être ne pas vous je",
    "Spanish": "el los las es cómo como qué que para una un con por nuestra nuestro quién cuál debemos nos del se en "
    "de cuánto antes tiempo son cuáles y lo",
    "Italian": "il gli che di come per una un con nostra nostro chi quale quali dobbiamo è sono della perché nel prima "
    "quanto tempo e la i le non",
    "Portuguese": "o os as é como para uma um com por nossa nosso quem qual devemos do da em não são quais quanto "
    "tempo antes e que de",
    "Dutch": "het een en hoe wij we niet voor met op van wie waarom welke moeten kunnen onze is zijn te de hoeveel "
    "tijd wanneer",
    "Polish": "jak i w na czy nie się jest dla kto który dlaczego możemy nasze co z do powinniśmy są",
}
_COMMON = {language: frozenset(text.split()) for language, text in _FUNCTION_WORDS.items()}
_ENGLISH = frozenset(
    """the and is are how we not for with on of who why which should can our to what do does it in that this be have has
    was when where will would a an i you your my there their they if or at as by from about us me get need""".split()
)
_SCRIPTS = {
    "CYRILLIC": "a language in Cyrillic script",
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "GREEK": "Greek",
    "THAI": "Thai",
}


def find_foreign_language(text: str) -> str | None:
    """Return the name of the language if `text` is clearly not English, else None."""
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return None
    scripts = [unicodedata.name(character, "LATIN").split()[0] for character in letters]
    for script in ("HIRAGANA", "KATAKANA", *_SCRIPTS):
        if scripts.count(script) > 0.3 * len(letters) or (script == "HIRAGANA" and script in scripts):
            return _SCRIPTS[script]
    tokens = [token for token in _latin_words(text) if token]
    english = sum(token in _ENGLISH for token in tokens)
    language, count = max(
        (
            (name, sum(token in common and token not in _ENGLISH for token in tokens))
            for name, common in _COMMON.items()
        ),
        key=lambda pair: pair[1],
    )
    return language if count >= 2 and count > english else None


def _latin_words(text: str) -> list[str]:
    """Words with their accents kept."""
    if text.isascii():
        return words(text)
    return "".join(c if c.isalpha() else " " for c in text.lower()).split()
