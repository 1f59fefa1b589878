"""The page: its files alone, and every part of it clicked in a headless Chromium."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import fenlei
from fenlei import NbsvmClassifier, TfidfClassifier, save

PAGE = Path(fenlei.__file__).parent / "serve" / "page"
SCRIPTS = sorted(PAGE.glob("*.js"))
MARKUP = (PAGE / "index.html").read_text(encoding="utf-8")
KEY = "a key of the tests, long enough"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TEXTS = [
    "房间很干净，下次还来", "服务热情，房间干净", "早餐好吃，很满意", "a warm and funny film",
    "房间很脏，不会再来", "服务冷淡，房间又脏", "早餐难吃，很失望", "a dull and boring film",
]  # fmt: skip
LABELS = ["好评"] * 4 + ["差评"] * 4
NEVER_TOLD_TO_THE_PAGE = {  # of what it does not ask for, or told in words of the place where it is met
    "lone_surrogate", "no_monitor", "not_json", "reload_failed", "unknown_output", "unknown_prediction",
    "unknown_version", "wrong_shape",
}  # fmt: skip
TRICKY = "😀房间很干净<img src=x onerror=alert(1)>，𠮷服务\n很满意"


def words_of(language):
    """Keys and words of one of the dictionaries."""
    text = (PAGE / "dictionary.js").read_text(encoding="utf-8")
    part = text.split(f"export const {language} = {{")[1].split("\n};")[0]
    return {
        json.loads(key): json.loads(value) for key, value in re.findall(r'^\s*(".+?"): (".*"),$', part, re.MULTILINE)
    }


def test_nothing_in_the_page_runs_but_its_own_files():
    assert "default-src 'self'" in MARKUP
    assert re.findall(r"<script[^>]*>", MARKUP) == ['<script type="module" src="page/app.js">']
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", MARKUP)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_make_no_markup_of_data_and_ask_no_other_server(path):
    code = path.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", code)
    assert not re.search(r"[\"'`](https?:)?//(?!www\.w3\.org/2000/svg)", code)
    assert code.startswith("// ")


def test_the_page_is_small():
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < 120_000


def test_both_languages_have_the_same_words():
    english, chinese = words_of("en"), words_of("zh")
    assert len(english) > 100
    assert english.keys() == chinese.keys()
    for key, words in english.items():
        assert set(re.findall(r"\{\w+\}", words)) == set(re.findall(r"\{\w+\}", chinese[key])), key


def test_every_key_has_words_and_all_words_are_used():
    code = MARKUP + "".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.name != "dictionary.js")
    known = words_of("en").keys()
    asked = set(re.findall(r'\bt\("([^"]+)"', code)) | set(re.findall(r'data-t[\w-]*="([^"]+)"', code))
    assert asked <= known
    families = ("error.", "language.", "feature.", "verdict.", "monitor.alert.", "why.")
    assert {key for key in known - asked if not key.startswith(families)} - set(
        re.findall(r'"([\w.-]+)"', code)
    ) == set()


def test_what_the_server_refuses_has_words():
    code = "".join(path.read_text(encoding="utf-8") for path in PAGE.parent.rglob("*.py"))
    told = set(re.findall(r'ServeError\(\s*\d+, "(\w+)"', code))
    assert len(told) > 15
    assert {code for code in told if f"error.{code}" not in words_of("en")} == NEVER_TOLD_TO_THE_PAGE


def test_every_element_that_is_asked_for_is_there():
    code = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    made = set(re.findall(r'id="([\w-]+)"', MARKUP)) | set(re.findall(r'\bid: "([\w-]+)"', code))
    assert set(re.findall(r'\$\("([\w-]+)"\)', code)) <= made


# From here on with a server and a browser.


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    made = {
        "hotel": TfidfClassifier().fit(TEXTS, LABELS),
        "other": NbsvmClassifier().fit(TEXTS, ["好评", "差评", *LABELS[2:6], "好评", "差评"]),
        "topics": TfidfClassifier().fit(TEXTS, [["房间"], ["房间", "服务"], ["早餐"], []] * 2),
    }
    for name, model in made.items():
        save(model, folder / name)
    return folder, made


@contextmanager
def serving(folder, names=("hotel", "other", "topics"), **settings):
    """Serve the models in a thread; gives the address."""
    uvicorn = pytest.importorskip("uvicorn", reason="the server needs uvicorn")
    from fenlei.serve.app import create_app
    from fenlei.serve.settings import ServeSettings

    app = create_app(ServeSettings({name: folder / name for name in names}, **settings))
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium to click in")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(browser, models, tmp_path_factory):
    pytest.importorskip("fastapi", reason="the server needs fastapi")
    pytest.importorskip("sqlalchemy", reason="the monitor needs sqlalchemy")
    database = tmp_path_factory.mktemp("monitor") / "predictions.db"
    with serving(models[0], abstain_below=0.55, monitor=str(database)) as address:
        yield address


@pytest.fixture
def open_page(browser):
    """Open a page in a browser of its own, which reaches no host but the server.

    What goes wrong in its scripts fails the test, and what it asks of others.
    """
    contexts, wrong = [], []

    def open_one(address, *, locale="zh-CN", width=1100, ready="#model option", **more):
        context = browser.new_context(locale=locale, viewport={"width": width, "height": 800}, **more)
        contexts.append(context)
        context.route(lambda url: not url.startswith((address.partition("#")[0], "data:", "blob:")), refuse)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if is_bad(message) else None)
        page.goto(address)
        page.wait_for_selector(ready, state="attached")
        return page

    def refuse(route):
        wrong.append(f"asks {route.request.url}")
        route.abort()

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []


def is_bad(message):
    """Whether the console tells of a mistake; of a refused request it tells too."""
    return message.type in ("error", "warning") and "Failed to load resource" not in message.text


def classify(page, text):
    page.fill("#text-input", text)
    page.click("#text-go")
    page.wait_for_function("text => document.querySelector('#why-text')?.textContent === text", arg=text)


@contextmanager
def recorded(page, address, model, n=1):
    """Go on when the monitor, which writes in the background, has `n` more predictions of the model."""

    def count():
        return page.request.get(f"{address}v1/monitor", params={"model": model}).json()["n"]

    before, deadline = count(), time.monotonic() + 10
    yield
    while count() < before + n:
        assert time.monotonic() < deadline, f"the monitor has not written {n} predictions"
        page.wait_for_timeout(50)


def test_one_text(site, open_page, models):
    page = open_page(site)
    classify(page, TRICKY)
    assert page.inner_text("#text-label") == "好评"
    assert page.locator("#text-result img").count() == 0
    shown = dict(
        zip(
            page.locator("#text-scores .name").all_inner_texts(),
            page.locator("#text-scores .num").all_inner_texts(),
            strict=True,
        )
    )
    (scores,) = models[1]["hotel"].predict_proba([TRICKY])
    assert shown == {
        label: f"{100 * p:.1f}%" for label, p in zip(["好评", "差评"], sorted(scores, reverse=True), strict=True)
    }
    marked = page.locator("mark.for").all_inner_texts()
    assert any("干净" in part for part in marked)
    page.locator("#why-text mark.for").first.hover()
    assert re.search(r"“.+”：\+\d", page.inner_text(".readout"))
    page.click("summary")
    assert page.locator("#why-weights tbody tr").count() == page.locator("#why-text mark").count()


def test_the_weights_are_those_of_the_server_at_its_offsets(site, open_page):
    page = open_page(site)
    with page.expect_response("**/v1/predict") as answer:
        classify(page, TRICKY)
    segments = answer.value.json()["predictions"][0]["explanation"]["segments"]
    expected = [TRICKY[s["start"] : s["end"]] for s in segments if s["weight"]]
    assert page.locator("#why-text mark").all_text_contents() == expected


def test_offsets_are_counted_by_code_points(site, open_page):
    page = open_page(site)
    text = "a😀𠮷b\u0301中👩‍👩‍👧z"
    segments = [{"start": i, "end": i + 1, "weight": i} for i in range(len(text))]
    cut = "([text, segments]) => import('/page/offsets.js').then((m) => m.piecesOf(text, segments).map((p) => p.text))"
    assert page.evaluate(cut, [text, segments]) == list(text)
    odd = [
        {"start": 4, "end": 99, "weight": 1},
        {"start": 1, "end": 2, "weight": 1},
        {"start": 1, "end": 3, "weight": 2},
    ]
    assert page.evaluate(cut, [text, odd]) == [text[0], text[1], text[2], text[3], text[4:]]
    assert page.evaluate(cut, ["", []]) == []


def test_abstaining_is_shown(site, open_page):
    page = open_page(site, locale="en-US")
    classify(page, "zzz")
    assert "abstains" in page.inner_text("#text-abstained")
    assert "known to the model" in page.inner_text("#text-result")


def test_a_text_too_long_to_explain_is_labelled_all_the_same(site, open_page):
    page = open_page(site, locale="en-US")
    page.fill("#text-input", "很满意" * 1000)
    page.click("#text-go")
    page.wait_for_selector("#text-label")
    assert "too long to explain" in page.inner_text("#why-text")


def test_the_other_model_answers_when_it_is_chosen(site, open_page, models):
    page = open_page(site)
    classify(page, TEXTS[1])
    before = page.inner_text("#text-label")
    page.select_option("#model", "other")
    page.wait_for_function("before => document.querySelector('#text-label').textContent !== before", arg=before)
    assert [before, page.inner_text("#text-label")] == [
        models[1][name].predict([TEXTS[1]])[0] for name in ("hotel", "other")
    ]
    assert "nbsvm" in page.inner_text("#model-facts")


def held(page, pattern, wanted):
    """Keep the requests that are wanted from the server; `continue_` of each lets it go."""
    kept = []
    page.route(pattern, lambda route: kept.append(route) if wanted(route.request) else route.continue_())
    return kept


def test_the_last_question_is_answered_whichever_answer_comes_last(site, open_page, models):
    page = open_page(site)
    classify(page, TEXTS[1])
    late = held(page, "**/v1/predict", lambda request: request.post_data_json["model"] == "topics")
    page.select_option("#model", "topics")
    page.select_option("#model", "other")
    (label,) = models[1]["other"].predict([TEXTS[1]])
    page.wait_for_function("label => document.querySelector('#text-label').textContent === label", arg=label)
    assert page.is_enabled("#text-go")
    late[0].continue_()
    page.wait_for_timeout(300)
    assert page.inner_text("#text-label") == label
    assert page.inner_text("#text-status") == ""


def test_nothing_is_asked_before_the_models_are_known(site, open_page):
    page = open_page(site)
    held(page, "**/v1/models", lambda request: True)
    page.reload()
    page.fill("#text-input", TEXTS[0])
    page.keyboard.press("Control+Enter")
    assert page.inner_text("#text-status") == ""


def test_feedback_reaches_the_monitor(site, open_page):
    page = open_page(site, locale="en-US")
    with recorded(page, site, "hotel"):
        classify(page, TEXTS[0])
    page.click("text=Wrong")
    page.click("text=Send")
    page.wait_for_selector("text=Thank you")
    page.click("#tab-monitor")
    page.wait_for_selector("#monitor-figures")
    assert "of 1 with feedback" in page.inner_text("#monitor-figures")
    assert page.locator("figure svg").count() == 3
    assert page.get_by_role("img", name="Predictions over time").count() == 1


def count_of(page, model):
    """Predictions of a model, once the monitor shows them."""
    page.wait_for_function("name => document.querySelector('#monitor-status').textContent.startsWith(name)", arg=model)
    return int(page.locator("#monitor-figures .big").first.inner_text())


def test_the_monitor_of_each_model(models, open_page, tmp_path):
    with serving(models[0], monitor=str(tmp_path / "predictions.db")) as address:
        page = open_page(address)
        with recorded(page, address, "hotel", 2):
            classify(page, TEXTS[0])
            classify(page, TEXTS[1])
        with recorded(page, address, "other"):
            page.select_option("#model", "other")
        page.click("#tab-monitor")
        assert count_of(page, "other") == 1
        page.locator("#monitor").get_by_label("模型").select_option("hotel")
        assert count_of(page, "hotel") == 2
        page.select_option("#monitor-model", "topics")
        page.wait_for_selector("text=还没有预测记录")
        assert not page.is_visible("#monitor-figures")
        assert page.input_value("#model") == "other"


def test_the_last_model_chosen_is_shown_whichever_answer_comes_last(site, open_page):
    page = open_page(site, locale="en-US")
    with recorded(page, site, "hotel"):
        classify(page, TEXTS[0])
    page.click("#tab-monitor")
    page.wait_for_selector("#monitor-choice:not([hidden])")
    late = []

    def hold(route):
        late.append(route)

    page.route("**/v1/monitor?model=other", hold)
    page.select_option("#monitor-model", "other")
    page.select_option("#monitor-model", "hotel")
    count_of(page, "hotel")
    late[0].continue_()
    page.wait_for_timeout(300)
    assert page.inner_text("#monitor-status").startswith("hotel")


@pytest.fixture(scope="module")
def drifted_site(browser, drifting, tmp_path_factory):
    """A server whose texts are unlike its training, and whose answers are wrong."""
    pytest.importorskip("sqlalchemy", reason="the monitor needs sqlalchemy")
    database = tmp_path_factory.mktemp("drifted") / "predictions.db"
    with serving(drifting.folder.parent, [drifting.folder.name], monitor=str(database)) as address:
        page = browser.new_page()
        with recorded(page, address, "hotel", len(drifting.drifted)):
            answer = page.request.post(f"{address}predict", data={"inputs": drifting.drifted}).json()
        for prediction in answer["predictions"][:40]:
            page.request.post(f"{address}feedback", data={"id": prediction["id"], "label": "neither"})
        page.close()
        yield address


@pytest.mark.parametrize(
    ("locale", "width", "words"),
    [
        ("en-US", 1100, ("no longer as in training", "Accuracy has fallen by 100 points", "strong drift", "English")),
        ("zh-CN", 360, ("的分布已不同于训练数据", "准确率下降了 100 个百分点", "显著漂移", "英文")),
    ],
)
def test_drift_and_alerts_are_shown(drifted_site, open_page, locale, width, words):
    page = open_page(f"{drifted_site}#monitor", locale=locale, width=width)
    page.wait_for_selector("#monitor-drift")
    drifted, dropped, strong, english = words
    alerts = page.locator("#monitor-alerts li").all_inner_texts()
    assert len([alert for alert in alerts if drifted in alert]) == len(alerts) - 1 > 1
    assert dropped in alerts[-1]
    parts = page.locator("#monitor-drift .sheet")
    assert parts.count() == 5
    assert parts.locator(".badge.bad").all_inner_texts() == [strong] * (len(alerts) - 1)
    language = parts.filter(has_text=english).first
    assert language.locator("u").evaluate_all("marks => marks.map((mark) => mark.style.left)") == ["100%", "0%"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#monitor-drift").evaluate("one => one.scrollWidth <= one.clientWidth")


def test_one_model_leaves_no_choice(models, open_page, tmp_path):
    with serving(models[0], ("hotel",), monitor=str(tmp_path / "predictions.db")) as address:
        page = open_page(address, locale="en-US")
        classify(page, TEXTS[0])
        page.click("#tab-monitor")
        page.wait_for_selector("#monitor-result > *")
        assert not page.is_visible("#monitor-choice")


def test_several_labels(site, open_page, models):
    page = open_page(site, locale="en-US")
    page.select_option("#model", "topics")
    classify(page, TEXTS[1])
    (labels,) = models[1]["topics"].predict([TEXTS[1]])
    assert page.inner_text("#text-label") == ", ".join(labels)
    assert "3 labels" in page.inner_text("#model-facts")
    page.click("text=Wrong")
    assert page.locator(".feedback select").evaluate("one => [...one.selectedOptions].map((o) => o.value)") == labels
    page.locator(".feedback select").select_option(["早餐", "服务"])
    with page.expect_request("**/feedback") as request:
        page.click("text=Send")
    assert request.value.post_data_json["labels"] == ["早餐", "服务"]
    page.click("#tab-lines")
    page.fill("#lines-input", f"{TEXTS[1]}\n{TEXTS[3]}")
    page.click("#lines-go")
    page.wait_for_selector("#lines-result table")
    assert page.locator("#lines-result td.label").first.inner_text() == ", ".join(labels)


def test_many_lines(site, open_page, models):
    page = open_page(site)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#tab-lines")
    page.fill("#lines-input", "\n\n".join([*TEXTS, "=1+1"]) + "\n")
    assert page.inner_text("#lines-count") == "共 9 条"
    page.click("#lines-go")
    page.wait_for_selector("#lines-result table")
    labels = models[1]["hotel"].predict([*TEXTS, "=1+1"]).tolist()
    first_words = "cells => cells.map((cell) => cell.firstChild.textContent)"
    assert page.locator("#lines-result td.label").evaluate_all(first_words) == labels
    page.click("[data-column=score]")
    scores = [float(text.strip("%\n")) for text in page.locator("#lines-result td:last-child").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    page.click("[data-column=score]")
    assert page.get_attribute("th:last-child", "aria-sort") == "ascending"
    page.locator(".chips button", has_text="差评").click()
    assert page.locator("#lines-result tbody tr").count() == labels.count("差评")
    page.click("[data-do=copy]")
    page.wait_for_selector("text=已复制")
    copied = page.evaluate("navigator.clipboard.readText()").splitlines()
    assert copied[0] == "text\tlabel\tscore"
    assert len(copied) == 1 + labels.count("差评")


def sheet(rows, encoding="gb18030"):
    file = io.StringIO(newline="")
    csv.writer(file).writerows([["编号", "标题", "评论"], *rows])
    return {"name": "评论.csv", "mimeType": "text/csv", "buffer": file.getvalue().encode(encoding)}


def test_a_file_comes_back_labelled(site, open_page, models):
    page = open_page(site)
    rows = [[str(-i), f"=1+{i}", f"{TEXTS[i % 8]}，{i}"] for i in range(700)]
    refused = busy(page, "**/v1/predict", times=1)
    page.click("#tab-file")
    page.set_input_files("#file-input", sheet(rows))
    page.wait_for_selector("#file-go")
    assert "评论.csv：700 行，gb18030" in page.inner_text("#file-status")
    assert page.input_value("#file-column") == "评论"
    page.click("#file-go")
    page.wait_for_selector("text=服务器繁忙")
    page.wait_for_selector("#file-save")
    assert refused == [429]
    with page.expect_download() as download:
        page.click("#file-save")
    assert download.value.suggested_filename == "评论.labelled.csv"
    data = Path(download.value.path()).read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    head, *found = csv.reader(io.StringIO(data.decode("utf-8-sig")))
    assert head == ["编号", "标题", "评论", "predicted_label", "predicted_score"]
    assert [row[:3] for row in found] == [[row[0], f"'{row[1]}", row[2]] for row in rows]
    assert [row[3] for row in found] == models[1]["hotel"].predict([row[2] for row in rows]).tolist()


def busy(page, pattern, times):
    """Let the server refuse some requests as if it had too much to do."""
    refused = []

    def answer(route):
        if len(refused) == times:
            return route.continue_()
        refused.append(429)
        body = json.dumps({"error": {"code": "overloaded", "message": "retry"}})
        return route.fulfill(status=429, headers={"Retry-After": "1"}, content_type="application/json", body=body)

    page.route(pattern, answer)
    return refused


def test_a_file_waits_for_a_busy_server(site, open_page):
    page = open_page(site)
    refused = busy(page, "**/v1/table?*", times=2)
    page.click("#tab-file")
    page.set_input_files("#file-input", sheet([["1", "t", TEXTS[0]]]))
    page.wait_for_selector("text=评论.csv · 服务器繁忙，1 秒后重试")
    page.wait_for_selector("#file-go")
    assert refused == [429] * 2
    assert "评论.csv：1 行" in page.inner_text("#file-status")


def test_another_column_stopping_and_what_is_there_by_then(site, open_page):
    page = open_page(site, locale="en-US")
    page.click("#tab-file")
    page.set_input_files("#file-input", sheet([[str(i), f"title {i}", "x"] for i in range(500)]))
    page.wait_for_selector("#file-go")
    page.select_option("#file-column", "标题")
    asked = []

    def slow(route):
        asked.append(json.loads(route.request.post_data)["inputs"])
        if len(asked) == 1:
            route.continue_()

    page.route("**/v1/predict", slow)
    page.click("#file-go")
    page.wait_for_function("() => document.querySelector('#file-progress progress').value > 0")
    page.click("#file-progress button")
    page.wait_for_selector("text=Stopped after 32 of 500")
    assert asked[0][0] == "title 0"
    with page.expect_download() as download:
        page.click("text=Save what is labelled")
    assert len(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()) == 33


def test_a_row_that_cannot_be_answered_stays_without_a_label(site, open_page):
    page = open_page(site, locale="en-US")
    rows = [[str(i), "t", TEXTS[i % 8]] for i in range(9)]
    rows[4][2] = "长" * 20_001
    page.click("#tab-file")
    page.set_input_files("#file-input", sheet(rows))
    page.click("#file-go")
    page.wait_for_selector("text=Rows without an answer: 1")
    assert "The first is number 5: A text is too long." in page.inner_text("#file-result")
    with page.expect_download() as download:
        page.click("#file-save")
    found = list(csv.reader(io.StringIO(Path(download.value.path()).read_text(encoding="utf-8-sig"))))
    assert [bool(row[3]) for row in found[1:]] == [True] * 4 + [False] + [True] * 4


def test_the_last_file_is_read_whichever_comes_last(site, open_page):
    page = open_page(site, locale="en-US")
    late = held(page, "**/v1/table?name=large.csv", lambda request: True)
    page.click("#tab-file")
    for name in ("large.csv", "small.csv"):
        page.set_input_files("#file-input", sheet([["1", "t", TEXTS[0]]]) | {"name": name})
    page.wait_for_selector("#file-go")
    late[0].continue_()
    page.wait_for_timeout(300)
    assert page.inner_text("#file-status").startswith("small.csv")


def test_the_column_of_the_longest_texts_is_offered_when_no_name_tells(site, open_page):
    page = open_page(site)
    page.click("#tab-file")
    data = "甲,乙\n1,房间很干净\n2,服务冷淡\n".encode()
    page.set_input_files("#file-input", {"name": "a.csv", "mimeType": "text/csv", "buffer": data})
    page.wait_for_selector("#file-go")
    assert page.input_value("#file-column") == "乙"


def test_a_file_that_cannot_be_read(site, open_page):
    page = open_page(site)
    page.click("#tab-file")
    page.set_input_files("#file-input", {"name": "a.csv", "mimeType": "text/csv", "buffer": b'text\n"open\n'})
    page.wait_for_selector("text=无法读取文件")
    page.set_input_files("#file-input", {"name": "a.pdf", "mimeType": "text/csv", "buffer": b"x"})
    page.wait_for_selector("text=只能读取")
    large = b"text\n" + b"x" * 11_000_000
    page.set_input_files("#file-input", {"name": "a.csv", "mimeType": "text/csv", "buffer": large})
    page.wait_for_selector("text=文件太大")


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"), ("+cmd|x", "'+cmd|x"), ("@sum", "'@sum"), ("-好", "'-好"), ("＝1", "'＝1"), ("-", "'-"),
        ("\t=1", "'\t=1"), ("-5", "-5"), ("+3.5", "+3.5"), ("-1,200%", '"-1,200%"'), ("-1e5", "-1e5"), ("a=b", "a=b"),
        ('say "x"', '"say ""x"""'), ("好\n坏", '"好\n坏"'), ("", ""),
    ],
)  # fmt: skip
def test_cells_of_a_csv(site, page_for_code, cell, written):
    made = page_for_code.evaluate("(cell) => import('/page/csv.js').then((m) => m.toCsv([[cell]]))", cell)
    assert made == f"\ufeff{written}\r\n"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("好", "好"), ("=1+1", "'=1+1"), ("好\t\n坏", "好 坏"), ('"=1+1"', '"""=1+1"""'), ('"开头', '"""开头"'),
        ('="x"', "\"'=\"\"x\"\"\""), ("-5", "-5"),
    ],
)  # fmt: skip
def test_cells_of_what_is_copied(site, page_for_code, cell, written):
    made = page_for_code.evaluate("(cell) => import('/page/csv.js').then((m) => m.toTsv([[cell, 1]]))", cell)
    assert made == f"{written}\t1"


