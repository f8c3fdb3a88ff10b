"""A program of the servers' environment, which has boto3: `… ENDPOINT USER COMMAND BUCKET`.

keep BUCKET          makes the bucket keep all versions
fetch BUCKET FOLDER  writes each version into a file of FOLDER, and for each of them a JSON line:
                     its file ("" if it cannot be read), the key, and whether it is the newest

Swift removes the parts of an older version with the object, if that was sent in parts.

The secret is in the environment, as SECRET.
"""

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

_BOTO, _CONFIG = "boto3", "botocore.config"
"""They are in the environment of the servers alone."""


def keep(s3: Any, bucket: str) -> None:
    """Makes a bucket keep all versions."""
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    found = s3.get_bucket_versioning(Bucket=bucket)
    assert found.get("Status") == "Enabled", found


def fetch(s3: Any, bucket: str, folder: str) -> None:
    """Fetches all versions."""
    number = 0
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in page.get("Versions", ()):
            key, version = one["Key"], one["VersionId"]
            number += 1
            file = Path(folder, str(number))
            try:
                body = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"]
                file.write_bytes(body.read())
            except s3.exceptions.ClientError as error:
                print(key, version, error, file=sys.stderr)
            name = file.name if file.exists() else ""
            print(json.dumps({"file": name, "key": key, "newest": one["IsLatest"]}))


def main(endpoint: str, user: str, command: str, *arguments: str) -> None:
    """Does one of the commands."""
    boto3, config = import_module(_BOTO), import_module(_CONFIG)
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=user,
        aws_secret_access_key=os.environ["SECRET"],
        region_name="us-east-1",
        config=config.Config(s3={"addressing_style": "path"}),
    )
    if command == "keep":
        keep(s3, *arguments)
    else:
        fetch(s3, *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
