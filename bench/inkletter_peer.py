"""PyPI's inkletter, warm, in one process: for each line "n" on standard input it renders a Markdown file n times.

    bench/.venv/bin/python bench/inkletter_peer.py FILE

Before each render one word of the text is another. It answers with one line of JSON: the milliseconds of each render,
of the clock ("wall") and of the processor ("cpu"), and how many bytes of HTML came of the last.
"""

import itertools
import json
import sys
import time
from pathlib import Path

from inkletter import parse_markdown_to_html

WORDS = map("".join, itertools.product("abcdefghij", repeat=6))


def main(path: Path) -> None:
    """Answer until there are no more questions."""
    text = path.read_text(encoding="utf-8")
    for line in sys.stdin:
        answer: dict[str, list[float] | int] = {"wall": [], "cpu": []}
        for _ in range(int(line)):
            changed = text.replace("\n\n", f"\n\n{next(WORDS)} ", 1)
            wall, cpu = time.perf_counter(), time.process_time()
            html = parse_markdown_to_html(changed)
            answer["wall"].append((time.perf_counter() - wall) * 1000)
            answer["cpu"].append((time.process_time() - cpu) * 1000)
            answer["bytes"] = len(html.encode())
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