@pytest.fixture(scope="module")
def page_for_code(browser, site):
    """A page whose modules are called."""
    page = browser.new_page()
    page.goto(site)
    yield page
    page.close()


@pytest.mark.parametrize(
    ("broken_by", "told"),
    [("new DOMException('stopped', 'AbortError')", [True, None]), ("new TypeError('network error')", [False, 0])],
)
def test_an_answer_that_breaks_off_is_no_answer(page_for_code, broken_by, told):
    found = page_for_code.evaluate(f"""async () => {{
        const {{ get, isStopped }} = await import("/page/api.js");
        const whole = window.fetch;
        window.fetch = async () => ({{ ok: true, status: 200, json: () => Promise.reject({broken_by}) }});
        try {{
          return await get("v1/models").catch((error) => [isStopped(error), error.status ?? null]);
        }} finally {{
          window.fetch = whole;
        }}
    }}""")
    assert found == told


def test_two_models_compared(site, open_page, models):
    page = open_page(site, locale="en-US")
    page.click("#tab-compare")
    page.fill("#compare-input", "\n".join(TEXTS))
    page.click("#compare-go")
    page.wait_for_selector("#compare-agreement")
    first, second = (models[1][name].predict(TEXTS) for name in ("hotel", "other"))
    assert page.inner_text("#compare-agreement") == f"{100 * (first == second).mean():.1f}%"
    assert page.locator(".pairs li.differs").count() == (first != second).sum() > 0
    page.check("#compare-only")
    assert page.locator(".pairs > li").count() == (first != second).sum()
    sides = page.locator(".pairs > li").first.locator(".bars")
    assert sides.count() == 2
    assert sides.first.locator(".chosen").inner_text() != sides.last.locator(".chosen").inner_text()


