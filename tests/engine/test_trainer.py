"""Training: the best epoch, early ends, resuming to the bit, several processes, and what goes wrong."""

from __future__ import annotations

import errno
import json
import os
import random
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from fenlei.engine.checkpoints import read_newest
from fenlei.engine.measures import evaluate_network
from fenlei.engine.recipe import OPTIMIZERS, SCHEDULES, Progress, Run
from fenlei.engine.trainer import uses_bfloat16, uses_gpu
from fenlei.engine.watch import Watch
from fenlei.exceptions import ModelFolderError, SettingError


class Killed(BaseException):
    """Stands for a kill: nothing catches it."""


def kill(*args: object) -> None:
    raise Killed


def test_same_seed_same_weights_and_another_seed_others(tiny):
    first, second, other = (tiny.weights_of(tiny.train(recipe={"seed": seed})[0]) for seed in (3, 3, 4))
    assert first == second
    assert first != other


def test_it_learns_and_keeps_the_best_epoch(tiny):
    network, outcome = tiny.train(recipe={"epochs": 15})
    scores = [epoch["valid_accuracy"] for epoch in outcome.history]
    assert max(scores) > 0.75
    assert outcome.best_score == max(scores) == scores[outcome.best_epoch - 1]
    found = evaluate_network(network, tiny.make_examples(40, seed=2), tiny.Loss(False), batch_size=64)
    assert found["valid_accuracy"] == pytest.approx(max(scores))
    assert found["valid_loss"] == pytest.approx(outcome.best_loss)
    assert not network.training


def test_history_has_every_epoch(tiny):
    _, outcome = tiny.train()
    assert [epoch["epoch"] for epoch in outcome.history] == [1, 2, 3, 4]
    names = {"epoch", "loss", "accuracy", "learning_rate", "seconds", "valid_loss", "valid_accuracy"}
    assert all(epoch.keys() == names for epoch in outcome.history)
    _, outcome = tiny.train(valid=False)
    assert outcome.best_epoch == 4
    assert "valid_loss" not in outcome.history[0]


def test_it_ends_after_as_many_epochs_without_a_better_one_as_patience_says(tiny, monkeypatch):
    course = iter([(0.5, 2.0), (0.6, 1.5), (0.6, 1.4), (0.5, 1.3), (0.5, 1.35), (0.5, 1.31), (0.9, 1.0)])

    def measure(*args: object, **kwargs: object) -> dict[str, float]:
        accuracy, loss = next(course)
        return {"valid_accuracy": accuracy, "valid_loss": loss}

    monkeypatch.setattr("fenlei.engine.watch.evaluate_network", measure)
    _, outcome = tiny.train(recipe={"epochs": 20, "patience": 2})
    assert len(outcome.history) == 6
    assert (outcome.best_epoch, outcome.best_score, outcome.best_loss) == (3, 0.6, 1.4)


def test_stop_after_is_the_beginning_of_the_longer_training(tiny):
    whole = {}

    class Keep(Watch):
        def _record(self, found, state):
            super()._record(found, state)
            whole[int(found["epoch"])] = tiny.weights_of(self.trainer.model)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fenlei.engine.trainer.Watch", Keep)
        tiny.train(recipe={"epochs": 5}, valid=False)
    network, outcome = tiny.train(recipe={"epochs": 5, "stop_after": 3}, valid=False)
    assert len(outcome.history) == 3
    assert tiny.weights_of(network) == whole[3]


@pytest.mark.parametrize(
    "changed", [*({"optimizer": o} for o in OPTIMIZERS), *({"schedule": s} for s in SCHEDULES)], ids=str
)
def test_every_optimizer_and_every_schedule_learns(tiny, changed):
    _, outcome = tiny.train(recipe={"epochs": 2, "warmup": 0.2, "learning_rate": 0.003} | changed)
    losses = [epoch["loss"] for epoch in outcome.history]
    assert losses[1] < losses[0]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_large_embeddings_have_sparse_gradients_and_the_same_weights(tiny, optimizer, monkeypatch):
    recipe = {"optimizer": optimizer, "accumulate": 2, "max_grad_norm": 0.1}
    dense, _ = tiny.train(network=tiny.make_network(vocab_size=2000), recipe=recipe)
    monkeypatch.setattr("fenlei.layers.embedding.SPARSE_FROM", 1000)
    sparse, _ = tiny.train(network=tiny.make_network(vocab_size=2000), recipe=recipe)
    for (name, one), other in zip(dense.state_dict().items(), sparse.state_dict().values(), strict=True):
        assert torch.allclose(one, other, atol=1e-6), name


