"""Write pipeline/checks/caniemail.json anew: which of 16 mail programs do not know a feature of HTML or CSS.

    .venv/bin/python tools/caniemail.py [VERSION]      needs npm, which fetches the package `caniemail` of that version

The package holds the data of caniemail.com under the MIT licence, which is written beside the JSON. Kept are the
features that one of the 16 programs does not support, with what tells them in a mail: an element, a property...
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

VERSION = "2.0.2"
TARGET = Path(__file__).resolve().parent.parent / "pipeline" / "checks" / "caniemail.json"
FAMILIES = {
    "gmail": ("desktop-webmail", "ios", "android", "mobile-webmail"),
    "outlook": ("windows", "outlook-com", "macos", "ios", "android"),
    "apple-mail": ("macos", "ios"),
    "yahoo": ("desktop-webmail", "ios", "android"),
    "samsung-email": ("android",),
    "thunderbird": ("macos",),
}
CLIENTS = [(family, platform) for family, platforms in FAMILIES.items() for platform in platforms]
# Titles that do not spell what they are about; "" is nothing that can be told from a mail's source.
SPELT = {
    "border-radius logical properties": "property:border-start-start-radius property:border-end-end-radius",
    "border-inline & border-block individual logical properties": "property:border-inline-start "
    "property:border-block-start",
    "border-inline & border-block longhand properties": "property:border-inline-width property:border-block-width",
    "fit-content, min-content, max-content": "word:fit-content word:min-content word:max-content",
    "system-ui, ui-serif, ui-sans-serif, ui-rounded, ui-monospace": "word:system-ui word:ui-serif word:ui-sans-serif",
    "initial unit": "word:initial",
    "inert": "attribute:inert",
    "color-scheme CSS property": "property:color-scheme",
    "CSS Nesting": "",
    "CSS Variables (Custom Properties)": "function:var",
    "CSS calc() function": "function:calc",
    "css column properties": "property:column-count property:column-width property:columns",
    "grid-template-* properties": "property:grid-template-columns property:grid-template-rows "
    "property:grid-template-areas",
    "font shorthand": "property:font",
    "gap, column-gap, row-gap": "property:gap property:column-gap property:row-gap",
    "left, right, top, bottom": "property:left property:right property:top property:bottom",
    "Child combinator": "selector:>",
    "Adjacent sibling combinator": "selector:+",
    "General sibling combinator": "selector:~",
    "Attribute selector": "selector:[",
    "srcset and sizes attributes": "attribute:srcset attribute:sizes",
    "Embedded <svg> image": "element:svg",
    "<h1> to <h6> elements": "element:h1 element:h2 element:h3 element:h4",
    "<ul>, <ol> and <dl>": "element:ul element:ol element:dl",
    "HTML5 semantics": "element:article element:aside element:figure element:footer element:header element:main "
    "element:nav element:section element:details element:summary element:mark element:time",
    "Image maps": "element:map element:area",
    "color-scheme meta tag": "meta:color-scheme",
    "Base 64 image format": "image:data",
    "Video as Image Assets": "image:mp4",
    "address": "element:address",
    "lang()": "pseudo::lang",
    "flex-wrap: wrap": "property:flex-wrap",
}


def main() -> int:
    """Fetch the package into a folder of its own, and write what is kept of it."""
    npm, version = shutil.which("npm"), sys.argv[1] if len(sys.argv) > 1 else VERSION
    if not npm:
        print("npm is missing. Install it: sudo apt-get install npm", file=sys.stderr)
        return 11
    with tempfile.TemporaryDirectory() as folder:
        command = [npm, "install", "--prefix", folder, "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        subprocess.run([*command, f"caniemail@{version}"], check=True, stdout=subprocess.DEVNULL)
        package = Path(folder) / "node_modules" / "caniemail"
        everything = json.loads((package / "data" / "caniemail.json").read_text(encoding="utf-8"))
        licence = (package / "LICENSE").read_text(encoding="utf-8")
    kept = trimmed(everything) | {"package": f"caniemail {version}"}
    TARGET.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    TARGET.with_name("caniemail.LICENSE").write_text(licence, encoding="utf-8")
    print(f"{len(kept['features'])} features of {len(everything['data'])}, as of {kept['updated']}")
    return 0


def trimmed(everything: dict[str, Any]) -> dict[str, Any]:
    """Keep what one of the clients does not support and what can be told from a mail's source."""
    names = everything["nicenames"]
    clients = [f"{names['family'][f]} ({names['platform'][p]})" for f, p in CLIENTS]
    features = []
    for feature in everything["data"]:
        signs, lacking = list(_signs(feature)), list(_lacking(feature["stats"]))
        if signs and lacking:
            row = {"slug": feature["slug"], "title": feature["title"], "signs": signs, "unsupported": lacking}
            features.append(row)
    return {"updated": everything["last_update_date"][:10], "clients": clients, "features": features}


def _lacking(stats: dict[str, Any]) -> Iterator[int]:
    """Yield the number of each client whose newest tested version answers no."""
    for number, (family, platform) in enumerate(CLIENTS):
        tested = stats.get(family, {}).get(platform, {})
        if tested and str(list(tested.values())[-1]).startswith("n"):
            yield number


def _signs(feature: dict[str, Any]) -> Iterator[str]:
    title, category = feature["title"].strip(), feature["category"]
    if title in SPELT:
        yield from SPELT[title].split()
    elif category == "image":
        yield f"image:{feature['slug'].removeprefix('image-')}"
    elif category == "html":
        yield from (f"element:{name}" for name in re.findall(r"^<([a-z]+)>", title))
        yield from (f"attribute:{name}" for name in re.findall(r"^([a-z-]+) attribute$", title))
        yield from (f"input:{kind}" for kind in re.findall(r'<input type="(\w+)">', title))
    elif category == "css":
        yield from _css_signs(title)


def _css_signs(title: str) -> Iterator[str]:
    if title.startswith("@"):
        for rule in title.split(", "):
            asked = re.search(r"\(([a-z-]+)\)", rule)
            yield f"media:{asked[1]}" if asked else f"at:{rule[1:]}"
    elif title.startswith(":"):
        yield f"pseudo:{title.removesuffix('()')}"
    elif re.fullmatch(r"[a-z-]+:[a-z-]+", title):
        yield f"value:{title}"
    elif title.endswith(" unit"):
        yield f"unit:{title.removesuffix(' unit')}"
    elif "()" in title:
        yield from (f"function:{name}" for name in re.findall(r"([a-z-]+)\(\)", title))
    else:
        yield from (f"property:{name}" for name in re.findall(r"(?:^|, | & )([a-z-]+)(?=$|,| )", title))


if __name__ == "__main__":
    sys.exit(main())
