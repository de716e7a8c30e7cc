"""Whatever is said, in batches of any size: the same is announced, and what is announced is what stands."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.events.consent import (
    ConsentGranted,
    ConsentWithdrawn,
    SubscriptionRequested,
    SuppressionAdded,
    SuppressionRemoved,
    UnsubscriptionRequested,
)
from heliograph.events.messages import MessageBounced, MessageComplained
from heliograph.events.people import Customer, PersonUpdated
from heliograph.react.state import consent

ADDRESSES = ("ann@example.com", "bob@example.com")

addresses = st.sampled_from(ADDRESSES)
sayings = st.lists(
    st.one_of(
        st.builds(UnsubscriptionRequested, address=addresses),
        st.builds(SubscriptionRequested, email=addresses, double_optin=st.booleans()),
        st.builds(
            lambda email, yes: PersonUpdated(person=Customer(email=email, accepts_marketing=yes)),
            addresses,
            st.booleans(),
        ),
        st.builds(
            MessageBounced,
            message=st.just("m"),
            address=addresses,
            category=st.just("c"),
            code=st.just(10),
            bounce_class=st.just("hard"),
            details=st.just("550"),
        ),
        st.builds(MessageComplained, address=addresses),
        st.builds(SuppressionAdded, address=addresses, type=st.just("manually_suppressed")),
        st.builds(SuppressionRemoved, address=addresses, type=st.just("manually_suppressed")),
    ),
    max_size=10,
)


def address_of(data) -> str:
    if isinstance(data, PersonUpdated):
        return data.person.email
    return data.email if isinstance(data, SubscriptionRequested) else data.address


def play(line, said, batch, crashes):
    for data in said:
        line.say(data, subject=f"email:{address_of(data)}")
    begun = len(line.events)
    for crash in crashes:
        if crash:
            line.decide(batch, crash=True)
        line.decide(batch)
    line.settle(batch)
    return line.events[begun:]


def announced(events):
    return [
        (event.kind, event.data.address, getattr(event.data, "type", None))
        for event in events
        if isinstance(event.data, ConsentGranted | ConsentWithdrawn | SuppressionAdded | SuppressionRemoved)
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=sayings, batch=st.integers(1, 5), crashes=st.lists(st.booleans(), max_size=4))
def test_every_announcement_changes_something_and_together_they_are_what_stands(
    make_line, said, batch, crashes
) -> None:
    line = make_line()
    made = play(line, said, batch, crashes)
    assert len({event.id for event in made}) == len(made)
    for address in ADDRESSES:
        suppressions, opt_in = set(), None
        for event in line.events:
            data = event.data
            if getattr(data, "address", None) != address:
                continue
            ours = event.cause is not None
            match data:
                case ConsentGranted():
                    assert (
                        opt_in is not True
                        or "unsubscribed" in suppressions
                        or "pending_opt_in" in suppressions
                    )
                    opt_in = True
                case ConsentWithdrawn():
                    opt_in = False
                case SuppressionAdded():
                    assert not ours or data.type not in suppressions
                    suppressions.add(data.type)
                case SuppressionRemoved():
                    assert not ours or data.type in suppressions
                    suppressions.discard(data.type)
        now = line.read(lambda connection: consent.standing(connection, "000000000001", "email", address))  # noqa: B023 - called at once
        assert now.suppressions == suppressions


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=sayings, batch=st.integers(1, 5))
def test_one_by_one_or_all_at_once_announces_the_same_for_each_address(make_line, said, batch) -> None:
    """Where nobody else's hand is in it: foreign suppressions stand in state before their turn comes."""
    own = [data for data in said if not isinstance(data, SuppressionAdded | SuppressionRemoved)]
    at_once, one_by_one = (sorted(announced(play(make_line(), own, size, []))) for size in (512, batch))
    assert at_once == one_by_one


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=sayings, batch=st.integers(1, 5), crashes=st.lists(st.booleans(), max_size=4))
def test_a_crash_changes_nothing(make_line, said, batch, crashes) -> None:
    """Though folds have learned by then what is about to be decided again."""
    calm = announced(play(make_line(), said, batch, [False for _ in crashes]))
    assert announced(play(make_line(), said, batch, crashes)) == calm