def test_accumulated_batches_are_one_large_batch(tiny):
    data = tiny.make_examples(64)
    data = type(data)(data.channels, data.targets, np.ones(64, np.float32))
    networks = []
    for batch_size, accumulate in ((32, 2), (64, 1)):
        network = tiny.make_network(dropout=0.0, embedding_dropout=0.0)  # the tokens' dropout goes by batch
        settings = {"batch_size": batch_size, "accumulate": accumulate, "optimizer": "sgd", "epochs": 1}
        recipe = tiny.Recipe(**tiny.RECIPE | settings)
        tiny.train_network(network, data, None, tiny.Loss(False), recipe, Run())
        networks.append(network)
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.allclose(one, other, atol=1e-6)


def test_clipping_bounds_the_step(tiny):
    before = tiny.make_network().state_dict()
    recipe = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.0, "learning_rate": 1.0, "schedule": "constant",
              "warmup": 0.0, "max_grad_norm": 1e-3, "epochs": 1, "batch_size": 75}  # fmt: skip
    after = tiny.train(recipe=recipe, valid=False)[0].state_dict()
    moved = sum(float((after[name] - before[name]).square().sum()) for name in before) ** 0.5
    assert moved == pytest.approx(1e-3, rel=1e-2)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_trainings_of_both_precisions_in_one_process(tiny, precision):
    losses = [tiny.train(recipe={"precision": p})[1].history[0]["loss"] for p in (precision, "bfloat16", "float32")]
    assert losses[0] == losses[1 if precision == "bfloat16" else 2]
    assert losses[1] != losses[2]
    assert losses[1] == pytest.approx(losses[2], rel=0.05)


def test_auto_precision_does_not_depend_on_the_clock():
    assert {uses_bfloat16("auto") for _ in range(3)} <= {True, False}
    assert uses_bfloat16("bfloat16") and not uses_bfloat16("float32")


