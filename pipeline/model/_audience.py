"""Where a subscriber stands."""

import dataclasses
import enum


class State(enum.StrEnum):
    """Where a subscriber stands. Only an active one is ever mailed."""

    ACTIVE = "active"  # asked for the digest and confirmed it
    PENDING = "pending"  # asked for it, has not confirmed yet
    UNSUBSCRIBED = "unsubscribed"  # asked to stop; only the reader can take that back
    BOUNCED = "bounced"  # the mailbox does not exist or takes no mail
    COMPLAINED = "complained"  # called the digest spam


def exclusion(state: State, *, suppressed: bool) -> str:
    """Say in one word why a subscriber in this state must not be mailed; "" when nothing stands against it."""
    if state is State.PENDING:
        return "unconfirmed"
    if state is not State.ACTIVE:
        return state.value
    return "suppressed" if suppressed else ""


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """One subscriber of a frozen audience, without the address. `public_id` makes links, so it stays out of repr."""

    id: int
    public_id: bytes = dataclasses.field(repr=False)
    state: State
    suppressed: bool

    @property
    def exclusion(self) -> str:
        """Why nothing may be sent to this subscriber, in one word; "" when the digest may go out."""
        return exclusion(self.state, suppressed=self.suppressed)
