"""The service that one writes in an afternoon: a Flask route that calls the model for each request.

python benchmarks/_flask_peer.py MODEL    prints the port it listens at
"""

from __future__ import annotations

import socket
import sys

from flask import Flask, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

from fenlei import load


def main() -> None:
    model = load(sys.argv[1])
    model.predict_proba(["warm up"])
    app = Flask(__name__)

    @app.post("/predict")
    def predict():  # noqa: ANN202
        scores = model.predict_proba([request.get_json()["input"]])
        return jsonify(label=model.labels_from_scores(scores)[0], score=float(scores.max()))

    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        WSGIRequestHandler.log_request = lambda *args: None
        server = make_server("127.0.0.1", 0, app, threaded=True, fd=listening.fileno())
        print(listening.getsockname()[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