def test_a_gpu_that_is_not_there_is_refused_and_one_that_is_may_be_left_alone(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert not uses_gpu("auto") and not uses_gpu("cpu")
    with pytest.raises(SettingError, match="device=cuda, but torch finds no GPU"):
        uses_gpu("cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert uses_gpu("auto") and uses_gpu("cuda") and not uses_gpu("cpu")


def test_random_states_of_others_are_left_alone(tiny):
    def states() -> tuple[object, ...]:
        return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    tiny.train()
    assert states() == before
    with pytest.raises(Killed):
        tiny.train(run=Run(progress=kill))
    assert states() == before


def test_progress_counts_steps_and_epochs(tiny):
    told: list[Progress] = []
    tiny.train(run=Run(progress=told.append))
    assert [one.step for one in told] == list(range(1, 21))
    assert {one.steps for one in told} == {20}
    assert [one.epoch for one in told] == [epoch for epoch in (1, 2, 3, 4) for _ in range(5)]
    assert told[-1].seconds_left == 0
    assert all(one.seconds_left >= 0 and one.loss > 0 for one in told)
    tiny.train(recipe={"stop_after": 2, "accumulate": 2}, run=Run(progress=told.append))
    assert (told[-1].step, told[-1].steps, told[-1].epochs) == (6, 6, 2)


@pytest.mark.parametrize(
    ("recipe", "step"),
    [
        ({}, 1), ({}, 5), ({}, 6), ({"accumulate": 2}, 5), ({"optimizer": "sgd", "schedule": "one-cycle"}, 12),
        ({"average": 0.9}, 7), ({"r_drop": 1.0, "adversarial": 0.5}, 7),
    ],
)  # fmt: skip
def test_interrupted_at_any_step_and_resumed_it_ends_at_the_same_weights(tiny, tmp_path, recipe, step):
    whole, expected = tiny.train(recipe=recipe)
    run = Run(tmp_path / "run", every_seconds=0)
    with pytest.raises(Killed):
        tiny.train(recipe=recipe, run=replace(run, progress=tiny.once_a(step, kill)))
    resumed, found = tiny.train(recipe=recipe, run=replace(run, resume=True))
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)
    assert (found.best_epoch, found.best_loss) == (expected.best_epoch, expected.best_loss)
    assert [e["valid_loss"] for e in found.history] == [e["valid_loss"] for e in expected.history]
    assert [e["loss"] for e in found.history] == [e["loss"] for e in expected.history]


@pytest.mark.parametrize("recipe", [{}, {"accumulate": 2}, {"r_drop": 1.0}, {"adversarial": 0.5}])
def test_batches_in_pieces_teach_the_same(tiny, monkeypatch, recipe):
    whole, expected = tiny.train(recipe=recipe)
    sizes, batch = [], tiny.TokenExamples.batch

    def noted(self, order, keys=None):
        found = batch(self, order, keys)
        sizes.append(0 if keys is None else found["input_ids"].numel())
        return found

    monkeypatch.setattr(tiny.TokenExamples, "most_learned", 40)
    monkeypatch.setattr(tiny.TokenExamples, "batch", noted)
    pieces, found = tiny.train(recipe=recipe)
    assert 30 < max(sizes) <= 40
    for name, value in whole.state_dict().items():
        assert torch.allclose(pieces.state_dict()[name], value, atol=1e-5), name
    assert [e["loss"] for e in found.history] == pytest.approx([e["loss"] for e in expected.history], abs=1e-5)


def test_resuming_goes_on_and_does_not_begin_again(tiny, tmp_path):
    with pytest.raises(Killed):
        tiny.train(run=Run(tmp_path, every_seconds=0, progress=tiny.once_a(13, kill)))
    steps = []
    tiny.train(run=Run(tmp_path, resume=True, progress=lambda progress: steps.append(progress.step)))
    assert steps == list(range(13, 21))  # the thirteenth was done, and not saved


@pytest.mark.parametrize("after", ["_measure", "_record"])
def test_killed_at_the_end_of_an_epoch(tiny, tmp_path, after):
    whole, expected = tiny.train()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Watch, after, kill)
        tiny.train(run=Run(tmp_path, every_seconds=0))
    resumed, found = tiny.train(run=Run(tmp_path, every_seconds=0, resume=True))
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)
    assert len(found.history) == len(expected.history)


def test_early_ends_and_patience_survive_an_interruption(tiny, tmp_path):
    recipe = {"epochs": 30, "patience": 1, "learning_rate": 0.05, "schedule": "constant"}
    whole, expected = tiny.train(recipe=recipe)
    assert 2 < len(expected.history) < 30
    with pytest.raises(Killed):
        tiny.train(recipe=recipe, run=Run(tmp_path, every_seconds=0, progress=tiny.once_a(8, kill)))
    resumed, found = tiny.train(recipe=recipe, run=Run(tmp_path, resume=True))
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)
    assert len(found.history) == len(expected.history)


def test_a_finished_training_is_resumed_at_once(tiny, tmp_path):
    whole, _ = tiny.train(run=Run(tmp_path))
    steps = []
    resumed, outcome = tiny.train(run=Run(tmp_path, resume=True, progress=steps.append))
    assert steps == []
    assert len(outcome.history) == 4
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)


@pytest.mark.parametrize(
    "other",
    [{"n": 74}, {"recipe": {"learning_rate": 0.02}}, {"valid": False}, {"class_weights": [1.0, 2.0, 1.0]}],
)
def test_checkpoints_of_another_training_are_refused(tiny, tmp_path, other):
    tiny.train(run=Run(tmp_path))
    with pytest.raises(SettingError, match="of another training; give the same data and settings"):
        tiny.train(run=Run(tmp_path, resume=True), **other)


