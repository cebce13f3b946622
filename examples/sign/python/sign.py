#!/usr/bin/env python3
"""Sends one request that is signed with an access key: sign.py METHOD URL [BODY]

The key is in the environment: YUNQIAO_KEY_ID; YUNQIAO_KEY_ALGORITHM, which is
hmac-sha256, or hmac-sm3 where Python's OpenSSL has SM3; YUNQIAO_KEY_SECRET in
base64. Only the standard library is needed.
"""

import base64
import hashlib
import hmac
import os
import secrets
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

HASHES = {"hmac-sha256": "sha256", "hmac-sm3": "sm3"}


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def signed_headers(method: str, url: str, body: bytes, key_id: str, algorithm: str, secret: bytes) -> dict[str, str]:
    """The headers Content-Digest (where there is a body), Signature-Input and Signature."""
    parts = urllib.parse.urlsplit(url)
    lines = [
        ("@method", method),
        ("@path", parts.path or "/"),
        ("@query", "?" + parts.query),
    ]
    headers = {}
    if body:
        headers["Content-Digest"] = f"sha-256=:{b64(hashlib.sha256(body).digest())}:"
        lines.append(("content-digest", headers["Content-Digest"]))
    covered = " ".join(f'"{name}"' for name, _ in lines)
    params = f'({covered});created={int(time.time())};keyid="{key_id}";nonce="{secrets.token_hex(16)}";alg="{algorithm}"'
    lines.append(("@signature-params", params))
    base = "\n".join(f'"{name}": {value}' for name, value in lines)
    mac = hmac.new(secret, base.encode("utf-8"), HASHES[algorithm]).digest()
    headers["Signature-Input"] = "sig1=" + params
    headers["Signature"] = f"sig1=:{b64(mac)}:"
    return headers


def main() -> int:
    if len(sys.argv) not in (3, 4):
        print("usage: sign.py METHOD URL [BODY]", file=sys.stderr)
        return 2
    method, url = sys.argv[1], sys.argv[2]
    body = sys.argv[3].encode("utf-8") if len(sys.argv) == 4 else b""
    algorithm = os.environ["YUNQIAO_KEY_ALGORITHM"]
    if algorithm not in HASHES:
        print(f"{algorithm} is none of {', '.join(HASHES)}", file=sys.stderr)
        return 2
    secret = base64.b64decode(os.environ["YUNQIAO_KEY_SECRET"])
    headers = signed_headers(method, url, body, os.environ["YUNQIAO_KEY_ID"], algorithm, secret)
    if body:
        headers["Content-Type"] = "application/json"
    request = urllib.request.Request(url, data=body or None, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request) as response:
            sys.stdout.buffer.write(response.read())
    except urllib.error.HTTPError as refusal:
        sys.stdout.buffer.write(refusal.read())
        print(refusal, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
