"""Every error a user can meet, as one tree; each class has its own exit code.

Problem                     1   something this program foresaw, told in a sentence
+-- UsageProblem            2   the command line asks for something that makes no sense
+-- ContentBlocked          3   a blocking finding stands in the content or the outputs
+-- DoubtRemains            4   some deliveries may or may not have been taken
+-- ConfigProblem           5   mscare.toml or the environment is wrong
+-- NotApproved             6   no approval, or it names other bytes than those in out/
+-- SendRefused             7   a send must not start: identity, window, state or lock
+-- ServiceProblem          8   the sending service refused the account or cannot be used
+-- AudienceProblem         9   a subscriber file or an address cannot be used
+-- StorageProblem         10   the database or the disk does not work
+-- MissingPart            11   a library, program, font or port is missing or taken
+-- RenderProblem          12   a format could not be rendered
Interrupted               130   stopped by Ctrl-C or SIGTERM; what to run to go on
"""

from typing import ClassVar


class Problem(Exception):
    """Something foreseen went wrong: what was being done, where, and what to do next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", passes: bool = False) -> None:
        """Keep the sentence for people and the hint that mends it; `passes` when waiting alone may mend it too."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.passes = passes


class UsageProblem(Problem):
    """The command line asks for something that makes no sense."""

    exit_code = 2


class ContentBlocked(Problem):
    """A blocking finding stands in the content or in the outputs."""

    exit_code = 3


class DoubtRemains(Problem):
    """Some deliveries may or may not have been taken by the service."""

    exit_code = 4


class ConfigProblem(Problem):
    """mscare.toml or the environment is wrong; the message lists every fault at once."""

    exit_code = 5


class NotApproved(Problem):
    """There is no approval, or it names other bytes than those in out/."""

    exit_code = 6


class SendRefused(Problem):
    """A send must not start: example identity, outside its window, wrong state, or another sender runs."""

    exit_code = 7


class ServiceProblem(Problem):
    """The sending service refused the account, the key or the request as a whole."""

    exit_code = 8


class AudienceProblem(Problem):
    """A subscriber file or an address cannot be used."""

    exit_code = 9


class StorageProblem(Problem):
    """The database or the disk does not work."""

    exit_code = 10


class MissingPart(Problem):
    """A library, a program, a font or a free port is missing."""

    exit_code = 11


class RenderProblem(Problem):
    """A format could not be rendered; the message names the file and, where known, the line."""

    exit_code = 12


class Interrupted(Problem):
    """Stopped by Ctrl-C or SIGTERM; the hint says how to go on."""

    exit_code = 130
