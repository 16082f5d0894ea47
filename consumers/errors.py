"""What keeps a consumer from reading on, under the project's error root.

Unavailable
├── BrokersUnavailable      Kafka did not answer in time
└── EndNotReached           records are there and do not come
NotFound
└── TopicMissing            a topic that does not exist, or may not be read
Misconfigured
└── NotAllowed              rights that are missing
Corrupt
├── OffsetGone              where a group stopped is no longer in the topic
└── RecordUnreadable        a record that is no event of this contract
"""

from typing import ClassVar

from schemas.errors import Corrupt, Misconfigured, NotFound, Unavailable


class BrokersUnavailable(Unavailable):
    code: ClassVar[str] = "brokers_unavailable"


class EndNotReached(Unavailable):
    code: ClassVar[str] = "end_not_reached"


class TopicMissing(NotFound):
    code: ClassVar[str] = "topic_missing"


class NotAllowed(Misconfigured):
    code: ClassVar[str] = "not_allowed"


class OffsetGone(Corrupt):
    code: ClassVar[str] = "offset_gone"


class RecordUnreadable(Corrupt):
    code: ClassVar[str] = "record_unreadable"