def test_texts_that_a_model_could_not_answer_are_left_out_of_the_comparison_and_counted(site, open_page):
    page = open_page(site, locale="en-US")
    page.click("#tab-compare")
    page.fill("#compare-input", "\n".join([*TEXTS, "长" * 20_001]))
    page.click("#compare-go")
    page.wait_for_selector("#compare-agreement")
    assert "could not answer them: 1. The first is number 9: A text is too long." in page.inner_text("#compare-result")
    assert page.locator(".pairs > li").count() == 8
    page.fill("#compare-input", "长" * 20_001)
    page.click("#compare-go")
    page.wait_for_selector("text=The first is number 1: A text is too long.")
    assert page.locator("#compare-agreement").count() == 0


def test_a_new_comparison_takes_the_old_one_away(site, open_page):
    page = open_page(site, locale="en-US")
    page.click("#tab-compare")
    page.fill("#compare-input", TEXTS[0])
    page.click("#compare-go")
    page.wait_for_selector("#compare-agreement")
    held(page, "**/v1/predict", lambda request: True)
    page.click("#compare-go")
    assert not page.is_visible("#compare-result")
    page.click("text=Stop")
    page.wait_for_selector("text=Stopped after 0 of 2")
    assert page.locator("#compare-result > *").count() == 0


