"""What to do next where S3 refuses. A permission that S3 names is a value of its answer, like its code."""

from __future__ import annotations

import re

CREDENTIALS = (
    "boto3 looks at AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws and the machine's role; "
    "a profile can be named in the inventory (s3.profile)."
)
LATER = "Wait a little and try again."
CLOCK = "Set the clock of this machine right."
NETWORK = "Check the network, and s3.endpoint and s3.addressing_style in the inventory."
SETTINGS = "Check s3 in the inventory against what S3 says."
CERTIFICATE = "Set AWS_CA_BUNDLE to the certificate of its authority, where it is your own."
VIRTUAL = (
    "Set s3.addressing_style: virtual in the inventory, or addressing_style of the profile in ~/.aws/config."
)
KMS = "Whoever runs loomtui needs kms:Decrypt on that key, and it must be enabled; or choose another backup."
OTHER_OBJECT = "Mend what S3 names, or choose another backup."
_RIGHTS = (
    "Whoever runs loomtui needs s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt on "
    "the key that encrypts them, where there is one."
)

#: A permission as IAM writes it, such as kms:Decrypt. Names of resources (arn:aws:…) and of users are none.
_PERMISSION = re.compile(r"(?<![\w:/])[a-z][a-z0-9-]{1,30}:[A-Z][A-Za-z]{2,60}\b")
_RESOURCE = re.compile(r"(?<![\w:/])arn:[a-z-]{1,20}:[a-z0-9-]{1,30}:[\w:/.*+=@-]{1,300}", re.ASCII)


def permission(said: str) -> str:
    """Which permission is needed: the one that S3 names, or else all that reading a backup takes."""
    named = _PERMISSION.search(said)
    if named is None:
        return _RIGHTS
    resource = _RESOURCE.search(said, named.end())
    where = f" on {resource[0].rstrip('.')}" if resource else ""
    return f"Whoever runs loomtui needs {named[0]}{where}."
