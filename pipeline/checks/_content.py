"""The findings of content.load: a file is read, or the fault is named. Listed here, found there."""

from pipeline.checks._check import BLOCK, Check

CHECKS = (
    Check(
        "content-duplicate",
        BLOCK,
        "A slug, an id or an issue number names one thing only.",
        "give one of the two another name",
    ),
    Check("content-encoding", BLOCK, "Every letter arrives as it was typed.", "save the file again as UTF-8"),
    Check(
        "content-front-matter",
        BLOCK,
        "The head of a text can be read.",
        "begin the file with ---, close its keys with ---, and quote a text that holds a colon",
    ),
    Check(
        "content-image-alt",
        BLOCK,
        "Who cannot see a drawing is told what it shows.",
        "say in one or two sentences what it shows: ![here](image:...)",
    ),
    Check(
        "content-image-broken",
        BLOCK,
        "Every drawing can be shown, on every page and screen.",
        "open the file in a browser and mend what is broken, or export it again as plain SVG",
    ),
    Check(
        "content-image-missing",
        BLOCK,
        "Every drawing that a text names exists.",
        "put the SVG file into content/images/, or mend the name",
    ),
    Check(
        "content-image-unsafe",
        BLOCK,
        "A drawing does nothing and fetches nothing, wherever it is opened.",
        "a drawing stands alone: take that out, or export it again as plain SVG",
    ),
    Check(
        "content-index-see",
        BLOCK,
        "See and see also in the index lead to a heading that has pages.",
        "name a heading of content/index.toml, exactly as it is written there",
    ),
    Check(
        "content-index-unfound",
        BLOCK,
        "Every heading of the index leads to a page.",
        "find other words, or take the heading out",
    ),
    Check(
        "content-link-unknown",
        BLOCK,
        "A link to a chapter or an article arrives at one.",
        "use a slug that exists, or add the text",
    ),
    Check(
        "content-place-unknown",
        BLOCK,
        "Every place that the index or a signpost names exists.",
        "write slug, slug#heading-of-a-section, slug#questions, slug#sheet, slug#help or sheet:id",
    ),
    Check(
        "content-question-unknown",
        BLOCK,
        "Every question that a text names stands in the question bank.",
        "mend the id, or add the question to content/questions.toml",
    ),
    Check(
        "content-schema",
        BLOCK,
        "No key is missing, misspelt, given twice or of the wrong kind.",
        "mend the value; the message names the keys that are known",
    ),
    Check(
        "content-slug",
        BLOCK,
        "Every address can be typed and never changes.",
        "rename the file: lower-case letters, digits and single hyphens",
    ),
    Check(
        "content-source-unknown",
        BLOCK,
        "Every citation leads to a source.",
        "add the source to content/sources.json, or mend the id",
    ),
    Check("content-syntax", BLOCK, "Every TOML and JSON file can be read.", "mend the line that is named"),
    Check(
        "content-table-large",
        BLOCK,
        "A table fits its page, and a book is made in its time.",
        "say what matters, and link to the whole of it",
    ),
    Check(
        "content-table-rows",
        BLOCK,
        "No cell of a table is lost, and none is left open.",
        "give each row as many cells as the head has",
    ),
    Check(
        "content-table-title",
        BLOCK,
        "Who hears a table learns first what it is about.",
        "put a line `::: table Title` before it, and a line ::: after it",
    ),
    Check(
        "content-term-unknown",
        BLOCK,
        "Every marked word is explained in the glossary.",
        "add the term to content/glossary.toml, or mend the id",
    ),
    Check("content-unreadable", BLOCK, "Every file that is needed is there.", "put the file in its place"),
)
