"""The names of algorithms that OpenSSH takes in its configuration.

Facts, of 9.2 to 10.5: `ssh -Q cipher`, `-Q mac`, `-Q kex`, `-Q HostKeyAlgorithms`; `ciphers_valid` of
cipher.c, `kex_names_valid` of kex.c, `sshkey_names_valid2` of sshkey.c.
"""

from __future__ import annotations

from loomtui.fleet.ssh.openssh.lines import matches

_MAC_NAMES = ("hmac-sha1", "hmac-sha1-96", "hmac-sha2-256", "hmac-sha2-512", "hmac-md5", "hmac-md5-96")
_KEY_NAMES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-256",
    "rsa-sha2-512",
    "ssh-rsa",
    "ssh-dss",
)
_SECURITY_KEY_NAMES = ("sk-ssh-ed25519", "sk-ecdsa-sha2-nistp256")
KEYS = (
    *(f"{name}{end}" for name in _KEY_NAMES for end in ("", "-cert-v01@openssh.com")),
    *(f"{name}{end}" for name in _SECURITY_KEY_NAMES for end in ("@openssh.com", "-cert-v01@openssh.com")),
    "webauthn-sk-ecdsa-sha2-nistp256@openssh.com",
)

_NAMES: dict[str, tuple[str, ...]] = {
    "ciphers": (
        *("3des-cbc", "aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-ctr", "aes192-ctr", "aes256-ctr"),
        *("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"),
    ),
    "macs": (
        *_MAC_NAMES,
        *(f"{name}-etm@openssh.com" for name in _MAC_NAMES),
        *("umac-64@openssh.com", "umac-128@openssh.com"),
        *("umac-64-etm@openssh.com", "umac-128-etm@openssh.com"),
    ),
    "kexalgorithms": (
        *("diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group14-sha256"),
        *("diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512"),
        *("diffie-hellman-group-exchange-sha1", "diffie-hellman-group-exchange-sha256"),
        *("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521"),
        *("curve25519-sha256", "curve25519-sha256@libssh.org"),
        *("sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"),
        *("mlkem768x25519-sha256", "mlkem768nistp256-sha256"),
    ),
    "hostkeyalgorithms": KEYS,
    "pubkeyacceptedalgorithms": KEYS,
}
_WITH_PATTERNS = ("hostkeyalgorithms", "pubkeyacceptedalgorithms")
KEYWORDS = frozenset(_NAMES)


def unknown(keyword: str, wanted: str) -> str:
    """The first name in a list that nobody knows, or ''. What is taken away (`-`) may be unknown."""
    if wanted.startswith("-"):
        return ""
    known = _NAMES[keyword]
    for name in wanted.removeprefix("+").removeprefix("^").split(","):
        fits = any(matches(each, name) for each in known) if keyword in _WITH_PATTERNS else name in known
        if not fits:
            return name or "nothing"
    return ""
