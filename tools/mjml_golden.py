"""Write the golden files of tests/mjml_reference/ anew: the editions' MJML, and what npm's mjml makes of everything.

    make mjml-golden

Needs Node.js 20 or later, and npm once, for bench/node_modules. Nothing else in the project asks for this: the tests
compare our compiler with the files that this writes. Read the difference before it is committed.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from pipeline import config, edition, office
from pipeline.formats import email

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "mjml_reference"


def main() -> int:
    """Return 0 when npm's mjml took everything without a word, 11 when Node.js is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        print("Node.js and npm are missing. Install them: sudo apt-get install nodejs npm", file=sys.stderr)
        return 11
    if not (ROOT / "bench" / "node_modules" / "mjml").is_dir():
        print("installing npm's mjml into bench/node_modules", file=sys.stderr)
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=ROOT / "bench", check=True)
    write_editions()
    paths = "".join(f"{path}\n" for path in sorted(GOLDEN.glob("*.mjml")))
    script = str(ROOT / "tools" / "mjml_golden.mjs")
    return subprocess.run([node, script], input=paths, text=True, check=False).returncode


def write_editions() -> None:
    """Write the MJML of every edition of content/ as it is now; what was written for editions that are gone goes."""
    for old in GOLDEN.glob("20*.*"):
        old.unlink()
    desk = office.sit_down(config.load(ROOT / "mscare.toml"))
    for slug in desk.library.editions:
        source = email.mjml_source(edition.edition(desk.library, slug), desk.material)
        (GOLDEN / f"{slug}.mjml").write_text(source, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
