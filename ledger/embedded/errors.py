"""Why an embedded server cannot be used, in one tree under the project's error root.

Misconfigured
├── WheelMissing            this machine has no wheel with the server's binaries
├── FolderUnusable          the data or cache folder cannot be written
└── SettingsDiffer          the data folder was made with other settings than those asked for
Unavailable
├── PortTaken               a port that was asked for by number belongs to another program
├── StartIsBusy             another process has been starting the same server for too long
├── ServerDidNotStart       the server ended or stayed silent while it was starting
├── ServerDidNotStop        the server is still there after every allowed signal
└── JarsUnavailable         the jars of Kafka cannot be downloaded just now
Corrupt
├── WrongJar                a jar is not the one that was pinned
└── DataMissing             a data folder that was in use is gone
"""

from typing import ClassVar

from schemas.errors import Corrupt, Misconfigured, Unavailable


class WheelMissing(Misconfigured):
    code: ClassVar[str] = "embedded_wheel_missing"


class FolderUnusable(Misconfigured):
    code: ClassVar[str] = "embedded_folder_unusable"


class SettingsDiffer(Misconfigured):
    code: ClassVar[str] = "embedded_settings_differ"


class PortTaken(Unavailable):
    code: ClassVar[str] = "embedded_port_taken"


class StartIsBusy(Unavailable):
    code: ClassVar[str] = "embedded_start_busy"


class ServerDidNotStart(Unavailable):
    code: ClassVar[str] = "embedded_server_did_not_start"


class ServerDidNotStop(Unavailable):
    code: ClassVar[str] = "embedded_server_did_not_stop"


class JarsUnavailable(Unavailable):
    code: ClassVar[str] = "embedded_jars_unavailable"


class WrongJar(Corrupt):
    code: ClassVar[str] = "embedded_wrong_jar"


class DataMissing(Corrupt):
    code: ClassVar[str] = "embedded_data_missing"