def test_checkpoints_of_a_network_that_began_otherwise_are_refused(tiny, tmp_path):
    tiny.train(run=Run(tmp_path))
    with pytest.raises(SettingError, match="another training"):
        tiny.train(run=Run(tmp_path, resume=True), network=tiny.make_network(seed=6))


def test_a_damaged_newest_checkpoint_is_told_and_the_one_before_taken(tiny, tmp_path):
    whole, _ = tiny.train()
    with pytest.raises(Killed):
        tiny.train(run=Run(tmp_path, every_seconds=0, progress=tiny.once_a(8, kill)))
    newest = max(tmp_path.iterdir())
    (newest / "weights.safetensors").write_bytes((newest / "weights.safetensors").read_bytes()[:-1])
    messages = []
    resumed, _ = tiny.train(run=Run(tmp_path, resume=True, message=messages.append))
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)
    assert len(messages) == 1 and newest.name in messages[0] and "the checkpoint before" in messages[0]


def test_damaged_checkpoints_only_are_an_error(tiny, tmp_path):
    tiny.train(run=Run(tmp_path))
    for place in tmp_path.iterdir():
        (place / "state.json").unlink()
    with pytest.raises(ModelFolderError, match="no checkpoint is sound"):
        tiny.train(run=Run(tmp_path, resume=True))


def test_without_resume_checkpoints_are_not_looked_at(tiny, tmp_path):
    tiny.train(run=Run(tmp_path), recipe={"seed": 1})
    whole, _ = tiny.train(recipe={"seed": 2})
    assert tiny.weights_of(tiny.train(run=Run(tmp_path), recipe={"seed": 2})[0]) == tiny.weights_of(whole)


