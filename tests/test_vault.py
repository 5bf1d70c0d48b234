"""Claims about the keys: what is sealed stays sealed, and what is signed cannot be forged."""

import base64
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline import errors, vault

KEY = bytes(range(32))
KEYS = vault.Vault(KEY)
OTHER = vault.Vault(bytes(32))
ADDRESS = "reader@example.org"
PUBLIC_ID = bytes(range(16))

addresses = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
public_ids = st.binary(min_size=16, max_size=16)
link_letters = string.ascii_letters + string.digits + "-_"


@given(addresses)
def test_every_text_comes_back_from_its_seal(address: str) -> None:
    assert KEYS.open(KEYS.seal(address)) == address


def test_the_same_address_never_looks_the_same_twice() -> None:
    assert KEYS.seal(ADDRESS) != KEYS.seal(ADDRESS)


def test_a_sealed_address_does_not_show_its_text() -> None:
    assert b"reader" not in KEYS.seal(ADDRESS)
    assert b"example" not in KEYS.seal(ADDRESS)


def test_another_key_opens_nothing_and_says_what_to_do() -> None:
    with pytest.raises(errors.StorageProblem, match="another key") as caught:
        OTHER.open(KEYS.seal(ADDRESS))
    assert "restore" in caught.value.hint
    assert ADDRESS not in str(caught.value)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_a_seal_with_any_byte_changed_is_refused(position: int, change: int) -> None:
    sealed = bytearray(KEYS.seal(ADDRESS))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(errors.StorageProblem):
        KEYS.open(bytes(sealed))


@given(st.integers(min_value=0, max_value=45))
def test_a_seal_cut_short_is_refused(length: int) -> None:
    with pytest.raises(errors.StorageProblem):
        KEYS.open(KEYS.seal(ADDRESS)[:length])


def test_the_blind_index_is_one_for_every_spelling_of_the_case() -> None:
    assert KEYS.index("Reader@Example.ORG") == KEYS.index(ADDRESS)
    assert KEYS.suppression("Reader@Example.ORG") == KEYS.suppression(ADDRESS)
    assert KEYS.log_name("Reader@Example.ORG") == KEYS.log_name(ADDRESS)


@given(addresses, addresses)
def test_two_addresses_have_two_indexes(one: str, other: str) -> None:
    assume(one.casefold() != other.casefold())
    assert KEYS.index(one) != KEYS.index(other)


def test_no_two_uses_and_no_two_keys_give_the_same_hash() -> None:
    hashes = [use(ADDRESS) for keys in (KEYS, OTHER) for use in (keys.index, keys.suppression)]
    hashes += [bytes.fromhex(keys.log_name(ADDRESS)) for keys in (KEYS, OTHER)]
    assert len({digest[:5] for digest in hashes}) == len(hashes)


@given(public_ids)
def test_a_token_names_its_reader_and_is_always_the_same(public_id: bytes) -> None:
    token = KEYS.token(public_id)
    assert KEYS.public_id(token) == public_id
    assert KEYS.token(public_id) == token


@given(public_ids)
def test_a_token_needs_no_escaping_in_an_address(public_id: bytes) -> None:
    token = KEYS.token(public_id)
    assert len(token) == vault.TOKEN_CHARACTERS
    assert set(token) <= set(link_letters)


@given(public_ids, st.integers(0, vault.TOKEN_CHARACTERS - 1), st.characters())
def test_a_token_with_any_character_changed_is_refused(public_id: bytes, place: int, letter: str) -> None:
    token = KEYS.token(public_id)
    assume(token[place] != letter)
    assert KEYS.public_id(token[:place] + letter + token[place + 1 :]) is None


@pytest.mark.parametrize("place", range(vault.TOKEN_CHARACTERS))
def test_no_other_letter_at_any_place_passes(place: int) -> None:
    token = KEYS.token(PUBLIC_ID)
    forged = [token[:place] + letter + token[place + 1 :] for letter in link_letters + "+/=" if letter != token[place]]
    assert [KEYS.public_id(text) for text in forged] == [None] * len(forged)


@given(st.text())
def test_a_made_up_token_is_refused(text: str) -> None:
    assert KEYS.public_id(text) is None


@given(st.text(alphabet=link_letters, min_size=43, max_size=43))
def test_a_made_up_token_of_the_right_form_is_refused(text: str) -> None:
    assert KEYS.public_id(text) is None


@given(public_ids, st.text(alphabet=link_letters + "=\n ", min_size=1, max_size=3))
def test_a_token_with_something_before_or_after_it_is_refused(public_id: bytes, extra: str) -> None:
    token = KEYS.token(public_id)
    assert KEYS.public_id(token + extra) is None
    assert KEYS.public_id(extra + token) is None


def test_the_other_base64_spellings_of_a_token_are_refused() -> None:
    public_id = bytes([0xFB, 0xFF] * 8)  # its base64 has both signs that differ between the alphabets
    token = KEYS.token(public_id)
    ordinary = token.replace("-", "+").replace("_", "/")
    assert ordinary != token
    assert base64.b64decode(ordinary + "=")[:16] == public_id
    assert KEYS.public_id(ordinary) is None


def test_a_token_of_another_installation_is_refused() -> None:
    assert OTHER.public_id(KEYS.token(PUBLIC_ID)) is None


def test_public_ids_are_random() -> None:
    made = {KEYS.new_public_id() for _ in range(100)}
    assert len(made) == 100
    assert {len(public_id) for public_id in made} == {vault.PUBLIC_ID_BYTES}


def test_a_printed_vault_shows_which_key_it_is_and_never_the_key() -> None:
    assert repr(KEYS) == repr(vault.Vault(KEY))
    assert repr(KEYS) != repr(OTHER)
    assert KEY.hex() not in repr(KEYS)


def test_a_log_name_is_short_and_shows_nothing() -> None:
    assert len(KEYS.log_name(ADDRESS)) == 10
    assert "reader" not in KEYS.log_name(ADDRESS)


def test_the_derivation_never_changes() -> None:
    """A change here would orphan every stored address and kill every link in mails already sent."""
    assert KEYS.index(ADDRESS).hex()[:16] == "ac2856f8375cdde2"
    assert KEYS.suppression(ADDRESS).hex()[:16] == "f2dae05e1acceb3b"
    assert KEYS.token(PUBLIC_ID) == "AAECAwQFBgcICQoLDA0OD33AgKb3Nw-GhB3xdmCWQX0"
    assert KEYS.fingerprint.hex() == "6c771ac6bd68bf34"
    sealed = "197bf7140a9923a37ebda0dab0341f729065a5e87660925cdd74ade967208e961022d40c3c70ffefba3e051b4808"
    assert KEYS.open(bytes.fromhex(sealed)) == ADDRESS
