"""Claims about addresses: one spelling, nothing that cannot be mailed, nothing that smuggles in a header."""

import email_validator
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import audience, errors, vault

KEYS = vault.Vault(bytes(range(32)))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("  anna@example.org ", "anna@example.org"),
        ("Anna.Berg@EXAMPLE.ORG", "Anna.Berg@example.org"),
        ("anna@news.example.com", "anna@news.example.com"),
        ("anna@clinic.example", "anna@clinic.example"),
        ("anna@mu\u0308nchen.example", "anna@xn--mnchen-3ya.example"),
        ("anna@M\u00dcNCHEN.example", "anna@xn--mnchen-3ya.example"),
        ("o'neil+ms=news@example.net", "o'neil+ms=news@example.net"),
        ("a" * 64 + "@example.org", "a" * 64 + "@example.org"),
    ],
)
def test_an_address_has_one_spelling(written: str, stored: str) -> None:
    assert audience.normalise(written) == stored
    assert audience.normalise(stored) == stored


@pytest.mark.parametrize(
    "written",
    [
        "", "   ", "anna", "anna@", "@example.org", "anna@localhost", "anna@host.test", "anna@host.invalid",
        "anna@@example.org", "an na@example.org", "anna@exam ple.org", "anna@example..org", ".anna@example.org",
        "anna@example.org, ben@example.org", "Anna <anna@example.org>", '"anna b"@example.org', "anna@[127.0.0.1]",
        "anna@example.org\r\nBcc: ben@example.org", "anna\n@example.org", "anna@example.org\x00",
        "an\u200bna@example.org",
        "anna@ex\u202eample.org", "\u00e4nna@example.org", "a" * 65 + "@example.org", "a@" + "b" * 64 + ".example.org",
        "anna@" + "b.c" * 90 + ".example.org", "a" * 10_000, "anna\udcff@example.org", "anna@ex_ample.org",
        "reader@anna\u2044berg.example", "reader@anna\u00b7berg.example",
    ],
)  # fmt: skip
def test_what_cannot_be_mailed_safely_is_refused_without_repeating_it(written: str) -> None:
    with pytest.raises(errors.AudienceProblem) as caught:
        audience.normalise(written)
    assert "anna" not in str(caught.value)


@given(st.emails())
def test_an_accepted_address_is_plain_ascii_and_stays_as_it_is(written: str) -> None:
    try:
        stored = audience.normalise(written)
    except errors.AudienceProblem:
        return
    assert stored.isascii()
    assert stored.isprintable()
    assert " " not in stored
    assert stored.count("@") == 1
    assert len(stored) <= 254
    assert audience.normalise(stored) == stored
    assert KEYS.open(KEYS.seal(stored)) == stored


domains = st.sampled_from(
    ["example.org", "EXAMPLE.Org", "b\u00fccher.example", "a..b", "-a.org", "x.test", "", "b@c.d"]
)


@given(st.emails() | st.tuples(st.text(max_size=8), domains).map("@".join))
def test_the_short_way_for_everyday_names_has_the_verdict_of_email_validator(written: str) -> None:
    try:
        checked = email_validator.validate_email(
            written.strip(), check_deliverability=False, strict=True, allow_smtputf8=False
        )
    except email_validator.EmailNotValidError:
        with pytest.raises(errors.AudienceProblem):
            audience.normalise(written)
    else:
        assert audience.normalise(written).casefold() == str(checked.ascii_email).casefold()


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_text_whatever_gets_a_line_break_or_a_second_address_through(name: str, domain: str) -> None:
    try:
        stored = audience.normalise(f"{name}@{domain}")
    except errors.AudienceProblem:
        return
    assert stored.isprintable()
    assert not set(stored) & set(' ",;<>()[]:\\')
