"""Which partition a key belongs to: murmur2, as the Java client of Kafka and kafka-python have it.

Other clients differ (librdkafka: CRC32 unless told `partitioner=murmur2_random`), and a key that moves between
partitions loses its order. So the journal decides once, and everything downstream uses its answer.
"""

from functools import lru_cache
from struct import unpack_from

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed, as an unsigned number."""
    length = len(data)
    value = 0x9747B28C ^ length
    for word in unpack_from(f"<{length // 4}I", data):
        mixed = word * _MULTIPLIER & _MASK
        mixed = (mixed ^ mixed >> 24) * _MULTIPLIER & _MASK
        value = value * _MULTIPLIER & _MASK ^ mixed
    if rest := length & 3:
        value = (value ^ int.from_bytes(data[length - rest :], "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 13) * _MULTIPLIER & _MASK
    return value ^ value >> 15


@lru_cache(maxsize=65536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key among `partitions`, from 0."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
