"""The report's own words in English and in Chinese; both stand in the page, and a switch shows one."""

from __future__ import annotations

from markupsafe import Markup

from fenlei.evaluation._text import printable

WORDS: dict[str, tuple[str, str]] = {
    "report": ("Evaluation report", "评测报告"),
    "language": ("Language", "语言"),
    "on": ("{data}, {n} texts, {k} classes", "{data}，{n} 条文本，{k} 个类别"),
    "test data": ("test data", "测试数据"),
    "summary": (
        "Of {n} test texts {right} were answered right and {wrong} wrong. "
        "Always giving the commonest answer would be right for {baseline}.",
        "{n} 条测试文本中，答对 {right} 条，答错 {wrong} 条。若总是给出最常见的答案，准确率为 {baseline}。",
    ),
    "summary multi": (
        "Of {n} test texts {right} were given exactly the right labels; "
        "{wrong} lack a label or have one too many. "
        "Always giving the commonest answer would be right for {baseline}.",
        "{n} 条测试文本中，{right} 条的标签完全正确，{wrong} 条有漏标或多标。"
        "若总是给出最常见的答案，完全正确率为 {baseline}。",
    ),
    "weakest": (" Weakest class: {label} (F1 {f1}).", "最弱的类别：{label}（F1 {f1}）。"),
    "most confused": (
        " Most frequent confusion: {true} answered as {given}, {times}×.",
        "最常见的混淆：把{true}判为{given}，{times} 次。",
    ),
    "accuracy": ("Accuracy", "准确率"),
    "exact match": ("Exactly right", "完全正确率"),
    "f1_macro": ("Macro F1", "宏平均 F1"),
    "f1_micro": ("Micro F1", "微平均 F1"),
    "roc_auc_macro": ("ROC AUC, macro", "ROC AUC（宏平均）"),
    "average_precision_macro": ("Average precision, macro", "平均精度（宏平均）"),
    "interval": ("95% interval {bounds}", "95% 置信区间 {bounds}"),
    "area note": ("area, 0.5 is guessing", "曲线下面积，0.5 为随机"),
    "ap note": ("area under precision–recall", "精确率–召回率曲线下面积"),
    "interval how": (
        "Intervals are 95% bootstrap intervals over the test texts: differences smaller than their width may be luck.",
        "置信区间为对测试文本重抽样所得的 95% 自助法区间：小于区间宽度的差异可能只是偶然。",
    ),
    "all measures": ("All measures", "全部指标"),
    "measure": ("Measure", "指标"),
    "value": ("Value", "数值"),
    "micro": ("Micro", "微平均"),
    "macro": ("Macro", "宏平均"),
    "weighted": ("Weighted", "加权平均"),
    "lower is better": ("lower is better", "越低越好"),
    "log_loss": ("Log loss", "对数损失"),
    "brier_loss": ("Brier score", "Brier 分数"),
    "calibration_error": ("Calibration error", "校准误差"),
    "hamming_loss": ("Hamming loss", "汉明损失"),
    "baseline_accuracy": ("Accuracy of the commonest answer", "最常见答案的准确率"),
    "roc_auc": ("ROC AUC", "ROC AUC"),
    "average_precision": ("Average precision", "平均精度"),
    "classes": ("Classes", "各类别"),
    "classes how": (
        "Precision: of the answers with this label, the share that is right. "
        "Recall: of the texts with this label, the share found. F1 is their harmonic mean.",
        "精确率：判为该类的文本中判对的比例。召回率：该类文本中被找到的比例。F1 是两者的调和平均。",
    ),
    "class": ("Class", "类别"),
    "precision": ("Precision", "精确率"),
    "recall": ("Recall", "召回率"),
    "f1": ("F1", "F1"),
    "texts": ("Texts", "文本数"),
    "given": ("Answers", "判为该类"),
    "false alarms": ("False alarms", "误报"),
    "misses": ("Misses", "漏报"),
    "confusion": ("Confusion", "混淆矩阵"),
    "confusion how": (
        "Rows are the true classes, columns the answers; numbers are texts, shades shares of the row.",
        "行是真实类别，列是模型的答案；数字为文本数，颜色深浅为占该行的比例。",
    ),
    "confusion cut": (
        " Of {all} classes the {shown} with the most mistakes are shown.",
        "共 {all} 个类别，只显示错误最多的 {shown} 个。",
    ),
    "true": ("True", "真实"),
    "answer": ("Answer", "答案"),
    "true down answer across": ("True ↓ Answer →", "真实 ↓ 答案 →"),
    "frequent confusions": ("Most frequent confusions", "最常见的混淆"),
    "times": ("Times", "次数"),
    "share of class": ("Share of the true class", "占真实类别的比例"),
    "curves": ("ROC and precision–recall", "ROC 与精确率–召回率曲线"),
    "curves short": ("Curves", "曲线"),
    "curves how": (
        "Each class against the rest. With the curves' names stand their areas, the smallest first.",
        "每个类别与其余类别相比。曲线名旁为曲线下面积，从小到大。",
    ),
    "curves faint": (
        " The {named} classes of the smallest average precision are named; the other {faint} are faint.",
        "标出平均精度最低的 {named} 个类别；其余 {faint} 个为浅色。",
    ),
    "roc": ("ROC curves", "ROC 曲线"),
    "pr": ("Precision–recall curves", "精确率–召回率曲线"),
    "tpr": ("True positive rate", "真阳性率"),
    "fpr": ("False positive rate", "假阳性率"),
    "confidence": ("Confidence", "置信度"),
    "histogram": ("Scores of right and wrong answers", "正确与错误答案的得分"),
    "histogram how": (
        "A good model is rarely sure when it is wrong.",
        "好的模型出错时很少十分自信。",
    ),
    "histogram how multi": (
        "Each label that is true or was given counts; wrong ones are false alarms and misses.",
        "统计每个真实或判出的标签；错误包括误报和漏报。",
    ),
    "right": ("right", "正确"),
    "wrong": ("wrong", "错误"),
    "answers": ("Answers", "答案数"),
    "score": ("Score", "得分"),
    "reliability": ("Do the scores come true?", "得分是否可信？"),
    "reliability how": (
        "On the dotted line a score of 0.8 is right 8 times of 10; below it the model is too sure.",
        "在虚线上，得分 0.8 的答案十次中对八次；低于虚线说明模型过于自信。",
    ),
    "share right": ("Share right", "正确比例"),
    "errors": ("Worst errors", "最严重的错误"),
    "errors how": (
        "The {shown} most confident of {wrong} wrong answers. Look here first: many are mistakes in the labels.",
        "{wrong} 个错误答案中最自信的 {shown} 个。请先看这里：其中不少是标注错误。",
    ),
    "no errors": ("No wrong answers.", "没有错误答案。"),
    "more errors": ("{n} more", "再看 {n} 条"),
    "row": ("row {row}", "第 {row} 行"),
    "show all": ("show all", "显示全文"),
    "characters more": ("… and {n} more characters", "……另有 {n} 个字符"),
    "none": ("none", "无"),
    "empty text": ("(empty text)", "（空文本）"),
    "telling": ("Most telling n-grams", "最具区分力的 n 元组"),
    "telling how": (
        "What speaks most for each class, strongest first; ␣ is a space, ^ and $ are the ends of a text, and a "
        "word goes on at ·.",
        "最支持各类别的片段，从强到弱；␣ 表示空格，^ 与 $ 为文本首尾，· 表示单词未完。",
    ),
    "filters": ("What excites the filters", "卷积核的关注点"),
    "filters how": (
        "For each class the filters that speak most for it, strongest first, with the width of each in tokens and the "
        "n-grams of the training texts that it answers loudest to. A deeper shade is a louder answer.",
        "列出最支持各类别的卷积核，从强到弱；数字为卷积核的宽度（词元数），其后是训练文本中使它响应最强的片段，颜色越深响应越强。",
    ),
    "width": ("width {width}", "宽度 {width}"),
    "learning curve": ("Learning curve", "学习曲线"),
    "learning curve how": (
        "Measured after training on parts of the training data. If the lines still rise, more data will help.",
        "用部分训练数据训练后测得。若曲线仍在上升，增加数据会有帮助。",
    ),
    "training texts": ("Training texts", "训练文本数"),
    "history": ("Training", "训练过程"),
    "epoch": ("Epoch", "轮次"),
    "loss": ("Loss", "损失"),
    "valid_loss": ("Loss, held out", "损失（验证集）"),
    "valid_accuracy": ("Accuracy, held out", "准确率（验证集）"),
    "history how": (
        "Of each pass over the training texts: while learning, and on texts held out. "
        "The model is that of the best accuracy on those.",
        "每轮训练的结果：学习中的训练文本与留出的验证文本。所用模型为验证准确率最高的一轮。",
    ),
    "numbers": ("Numbers", "数据表"),
    "audit": ("Data", "数据检查"),
    "no findings": ("The audit found nothing wrong.", "没有发现问题。"),
    "split": ("Split", "数据集"),
    "rows": ("Rows", "行数"),
    "median length": ("Median length", "长度中位数"),
    "longest": ("Longest", "最长"),
    "error": ("error", "错误"),
    "warning": ("warning", "警告"),
    "note": ("note", "提示"),
    "mend": ("mend with {fix}", "修复：{fix}"),
    "leaks": ("Leaks", "测试泄漏"),
    "near-leaks": ("Near leaks", "近似泄漏"),
    "exact-duplicates": ("Duplicates", "完全重复"),
    "normalised-duplicates": ("Duplicates but for case and space", "规范化后重复（仅大小写或空白不同）"),
    "near-duplicates": ("Near duplicates", "近似重复"),
    "conflicting-labels": ("Conflicting labels", "同一文本标签不一致"),
    "empty-texts": ("Empty texts", "空文本"),
    "wordless-texts": ("Texts without a word", "没有文字的文本"),
    "long-texts": ("Long texts", "过长的文本"),
    "length-outliers": ("Unusually long texts", "长度异常的文本"),
    "damaged-texts": ("Damaged texts", "损坏的文本"),
    "lone-surrogates": ("Half characters", "残缺字符"),
    "control-characters": ("Control characters", "控制字符或不可见字符"),
    "html-markup": ("HTML", "含 HTML 标记"),
    "urls": ("Web addresses", "含网址"),
    "mixed-encodings": ("Different encodings", "文件编码不一致"),
    "no-rows": ("No rows", "没有数据行"),
    "single-class": ("A single class", "只有一个类别"),
    "unseen-classes": ("Classes not trained on", "训练集中没有的类别"),
    "unmeasured-classes": ("Classes not measured on", "评测数据中没有的类别"),
    "rare-classes": ("Rare classes", "样本过少的类别"),
    "class-imbalance": ("Imbalance", "类别不均衡"),
    "label-shift": ("Labels distributed differently", "标签分布不同"),
    "label-variants": ("Labels spelt in several ways", "同一标签写法不一"),
    "untidy-labels": ("Untidy labels", "标签含多余空格或全角字符"),
    "similar-labels": ("Labels that look alike", "疑似写错的标签"),
    "empty-labels": ("Empty labels", "空标签"),
    "unlabelled-rows": ("Rows without labels", "没有标签的行"),
    "mixed-targets": ("One label or several", "单标签与多标签混用"),
    "reproduce": ("Reproduce", "复现"),
    "command": ("Command", "命令"),
    "settings": ("Settings", "设置"),
    "setting": ("Setting", "设置项"),
    "environment": ("Environment", "环境"),
    "package": ("Package", "软件包"),
    "version": ("Version", "版本"),
    "seconds": ("Seconds", "耗时（秒）"),
    "step": ("Step", "步骤"),
    "model": ("model", "模型"),
}


def word(key: str, **values: object) -> Markup:
    """Return the words of `key` in both languages as HTML, with `values` escaped and put in.

    Examples
    --------
    >>> print(word("row", row=3))
    <span class="w" lang="en">row 3</span><span class="w" lang="zh">第 3 行</span>
    """
    return both(*(Markup(sentence).format(**values) for sentence in WORDS[key]))  # noqa: S704  (ours)


def named(name: str) -> Markup:
    """Return the words of a measure or of a kind of finding, or its name where there are none."""
    return word(name) if name in WORDS else Markup("{}").format(printable(name))


def both(en: str, zh: str) -> Markup:
    """Put a sentence in two languages side by side; what is not Markup is escaped."""
    span = Markup('<span class="w" lang="{}">{}</span>')
    return Markup("{}").format(en) if en == zh else span.format("en", en) + span.format("zh", zh)


def plain_word(key: str, language: str) -> str:
    """Return the words of `key` in one language, ``"en"`` or ``"zh"``."""
    return WORDS[key][language == "zh"]
