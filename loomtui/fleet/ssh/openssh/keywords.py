"""The keywords of ssh_config(5), by how their arguments are taken.

Fact: `keywords` of readconf.c, 9.2 to 10.5.
"""

from __future__ import annotations

#: Old names of keywords.
ALIASES = {
    "dsaauthentication": "pubkeyauthentication",
    "identityfile2": "identityfile",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
}

#: One argument; the first that is given counts.
ONE = frozenset(
    {
        "bindaddress",
        "ciphers", "hostkeyalgorithms", "hostkeyalias", "hostname", "identityagent",
        "ignoreunknown", "kexalgorithms", "macs", "port", "pubkeyacceptedalgorithms", "refuseconnection",
        "revokedhostkeys", "tag", "user",
    }
)  # fmt: skip

#: One argument of a few; the first that is given counts.
_YES_OR_NO = frozenset({"yes", "no", "true", "false"})
CHOICES = {
    "addressfamily": frozenset({"any", "inet", "inet6"}),
    "canonicalizehostname": _YES_OR_NO | {"always"},
    "identitiesonly": _YES_OR_NO,
    "proxyusefdpass": _YES_OR_NO,
    "stricthostkeychecking": _YES_OR_NO | {"ask", "off", "accept-new"},
}

#: One argument; all that are given count, in their order.
MANY = frozenset({"certificatefile", "identityfile"})

#: As many arguments as one likes; the first line that is given counts.
LISTS = frozenset({"canonicalizepermittedcnames", "globalknownhostsfile", "userknownhostsfile"})

#: All that stands on the line, with quotes and comments.
REST = frozenset({"proxycommand", "proxyjump"})

#: These change nothing of where and how loomtui connects.
_OTHERS = """
    addkeystoagent afstokenpassing batchmode bindinterface canonicaldomains
    canonicalizefallbacklocal canonicalizemaxdots casignaturealgorithms challengeresponseauthentication
    channeltimeout checkhostip cipher clearallforwardings compression compressionlevel connectionattempts
    connecttimeout controlmaster controlpath controlpersist dynamicforward enableescapecommandline
    enablesshkeysign escapechar exitonforwardfailure fallbacktorsh fingerprinthash forkafterauthentication
    forwardagent forwardx11 forwardx11timeout forwardx11trusted gatewayports globalknownhostsfile2
    gssapiauthentication gssapiclientidentity gssapidelegatecredentials gssapikexalgorithms gssapikeyexchange
    gssapirenewalforcesrekey gssapiserveridentity gssapitrustdns hashknownhosts hostbasedacceptedalgorithms
    hostbasedauthentication hostbasedkeytypes ipqos kbdinteractiveauthentication kbdinteractivedevices
    keepalive kerberosauthentication kerberostgtpassing knownhostscommand localcommand localforward loglevel
    logverbose nohostauthenticationforlocalhost numberofpasswordprompts obscurekeystroketiming
    passwordauthentication permitlocalcommand permitremoteopen pkcs11provider preferredauthentications
    protocol  pubkeyauthentication rekeylimit remotecommand remoteforward requesttty
    requiredrsasize rhostsauthentication rhostsrsaauthentication rsaauthentication securitykeyprovider
    sendenv serveralivecountmax serveraliveinterval sessiontype setenv skeyauthentication smartcarddevice
    stdinnull streamlocalbindmask streamlocalbindunlink syslogfacility tcpkeepalive tisauthentication tunnel
    tunneldevice updatehostkeys usekeychain useprivilegedport userknownhostsfile2 useroaming usersh
    verifyhostkeydns versionaddendum visualhostkey warnweakcrypto xauthlocation
"""
OTHERS = frozenset(_OTHERS.split())
