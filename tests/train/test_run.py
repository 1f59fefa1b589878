"""The whole road in one call."""

from __future__ import annotations

import pytest

import fenlei
from fenlei.base import TextClassifier
from fenlei.data.dataset import Dataset
from fenlei.data.repair import Repairs
from fenlei.engine.recipe import Run
from fenlei.exceptions import DataError, ModelFolderError, SettingError, UnavailableError, UnknownNameError
from fenlei.persistence import read_manifest
from fenlei.train.run import TrainPlan, nested, train_model

GOOD, BAD = (
    ("很好看", "非常好吃", "好极了", "a good book", "very good"),
    ("很难看", "非常难吃", "差极了", "a bad book", "very bad"),
)


def reviews(copies: int = 6, *, source: str = "reviews.csv") -> Dataset:
    texts, labels = [], []
    for i in range(copies):
        for good, bad in zip(GOOD, BAD, strict=True):
            texts += [f"{good} {i}", f"{bad} {i}"]
            labels += ["good", "bad"]
    return Dataset(texts, labels, range(2, 2 + len(texts)), source)


def test_without_a_validation_set_a_part_is_held_out_and_learned_from_afterwards():
    trained = train_model(reviews())
    assert trained.n_train == 60
    assert trained.validation.n == 6
    assert trained.test is None
    assert trained.model.predict(["真好看", "so bad"]).tolist() == ["good", "bad"]


def test_without_refit_the_held_out_part_stays_out():
    assert train_model(reviews(), plan=TrainPlan(refit=False)).n_train == 54


def test_given_sets_are_used_as_they_are():
    trained = train_model(reviews(), valid=reviews(2, source="dev.csv"), test=reviews(1, source="test.csv"))
    assert (trained.n_train, trained.validation.n, trained.test.n) == (60, 20, 10)


def test_same_seed_same_model():
    first, second = (train_model(reviews(), plan=TrainPlan(seed=5)) for _ in range(2))
    texts = ["好 bad", "no idea"]
    assert (first.model.predict_proba(texts) == second.model.predict_proba(texts)).all()
    assert first.validation.metrics == second.validation.metrics


def test_saves_a_model_with_its_report_and_facts(tmp_path):
    trained = train_model(
        reviews(), test=reviews(1), plan=TrainPlan(command="fenlei train reviews.csv"), out=tmp_path / "m"
    )
    loaded = fenlei.load(trained.folder)
    assert (loaded.predict_proba(["很好"]) == trained.model.predict_proba(["很好"])).all()
    facts = read_manifest(trained.folder).facts
    assert facts["command"] == "fenlei train reviews.csv"
    assert facts["data"] == {"train": "reviews.csv", "valid": "held-out part of reviews.csv", "test": "reviews.csv"}
    assert facts["metrics"]["test"]["accuracy"] == trained.test.metrics["accuracy"]
    assert "fenlei train reviews.csv" in (tmp_path / "m" / "report.html").read_text("utf-8")


def test_learning_curve_grows_to_the_whole(tmp_path):
    train_model(reviews(30), out=tmp_path / "m")
    curve = read_manifest(tmp_path / "m").facts["learning_curve"]
    assert [point["n"] for point in curve] == [27, 67, 135, 270]


def test_repairs_are_made_and_told():
    data = reviews()
    twice = Dataset(data.texts * 2, data.targets * 2, range(2, 122), "reviews.csv")
    trained = train_model(twice, plan=TrainPlan(repairs=Repairs(drop_duplicates=True)))
    assert trained.n_train == 60
    assert any("60" in message for message in trained.messages)


def test_a_leak_is_told_with_the_flag_that_mends_it():
    trained = train_model(reviews(), test=reviews(1))
    assert any("--drop-leaks" in message for message in trained.messages)


def test_multi_label_data():
    trained = train_model(tagged())
    assert trained.validation.multi_label
    assert trained.model.predict(["又好看又便宜"]) == [["look", "price"]]


