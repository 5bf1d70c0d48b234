"""SVG drawings become PNG for the places that cannot show SVG: mail above all. Deterministic, no network."""

from pathlib import Path

import resvg_py

from pipeline import errors


def png(svg: bytes, name: str, width: int, templates: Path) -> bytes:
    """Return the drawing as PNG, `width` pixels wide, set in the house's own fonts only."""
    try:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=svg.decode("utf-8"),
                width=width,
                skip_system_fonts=True,
                font_dirs=[str(templates / "fonts")],
                sans_serif_family="Atkinson Hyperlegible Next",
                font_family="Atkinson Hyperlegible Next",
            )
        )
    except (ValueError, UnicodeDecodeError, RuntimeError) as error:
        msg = f"content/images/{name} cannot be drawn: {error}"
        raise errors.RenderProblem(msg, hint="open the file in a browser and mend what is broken") from error
