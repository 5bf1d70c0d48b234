"""An approval names exact bytes and a person; a send asks for both, for the findings, the window and the publisher."""

import dataclasses
import datetime as dt

import pytest
import samples

from pipeline import approve, errors, model

NOW = dt.datetime(2026, 11, 24, 9, tzinfo=dt.UTC)
SPEC = samples.sample_spec()
MANIFEST = model.Manifest(SPEC.slug, "key", {"email.html": "a" * 64}, {}, {}, "d" * 64)
REASON = "Checked by hand: Gmail shows it whole."


def finding(code: str = "size-clipped", severity: model.Severity = model.Severity.BLOCK) -> model.Finding:
    return model.Finding(code, severity, f"content/editions/{SPEC.slug}.toml", 7, "too long", "shorten it")


def waiver(code: str = "size-clipped", reason: str = REASON, by: str = "Dana Editor") -> model.Waiver:
    return model.Waiver(code, "", reason, by)


def given(*findings: model.Finding, waivers: tuple[model.Waiver, ...] = ()) -> model.Approval:
    return approve.approve(MANIFEST, findings, by="Dana Editor", at=NOW, waivers=waivers)


# --- giving it ------------------------------------------------------------------------


def test_an_approval_names_the_edition_the_digest_the_person_the_moment_and_the_waivers() -> None:
    zone = dt.timezone(dt.timedelta(hours=2))
    approval = approve.approve(
        MANIFEST, [finding()], by=" Dana Editor ", at=dt.datetime(2026, 11, 24, 11, tzinfo=zone), waivers=[waiver()]
    )
    assert approval == model.Approval(SPEC.slug, "d" * 64, "Dana Editor", NOW, (waiver(),))


@pytest.mark.parametrize("by", ["", "  ", "\n"])
def test_an_approval_without_a_name_is_refused(by: str) -> None:
    with pytest.raises(errors.UsageProblem, match="name"):
        approve.approve(MANIFEST, [], by=by, at=NOW, waivers=[])


def test_an_approval_without_a_time_zone_is_refused() -> None:
    with pytest.raises(errors.UsageProblem, match="time zone"):
        approve.approve(MANIFEST, [], by="Dana", at=NOW.replace(tzinfo=None), waivers=[])


def test_a_blocking_finding_without_a_waiver_stops_an_approval_and_the_codes_are_told() -> None:
    findings = [finding("size-clipped"), finding("text-todo"), finding("text-todo"), finding("alt-missing")]
    with pytest.raises(errors.ContentBlocked, match=r"3 findings .*: alt-missing, text-todo$"):
        approve.approve(MANIFEST, findings, by="Dana", at=NOW, waivers=[waiver()])


def test_a_warning_and_a_finding_waived_in_the_content_stop_no_approval() -> None:
    given(finding(severity=model.Severity.WARNING), dataclasses.replace(finding("review-missing"), waived=True))


@pytest.mark.parametrize(("reason", "by"), [("", "Dana"), ("it is ok", "Dana"), ("          ", "Dana"), (REASON, " ")])
def test_a_waiver_without_a_reason_or_a_name_is_refused(reason: str, by: str) -> None:
    with pytest.raises(errors.UsageProblem, match="reason"):
        given(finding(), waivers=(waiver(reason=reason, by=by),))


def test_a_waiver_that_lets_nothing_pass_is_refused() -> None:
    with pytest.raises(errors.UsageProblem, match="text-todo"):
        given(finding(), waivers=(waiver(), waiver("text-todo")))


# --- being let in ---------------------------------------------------------------------


def test_the_approved_bytes_are_let_in_with_what_the_approval_waived() -> None:
    approve.admit(given(finding(), waivers=(waiver(),)), MANIFEST, [], [finding()])


def test_no_approval_no_send() -> None:
    with pytest.raises(errors.NotApproved, match="nobody has approved"):
        approve.admit(None, MANIFEST, [], [])


def test_an_approval_of_another_build_or_edition_is_no_approval() -> None:
    for other in (dataclasses.replace(MANIFEST, digest="e" * 64), dataclasses.replace(MANIFEST, subject="2026-12-x")):
        with pytest.raises(errors.NotApproved, match="Dana Editor approved 2026-11-spinal-cord dddddddddddd"):
            approve.admit(given(), other, [], [])


def test_a_changed_file_in_out_stops_the_send_and_is_named() -> None:
    with pytest.raises(errors.NotApproved, match=r"email\.html, email\.txt"):
        approve.admit(given(), MANIFEST, ["email.html", "email.txt"], [])


def test_a_blocking_finding_that_came_after_the_approval_stops_the_send() -> None:
    with pytest.raises(errors.ContentBlocked, match="expired"):
        approve.admit(given(finding(), waivers=(waiver(),)), MANIFEST, [], [finding(), finding("expired")])


# --- service and window ---------------------------------------------------------------


@pytest.mark.parametrize("test", [False, True])
def test_the_example_publisher_may_use_the_sandbox_and_no_other_service(test: bool) -> None:  # noqa: FBT001  a parameter
    example = ["organisation", "postal_address", "base_url", "sender"]
    approve.admit_service(example, "sandbox", NOW, SPEC, test=test)
    with pytest.raises(errors.SendRefused, match="organisation, postal_address, base_url, sender"):
        approve.admit_service(example, "resend", NOW, SPEC, test=test)
    with pytest.raises(errors.SendRefused, match="sender"):
        approve.admit_service(["sender"], "sendgrid", NOW, SPEC, test=test)


def test_a_real_publisher_may_use_every_service() -> None:
    for service in ("sandbox", "resend", "sendgrid"):
        approve.admit_service([], service, NOW, SPEC)


def test_the_window_is_open_from_its_first_to_its_last_moment() -> None:
    instant = dt.timedelta(microseconds=1)
    approve.admit_service([], "resend", SPEC.not_before, SPEC)
    approve.admit_service([], "resend", SPEC.not_after, SPEC)
    with pytest.raises(errors.SendRefused, match="must not go out before 2026-11-24 08:00 UTC"):
        approve.admit_service([], "resend", SPEC.not_before - instant, SPEC)
    with pytest.raises(errors.SendRefused, match="must not go out after 2027-11-22 00:00 UTC"):
        approve.admit_service([], "sandbox", SPEC.not_after + instant, SPEC)


def test_a_test_to_the_team_has_no_window() -> None:
    for moment in (SPEC.not_before - dt.timedelta(days=9), SPEC.not_after + dt.timedelta(days=9)):
        approve.admit_service([], "resend", moment, SPEC, test=True)


def test_each_refusal_says_what_to_do_next() -> None:
    for refused in (
        lambda: approve.admit(None, MANIFEST, [], []),
        lambda: approve.admit(given(), MANIFEST, ["email.html"], []),
        lambda: approve.admit(given(), MANIFEST, [], [finding()]),
        lambda: approve.admit_service(["sender"], "resend", NOW, SPEC),
    ):
        with pytest.raises(errors.Problem) as caught:
            refused()
        assert caught.value.hint
