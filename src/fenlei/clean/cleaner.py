"""The cleaner: chosen steps in a fixed order, repeated until the text no longer changes."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, Self, TypeAlias

from fenlei._checks import check_texts
from fenlei._estimator import Transformer
from fenlei.clean.alignment import Alignment, Tracer
from fenlei.clean.case import to_lower
from fenlei.clean.control import remove_control
from fenlei.clean.digits import zero_digits
from fenlei.clean.editing import EDITOR, Editor
from fenlei.clean.emoji import remove_emoji
from fenlei.clean.links import replace_emails, replace_mentions, replace_urls
from fenlei.clean.markup import strip_html
from fenlei.clean.punctuation import remove_punctuation
from fenlei.clean.repeats import cut_repeats
from fenlei.clean.script import to_simplified
from fenlei.clean.whitespace import collapse_whitespace
from fenlei.clean.width import to_half_width, to_nfkc
from fenlei.exceptions import SettingError

Step: TypeAlias = Callable[..., str]
Address: TypeAlias = Literal["keep", "remove", "replace"]


def _switch(step: Step) -> dict[bool | str, Step | None]:
    return {False: None, True: step}


def _address(step: Callable[..., str], token: str) -> dict[bool | str, Step | None]:
    return {
        "keep": None,
        "remove": partial(step, replacement=" "),
        "replace": partial(step, replacement=f" {token} "),
    }


# Setting -> value -> step, in the order of application. Tags go before addresses, which would swallow "&gt;";
# addresses before full-width forms, since "，" ends a URL and "," does not; white space last, since others
# leave some.
_STEPS: Mapping[str, Mapping[bool | str, Step | None]] = {
    "control": _switch(remove_control),
    "html": _switch(strip_html),
    "urls": _address(replace_urls, "_URL_"),
    "emails": _address(replace_emails, "_EMAIL_"),
    "mentions": _address(replace_mentions, "_USER_"),
    "fullwidth": {"keep": None, "half": to_half_width, "nfkc": to_nfkc},
    "traditional": {"keep": None, "simplify": to_simplified},
    "lowercase": _switch(to_lower),
    "digits": {"keep": None, "zero": zero_digits},
    "emoji": {"keep": None, "remove": remove_emoji},
    "punctuation": {"keep": None, "remove": remove_punctuation},
    "repeats": {},  # a number, not a choice
    "whitespace": _switch(collapse_whitespace),
}
_PASSES = 8
_NESTING = re.compile("[<&＜＆﹤﹠]")


class Cleaner(Transformer):
    r"""Clean texts, each step on or off; the settings are plain JSON values and travel in the model.

    The steps run in the order of the parameters. One may uncover work for another (``&#65313;`` is the
    full-width letter "Ａ"), so they are repeated until nothing changes: cleaning a clean text does nothing.
    What is seen and removed leaves a space, so that its neighbours do not become a word; what is not seen
    leaves nothing.

    Parameters
    ----------
    control : bool, default=True
        Remove control characters, zero-width characters, marks of direction and lone surrogates.
    html : bool, default=True
        Remove HTML tags, comments, scripts and styles; decode entities. "a < b", "<3" and "<色戒>" stay.
    urls, emails, mentions : {"keep", "remove", "replace"}, default="keep"
        What to do with addresses and @users; "replace" puts ``_URL_``, ``_EMAIL_``, ``_USER_``.
    fullwidth : {"keep", "half", "nfkc"}, default="half"
        "half" turns full-width ASCII and the ideographic space into plain ASCII and touches nothing else.
        "nfkc" is Unicode's wider normal form: it also turns "①" into "1" and "㎡" into "m2", so distinctions
        are lost that may matter.
    traditional : {"keep", "simplify"}, default="keep"
        Convert traditional Chinese to simplified.
    lowercase : bool, default=False
        Lower-case all scripts that have cases.
    digits : {"keep", "zero"}, default="keep"
        "zero" puts 0 for each digit: the shape of a number without its value.
    emoji : {"keep", "remove"}, default="keep"
        Emoji carry sentiment; remove them only where they do not.
    punctuation : {"keep", "remove"}, default="keep"
        Punctuation of all scripts and ASCII's symbols.
    repeats : int or None, default=None
        Cut runs of one character, digits excepted, to this many, 1 to 100.
    whitespace : bool, default=True
        One space for each run of white space, none at the ends.

    Raises
    ------
    SettingError
        By `fit` and `transform`, when a setting has an unknown value.

    Examples
    --------
    >>> Cleaner().fit_transform(["<p>ＧＯＯＤ！</p>\n很&nbsp;好"])
    ['GOOD! 很 好']
    >>> Cleaner(urls="remove", repeats=3, traditional="simplify").transform(["見http://a.cn/b看看，哈哈哈哈哈"])
    ['见 看看,哈哈哈']
    """

    def __init__(
        self,
        *,
        control: bool = True,
        html: bool = True,
        urls: Address = "keep",
        emails: Address = "keep",
        mentions: Address = "keep",
        fullwidth: Literal["keep", "half", "nfkc"] = "half",
        traditional: Literal["keep", "simplify"] = "keep",
        lowercase: bool = False,
        digits: Literal["keep", "zero"] = "keep",
        emoji: Literal["keep", "remove"] = "keep",
        punctuation: Literal["keep", "remove"] = "keep",
        repeats: int | None = None,
        whitespace: bool = True,
    ) -> None:
        self.control = control
        self.html = html
        self.urls = urls
        self.emails = emails
        self.mentions = mentions
        self.fullwidth = fullwidth
        self.traditional = traditional
        self.lowercase = lowercase
        self.digits = digits
        self.emoji = emoji
        self.punctuation = punctuation
        self.repeats = repeats
        self.whitespace = whitespace

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the settings; there is nothing to learn."""
        self._steps()
        return self

    def transform(self, X: Any) -> list[str]:
        """Clean each text.

        Parameters
        ----------
        X : sequence of str, shape (n_samples,)

        Returns
        -------
        list of str, shape (n_samples,)
        """
        steps = self._steps()
        return [_clean(text, steps) for text in check_texts(X)]

    def align(self, text: str) -> Alignment:
        """Clean one text, and tell where each of its characters comes from.

        Raises
        ------
        SettingError
            When a setting has an unknown value.
        """
        tracer = Tracer(text)
        return tracer.alignment(_clean(text, [_with(step, tracer) for step in self._steps()], tracer))

    def _steps(self) -> list[Step]:
        steps = (_step(name, getattr(self, name)) for name in _STEPS)
        return [step for step in steps if step is not None]


