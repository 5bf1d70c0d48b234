"""The sample publication in Arabic: a short edition about the newsletter itself, which runs from right to left.

    material = samples_arabic.material(tmp_path)

Its templates are the shipped ones with the fixed words of arabic/words.toml.
"""

import dataclasses
import shutil
from pathlib import Path

import samples

from pipeline import model

WORDS = Path(__file__).parent / "arabic" / "words.toml"

BODY = """\
تصل هذه النشرة مرة في الشهر. يمكنك أن تقرأ **بداية المقال** هنا، وأن تفتح بقيته على [صفحة الويب](https://www.nice.org.uk/)
عندما يناسبك ذلك.

- العنوان الأول هو المقال الرئيسي.
- بعده ثلاثة مقالات قصيرة، مع اسم Navigating Your MS Care والرقم 12.

> يمكنك إلغاء الاشتراك في أي وقت.

::: table ما يصلك ومتى
| اليوم | ما يصلك |
|---|---|
| الأول | العدد الجديد |
:::

## ماذا يأتي بعد ذلك؟

تجد في آخر الرسالة رابطًا لإلغاء الاشتراك.
"""

_SAMPLE = samples.sample_edition()
_TITLES = (
    "كيف تقرأ هذه النشرة",
    "أين تجد الأعداد السابقة",
    "كيف تغيّر عنوانك البريدي",
    "كيف تكتب إلى هيئة التحرير",
)
_SUMMARIES = (
    "خطوات قصيرة لقراءة العدد من أوله إلى آخره.",
    "كل عدد محفوظ على صفحة الويب، ويمكن فتحه في أي وقت.",
    "خطوتان من الصفحة نفسها، ولا حاجة إلى كلمة مرور.",
    "العنوان مذكور في آخر كل رسالة.",
)
_QUESTIONS = ("متى يصل العدد القادم؟", "هل يمكنني طباعة العدد؟", "لمن أكتب إذا وجدت خطأ؟")


def edition() -> model.Edition:
    """Return an edition with a lead article and three to read next, all in Arabic."""
    written = [
        dataclasses.replace(
            article, title=title, summary=summary, topic="عن النشرة", image_alt="خط يصعد وينزل وينتهي بنقطة.", body=BODY
        )
        for article, title, summary in zip(_SAMPLE.articles, _TITLES, _SUMMARIES, strict=True)
    ]
    book = model.BookCall("كتاب ترجع إليه", "يمكنك تنزيله وطباعته مجانًا.", "نزّل الكتاب")
    spec = dataclasses.replace(
        _SAMPLE.spec,
        title="مرحبًا بك في النشرة",
        subject="العدد الأول: كيف تقرأ هذه النشرة في دقائق",
        preheader="بداية قصيرة، ثم ثلاثة مقالات وثلاثة أسئلة تأخذها معك.",
        intro="مرحبًا. هذا هو **العدد الأول** من Navigating Your MS Care.",
        book=book,
    )
    return model.Edition(spec=spec, lead=written[0], read_next=tuple(written[1:]))


def material(folder: Path) -> model.Material:
    """Return what the formats need; the templates are laid into `folder`."""
    templates = folder / "templates"
    shutil.copytree(samples.ROOT / "templates", templates)
    shutil.copy(WORDS, templates / "email" / "words.toml")
    shown = edition()
    ids = shown.lead.questions
    questions = tuple(model.Question(id_, "mri", text) for id_, text in zip(ids, _QUESTIONS, strict=True))
    library = dataclasses.replace(
        samples.sample_library(),
        articles={article.slug: article for article in shown.articles},
        editions={shown.spec.slug: shown.spec},
        questions={question.id: question for question in questions},
        groups={"mri": model.QuestionGroup("mri", "عن النشرة", questions)},
        terms={},
    )
    identity = dataclasses.replace(samples.sample_identity(), language="ar")
    return model.Material(library=library, identity=identity, templates=templates)
