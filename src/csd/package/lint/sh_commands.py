"""A shell script -> its simple commands, with what leads into each and what follows it. One pass, in time linear to the text.

Rules: quotes, comments, here-documents, case patterns and function definitions are told apart, so that a word in a sentence is no
command. What stands inside $(...) stays a part of its word. Nothing raises: text that is no script gives commands that mean nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

RESERVED = {"if", "then", "fi", "else", "elif", "while", "until", "do", "!", "{", "time"}
_OPENS, _CLOSES = {"{": 1, "do": 1}, {"}", "done"}
_ASSIGNS = re.compile(r"[A-Za-z_]\w*\+?=")
_REDIRECT = re.compile(r"\d{0,2}(?:<<<|<<-?|>>|>\||<&|>&|&>>|&>|<>|<(?!\()|>(?!\())")
_OPERATOR = re.compile(r";;|;|&&|\|\||\|&|\||&|\(|\)|\n")
_CLOSED = re.compile(r"[ \t]*\)")
_QUOTED = re.compile(r"[\"'\\]")
_PIECE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|\\.|[^\"'\\]+|.", re.DOTALL)
# How many words of options each wrapper may have that take a value: the rest is the command that it runs.
_WRAPPERS = {
    "sudo": "ugCpRrtTh",
    "exec": "a",
    "nohup": "",
    "nice": "n",
    "env": "uCS",
    "command": "",
    "timeout": "ks",
    "doas": "uC",
}


@dataclass(frozen=True, slots=True)
class Command:
    """`name`: the program alone; `words` as written; `lead`: reserved words, assignments, wrappers; operators beside it."""

    line: int
    name: str
    words: tuple[str, ...]
    lead: tuple[str, ...]
    redirects: tuple[str, ...]
    before: str
    after: str
    depth: int

    @property
    def arguments(self) -> tuple[str, ...]:
        """The other words, without quotes."""
        return tuple(bare(word) for word in self.words[1:])

    def __str__(self) -> str:
        shown = " ".join((*self.words, *self.redirects)) or " ".join(self.lead)
        return repr(shown if len(shown) <= 80 else shown[:77] + "...")


@dataclass(slots=True)
class Script:
    """All of a script: its commands, the functions it defines, and its here-documents."""

    commands: list[Command] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    documents: list[tuple[int, str]] = field(default_factory=list)


def bare(word: str) -> str:
    """A word without its quotes."""
    if not _QUOTED.search(word):
        return word
    return "".join(_unquoted(piece) for piece in _PIECE.finditer(word))


def _unquoted(piece: re.Match[str]) -> str:
    if piece[1] is not None:
        return piece[1]
    return piece[2] if piece[2] is not None else piece[0].removeprefix("\\")


def expanded(word: str) -> str:
    """The parts of a word in which sh replaces variables: no single quotes, no escaped characters."""
    if "$" not in word and "`" not in word:
        return ""
    kept = (piece[1] if piece[1] is not None else "" if piece[2] is not None else piece[0] for piece in _PIECE.finditer(word))
    return re.sub(r"\\.", "", "".join(kept), flags=re.DOTALL)


def read_script(text: str) -> Script:
    """Read a script."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text, self._at, self._line = text, 0, 1
        self._script = Script()
        self._words: list[str] = []
        self._redirects: list[str] = []
        self._waiting: list[tuple[str, bool]] = []
        self._begun, self._before, self._depth, self._cases, self._pattern = 1, "\n", 0, 0, False

    def read(self) -> Script:
        text, end = self._text, len(self._text)
        while self._at < end:
            letter = text[self._at]
            if letter in " \t\r":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._at, self._line = self._at + 2, self._line + 1
            elif letter == "#":
                stop = text.find("\n", self._at)
                self._at = end if stop < 0 else stop
            elif redirect := _REDIRECT.match(text, self._at):
                self._redirect(redirect)
            elif operator := _OPERATOR.match(text, self._at):
                self._at = operator.end()
                self._operator(operator[0])
            else:
                self._word(self._take())
        self._flush("\n")
        return self._script

    def _take(self) -> str:
        """The word that begins here."""
        start, self._at = self._at, max(_word_end(self._text, self._at), self._at + 1)
        word = self._text[start : self._at]
        if not self._words:
            self._begun = self._line
        self._line += word.count("\n")
        return word

    def _word(self, word: str) -> None:
        if self._pattern:
            if word == "esac":
                self._cases, self._pattern = max(0, self._cases - 1), False
            return
        if word == "in" and len(self._words) >= 2 and self._words[-2] == "case":
            self._words.clear()
            self._cases, self._pattern = self._cases + 1, True
        elif word == "{" and len(self._words) == 2 and self._words[0] == "function":
            self._script.functions.add(self._words[1])
            self._words[:] = ["{"]
        else:
            self._words.append(word)

    def _redirect(self, found: re.Match[str]) -> None:
        self._at = found.end()
        while self._at < len(self._text) and self._text[self._at] in " \t":
            self._at += 1
        target = self._take() if self._at < len(self._text) and self._text[self._at] not in "\n;&|()" else ""
        self._redirects.append(found[0] + target)
        if found[0].lstrip("0123456789") in ("<<", "<<-"):
            self._waiting.append((bare(target), found[0].endswith("-")))

    def _operator(self, operator: str) -> None:
        if operator == "\n":
            self._flush(operator)
            self._line += 1
            while self._waiting:
                until, indented = self._waiting.pop(0)
                self._document(until, indented=indented)
        elif self._pattern:
            if operator == ")":
                self._pattern = False
        elif operator == "(" and len(self._words) in (1, 2) and (closed := _CLOSED.match(self._text, self._at)):
            self._script.functions.add(self._words[-1])
            self._words.clear()
            self._at = closed.end()
        elif operator == "(":
            self._flush(operator)
            self._depth += 1
        else:
            self._flush(operator)
            self._depth = max(0, self._depth - 1) if operator == ")" else self._depth
            self._pattern = operator == ";;" and self._cases > 0

    def _document(self, until: str, *, indented: bool) -> None:
        """A here-document: the lines up to the word."""
        first, lines = self._line, []
        while self._at < len(self._text):
            stop = self._text.find("\n", self._at)
            stop = len(self._text) if stop < 0 else stop
            line, self._at = self._text[self._at : stop], stop + 1
            self._line += 1
            if (line.lstrip("\t") if indented else line) == until:
                break
            lines.append(line)
        self._script.documents.append((first, "\n".join(lines)))

    def _flush(self, after: str) -> None:
        """What was read since the last operator is a command."""
        words, self._words = self._words, []
        redirects, self._redirects = tuple(self._redirects), []
        at = 0
        while at < len(words) and (words[at] in RESERVED or words[at] in _CLOSES or _ASSIGNS.match(words[at])):
            self._depth = max(0, self._depth + _OPENS.get(words[at], 0) - (words[at] in _CLOSES))
            at += 1
        at = _past_wrappers(words, at)
        lead, rest = words[:at], words[at:]
        if rest and rest[0] == "esac":
            self._cases, self._pattern = max(0, self._cases - 1), False
        name = bare(rest[0]).rpartition("/")[2] if rest else ""
        if words or redirects:
            self._script.commands.append(
                Command(self._begun, name, tuple(rest), tuple(lead), redirects, self._before, after, self._depth)
            )
            self._before = after
        elif after != "\n":
            self._before = after


