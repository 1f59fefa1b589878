"""Stop words: words that tell how a sentence is built and not what it is about.

Words that turn or weigh a judgement are left out of both lists on purpose ("not", "but", "too", "very"; "不",
"没有", "但是", "太", "很"): without them "not good" and "good" would be one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

from fenlei._estimator import Transformer
from fenlei.exceptions import DataError, SettingError, UnknownNameError

CHINESE = frozenset(
    """
    的 地 得 了 着 过 们 之 其 所 者 等 吗 呢 吧 啊 呀 哦 嘛 啦 呗 哎 嗯 是 在 于 有 为 与 和 及 以及 同
    跟 或 或者 还是 而 且 而且 并 并且 则 因 因为 由于 所以 因此 于是 从而 如 如果 假如 若 即 既 既然 无论
    不管 由 从 自 自从 到 至 向 往 朝 对 对于 关于 按 按照 根据 通过 以 把 将 被 让 使 比 当 这 那 此 该
    这个 那个 这些 那些 这样 那样 这里 那里 这儿 那儿 这么 那么 哪 哪个 哪些 哪里 什么 谁 怎么 怎样 如何
    为什么 几 多少 我 你 您 他 她 它 我们 你们 他们 她们 它们 咱 咱们 自己 大家 某 某些 各 每 每个 一个
    一些 一种 个 些 种 也 都 又 再 就 便 已 已经 曾 曾经 正 正在 时 时候 上 下 里 中 之间 以后 以前 之后
    之前
    """.split()  # noqa: SIM905  (a list would be one word a line)
)
ENGLISH = frozenset(
    """
    a about above across after again along also although am among an and any are around as at be because
    become been before behind being below between both by came can come could did do does doing done down
    during each either else etc every for from further get gets had has have having he her here hers
    herself him himself his how i if in into is it its itself let may me might mine must my myself now of
    off on once one onto or other others our ours ourselves out over own per same shall she should since
    so some such than that the their theirs them themselves then there these they this those through thus
    till to toward towards under until up upon us was we were what whatever when where whether which while
    who whom whose why will with within would yet you your yours yourself yourselves i'm i've i'll i'd
    you're you've you'll you'd he's he'll she's she'll it's it'll we're we've we'll they're they've
    they'll that's there's here's what's who's let's
    """.split()  # noqa: SIM905
)
_LISTS = {"zh": CHINESE, "en": ENGLISH, "zh+en": CHINESE | ENGLISH}


class StopWordFilter(Transformer):
    """Take stop words out of tokens, whatever their case and the form of their apostrophe.

    Parameters
    ----------
    words : {"zh", "en", "zh+en"} or sequence of str, default="zh+en"
        A list of this module, or words of one's own.

    Raises
    ------
    UnknownNameError
        By `fit` and `transform`, when there is no list of that name.
    SettingError
        When `words` is not a sequence of strings.
    DataError
        By `transform`, when a row is not a list of tokens.

    Examples
    --------
    >>> StopWordFilter().transform([["这", "家", "的", "菜", "不", "好"], ["The", "food", "is", "bad"]])
    [['家', '菜', '不', '好'], ['food', 'bad']]
    >>> StopWordFilter(["food"]).transform([["Food", "is", "good"]])
    [['is', 'good']]
    """

    def __init__(self, words: str | Sequence[str] = "zh+en") -> None:
        self.words = words

    def fit(self, X: Any, y: Any = None) -> Self:
        """Check the settings; there is nothing to learn."""
        _stop_words(self.words)
        return self

    def transform(self, X: Iterable[Sequence[str]]) -> list[list[str]]:
        """Return the tokens that are no stop words.

        Parameters
        ----------
        X : iterable of sequence of str, shape (n_samples,)

        Returns
        -------
        list of list of str, shape (n_samples,)
        """
        stop = _stop_words(self.words)
        return [_keep(tokens, stop, row) for row, tokens in enumerate(X, 1)]

    def settings(self) -> dict[str, Any]:
        """Return JSON values from which ``StopWordFilter(**settings)`` rebuilds this filter."""
        return {"words": self.words if isinstance(self.words, str) else list(self.words)}


def _keep(tokens: Sequence[str], stop: frozenset[str], row: int) -> list[str]:
    if isinstance(tokens, str):
        raise DataError("expected a list of tokens, got one string; segment the texts first", row=row)
    return [token for token in tokens if _spelling(token) not in stop]


def _spelling(word: str) -> str:
    return word.lower().replace("’", "'")


def _stop_words(words: object) -> frozenset[str]:
    if isinstance(words, str):
        if words not in _LISTS:
            raise UnknownNameError("list of stop words", words, _LISTS)
        return _LISTS[words]
    if not isinstance(words, Sequence) or not all(isinstance(word, str) for word in words):
        raise SettingError("words must be 'zh', 'en', 'zh+en' or a list of words")
    return frozenset(map(_spelling, words))
