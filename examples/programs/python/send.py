#!/usr/bin/env python3
"""Send one message of GY/T 345 to an integration platform, signed.

    python3 send.py URL MESSAGE_FILE

GYT345_GROUP_ID, GYT345_GROUP_SECRET and GYT345_KEY_FILE (SM2 private key in PEM) say
who sends. Needs OpenSSL 3 for SM2, SM3 and SM4, and nothing else.
"""
import base64
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, check=True).stdout


def sm3(data):
    return openssl("dgst", "-sm3", "-binary", data=data)


def in_file(data, use):
    """OpenSSL signs and authenticates files only."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return use(file.name)


def sm2_sign(data):
    """SM2 with SM3, user id 1234567812345678, as Base64 of DER."""
    der = in_file(data, lambda name: openssl(
        "pkeyutl", "-sign", "-rawin", "-digest", "sm3", "-pkeyopt", "distid:1234567812345678",
        "-inkey", os.environ["GYT345_KEY_FILE"], "-in", name))
    return base64.b64encode(der).decode()


def mac_key(group_id, secret):
    text = ("GYT345-MAC-KEY-1\n%s\n" % group_id).encode()
    digest = openssl("dgst", "-sm3", "-mac", "HMAC", "-macopt", "hexkey:" + secret.encode().hex(), "-binary", data=text)
    return digest[:16]


def cmac(key, digest):
    text = in_file(digest, lambda name: openssl(
        "mac", "-macopt", "cipher:SM4-CBC", "-macopt", "hexkey:" + key.hex(), "-in", name, "CMAC"))
    return base64.b64encode(bytes.fromhex(text.decode().strip())).decode()


def canonical(message):
    """RFC 8785 for messages without fractions and with names of the basic plane."""
    body = {name: value for name, value in message.items() if name != "msgSign"}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def quote(text):
    return urllib.parse.quote(text, safe="-._~")


def request(url, message):
    group_id = os.environ["GYT345_GROUP_ID"]
    text = canonical(message)
    key = mac_key(group_id, os.environ["GYT345_GROUP_SECRET"])
    message = dict(message, msgSign=sm2_sign(text) + "." + cmac(key, sm3(text)))
    body = json.dumps(message, ensure_ascii=False).encode()
    params = {"groupId": group_id, "nonce": secrets.token_hex(16), "ts": str(int(time.time() * 1000))}
    query = "&".join(quote(n) + "=" + quote(v) for n, v in sorted(params.items()))
    path = urllib.parse.urlsplit(url).path
    string = "GYT345-SIGN-1\nPOST\n%s\n%s\n%s\n" % (path, query, sm3(body).hex())
    return "%s?%s&sign=%s" % (url, query, quote(sm2_sign(string.encode()))), body


def main():
    with open(sys.argv[2], encoding="utf-8") as file:
        url, body = request(sys.argv[1], json.load(file))
    call = urllib.request.Request(url, data=body, headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(call, timeout=10) as answer:
            print(answer.status, answer.read().decode())
    except urllib.error.HTTPError as refused:
        print(refused.code, refused.read().decode())
        sys.exit(1)


if __name__ == "__main__":
    main()