def test_the_language_is_the_browsers_until_another_is_chosen(site, open_page):
    page = open_page(site, locale="de-DE")
    assert page.inner_text("#text-go") == "Classify"
    classify(page, TEXTS[0])
    page.click("text=中文")
    assert page.inner_text("#text-go") == "分类"
    assert "各类别的概率" in page.inner_text("#text-result")
    assert page.get_attribute("html", "lang") == "zh-CN"
    page.reload()
    assert page.title() == "fenlei · 文本分类"
    assert open_page(site).inner_text("#tab-lines") == "多条"


def test_the_keyboard_is_enough(site, open_page):
    page = open_page(site, locale="en-US")
    page.focus("#tab-text")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.id") == "tab-lines"
    assert page.is_visible("#lines") and not page.is_visible("#text")
    page.keyboard.press("End")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("[document.activeElement.id, location.hash]") == ["tab-text", "#text"]
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("房间很干净")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#text-label")


def test_every_control_has_a_name(site, open_page):
    page = open_page(site)
    fill_all(page)
    unnamed = page.evaluate("""() =>
        [...document.querySelectorAll("button, select, textarea, input")]
          .filter((one) => one.tagName !== "BUTTON" || !one.textContent.trim())
          .filter((one) => !one.labels?.length && !one.ariaLabel)
          .map((one) => one.outerHTML)""")
    assert unnamed == []