def test_a_full_disk_is_told_once_and_leaves_the_last_checkpoint(tiny, tmp_path, monkeypatch):
    import fenlei._atomic as atomic

    wrote, messages = atomic._write_file, []

    def full(path, data):
        if path.name == "weights.safetensors" and len(list(tmp_path.glob("step-*"))) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        wrote(path, data)

    monkeypatch.setattr("fenlei._atomic._write_file", full)
    network, _ = tiny.train(run=Run(tmp_path, every_seconds=0, message=messages.append))
    assert tiny.weights_of(network) == tiny.weights_of(tiny.train()[0])
    assert len(messages) == 1 and "No space left" in messages[0] and "no checkpoint at step 3" in messages[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-0000000001", "step-0000000002"]
    assert read_newest(tmp_path)[0] is not None


def test_a_loss_that_is_no_number_at_once_is_an_error_that_says_what_to_change(tiny):
    with pytest.raises(SettingError, match=r"not a number any more at step \d+; lower learning_rate"):
        tiny.train(recipe={"learning_rate": 1e30, "max_grad_norm": 0, "optimizer": "sgd"})


def test_a_loss_that_is_no_number_later_keeps_the_last_good_epoch(tiny, monkeypatch):
    messages = []
    loss = tiny.Loss.__call__

    def breaks(self, logits, targets):
        each = loss(self, logits, targets)
        return each * float("nan") if breaks.armed and logits.requires_grad else each

    breaks.armed = False
    monkeypatch.setattr(tiny.Loss, "__call__", breaks)
    arm = tiny.once_a(12, lambda: setattr(breaks, "armed", True))
    network, outcome = tiny.train(run=Run(progress=arm, message=messages.append), valid=False)
    assert len(outcome.history) == outcome.best_epoch == 2
    assert len(messages) == 1
    assert "at step 13" in messages[0] and "weights of epoch 2 were kept" in messages[0]
    assert all(torch.isfinite(p).all() for p in network.parameters())
    breaks.armed = False
    stopped, _ = tiny.train(recipe={"stop_after": 2}, valid=False)
    assert tiny.weights_of(network) == tiny.weights_of(stopped)


def test_weights_that_break_at_the_last_step_are_not_kept(tiny):
    """The loss of that step was still a number."""
    messages, kept = [], {}

    def spoil() -> None:
        with torch.no_grad():
            next(iter(kept["network"].parameters()))[5] = float("nan")

    kept["network"] = tiny.make_network()
    run = Run(progress=tiny.once_a(20, spoil), message=messages.append)
    network, outcome = tiny.train(network=kept["network"], run=run, valid=False)
    assert outcome.best_epoch == 3
    assert "weights of epoch 3 were kept" in messages[0]
    assert all(torch.isfinite(p).all() for p in network.parameters())


def test_the_keyboard_interrupts_and_the_training_can_go_on(tiny, tmp_path):
    def interrupt() -> None:
        raise KeyboardInterrupt

    whole, _ = tiny.train()
    with pytest.raises(KeyboardInterrupt):
        tiny.train(run=Run(tmp_path, every_seconds=0, progress=tiny.once_a(9, interrupt)))
    assert tiny.weights_of(tiny.train(run=Run(tmp_path, resume=True))[0]) == tiny.weights_of(whole)


def test_tensorboard_logs_on_request(tiny, tmp_path):
    pytest.importorskip("tensorboard")
    tiny.train(run=Run(tensorboard=tmp_path / "logs"))
    (log,) = (tmp_path / "logs").iterdir()
    content = log.read_bytes()
    assert b"valid_loss" in content and b"learning_rate" in content


def test_texts_without_weight_teach_nothing(tiny):
    data = tiny.make_examples()
    weights = np.where(np.arange(len(data)) < 60, 0, data.weights).astype(np.float32)
    silent = type(data)(data.channels, data.targets, weights)
    network = tiny.make_network()
    recipe = tiny.Recipe(**tiny.RECIPE | {"batch_size": 4})
    outcome = tiny.train_network(network, silent, None, tiny.Loss(False), recipe, Run())
    assert all(np.isfinite(epoch["loss"]) for epoch in outcome.history)


def test_killed_at_random_moments_it_ends_at_the_same_weights(tiny, start, tmp_path):
    recipe = {"epochs": 30, "batch_size": 8}
    whole, _ = tiny.train(recipe=recipe)
    told = {"recipe": recipe, "out": str(tmp_path / "out"), "say": True}
    rng = random.Random(4)
    for resume in (False, True):
        process = start(run={"checkpoints": str(tmp_path / "run"), "every_seconds": 0, "resume": resume}, **told)
        for _ in range(rng.randint(20, 60)):
            assert process.stdout.readline(), process.stderr.read()
        time.sleep(rng.random() * 0.02)  # anywhere between two steps, most likely while a checkpoint is written
        process.kill()
        process.communicate()
        assert not (tmp_path / "out").exists()
    steps = []
    run = Run(tmp_path / "run", resume=True, progress=lambda progress: steps.append(progress.step))
    resumed, _ = tiny.train(recipe=recipe, run=run)
    assert steps[0] > 30
    assert tiny.weights_of(resumed) == tiny.weights_of(whole)


def test_two_processes_end_where_one_does(tiny, start, tmp_path):
    """With dropout, sizes that do not divide, an early end, class weights and accumulated batches."""
    told = {
        "recipe": {"epochs": 30, "patience": 1, "accumulate": 2, "learning_rate": 0.05, "batch_size": 7},
        "class_weights": [1.0, 2.0, 0.5],
    }
    process = start(2, out=str(tmp_path / "out"), run={"checkpoints": str(tmp_path / "run")}, say=True, **told)
    said, complained = process.communicate(timeout=120)
    assert process.returncode == 0, complained
    one, outcome = tiny.train(**told)
    assert 1 < len(outcome.history) < 30
    ours = one.state_dict()
    for rank in (0, 1):
        theirs = load_file(tmp_path / f"out.{rank}")
        assert max(float((ours[name] - theirs[name]).abs().max()) for name in theirs if ours[name].numel()) < 1e-5
        history = json.loads((tmp_path / f"out.{rank}.json").read_text("utf-8"))
        assert [epoch["loss"] for epoch in history] == pytest.approx([e["loss"] for e in outcome.history], rel=1e-5)
    steps = [int(line) for line in said.split()]
    assert steps == sorted(set(steps)), "only the first process tells"
    assert "Warning" not in complained, complained
    resumed, _ = tiny.train(run=Run(tmp_path / "run", resume=True), **told)
    assert tiny.weights_of(resumed) == tiny.weights_of_file(tmp_path / "out.0")
