"""A person lets exactly these bytes go, or may not: digest + findings + name -> Approval, or a refusal. Pure.

approve        a person approves what was built
admit          a send asks whether its bytes are the approved ones
admit_service  a send asks whether this publisher may use this service at this moment
"""

import datetime as dt
from collections.abc import Iterable, Sequence

from pipeline import errors, model

SANDBOX = "sandbox"  # the one service that reaches nobody
SHORTEST_REASON = 10  # characters, as in content/waivers.toml


def approve(
    manifest: model.Manifest,
    findings: Sequence[model.Finding],
    *,
    by: str,
    at: dt.datetime,
    waivers: Sequence[model.Waiver],
) -> model.Approval:
    """Return the approval of exactly the manifest's bytes.

    Refuses without a name, while a blocking finding has no waiver, and a waiver without a reason or of no use.
    """
    if not by.strip():
        msg = f"an approval of {manifest.subject} needs the name of the person who gives it"
        raise errors.UsageProblem(msg, hint='say who you are: --by "Your Name"')
    if at.tzinfo is None:
        msg = f"an approval of {manifest.subject} at {at} does not say in which time zone"
        raise errors.UsageProblem(msg, hint="give the moment in UTC")
    _refuse_empty_waivers(findings, waivers)
    _refuse_blocked(manifest.subject, findings, waivers)
    return model.Approval(manifest.subject, manifest.digest, by.strip(), at.astimezone(dt.UTC), tuple(waivers))


def admit(
    approval: model.Approval | None,
    manifest: model.Manifest,
    altered: Sequence[str],
    findings: Sequence[model.Finding],
) -> None:
    """Let a send start only with the approved bytes; `altered` names the files in out/ that are not the manifest's.

    Refuses without an approval, with other bytes than it names, and with a blocking finding that nobody waived.
    """
    again = f"look at it again, then `mscare approve {manifest.subject}`"
    if approval is None:
        msg = f"nobody has approved {manifest.subject}"
        raise errors.NotApproved(msg, hint=again)
    if (approval.edition, approval.digest) != (manifest.subject, manifest.digest):
        msg = (
            f"{approval.by} approved {approval.edition} {approval.digest[:12]} on {approval.at:%Y-%m-%d %H:%M} UTC; "
            f"what would be sent is {manifest.subject} {manifest.digest[:12]}"
        )
        raise errors.NotApproved(msg, hint=again)
    if altered:
        msg = f"{len(altered)} files in out/ are not those that were built: {', '.join(altered)}"
        raise errors.NotApproved(msg, hint=f"run `mscare build {manifest.subject}`, {again}")
    _refuse_blocked(manifest.subject, findings, approval.waivers)


def admit_service(
    example_settings: Sequence[str], service: str, now: dt.datetime, spec: model.EditionSpec, *, test: bool = False
) -> None:
    """Let a send start only for a real publisher and inside the edition's window; a test to the team has no window.

    Refuses when `example_settings` names any while `service` is a real one, and before or after the window.
    """
    if example_settings and service != SANDBOX:
        msg = f"{service} would mail real readers while these settings are examples or only for trying out: "
        hint = "set them in the [publication] section of mscare.toml, or try with --service sandbox"
        raise errors.SendRefused(msg + ", ".join(example_settings), hint=hint)
    if test:
        return
    if now < spec.not_before:
        msg = f"{spec.slug} must not go out before {spec.not_before:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M}"
        raise errors.SendRefused(msg, hint=f"plan it with `mscare schedule`, or change not_before in {spec.path.name}")
    if now > spec.not_after:
        msg = f"{spec.slug} must not go out after {spec.not_after:%Y-%m-%d %H:%M} UTC; it is {now:%Y-%m-%d %H:%M}"
        raise errors.SendRefused(msg, hint="check its texts again, then change not_after or make a new edition")


def _blocking(findings: Iterable[model.Finding], waivers: Sequence[model.Waiver]) -> list[model.Finding]:
    """Return the findings that block and that no waiver covers, here or in the content."""
    return [finding for finding in findings if finding.blocks and not any(w.covers(finding) for w in waivers)]


def _refuse_blocked(subject: str, findings: Sequence[model.Finding], waivers: Sequence[model.Waiver]) -> None:
    left = _blocking(findings, waivers)
    if left:
        codes = ", ".join(sorted({finding.code for finding in left}))
        msg = f"{len(left)} findings stand against {subject}: {codes}"
        raise errors.ContentBlocked(msg, hint="`mscare check` shows each with its place; mend them, or waive a code")


def _refuse_empty_waivers(findings: Sequence[model.Finding], waivers: Sequence[model.Waiver]) -> None:
    for waiver in waivers:
        if len(waiver.reason.strip()) < SHORTEST_REASON or not waiver.by.strip():
            msg = f"the waiver of {waiver.code} gives no reason that others can judge, or no name"
            hint = f"write a reason of at least {SHORTEST_REASON} letters, and who gives it"
            raise errors.UsageProblem(msg, hint=hint)
        if not any(waiver.covers(finding) for finding in findings):
            msg = f"nothing was found that a waiver of {waiver.code} would let pass"
            raise errors.UsageProblem(msg, hint="leave it out, or copy the code from what `mscare check` prints")
