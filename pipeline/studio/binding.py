"""The process in which the book is rendered: settings come in on stdin, what went wrong goes out on stdout as JSON."""

import dataclasses
import json
import pickle
import signal
import sys

from pipeline import errors, flow
from pipeline.studio import looks


def main() -> None:
    """Render the book into settings.out; print null, or the sentence that says why not."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(errors.Interrupted.exit_code))  # so that render tidies up
    settings = pickle.load(sys.stdin.buffer)  # noqa: S301  written by our own parent process
    trouble = None
    try:
        flow.build(flow.read(settings), ["book"], settings.out, lambda _: None)
    except Exception as problem:  # noqa: BLE001  told on the book's page, in a sentence
        trouble = dataclasses.asdict(looks.told(problem))
    print(json.dumps(trouble))  # noqa: T201  stdout is the pipe to the parent


if __name__ == "__main__":
    main()
