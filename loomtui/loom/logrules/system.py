"""What the system around a node says of it, or refuses it: systemd, the kernel, Go's runtime.

Sources: systemd src/core/service.c, src/core/execute.c and src/basic/exit-status.c (versions 229 to 257);
Linux mm/oom_kill.c; Go src/runtime/malloc.go and src/syscall/zerrors_linux_amd64.go; lines that operators of
Tendermint nodes reported.
"""

from __future__ import annotations

from loomtui.loom.advice import Act
from loomtui.loom.databases import UNIT
from loomtui.loom.logrules.rule import Denial, Severity, rule

_MEMORY = (
    "Give the node more memory or take some from other programs; MemoryMax= of the unit may be the limit. "
    "DBBackendConfig and EvmStore of loom.yml say how much each database may take."
)

LIMITS = (
    rule(
        Severity.CRITICAL,
        "Consensus failure: too many open files",
        UNIT,
        r"(?i)CONSENSUS FAILURE!!!.*too many open files",
        "This node could not write its consensus WAL, because its process may open no more files. It takes "
        "no part in the chain any more, and its process stays up.",
        "Set LimitNOFILE=65536 in [Service] of the unit, then systemctl daemon-reload, and restart its "
        "process, which is up.",
        act=Act.RESTART,
        denied_by=Denial.GROWS,
    ),
    rule(
        Severity.ERROR,
        "Too many open files on the machine",
        "",
        r"(?i)too many open files in system",
        "All programs of this machine together may open no more files; the limit of the unit is not what "
        "counts.",
        "Look at which program holds so many (/proc/sys/fs/file-nr, lsof), or raise fs.file-max (sysctl).",
    ),
    rule(
        Severity.ERROR,
        "Too many open files",
        UNIT,
        r"(?i)too many open files",
        "The process may open no more files or connections: each database file and each peer takes one, "
        "and the usual limit of systemd is 1024.",
        "Set LimitNOFILE=65536 in [Service] of the unit, then systemctl daemon-reload, and restart its "
        "process. The limit in force is in /proc/PID/limits.",
    ),
    rule(
        Severity.ERROR,
        "Killed for want of memory",
        "",
        r"killed by the OOM killer|[Ff]ailed with result 'oom-kill'|[Oo]ut of memory: Kill(?:ed)? process"
        r"|invoked oom-killer|oom-kill:constraint|Killed \S+ due to memory",
        "The machine, or the unit within its limit, had no memory left, and the kernel or systemd-oomd "
        "killed a process for it. A database may have been cut off in a write.",
        _MEMORY,
    ),
    rule(
        Severity.ERROR,
        "No memory left",
        "",
        r"runtime: (?:out of memory|cannot allocate memory)|[Cc]annot allocate memory",
        "The program wanted memory and got none, and ended.",
        _MEMORY,
    ),
)


STARTING = (
    rule(
        Severity.ERROR,
        "The working directory cannot be entered",
        UNIT,
        r"Failed at step CHDIR|status=200/CHDIR|Changing to the requested working directory failed",
        "WorkingDirectory= of the unit is not there, or its user may not enter it: the service does not "
        "start, and loom was not run.",
        "Correct WorkingDirectory= in the unit, mount the disk that it is on, or give the folder to the "
        "unit's user.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The program cannot be run",
        UNIT,
        r"Failed at step EXEC|status=203/EXEC|Failed to locate executable|Neither a valid executable name",
        "The program in ExecStart= of the unit is not there, may not be run, or is for another machine: "
        "the service does not start.",
        "Install loom at that path with mode 0755, or correct ExecStart= in the unit. Of a script its "
        "first line counts, too.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The unit's user or group is not there",
        UNIT,
        r"Failed at step (?:USER|GROUP)|status=21[67]/(?:USER|GROUP)"
        r"|Failed to determine (?:user|group) credentials",
        "User= or Group= of the unit names nobody on this node: the service does not start.",
        "Make the user there, or correct User= and Group= in the unit.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The service's log cannot be opened",
        UNIT,
        r"Failed at step (?:STDIN|STDOUT|STDERR)|status=(?:208/STDIN|209/STDOUT|222/STDERR)"
        r"|Failed to set up standard (?:input|output|error)",
        "StandardOutput= or StandardError= of the unit names a file that cannot be opened: the service "
        "does not start.",
        "Make the folder of that file, with room on its disk, or correct the setting in the unit.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The unit's view of the disks cannot be made",
        UNIT,
        r"Failed at step NAMESPACE|status=226/NAMESPACE|Failed to set up mount namespacing",
        "A path in ReadWritePaths=, BindPaths= or a like setting of the unit is not there, or the node is "
        "a container that may not do this: the service does not start.",
        "Make the path that the line names, or take it out of the unit; a - before it makes it optional.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "A limit of the unit cannot be set",
        UNIT,
        r"Failed at step LIMITS|status=205/LIMITS|Failed to adjust resource limit",
        "A Limit...= setting of the unit is higher than this node allows: the service does not start.",
        "Lower it in the unit, or raise fs.nr_open (sysctl) for LimitNOFILE=.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The unit's environment file is missing",
        UNIT,
        r"Failed to load environment files",
        "EnvironmentFile= of the unit names a file that is not there: the service does not start.",
        "Put the file back, or correct EnvironmentFile= in the unit.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "The service could not be set up",
        UNIT,
        r"Failed at step (?P<step>[A-Z_]+) spawning|code=exited, status=2[0-4]\d/(?P<code>[A-Z_]+)",
        "systemd could not prepare the process ({step}{code}), so loom was not run. systemd.exec(5) lists "
        "these steps under PROCESS EXIT CODES.",
        "Correct the setting of the unit that belongs to this step.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.ERROR,
        "Started too often",
        UNIT,
        r"[Ss]tart request repeated too quickly|start-limit-hit",
        "The service ended so often in a short time that systemd has given up on it: it stays down, and a "
        "start is refused for a while.",
        "Mend what the lines before say, then lift the refusal: systemctl reset-failed UNIT. With "
        "StartLimitIntervalSec=0 in [Unit] systemd never gives up.",
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.WARNING,
        "Killed with SIGKILL",
        "",
        r"code=killed, (?:status=9/KILL|signal=KILL)",
        "Something killed the process, and this line does not tell what: the kernel for want of memory, "
        "systemd after TimeoutStopSec=, or somebody by hand. A database may have been cut off in a write.",
        "Look for the OOM killer in journalctl -k of that time, and for a stop that took too long in the "
        "lines before.",
        act=Act.LOOK,
        denied_by=Denial.ANSWERS,
    ),
    rule(
        Severity.WARNING,
        "A stop took too long",
        UNIT,
        r"State '?stop-\S*'? timed out|Stopping timed out",
        "The service did not end within TimeoutStopSec= of its unit, so systemd kills it.",
        "Raise TimeoutStopSec= in the unit; look at what held the node up, a slow disk for one.",
        denied_by=Denial.ANSWERS,
    ),
)
