"""Training networks with the whole road: checkpoints, resuming, the second fit, history, logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import fenlei
from fenlei.data.dataset import Dataset
from fenlei.engine.recipe import Run
from fenlei.exceptions import ModelFolderError, SettingError
from fenlei.persistence import read_manifest
from fenlei.train.run import TrainPlan, train_model

pytest.importorskip("torch")

SETTINGS = {"dim": 8, "filters": 4, "widths": [1, 2], "epochs": 6, "batch_size": 16, "precision": "float32",
            "learning_rate": 0.01}  # fmt: skip
PLAN = TrainPlan(model="textcnn", settings=SETTINGS, audit=False)


class Killed(BaseException):
    pass


def reviews(n: int = 120) -> Dataset:
    texts = [f"{('好看', '难看', 'good', 'awful')[i % 4]} 第{i}次" for i in range(n)]
    return Dataset(texts, ["good", "bad"] * (n // 2), range(2, 2 + n), "reviews.csv")


def kill_at(fit: str, step: int):
    """Whom to tell the steps of the work, and those of the network."""
    doing = [""]

    def advance(progress):
        if doing[0] == fit and progress.step == step:
            raise Killed

    return (lambda what: doing.__setitem__(0, what)), advance


def weights(folder) -> bytes:
    return (folder / "weights.safetensors").read_bytes()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "m"
    return train_model(reviews(), plan=PLAN, out=out)


def test_the_model_learns_from_all_texts_for_the_best_number_of_epochs(whole):
    assert whole.n_train == 120
    assert whole.model.stop_after in range(1, 7)
    assert whole.model.hold_out == 0
    assert len(whole.model.history_) == whole.model.stop_after
    best = max(whole.history, key=lambda epoch: (epoch["valid_accuracy"], -epoch["valid_loss"]))
    assert best["epoch"] == whole.model.stop_after
    rates = [epoch["learning_rate"] for epoch in whole.model.history_]
    assert rates[-1] > 0 or whole.model.stop_after == 6
    assert fenlei.load(whole.folder).predict(["真好看"]).tolist() == ["good"]


def test_history_is_in_facts_and_report_and_no_checkpoint_is_left(whole):
    facts = read_manifest(whole.folder).facts
    assert facts["history"] == list(whole.history)
    assert facts["learning_curve"] == []
    page = (whole.folder / "report.html").read_text("utf-8")
    assert 'id="history"' in page
    assert "验证集" in page
    assert [path.name for path in whole.folder.parent.iterdir()] == ["m"]
    assert whole.to_dict()["history"] == list(whole.history)


@pytest.mark.parametrize(("fit", "step"), [("fit", 5), ("fit on all", 3)])
def test_killed_in_either_fit_and_resumed_it_gives_the_same_weights(whole, tmp_path, fit, step):
    tell, advance = kill_at(fit, step)
    with pytest.raises(Killed):
        train_model(reviews(), plan=PLAN, out=tmp_path / "m", progress=tell, run=Run(every_seconds=0, progress=advance))
    assert {path.name for path in tmp_path.iterdir()} == {"m.training"}
    resumed = train_model(reviews(), plan=PLAN, out=tmp_path / "m", run=Run(resume=True))
    assert weights(resumed.folder) == weights(whole.folder)
    assert [epoch["valid_loss"] for epoch in resumed.history] == [epoch["valid_loss"] for epoch in whole.history]
    assert {path.name for path in tmp_path.iterdir()} == {"m"}


def test_without_resume_it_begins_anew(whole, tmp_path):
    tell, advance = kill_at("fit", 5)
    run = Run(every_seconds=0, progress=advance)
    with pytest.raises(Killed):
        train_model(reviews(), plan=replace(PLAN, seed=3), out=tmp_path / "m", progress=tell, run=run)
    again = train_model(reviews(), plan=PLAN, out=tmp_path / "m")
    assert weights(again.folder) == weights(whole.folder)


def test_resuming_with_other_settings_is_refused(tmp_path):
    tell, advance = kill_at("fit", 5)
    run = Run(every_seconds=0, progress=advance)
    with pytest.raises(Killed):
        train_model(reviews(), plan=PLAN, out=tmp_path / "m", progress=tell, run=run)
    other = replace(PLAN, settings={**SETTINGS, "epochs": 7})
    with pytest.raises(SettingError, match="of another training"):
        train_model(reviews(), plan=other, out=tmp_path / "m", run=Run(resume=True))


def test_resuming_what_has_ended_or_has_no_epochs_is_refused(whole, tmp_path):
    with pytest.raises(SettingError, match="has ended, there is nothing to resume"):
        train_model(reviews(), plan=PLAN, out=whole.folder, run=Run(resume=True))
    with pytest.raises(SettingError, match="resume has no effect with 'tfidf'"):
        train_model(reviews(), out=tmp_path / "m", run=Run(resume=True))
    with pytest.raises(SettingError, match="tensorboard has no effect with 'tfidf'"):
        train_model(reviews(), out=tmp_path / "m", run=Run(tensorboard=tmp_path))
    with pytest.raises(SettingError, match="folder of the model must be given"):
        train_model(reviews(), plan=PLAN, run=Run(resume=True))


@pytest.mark.parametrize("logs", ["m", "m/logs", "."])
def test_logs_in_the_folder_of_the_model_are_refused_before_any_work(logs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    steps = []
    out = "fit" if logs == "." else "m"  # the logs of the first fit go to ./fit
    with pytest.raises(SettingError, match=f"would lie in {out}, the folder of the model"):
        train_model(reviews(), plan=PLAN, out=out, progress=steps.append, run=Run(tensorboard=Path(logs)))
    assert (steps, list(tmp_path.iterdir())) == ([], [])


def test_logs_in_another_model_are_refused_before_any_work(whole, tmp_path):
    steps = []
    with pytest.raises(ModelFolderError, match="lies in the model folder"):
        train_model(reviews(), plan=PLAN, out=tmp_path / "m", progress=steps.append, run=Run(tensorboard=whole.folder))
    assert steps == []


def test_a_given_validation_set_chooses_the_epoch_and_its_unknown_labels_count_as_wrong(tmp_path):
    valid = Dataset(["好看", "难看", "怪"], ["good", "bad", "odd"], range(2, 5), "dev.csv")
    trained = train_model(reviews(), valid=valid, plan=PLAN)
    assert trained.n_train == 120
    assert trained.validation.n == 3
    assert trained.validation.metrics["accuracy"] <= 2 / 3
    assert all("valid_loss" in epoch for epoch in trained.history)
    assert trained.model.stop_after is None


def test_several_labels_a_text_and_texts_that_are_cut(tmp_path):
    data = reviews()
    sets = replace(data, targets=[["a"] if i % 2 else ["a", "b"] for i in range(120)])
    plan = replace(PLAN, settings={**SETTINGS, "max_length": 3, "epochs": 2})
    trained = train_model(sets, plan=plan, run=Run(tensorboard=tmp_path / "logs"))
    assert trained.validation.multi_label
    cut = [message for message in trained.messages if "are longer than max_length=3" in message]
    assert cut and "tokens at their ends are not read" in cut[0]
    assert {path.name for path in (tmp_path / "logs").iterdir()} == {"fit", "fit-on-all"}


def test_of_several_processes_only_the_first_writes(monkeypatch, tmp_path):
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "1")
    assert train_model(reviews(), out=tmp_path / "m").model.family == "tfidf"
    assert list(tmp_path.iterdir()) == []


def test_a_learning_curve_only_on_request(tmp_path):
    plan = replace(PLAN, settings={**SETTINGS, "epochs": 1}, learning_curve=True, refit=False)
    train_model(reviews(240), plan=plan, out=tmp_path / "m")
    assert len(read_manifest(tmp_path / "m").facts["learning_curve"]) == 4


def test_what_an_older_training_left_of_the_second_fit_does_not_stop_resuming(whole, tmp_path):
    for plan, fit in ((replace(PLAN, seed=3), "fit on all"), (PLAN, "fit")):
        tell, advance = kill_at(fit, 5)
        run = Run(every_seconds=0, progress=advance)
        with pytest.raises(Killed):
            train_model(reviews(), plan=plan, out=tmp_path / "m", progress=tell, run=run)
    resumed = train_model(reviews(), plan=PLAN, out=tmp_path / "m", run=Run(resume=True))
    assert weights(resumed.folder) == weights(whole.folder)
