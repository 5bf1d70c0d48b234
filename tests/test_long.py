"""Claims about size, too slow for every run: `make test-long`."""

import tracemalloc
from pathlib import Path

import pytest
import sends

from pipeline import audience, database, vault

pytestmark = pytest.mark.long


def _peak_of_import(folder: Path, readers: int) -> int:
    """Import that many readers into a new database; return the most memory Python held meanwhile, in bytes."""
    folder.mkdir()
    engine = database.open_engine("sqlite:///mscare.db", folder)
    file = sends.write_csv(folder / "readers.csv", sends.addresses(readers))
    tracemalloc.start()
    report = audience.import_csv(
        engine, vault.Vault(bytes(range(32))), file, source="test", now=sends.NOW, rejects=folder / "rejects.csv"
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.added, report.rejected) == (readers, 0)
    assert audience.count(engine)["active"] == readers
    engine.dispose()
    return peak


def test_a_hundred_thousand_readers_take_no_more_memory_than_twenty_thousand(tmp_path: Path) -> None:
    small = _peak_of_import(tmp_path / "small", 20_000)
    assert _peak_of_import(tmp_path / "large", 100_000) < 1.5 * small


@pytest.mark.parametrize("dialect", ["resend", "sendgrid"])
def test_twenty_thousand_readers_are_mailed_once_through_faults_of_every_kind(tmp_path: Path, dialect: str) -> None:
    spec = "429@every:9=0,500-after@every:7,cut-after@every:11"
    with sends.world(tmp_path, 20_000, dialect, spec) as world:
        tally = world.run(threads=3)
        taken = world.taken()
        assert set(taken.values()) == {1}
        assert tally.balances
        assert (tally.accepted, tally.doubtful, len(taken)) == (20_000, 0, 20_000)
