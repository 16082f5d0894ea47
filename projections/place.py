"""Where a build of a projection stands. Its SQL names tables without a schema; the search path says which are meant."""

from enum import Enum


class Place(Enum):
    """`LIVE` is what queries read, `NEXT` is being filled beside it, `OLD` was live before the last swap."""

    LIVE = "live"
    NEXT = "next"
    OLD = "old"

    @property
    def schema(self) -> str:
        return "projections" if self is Place.LIVE else f"projections_{self.value}"

    @property
    def options(self) -> str:
        """What a connection is made with to read and write this build."""
        return f"-c search_path={self.schema}"
