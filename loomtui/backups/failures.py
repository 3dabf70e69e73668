"""What went wrong with S3, in a sentence. Only this module knows botocore's exceptions and S3's codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loomtui.errors import (
    CallError,
    LoomtuiError,
    ObjectChanged,
    ObjectDenied,
    ObjectUnreadable,
    StoreUnreachable,
)
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

_MAY_LIST = "Whoever runs loomtui needs s3:ListBucket on the bucket and s3:GetObject on its objects."
_CREDENTIALS = (
    "boto3 looks at AWS_ACCESS_KEY_ID, AWS_PROFILE, ~/.aws and the machine's role; "
    "a profile can be named in the inventory (s3.profile)."
)
_LATER = "Wait a little and try again."

_REFUSED = {
    "InvalidAccessKeyId": "S3 does not know the access key",
    "SignatureDoesNotMatch": "S3 refuses the signature: the secret key is wrong",
    "ExpiredToken": "the credentials have expired",
    "ExpiredTokenException": "the credentials have expired",
    "TokenRefreshRequired": "the credentials have expired",
    "InvalidToken": "S3 refuses the session token",
    "UnrecognizedClientException": "S3 refuses the session token",
    "AccountProblem": "AWS refuses the account",
}
_REGION = {"PermanentRedirect", "AuthorizationHeaderMalformed", "301", "IllegalLocationConstraintException"}
_BUSY = {"SlowDown", "503", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
_BUSY |= {"TooManyRequests", "429", "InternalError", "500", "502", "504", "BadGateway", "GatewayTimeout"}
_DENIED = {"AccessDenied", "403", "AllAccessDisabled", "Forbidden", "AccessDeniedException"}


def changed(key: str) -> ObjectChanged:
    return ObjectChanged(
        f"{clean_line(key)} has changed in S3 since it was listed",
        advice="List the backups again, and choose again: what was looked at is not what is there now.",
    )


def not_s3(s3: S3Settings) -> LoomtuiError:
    return StoreUnreachable(
        f"what answers at {_store_name(s3)} is not S3", advice="Check s3.endpoint in the inventory."
    )


def translate(error: Exception, s3: S3Settings, *, key: str | None = None) -> LoomtuiError:
    """The failure as the operator shall read it. `key` is the object that was asked for."""
    if isinstance(error, LoomtuiError):
        return error
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return _from_code(response, s3, key)
    return _from_class(error, s3)


def _from_code(response: Mapping[str, Any], s3: S3Settings, key: str | None) -> LoomtuiError:
    code = str(response["Error"].get("Code", ""))
    if key is not None and (failure := _of_object(code, s3, clean_line(key))):
        return failure
    where = _store_name(s3)
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if not code or str(headers.get("content-type", "")).startswith("text/html"):
        return not_s3(s3)
    if code in ("NoSuchBucket", "404", "NotFound"):
        return StoreUnreachable(
            f"there is no bucket {s3.bucket} at {where}", advice="Check s3.bucket in the inventory."
        )
    if code in _DENIED:
        if key is not None:
            subject = f"{clean_line(key)} in bucket {s3.bucket}"
            return ObjectDenied(f"no permission for {subject} at {where}", advice=_MAY_LIST)
        return StoreUnreachable(f"no permission for bucket {s3.bucket} at {where}", advice=_MAY_LIST)
    if code in _REGION:
        return _wrong_region(response, s3)
    if code in ("RequestTimeTooSkewed", "RequestExpired"):
        return StoreUnreachable(
            "this machine's clock and S3's are too far apart", advice="Set the clock of this machine right."
        )
    if code in _REFUSED:
        return StoreUnreachable(_REFUSED[code], advice=_CREDENTIALS)
    if code in _BUSY:
        return StoreUnreachable(f"S3 at {where} is overloaded ({clean_line(code)})", advice=_LATER)
    message = clean_line(str(response["Error"].get("Message", "")), limit=300)
    refusal = f"{clean_line(code, limit=80)}: {message}"
    if key is not None:
        return ObjectDenied(f"S3 at {where} does not give {clean_line(key)}: {refusal}")
    return StoreUnreachable(f"S3 at {where} refuses the request: {refusal}")


def _of_object(code: str, s3: S3Settings, key: str) -> LoomtuiError | None:
    match code:
        case "NoSuchKey" | "404" | "NotFound" | "NoSuchVersion":
            return ObjectUnreadable(
                f"there is no {key} in bucket {s3.bucket}", advice="List the backups again."
            )
        case "PreconditionFailed" | "412" | "InvalidRange" | "416":
            return changed(key)
        case "InvalidObjectState":
            return ObjectUnreadable(
                f"{key} lies in an archive class (Glacier): it cannot be read right away",
                advice="Restore the object in S3 first (aws s3api restore-object), or choose another backup.",
            )
        case _:
            return None


def _wrong_region(response: Mapping[str, Any], s3: S3Settings) -> LoomtuiError:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    right = response["Error"].get("Region") or headers.get("x-amz-bucket-region")
    right_region = (
        f"it is in {clean_line(str(right), limit=60)}" if right else "S3 does not say which is right"
    )
    return StoreUnreachable(
        f"bucket {s3.bucket} is not in region {s3.region or 'that boto3 chose'}: {right_region}",
        advice="Set s3.region in the inventory.",
    )


def _from_class(error: Exception, s3: S3Settings) -> LoomtuiError:
    from botocore import exceptions as aws
    from botocore.parsers import ResponseParserError

    message = clean_line(str(error), limit=300)
    where = _store_name(s3)
    match error:
        case aws.ProfileNotFound():
            return CallError(
                f"there is no AWS profile {s3.profile or ''!r} on this machine ({message})",
                advice="Check s3.profile in the inventory and AWS_PROFILE.",
            )
        case aws.InvalidConfigError() | aws.ConfigParseError():
            return CallError(
                f"the AWS configuration cannot be read: {message}", advice="Check ~/.aws/config."
            )
        case (
            aws.NoCredentialsError()
            | aws.PartialCredentialsError()
            | aws.CredentialRetrievalError()
            | aws.SSOError()
            | aws.TokenRetrievalError()
        ):
            return StoreUnreachable(f"there are no AWS credentials that work: {message}", advice=_CREDENTIALS)
        case aws.ConnectTimeoutError() | aws.ReadTimeoutError() | TimeoutError():
            return StoreUnreachable(f"S3 at {where} does not answer in time", advice=_LATER)
        case aws.SSLError():
            return StoreUnreachable(
                f"the TLS certificate of {where} is not accepted: {message}",
                advice="Set AWS_CA_BUNDLE to the certificate of its authority, where it is your own.",
            )
        case aws.ProxyConnectionError():
            return StoreUnreachable(
                f"the proxy refuses the way to {where}: {message}", advice="Check HTTPS_PROXY."
            )
        case aws.ResponseStreamingError() | aws.IncompleteReadError():
            return StoreUnreachable(f"S3 at {where} broke off in the middle of a transfer", advice=_LATER)
        case aws.ConnectionError() | aws.HTTPClientError() | ConnectionError():
            return StoreUnreachable(
                f"S3 at {where} cannot be reached: {message}",
                advice="Check the network, and s3.endpoint in the inventory.",
            )
        case ResponseParserError():
            return not_s3(s3)
        case RecursionError():  # botocore follows a redirect that names no region for ever
            return _wrong_region({"Error": {}}, s3)
        case aws.BotoCoreError() if type(error).__name__.startswith("Login"):  # botocore 1.41 and later
            return StoreUnreachable(f"there are no AWS credentials that work: {message}", advice=_CREDENTIALS)
        case aws.BotoCoreError() | ValueError():
            return CallError(f"S3 cannot be asked like this: {message}", advice="Check s3 in the inventory.")
        case _:
            return StoreUnreachable(f"S3 at {where}: {type(error).__name__}: {message}")


def _store_name(s3: S3Settings) -> str:
    return "AWS" if s3.endpoint is None else clean_line(s3.endpoint, limit=200)