def _past_wrappers(words: list[str], at: int) -> int:
    """Where the command begins that sudo, env, timeout and their like run."""
    while at < len(words) and (name := bare(words[at]).rpartition("/")[2]) in _WRAPPERS:
        ahead = at + 1
        while (ahead < len(words) and words[ahead].startswith("-")) or (ahead < len(words) and _ASSIGNS.match(words[ahead])):
            if name == "command" and words[ahead] in ("-v", "-V"):
                return at
            takes = words[ahead][0] == "-" and words[ahead][-1] in _WRAPPERS[name] and not words[ahead].startswith("--")
            ahead += 2 if takes else 1
        ahead += 1 if name == "timeout" else 0
        if ahead >= len(words):
            return at
        at = ahead
    return at


def _word_end(text: str, at: int) -> int:
    """Where the word ends that begins at `at`: quotes, ${...}, $(...) and `...` belong to it, whatever they hold."""
    open_: list[str] = []
    tick, end = -1, len(text)
    while at < end:
        letter, top = text[at], open_[-1] if open_ else ""
        if letter == "\\":
            at += 1
        elif letter == "'" and top != '"':
            closing = text.find("'", at + 1)
            at = end if closing < 0 else closing
        elif letter == "`":
            tick = _ticked(open_, tick)
        elif closer := _opened(text, at, top):
            open_.append(closer)
            at += letter in "$<>"
        elif letter == top:
            open_.pop()
            tick = -1 if tick >= len(open_) else tick
        elif not open_ and letter in " \t\r\n;&|()<>":
            break
        at += 1
    return min(at, end)


def _ticked(open_: list[str], tick: int) -> int:
    """A backtick ends what the last one began, with all that was left open in it."""
    if tick < 0:
        open_.append("`")
        return len(open_) - 1
    del open_[tick:]
    return -1


def _opened(text: str, at: int, top: str) -> str:
    """What ends that which begins here; '' when nothing does."""
    letter = text[at]
    if letter == '"':
        return '"' if top != '"' else ""
    if letter == "(":
        return ")" if top == ")" else ""
    if letter in "<>":
        return ")" if top != '"' and text.startswith("(", at + 1) else ""
    if letter == "$":
        return {"(": ")", "{": "}"}.get(text[at + 1 : at + 2], "")
    return ""


def letters(command: Command) -> Iterator[str]:
    """The one-letter options of a command: -qy gives q and y."""
    for word in command.arguments:
        if re.match(r"-[A-Za-z]", word):
            yield from word[1:]
