"""New classifiers of trained ones: all that was learned, with another network."""

from __future__ import annotations

import copy
import json
from typing import Any


def like(model: Any, **settings: Any) -> Any:
    """Make a classifier that has learned what another has, but for its network; settings may differ."""
    made = type(model)(**(model.get_params() | settings))
    for name, value in vars(model).items():
        if name.endswith("_") and name != "network_":
            setattr(made, name, copy.deepcopy(value))
    return made


def with_encoder(model: Any, encoder: Any) -> Any:
    """Make the network of a classifier over a pretrained encoder with another encoder, and the same head."""
    from fenlei.encoders.bare import config_bytes
    from fenlei.encoders.training import quicken

    old = model.network_
    quicken(encoder)
    config = model._config(json.loads(config_bytes(encoder)), old.config.size, old.config.reads_left_to_right)
    made = type(old)(config, encoder)
    head = {name: value for name, value in old.state_dict().items() if not name.startswith("encoder.")}
    made.load_state_dict(head, strict=False)
    return made.eval()
