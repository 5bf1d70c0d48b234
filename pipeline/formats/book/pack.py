"""The appointment pack: a PDF of two pages with the questions that were chosen and the visit planner.

1. The two pages are laid out with the smallest fields.
2. What is left free on each page is shared out among its fields for notes, and the pages are laid out again.
3. The PDF goes through the same finisher and the same gates as the book.
"""

import dataclasses
from pathlib import Path

from pipeline import errors, model, templating
from pipeline.formats._chapters import typography
from pipeline.formats.book import engine, job

PAGES = 2
ENDS = ("front-end", "planner-end")  # anchors at the foot of each page
SMALLEST = {False: 25.0, True: 36.0}  # height of a field for notes in points, by large print
SIGNS = ("warning.svg",)
SIZE_BUDGET_KB = 250  # a face that is typed with is in it whole
_SPARE = 3.0  # points that stay free on a page
_SOURCE = "templates/book/pack.html"


@dataclasses.dataclass(frozen=True, slots=True)
class Heights:
    """How high the fields for notes are, in points: on the questions' page, and on the planner's."""

    notes: float
    area: float


def render(pack: model.Pack, identity: model.Identity, templates: Path) -> bytes:
    """Return the PDF: the same pack, the same bytes. Everything it needs is in its arguments, so a worker can do it.

    Refuses what is more than a page holds, a character the font lacks, and whatever the book is refused for.
    """
    fonts = {f"fonts/{name}": content for name, content in typography.fonts(templates).items()}
    smallest = SMALLEST[pack.large]
    draft = _sheet(pack, identity, templates, fonts, Heights(smallest, smallest))
    typography.check_characters(draft.html, fonts[f"fonts/{typography.FONT}"])
    sheet = _sheet(pack, identity, templates, fonts, _shared_out(pack, job.room_below(draft)))
    return _judged(job.lay_out(sheet), sheet)


def _sheet(
    pack: model.Pack, identity: model.Identity, templates: Path, fonts: dict[str, bytes], heights: Heights
) -> job.Sheet:
    env = templating.environment(templates, "book")
    look = {**templating.tokens(templates), "paper": pack.paper, "large": pack.large}
    style = "\n".join(templating.render(env, name, **look) for name in ("book.css", "pack.css"))
    values = {"pack": pack, "spec": pack.spec, "identity": identity, **dataclasses.asdict(heights)}
    html = typography.set_type(templating.render(env, "pack.html", **values))
    signs = {name: templating.render(env, name, **look).encode() for name in SIGNS}
    return job.Sheet(engine.digest(), "pack", 0, 1, html, style, fonts | signs, fill_in=True, archive=False)


def _shared_out(pack: model.Pack, room: dict[str, tuple[int, float]]) -> Heights:
    """Give the room that is left on each page to its fields; refuses pages that hold too much."""
    if room[ENDS[0]][0] != 0:
        msg = f"these questions are long: together they take more than a page of {pack.paper} paper"
        raise errors.UsageProblem(msg, hint="choose three for one visit, or one fewer")
    if room[ENDS[1]][0] != 1:
        msg = f"the visit planner takes more than a page of {pack.paper} paper"
        raise errors.RenderProblem(msg, hint="shorten it in content/worksheets.toml")
    areas = sum(field.kind == "area" for field in pack.planner.fields)
    rows = areas // 2 if pack.large else areas  # two beside each other in large print
    shares = (len(pack.questions), rows)
    free = [max(0.0, room[name][1] - _SPARE) / max(1, share) for name, share in zip(ENDS, shares, strict=True)]
    return Heights(*(SMALLEST[pack.large] + int(extra) for extra in free))


def _judged(laid: job.Laid, sheet: job.Sheet) -> bytes:
    """Let a PDF out that has two pages and passes the gates of the book."""
    # Imported here because a validator comes with them, which commands that make no PDF should not wait for.
    from pipeline.formats.book import gates, lint  # noqa: PLC0415

    lint.check([(_SOURCE, sheet.html)])
    job.refuse_overruns(laid.places.over, lambda _: "")
    edition = model.BookEdition(id="pack", file="appointment-pack.pdf", size_budget_kb=SIZE_BUDGET_KB)
    faults = gates.judge(laid.content, gates.expected([sheet.html]), edition, first="1")
    if laid.places.count != PAGES:
        faults.insert(0, f"it has {laid.places.count} pages")
    if faults:
        msg = "the appointment pack has faults:\n" + "\n".join(f"- {fault}" for fault in faults)
        raise errors.RenderProblem(msg, hint="undo the last change to templates/book or to this program")
    return laid.content
