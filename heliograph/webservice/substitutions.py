"""Templates in the vendor's languages -> Liquid, as far as they only substitute (wire-facts 4.1). Pure.

    FREEMARKER   ${Recipient.FirstName}   ${Recipient.FirstName!"there"}   ${ContextData.Offer.Title}
    VELOCITY     $Recipient.FirstName   ${Recipient.FirstName}   $!Recipient.FirstName   $!{Recipient.FirstName}
    NONE         nothing is substituted
    LIQUID       ours, as it is

What is more than that (conditions, loops, functions) is refused with its line: a template that is half understood
would send half a mail. Values are escaped in HTML, whatever the language.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from heliograph.webservice.answers import Refused
from heliograph.webservice.call import INVALID, NOT_HERE

_PATH = r"(?:Recipient|ContextData)(?:\.[A-Za-z_][A-Za-z0-9_]*)+"
_FREEMARKER = re.compile(
    rf"""\$\{{\s*(?P<path>{_PATH})\s*(?P<default>!\s*(?:"(?P<double>[^"\\}}]*)"|'(?P<single>[^'\\}}]*)')?)?\s*\}}"""
)
_FREEMARKER_ELSE = re.compile(r"\$\{|\#\{|</?[#@]|\[/?[#@]\w")
_VELOCITY = re.compile(rf"\$(?P<quiet>!?)(?:\{{(?P<braced>{_PATH})\}}|(?P<path>{_PATH}))")
_VELOCITY_ELSE = re.compile(
    r"\$!?\{?[A-Za-z_]|#\{?(?:if|elseif|else|end|foreach|set|macro|parse|include|evaluate|define|stop|break)\b|#\#|\#\*"
)
_OURS = re.compile(r"\{[{%]")


def to_liquid(language: str, part: str, source: str) -> str:
    """The same template in Liquid; `part` is the parameter it came in. Raises `Refused`."""
    translate = _LANGUAGES.get(language.upper())
    if translate is None:
        raise Refused(INVALID, f"TemplateLanguage must be one of: {', '.join(_LANGUAGES)}.")
    return translate(part, source)


def _plain(_: str, source: str) -> str:
    return _OURS.sub(lambda found: f'{{{{ "{found[0]}" }}}}', source)


def _translator(
    known: re.Pattern[str], other: re.Pattern[str], write: Callable[[re.Match[str]], str]
) -> Callable[[str, str], str]:
    def translate(part: str, source: str) -> str:
        made: list[str] = []
        place = 0
        for found in [*known.finditer(source), None]:
            between = source[place : found.start() if found else len(source)]
            if more := other.search(between):
                line = source.count("\n", 0, place + more.start()) + 1
                raise Refused(
                    NOT_HERE,
                    f"{part}, line {line}: {source[place + more.start() :][:30]!r} is more than a substitution of "
                    "Recipient or ContextData. Write the template in Liquid: TemplateLanguage=LIQUID.",
                )
            made.append(_plain(part, between))
            if found:
                made.append(write(found))
                place = found.end()
        return "".join(made)

    return translate


def _freemarker(found: re.Match[str]) -> str:
    path = _named(found["path"])
    if found["default"] is None:
        return f"{{{{ {path} }}}}"
    text = found["double"] or found["single"] or ""
    quote = "'" if '"' in text else '"'
    return f"{{{{ {path} | default: {quote}{text}{quote} }}}}"


def _velocity(found: re.Match[str]) -> str:
    path = _named(found["braced"] or found["path"])
    return f'{{{{ {path} | default: "" }}}}' if found["quiet"] else f"{{{{ {path} }}}}"


def _named(path: str) -> str:
    """Our templates call whom they are for `recipient`."""
    return "recipient" + path.removeprefix("Recipient") if path.startswith("Recipient") else path


_LANGUAGES: dict[str, Callable[[str, str], str]] = {
    "FREEMARKER": _translator(_FREEMARKER, _FREEMARKER_ELSE, _freemarker),
    "VELOCITY": _translator(_VELOCITY, _VELOCITY_ELSE, _velocity),
    "NONE": _plain,
    "LIQUID": lambda _, source: source,
}
