"""What only paramiko's own words tell, because it raises one class, SSHException, for many things.

Everything that looks into these words is here, so that another version's wording has to be mended in one
place only.
"""

from __future__ import annotations

from paramiko.ssh_exception import SSHException

from loomtui.text import clean_line

#: paramiko/transport.py, `_check_banner`: what greets is no SSH server, or nothing greets in time.
_NO_BANNER = "Error reading SSH protocol banner"


def closed_before_greeting(error: Exception) -> bool:
    """Whether the server hung up before it greeted, as sshd does beyond MaxStartups."""
    return (
        isinstance(error, SSHException)
        and str(error).startswith(_NO_BANNER)
        and isinstance(error.__context__, EOFError | ConnectionError)
    )


def is_timeout(error: Exception) -> bool:
    """Whether paramiko's own deadline for a channel ended ('Timeout opening channel.')."""
    return "Timeout" in str(error)


def is_refusal_of_a_channel(error: SSHException) -> bool:
    """Whether the server refused a channel, and paramiko has told why to who asked at the same moment.

    paramiko/transport.py, `open_channel`: the reason is kept once for the whole connection.
    """
    return str(error) == "Unable to open channel."


def reason(error: SSHException) -> str:
    """Why the connection failed, as part of a sentence."""
    text = str(error)
    if "banner" in text or "Invalid SSH" in text or "SSH protocol" in text:
        return "what answers on that port is not an SSH server, or is too busy to greet (MaxStartups)"
    if "Negotiation failed" in text or "No existing session" in text:
        return "the connection was closed before keys were exchanged"
    return clean_line(text, limit=120)