def tagged() -> Dataset:
    texts = [f"{text} 第{i}条" for i in range(10) for text in ("好看 便宜", "好看", "便宜", "一般")]
    return Dataset(texts, [["look", "price"], ["look"], ["price"], []] * 10, range(1, 41), "m.jsonl")


def test_single_labels_beside_lists_are_lists_of_one():
    ones = Dataset(["真好看", "真便宜"], ["look", "price"], [1, 2], "ones.ft")
    trained = train_model(tagged(), valid=ones, test=ones)
    assert (trained.validation.multi_label, trained.test.metrics["accuracy"]) == (True, 1.0)
    assert any(message.startswith("ones.ft: each text has one label") for message in trained.messages)


@pytest.mark.parametrize("name", ["valid", "test"])
def test_lists_beside_single_labels_are_refused_before_any_work(name, tmp_path):
    steps = []
    lists = Dataset(["好", "一般"], [["good"], ["good", "bad"]], [2, 5], "dev.jsonl")
    with pytest.raises(DataError, match=r"dev\.jsonl, row 5: the text has 2 labels"):
        train_model(reviews(), **{name: lists}, out=tmp_path / "m", progress=steps.append)
    assert steps == []


@pytest.mark.parametrize(
    ("plan", "error", "words"),
    [
        (TrainPlan(model="tfdif"), UnknownNameError, "did you mean 'tfidf'"),
        (TrainPlan(settings={"segmentr": "jieba"}), SettingError, "did you mean 'segmenter'"),
    ],
)
def test_bad_plans_are_refused_before_any_work(plan, error, words, tmp_path):
    steps = []
    with pytest.raises(error, match=words):
        train_model(reviews(), plan=plan, out=tmp_path / "m", progress=steps.append)
    assert steps == []
    assert not (tmp_path / "m").exists()


def test_a_folder_with_other_things_is_refused_before_any_work(tmp_path):
    (tmp_path / "holiday.txt").write_text("x")
    steps = []
    with pytest.raises(ModelFolderError, match="neither empty"):
        train_model(reviews(), out=tmp_path, progress=steps.append)
    assert steps == []


def test_unlabelled_and_empty_data_are_refused():
    with pytest.raises(DataError, match=r"a\.csv: there are no labels"):
        train_model(Dataset(["x"], None, [2], "a.csv"))
    with pytest.raises(DataError, match=r"a\.csv: there are no rows"):
        train_model(Dataset([], [], [], "a.csv"))


def test_dotted_settings_reach_into_dictionaries():
    assert nested({"clean.urls": "remove", "clean.html": False, "C": 1}) == {
        "clean": {"urls": "remove", "html": False},
        "C": 1,
    }
    model = train_model(reviews(), plan=TrainPlan(settings={"clean.urls": "remove"})).model
    assert model.preparation_.transform(["见http://a.cn"]) == ["见"]


def test_to_dict_is_plain():
    import json

    plain = train_model(reviews(), test=reviews(1)).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False))["validation"]["n"] == 6
    assert plain["family"] == "tfidf"


def test_what_the_user_should_know_is_told_at_once_and_kept():
    seen = []
    run = Run(message=seen.append)
    trained = train_model(reviews(), test=reviews(1), progress=lambda step: seen.append(f"step {step}"), run=run)
    leak = next(message for message in trained.messages if "--drop-leaks" in message)
    assert seen.index(leak) < seen.index("step fit")
    assert [one for one in seen if not one.startswith("step ")] == list(trained.messages)


def test_what_is_not_at_hand_is_refused_before_any_work(monkeypatch):
    def refuse(self, message):
        message("the encoder is looked for")
        raise UnavailableError("no hub")

    seen = []
    monkeypatch.setattr(TextClassifier, "check_at_hand", refuse)
    with pytest.raises(UnavailableError, match="no hub"):
        train_model(reviews(), progress=seen.append, run=Run(message=seen.append))
    assert seen == ["the encoder is looked for"]