def fill_all(page):
    """Have results in every part."""
    classify(page, TEXTS[0])
    for part in ("lines", "compare"):
        page.click(f"#tab-{part}")
        page.fill(f"#{part}-input", "\n".join([*TEXTS, "很" * 200]))
        page.click(f"#{part}-go")
        page.wait_for_selector(f"#{part}-result > *")
    page.click("#tab-file")
    page.set_input_files("#file-input", sheet([["1", "a long title of a row", TEXTS[0]]]))
    page.click("#file-go")
    page.wait_for_selector("#file-save")
    page.click("#tab-monitor")
    page.wait_for_selector("#monitor-result > *")


def test_every_part_works_without_a_network(site, open_page):
    page, asked = open_page(site), set()
    page.on("request", lambda request: asked.add(request.url.partition("://")[2].partition("/")[0]))
    page.reload()
    fill_all(page)
    assert asked == {site.partition("://")[2].rstrip("/")}


@pytest.mark.parametrize("locale", ["zh-CN", "en-US"])
def test_nothing_is_wider_than_a_phone(site, open_page, locale):
    page = open_page(site, locale=locale, width=360)
    fill_all(page)
    for part in ("text", "lines", "file", "compare", "monitor"):
        page.click(f"#tab-{part}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, part


_CONTRAST = """
() => {
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (color) => {
    const [r, g, b] = color.match(/[\\d.]+/g).map((v) => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (one) => {
    for (; one; one = one.parentElement) {
      const color = getComputedStyle(one).backgroundColor;
      if (!/rgba\\(.*, (0|0?\\.\\d+)\\)|\\/ /.test(color)) return color;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const poor = [];
  for (const one of document.querySelectorAll("body *")) {
    const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !one.checkVisibility() || one.closest(":disabled, svg, mark")) continue;
    const [a, b] = [light(getComputedStyle(one).color), light(ground(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${one.outerHTML.slice(0, 90)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_their_ground(site, open_page, scheme):
    page = open_page(site, color_scheme=scheme)
    fill_all(page)
    for part in ("text", "lines", "file", "compare", "monitor"):
        page.click(f"#tab-{part}")
        page.mouse.move(0, 700)
        assert page.evaluate(_CONTRAST) == [], part


def test_a_key_is_asked_for_and_kept_until_the_tab_is_closed(browser, models, open_page):
    with serving(models[0], keys=[KEY]) as address:
        page = open_page(address, locale="en-US", ready="#key-dialog[open]")
        page.fill("#key-input", "wrong")
        page.click("text=Use it")
        page.wait_for_selector("text=The server does not know this key")
        page.fill("#key-input", KEY)
        page.keyboard.press("Enter")
        page.wait_for_selector("#model-facts:has-text('tfidf')")
        page.reload()
        classify(page, TEXTS[0])
        assert not page.is_visible("#key-dialog")
        assert not page.is_visible(".feedback")
        page.click("#tab-monitor")
        page.wait_for_selector("#monitor-off")
        other = open_page(address, locale="en-US", ready="#key-dialog[open]")
        other.click("text=Cancel")
        other.wait_for_selector("text=only with an API key")
        assert other.is_disabled("#text-go")


def test_a_server_that_is_gone(models, open_page):
    with serving(models[0]) as address:
        page = open_page(address)
    page.fill("#text-input", "很好")
    page.click("#text-go")
    page.wait_for_selector("text=无法连接服务器")
    assert page.is_enabled("#text-go")
