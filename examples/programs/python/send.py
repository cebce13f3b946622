#!/usr/bin/env python3
"""Send one message of GY/T 345 to an integration platform, signed.

    python3 send.py URL MESSAGE_FILE

GYT345_GROUP_ID, GYT345_GROUP_SECRET and GYT345_KEY_FILE (SM2 private key in PEM) say
who sends. Needs OpenSSL 3 for SM2, SM3 and SM4, and nothing else: the program for what
is public or in files, the library for what has a secret key, which must be no argument.
"""
import base64
import ctypes
import ctypes.util
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


def keyed(kind, algorithm, key, data, size):
    """A message authentication code, made by OpenSSL's library."""
    mac = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3").EVP_Q_mac
    mac.restype = ctypes.c_void_p
    mac.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t,
                    ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
    out, length = ctypes.create_string_buffer(64), ctypes.c_size_t()
    if not mac(None, kind, None, algorithm, None, key, len(key), data, len(data), out, len(out), ctypes.byref(length)) or length.value != size:
        raise RuntimeError("OpenSSL has no %s with %s" % (kind.decode(), algorithm.decode()))
    return out.raw[:size]


def in_file(data, use):
    """OpenSSL signs files only."""
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
    return keyed(b"HMAC", b"SM3", secret.encode(), text, 32)[:16]


def cmac(key, digest):
    return base64.b64encode(keyed(b"CMAC", b"SM4-CBC", key, digest, 16)).decode()


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
