"""A workspace whose contents lie in an S3 bucket: `s3` of its `store`.

The bucket is named as in a job (`remote_address`), and so is who asks for it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pydantic import Field, ValidationInfo, field_validator

from cargo_sync.config.fields import (
    ExistingFile,
    Fingerprint,
    JobPassword,
    Region,
    Remote,
    StoredPassword,
)
from cargo_sync.config.remote_address import RemoteAddress, RemoteKind
from cargo_sync.config.remote_kinds import check_meaning, check_region, check_sealed, user_name
from cargo_sync.config.secret import Secret
from cargo_sync.config.shape import Shape, wrong

FORM = 'an object with "address", "username" and "password_file"'


class BucketShape(Shape):
    """The form of an `s3` object."""

    allow_plain: bool = Field(False, description="true or false")
    address: Remote = Field(
        description='such as "s3+https://HOST/BUCKET/FOLDER", or "s3://BUCKET/FOLDER" for AWS'
    )
    tls_fingerprint: Fingerprint | None = Field(None, description="64 hex digits")
    ca_file: ExistingFile | None = Field(None, description="a file of certificates in PEM")
    region: Region | None = Field(
        None, description='a region such as "eu-west-1"', validate_default=True
    )
    username: str = Field(description="the id of the access key")
    password_file: StoredPassword | None = Field(
        None, description="a file whose first line is the secret of the access key"
    )
    password: JobPassword | None = Field(
        None,
        description='text, or {"keyring": "service"}; or use password_file',
        validate_default=True,
    )

    @field_validator("address")
    @classmethod
    def _is_a_bucket(cls, address: RemoteAddress, info: ValidationInfo) -> RemoteAddress:
        if address.kind is not RemoteKind.S3:
            raise ValueError("names no bucket")
        check_sealed(address, allow_plain=info.data.get("allow_plain", True))
        return address

    @field_validator("tls_fingerprint", "ca_file")
    @classmethod
    def _has_a_certificate(cls, value: str | None, info: ValidationInfo) -> str | None:
        assert info.field_name is not None
        if value is not None and (address := info.data.get("address")) is not None:
            check_meaning(info.field_name, address)
        if value is not None and info.field_name == "ca_file" and info.data.get("tls_fingerprint"):
            raise wrong("cannot be used together with tls_fingerprint; keep one of them")
        return value

    @field_validator("region")
    @classmethod
    def _region_of_aws(cls, value: str | None, info: ValidationInfo) -> str | None:
        if (address := info.data.get("address")) is not None:
            check_region(value, address)
        return value

    @field_validator("username")
    @classmethod
    def _user(cls, value: str) -> str:
        return user_name(value, RemoteKind.S3)

    @field_validator("password")
    @classmethod
    def _one_password(cls, value: Secret | None, info: ValidationInfo) -> Secret | None:
        if "password_file" not in info.data:
            return value
        stored = info.data["password_file"]
        if stored is not None and value is not None:
            raise wrong("cannot be used together with password_file; keep one of them")
        if stored is None and value is None:
            raise ValueError("is missing")
        return value


@dataclass(frozen=True, slots=True)
class BucketSettings:
    """A bucket, or a folder in one.

    address   of it, with the folder in it
    username  the id of the access key
    password  its secret
    """

    address: RemoteAddress
    username: str
    password: Secret = field(repr=False)
    region: str | None = None
    tls_fingerprint: str | None = None
    ca_file: str | None = None


def bucket_settings(shape: BucketShape) -> BucketSettings:
    """What an `s3` object says."""
    secret = shape.password_file.secret if shape.password_file is not None else shape.password
    assert secret is not None, "one of them is given"
    return BucketSettings(
        shape.address, shape.username, secret, shape.region, shape.tls_fingerprint, shape.ca_file
    )


def bucket_errors(buckets: Iterable[tuple[int, BucketShape]]) -> Iterator[ValueError]:
    """What is wrong with several workspaces' buckets, each given with the number of its workspace.

    Workspaces may share a bucket: then all of them ask for it in the same way.
    """
    known: dict[str, tuple[int, BucketSettings]] = {}
    for index, shape in buckets:
        found = bucket_settings(shape)
        first, other = known.setdefault(str(found.address), (index, found))
        if other != found:
            yield wrong(
                f"the same bucket is named in workspaces[{first}] with another key or trust; "
                "use the same, or folders of their own",
                index,
                "store",
                "s3",
            )
