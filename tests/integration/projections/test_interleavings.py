"""How partitions interleave, how they are cut into batches, and what comes twice, leaves no trace."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.feed import Batch
from tests.integration.projections.recorded_book import RecordedBook


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32))
def test_any_interleaving_of_partitions_with_repetitions_builds_the_same(recorded: RecordedBook, seed: int) -> None:
    """Of every projection in the catalogue, from events of every kind; batches come alone and several at once."""
    if not recorded.loans:
        recorded.every_kind()
    in_order = recorded.digests_from_the_journal()
    recorded.forgets_everything()
    chance = random.Random(seed)
    script = shuffled(list(recorded.batches().values()), chance)
    with recorded.fed_with(*script, at_once=lambda: chance.randint(1, 6)) as runner:
        while not recorded.is_current():
            runner.step()
        assert not runner.stopped
    assert recorded.digests() == in_order


def shuffled(partitions: list[Batch], chance: random.Random) -> list[Batch]:
    """Pieces of partitions in any order between partitions; each piece may repeat some of what came before it."""
    places = {batch.partition: 0 for batch in partitions}
    script: list[Batch] = []
    while waiting := [batch for batch in partitions if places[batch.partition] < len(batch.events)]:
        batch = chance.choice(waiting)
        begin = max(0, places[batch.partition] - chance.randint(0, 2))
        places[batch.partition] += chance.randint(1, 5)
        script.append(Batch(batch.partition, batch.events[begin : places[batch.partition]]))
    return script
