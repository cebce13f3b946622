#!/usr/bin/env bash
# Send one message of GY/T 345 to an integration platform, signed.
#
#   send.sh URL CANONICAL_MESSAGE
#
# The message is given in its canonical form (names sorted, no white space) and without
# msgSign, as: {"msgData":{"seriesIds":"S1"},"msgId":"m1","msgTime":1767225600000,"msgType":103}
# GYT345_GROUP_ID, GYT345_GROUP_SECRET and GYT345_KEY_FILE (SM2 private key in PEM) say
# who sends. Needs curl and OpenSSL 3.
set -euo pipefail

url=$1 canonical=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# SM2 with SM3 over standard input, as Base64 of DER.
sm2_sign() {
	cat >"$work/message"
	openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678 \
		-inkey "$GYT345_KEY_FILE" -in "$work/message" | base64 -w0
}

encode() { # of Base64: the only characters that must not stand in a query
	local text=${1//+/%2B}
	text=${text//\//%2F}
	printf %s "${text//=/%3D}"
}

# HMAC-SM3 by its definition, over pipes: what is an argument of openssl is seen by
# everybody on the machine.
pad() { # HEX BYTE: the 64 bytes of the key, each XOR the byte
	local out='' byte i
	for ((i = 0; i < 128; i += 2)); do
		printf -v byte '\\x%02x' $((16#${1:i:2} ^ $2))
		out+=$byte
	done
	# shellcheck disable=SC2059 # the format is the bytes
	printf "$out"
}
secret=$(printf %s "$GYT345_GROUP_SECRET" | od -An -v -tx1 | tr -d ' \n')
((${#secret} <= 128)) || secret=$(printf %s "$GYT345_GROUP_SECRET" | openssl dgst -sm3 -r | cut -c1-64)
while ((${#secret} < 128)); do secret+=00; done
{ pad "$secret" 0x36 && printf 'GYT345-MAC-KEY-1\n%s\n' "$GYT345_GROUP_ID"; } | openssl dgst -sm3 -binary >"$work/inner"
key=$({ pad "$secret" 0x5c && cat "$work/inner"; } | openssl dgst -sm3 -r | cut -c1-32)
# OpenSSL takes the key of a CMAC as an argument only: where other people use the machine,
# take the client in Go or Python.
printf %s "$canonical" | openssl dgst -sm3 -binary >"$work/digest"
mac=$(openssl mac -macopt cipher:SM4-CBC -macopt "hexkey:$key" -binary -in "$work/digest" CMAC | base64 -w0)
signature=$(printf %s "$canonical" | sm2_sign)

printf '%s,"msgSign":"%s.%s"}' "${canonical%\}}" "$signature" "$mac" >"$work/body"
path=/${url#*://*/}
query="groupId=$GYT345_GROUP_ID&nonce=$(openssl rand -hex 16)&ts=$(date +%s)000"
digest=$(openssl dgst -sm3 -r <"$work/body" | cut -c1-64)
sign=$(printf 'GYT345-SIGN-1\nPOST\n%s\n%s\n%s\n' "$path" "$query" "$digest" | sm2_sign)

curl -sS --fail-with-body -H 'Content-Type: application/json' --data-binary "@$work/body" "$url?$query&sign=$(encode "$sign")"
echo
