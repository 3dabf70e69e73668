"""What went wrong with S3, in a sentence. Only this module knows botocore's exceptions and S3's codes.

What S3 itself says stands in every sentence: it names the permission, the key, the region. The advice goes by
S3's code alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loomtui.backups import advice
from loomtui.errors import (
    CallError,
    LoomtuiError,
    ObjectChanged,
    ObjectDenied,
    ObjectUnreadable,
    ObjectWithheld,
    StoreUnreachable,
)
from loomtui.inventory.model import S3Settings
from loomtui.text import clean_line

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
_REGION |= {"TemporaryRedirect", "307", "AuthorizationQueryParametersError"}
_BUSY = {"SlowDown", "503", "ServiceUnavailable", "Throttling", "ThrottlingException", "RequestLimitExceeded"}
_BUSY |= {"TooManyRequests", "429", "InternalError", "500", "502", "504", "BadGateway", "GatewayTimeout"}
_BUSY |= {"RequestTimeout"}
_DENIED = {
    "AccessDenied",
    "403",
    "AllAccessDisabled",
    "Forbidden",
    "AccessDeniedException",
    "AccessForbidden",
}
_CLOCK = {"RequestTimeTooSkewed", "RequestExpired"}
#: Of Aliyun OSS, Huawei OBS and Tencent COS: the bucket has to stand in the host name.
_VIRTUAL_ONLY = {"SecondLevelDomainForbidden", "VirtualHostDomainRequired", "PathStyleDomainForbidden"}
#: S3 does not hold the object to be the one of If-Match, or does not know this header.
_CONDITION = {"PreconditionFailed", "412", "NotImplemented", "501"}
_LONGEST_SAID = 600


def changed(key: str) -> ObjectChanged:
    return ObjectChanged(
        f"{clean_line(key)} has changed in S3 since it was listed",
        advice="List the backups again, and choose again: what was looked at is not what is there now.",
    )


def incomplete(key: str) -> ObjectUnreadable:
    return ObjectUnreadable(
        f"S3 does not say how large {clean_line(key)} is, or when it was stored",
        advice="Ask whoever runs the store for Content-Length and Last-Modified, or choose another backup.",
    )


def not_s3(s3: S3Settings) -> LoomtuiError:
    return StoreUnreachable(
        f"what answers at {_store_name(s3)} is not S3", advice="Check s3.endpoint in the inventory."
    )


def withheld(failure: LoomtuiError, key: str) -> ObjectWithheld:
    """The failure as one of this object alone: S3 answers otherwise."""
    return ObjectWithheld(
        f"S3 answers, but does not give {clean_line(key)}: {failure.what}",
        advice="Try again, or choose another backup.",
    )


def is_about_condition(error: Exception) -> bool:
    """Whether S3 refused the request because of its If-Match, rightly or not."""
    return _code_of(error) in _CONDITION


def is_unknown_call(error: Exception) -> bool:
    """Whether the store says that it does not have this call."""
    return _code_of(error) in ("NotImplemented", "501", "MethodNotAllowed", "405")


def is_broken_transfer(error: Exception) -> bool:
    """Whether the answer broke off, so that the same request may succeed."""
    from botocore import exceptions as aws

    return isinstance(error, aws.ResponseStreamingError | aws.IncompleteReadError | ConnectionError)


def translate(error: Exception, s3: S3Settings, *, key: str | None = None) -> LoomtuiError:
    """The failure as the operator shall read it. `key` is the object that was asked for."""
    if isinstance(error, LoomtuiError):
        return error
    response = getattr(error, "response", None)
    if isinstance(response, Mapping) and "Error" in response:
        return _from_code(response, s3, key)
    return _from_class(error, s3)


def _code_of(error: Exception) -> str:
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code", "")) if isinstance(response, Mapping) else ""


def _from_code(response: Mapping[str, Any], s3: S3Settings, key: str | None) -> LoomtuiError:
    code, where = str(response["Error"].get("Code", "")), _store_name(s3)
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    if key is not None and (failure := _of_object(code, response, s3, clean_line(key))):
        return failure
    if not code or str(headers.get("content-type", "")).startswith("text/html"):
        return not_s3(s3)
    what, what_next = _of_store(code, response, s3)
    if what:
        return StoreUnreachable(f"{what}{_said(response)}", advice=what_next)
    if key is not None:
        return ObjectDenied(
            f"S3 at {where} does not give {clean_line(key)}{_said(response)}", advice=advice.OTHER_OBJECT
        )
    return StoreUnreachable(f"S3 at {where} refuses the request{_said(response)}", advice=advice.SETTINGS)


def _of_store(code: str, response: Mapping[str, Any], s3: S3Settings) -> tuple[str, str]:
    """What is wrong with the way to S3, or with the bucket, and what to do. Empty: the code tells neither."""
    where = _store_name(s3)
    if code in ("NoSuchBucket", "404", "NotFound", "InvalidBucketName"):
        return f"there is no bucket {s3.bucket} at {where}", "Check s3.bucket in the inventory."
    if code in _DENIED:
        return f"no permission for bucket {s3.bucket} at {where}", advice.permission(_message(response))
    if code in _REGION:
        return _region_words(response, s3), "Set s3.region in the inventory."
    if code in _CLOCK:
        return f"this machine's clock and S3's are too far apart{_clock_words(response)}", advice.CLOCK
    if code in _REFUSED:
        return _REFUSED[code], advice.CREDENTIALS
    if code in _VIRTUAL_ONLY:
        return f"S3 at {where} wants the bucket in the host name", advice.VIRTUAL
    if code in _BUSY:
        return f"S3 at {where} is overloaded", advice.LATER
    return "", ""


def _of_object(code: str, response: Mapping[str, Any], s3: S3Settings, key: str) -> LoomtuiError | None:
    said = _said(response)
    match code:
        case "NoSuchKey" | "404" | "NotFound" | "NoSuchVersion" | "MethodNotAllowed" | "405":
            return ObjectUnreadable(
                f"there is no {key} in bucket {s3.bucket}{said}", advice="List the backups again."
            )
        case "PreconditionFailed" | "412" | "InvalidRange" | "416":
            return changed(key)
        case "InvalidObjectState":
            return ObjectUnreadable(
                f"{key} lies in an archive class (Glacier): it cannot be read right away{said}",
                advice="Restore the object in S3 first (aws s3api restore-object), or choose another backup.",
            )
        case _ if code in _DENIED:
            return ObjectDenied(
                f"no permission for {key} in bucket {s3.bucket} at {_store_name(s3)}{said}",
                advice=advice.permission(_message(response)),
            )
        case _ if code.partition(".")[0] == "KMS":
            return ObjectDenied(
                f"{key} is encrypted with a key of KMS that cannot be used{said}", advice=advice.KMS
            )
        case _:
            return None


def _message(response: Mapping[str, Any]) -> str:
    return clean_line(str(response["Error"].get("Message", "")), limit=_LONGEST_SAID)


def _said(response: Mapping[str, Any]) -> str:
    """S3's own words behind a sentence. An answer without a body has none: its code is the HTTP status."""
    code = clean_line(str(response["Error"].get("Code", "")), limit=80)
    message = _message(response)
    if code.isdecimal():
        return f" (HTTP status {code})"
    return f": {code}: {message}" if message else f": {code}"


