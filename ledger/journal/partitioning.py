"""Which partition a key belongs to: murmur2, as the Java client of Kafka and kafka-python have it.

Other clients differ (librdkafka: CRC32 unless told `partitioner=murmur2_random`), and a key that moves between
partitions loses its order. So the journal decides once, and everything downstream uses its answer.
"""

from functools import lru_cache

_MASK = 0xFFFFFFFF
_MULTIPLIER = 0x5BD1E995


def murmur2(data: bytes) -> int:
    """32-bit MurmurHash2 with Kafka's seed, as an unsigned number."""
    length = len(data)
    value = 0x9747B28C ^ length
    for start in range(0, length - 3, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ word >> 24) * _MULTIPLIER & _MASK
        value = value * _MULTIPLIER & _MASK ^ word
    if rest := length & 3:
        value = (value ^ int.from_bytes(data[length - rest :], "little")) * _MULTIPLIER & _MASK
    value = (value ^ value >> 13) * _MULTIPLIER & _MASK
    return value ^ value >> 15


@lru_cache(maxsize=65536)
def partition_of(key: str, partitions: int) -> int:
    """The partition of a key among `partitions`, from 0."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