def _step(name: str, value: object) -> Step | None:
    if name == "repeats":
        return None if value is None else partial(cut_repeats, longest=_check_longest(value))
    choices = _STEPS[name]
    if not isinstance(value, bool | str) or value not in choices:
        known = ", ".join(repr(choice) for choice in choices)
        raise SettingError(f"Cleaner: {name} must be one of {known}; got {value!r}")
    return choices[value]


def _check_longest(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 100:
        raise SettingError(f"Cleaner: repeats must be None or a whole number from 1 to 100; got {value!r}")
    return value


def _with(step: Step, editor: Editor) -> Step:
    """Give a step its editor, if it uses one."""
    return partial(step, editor=editor) if "editor" in inspect.signature(step).parameters else step


def _clean(text: str, steps: list[Step], editor: Editor = EDITOR) -> str:
    """Run the steps until the text is stable.

    Only markup inside markup ("&amp;amp;amp;...", "<<<b>b>b>") needs more than a few passes. Nesting beyond
    `_PASSES` is an attack and not a text: its brackets and ampersands go, so that the time stays linear and
    the result stable.
    """
    text, stable = _repeat(text, steps)
    return text if stable else _repeat(editor.sub(_NESTING, "", text), steps)[0]


def _repeat(text: str, steps: list[Step]) -> tuple[str, bool]:
    for _ in range(_PASSES):
        before = text
        for step in steps:
            text = step(text)
        if text == before:
            return text, True
    return text, False
