"""The words of the monitor's page in English and in Chinese; both stand in the page, and a switch shows one."""

from __future__ import annotations

from markupsafe import Markup

from fenlei.evaluation._words import both

WORDS: dict[str, tuple[str, str]] = {
    "monitor": ("Monitor", "监控"),
    "about": ("{n} predictions, {since} to {until}", "{n} 次预测，{since} 至 {until}"),
    "version": ("version {version}", "版本 {version}"),
    "no predictions": ("No predictions in this time.", "这段时间内没有预测。"),
    "no alerts": ("No alerts.", "没有警报。"),
    "alert drift": (
        "{feature} has drifted: PSI {value}, on {n} predictions.", "{feature}已漂移：PSI {value}，共 {n} 次预测。",
    ),
    "alert accuracy": (
        "Accuracy has dropped by {value} points, on {n} texts with feedback.",
        "准确率下降 {value} 个百分点，依据 {n} 条反馈。",
    ),
    "predictions": ("Predictions", "预测数"),
    "per window": ("per {window}", "每 {window}"),
    "latency": ("Latency, milliseconds", "延迟（毫秒）"),
    "score": ("Score", "得分"),
    "mean score": ("Mean score", "平均得分"),
    "abstained": ("Abstained", "弃答"),
    "accuracy": ("Accuracy", "准确率"),
    "accuracy note": ("{n} feedbacks; 95% interval {low}–{high}%", "{n} 条反馈；95% 置信区间 {low}–{high}%"),
    "expected": ("{value}% after training", "训练后为 {value}%"),
    "no feedback": ("no feedback yet", "尚无反馈"),
    "over time": ("Over time", "随时间变化"),
    "over time how": (
        "Windows of {window}; accuracy is that of the predictions made in a window, with its 95% interval.",
        "每个窗口为 {window}；准确率属于该窗口内的预测，竖线为 95% 置信区间。",
    ),
    "time": ("Time", "时间"),
    "label shares": ("Share of each label", "各标签占比"),
    "others": ("others", "其他"),
    "drift": ("Drift from training", "与训练数据相比的漂移"),
    "drift how": (
        "How unlike training are the texts and the answers? PSI below 0.1 is little, from {strong} much; p is that of "
        "a chi-square test, corrected for the number of features. Drift is what both call so. Training: {n} texts.",
        "文本与答案和训练时有多大不同？PSI 低于 0.1 变化很小，达到 {strong} 变化很大；"
        "p 为卡方检验的 p 值，已按特征数校正。两者都达到才算漂移。训练文本 {n} 条。",
    ),
    "no reference": (
        "Nothing to compare with: give the folder of the model with --model-folder.",
        "没有可比较的训练数据：请用 --model-folder 给出模型文件夹。",
    ),
    "feature": ("Feature", "特征"),
    "verdict": ("Drift", "漂移"),
    "PSI": ("PSI", "PSI"),
    "p": ("p", "p"),
    "n": ("Now", "现在"),
    "n_reference": ("Training", "训练"),
    "psi over time": ("PSI over time", "PSI 随时间变化"),
    "length": ("length", "文本长度"),
    "language": ("language", "语言"),
    "unknown": ("unknown characters", "未见过的字符"),
    "label": ("label", "标签"),
    "then": ("training", "训练"),
    "now": ("now", "现在"),
    "share": ("Share", "占比"),
    "too few to say": ("too few to say", "数量太少，无法判断"),
    "none": ("none", "无"),
    "slight": ("slight", "轻微"),
    "strong": ("strong", "显著"),
    "confusions": ("What was answered wrongly", "答错的情况"),
    "confusions how": (
        "Among the predictions with feedback. People tell of errors more often than of right answers.",
        "仅统计有反馈的预测。人们更常反馈错误，而不是正确的答案。",
    ),
    "true": ("True", "真实"),
    "answer": ("Answer", "答案"),
    "times": ("Times", "次数"),
    "share of true": ("Share of the true label", "占真实标签的比例"),
    "made": ("Made {at} with fenlei", "由 fenlei 生成于 {at}"),
}  # fmt: skip


def word(key: str, **values: object) -> Markup:
    """Return the words of `key` in both languages as HTML, with `values` escaped and put in.

    Examples
    --------
    >>> print(word("version", version="a<b"))
    <span class="w" lang="en">version a&lt;b</span><span class="w" lang="zh">版本 a&lt;b</span>
    """
    return both(*(Markup(sentence).format(**values) for sentence in WORDS[key]))  # noqa: S704  (ours)


def plain_word(key: str, language: str) -> str:
    """Return the words of `key` in one language, ``"en"`` or ``"zh"``."""
    return WORDS[key][language == "zh"]