def _region_words(response: Mapping[str, Any], s3: S3Settings) -> str:
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    right = response["Error"].get("Region") or headers.get("x-amz-bucket-region")
    right_region = (
        f"it is in {clean_line(str(right), limit=60)}" if right else "S3 does not say which is right"
    )
    return f"bucket {s3.bucket} is not in region {s3.region or 'that boto3 chose'}: {right_region}"


def _clock_words(response: Mapping[str, Any]) -> str:
    theirs = response["Error"].get("ServerTime")
    return f" (S3's says {clean_line(str(theirs), limit=40)})" if theirs else ""


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
        case aws.InvalidConfigError() | aws.ConfigParseError() | aws.InvalidS3AddressingStyleError():
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
            return StoreUnreachable(
                f"there are no AWS credentials that work: {message}", advice=advice.CREDENTIALS
            )
        case aws.ConnectTimeoutError() | aws.ReadTimeoutError() | TimeoutError():
            return StoreUnreachable(f"S3 at {where} does not answer in time", advice=advice.LATER)
        case aws.SSLError():
            return StoreUnreachable(
                f"the TLS certificate of {where} is not accepted: {message}", advice=advice.CERTIFICATE
            )
        case aws.ProxyConnectionError():
            return StoreUnreachable(
                f"the proxy refuses the way to {where}: {message}", advice="Check HTTPS_PROXY."
            )
        case aws.ResponseStreamingError() | aws.IncompleteReadError():
            return StoreUnreachable(
                f"S3 at {where} broke off in the middle of a transfer", advice=advice.LATER
            )
        case aws.ConnectionError() | aws.HTTPClientError() | ConnectionError():
            return StoreUnreachable(f"S3 at {where} cannot be reached: {message}", advice=advice.NETWORK)
        case ResponseParserError():
            return not_s3(s3)
        case RecursionError():  # botocore follows a redirect that names no region for ever
            return StoreUnreachable(
                _region_words({"Error": {}}, s3), advice="Set s3.region in the inventory."
            )
        case aws.BotoCoreError() if type(error).__name__.startswith("Login"):  # botocore 1.41 and later
            return StoreUnreachable(
                f"there are no AWS credentials that work: {message}", advice=advice.CREDENTIALS
            )
        case aws.BotoCoreError() | ValueError():
            return CallError(f"S3 cannot be asked like this: {message}", advice="Check s3 in the inventory.")
        case _:
            return StoreUnreachable(f"S3 at {where}: {type(error).__name__}: {message}")


def _store_name(s3: S3Settings) -> str:
    return "AWS" if s3.endpoint is None else clean_line(s3.endpoint, limit=200)
