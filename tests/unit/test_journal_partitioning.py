"""A key belongs to the partition that Kafka's own clients would choose, in every version and on every machine."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as murmur2_of_kafka

from ledger.journal.partitioning import murmur2, partition_of


@given(data=st.binary(max_size=200))
def test_murmur2_is_that_of_kafka(data: bytes) -> None:
    assert murmur2(data) == murmur2_of_kafka(data) & 0xFFFFFFFF


@given(key=st.text(min_size=1, max_size=64), partitions=st.integers(1, 1024))
def test_a_partition_is_the_one_that_the_java_client_computes(key: str, partitions: int) -> None:
    expected = (murmur2_of_kafka(key.encode()) & 0x7FFFFFFF) % partitions
    assert partition_of(key, partitions) == expected


def test_known_keys_stay_where_they_are() -> None:
    """Vectors of Apache Kafka's own UtilsTest."""
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536}
    known |= {b"a-little-bit-longer-string": -1486304829, b"abc": 479470107}
    assert {key: murmur2(key) for key in known} == {key: value & 0xFFFFFFFF for key, value in known.items()}


def test_loans_spread_over_all_partitions() -> None:
    assert {partition_of(f"loan-{number}", 12) for number in range(200)} == set(range(12))
