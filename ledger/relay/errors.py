"""Why the relay cannot go on, in one tree under the project's error root.

Unavailable
├── KafkaUnavailable        Kafka did not answer in time
├── PartitionHeldBack       another producer's open transaction hides the end of a partition
├── RelayFailed             a window could not be published; start again, and it is published once
└── RelayFenced             another relay of this book has taken over
Misconfigured
├── KafkaMisconfigured      an address that cannot be read, or rights that are missing
├── TopicUnfit              a topic that would lose or reorder events
├── WrongJournal            the topics hold a book of this name from another journal
└── NotPublished            Kafka has no such book, or not its topics
Corrupt
├── KafkaAhead              Kafka holds events that the journal does not have
├── LogsDisagree            journal and Kafka have different events at one position
├── PartitionTruncated      a partition lacks records that were committed
├── RecordOutOfPlace        a record of this book where none was published
└── HeadUnreadable          the last record of the heads topic is not one of ours
BadInput
└── WhichBook               Kafka has several books, or none
"""

from typing import ClassVar

from schemas.errors import BadInput, Corrupt, Misconfigured, Unavailable


class KafkaUnavailable(Unavailable):
    code: ClassVar[str] = "kafka_unavailable"


class PartitionHeldBack(Unavailable):
    code: ClassVar[str] = "partition_held_back"


class RelayFailed(Unavailable):
    code: ClassVar[str] = "relay_failed"


class RelayFenced(Unavailable):
    code: ClassVar[str] = "relay_fenced"


class KafkaMisconfigured(Misconfigured):
    code: ClassVar[str] = "kafka_misconfigured"


class TopicUnfit(Misconfigured):
    code: ClassVar[str] = "topic_unfit"


class WrongJournal(Misconfigured):
    code: ClassVar[str] = "wrong_journal"


class NotPublished(Misconfigured):
    code: ClassVar[str] = "not_published"


class KafkaAhead(Corrupt):
    code: ClassVar[str] = "kafka_ahead"


class LogsDisagree(Corrupt):
    code: ClassVar[str] = "logs_disagree"


class PartitionTruncated(Corrupt):
    code: ClassVar[str] = "partition_truncated"


class RecordOutOfPlace(Corrupt):
    code: ClassVar[str] = "record_out_of_place"


class HeadUnreadable(Corrupt):
    code: ClassVar[str] = "head_unreadable"


class WhichBook(BadInput):
    code: ClassVar[str] = "which_book"
