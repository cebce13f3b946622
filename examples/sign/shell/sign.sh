#!/usr/bin/env bash
# Sends one request that is signed with an access key: sign.sh METHOD URL [BODY]
#
# The key is in the environment: YUNQIAO_KEY_ID; YUNQIAO_KEY_ALGORITHM, which is
# hmac-sm3, hmac-sha256 or sm2-sm3; YUNQIAO_KEY_SECRET in base64, or for SM2 the
# private key's file in PEM, YUNQIAO_KEY_FILE. Needs curl and OpenSSL 3.
#
# openssl takes an HMAC secret as an argument, so that other users of the machine
# can see it for a moment; where there are others, use SM2.
set -euo pipefail

if (($# < 2 || $# > 3)); then
	echo "usage: sign.sh METHOD URL [BODY]" >&2
	exit 2
fi
method=$1 url=${2%%#*} body=${3-}

rest=${url#*://}
case $rest in
*\?*) query=${rest#*\?} rest=${rest%%\?*} ;;
*) query= ;;
esac
case $rest in
*/*) path=/${rest#*/} ;;
*) path=/ ;;
esac

headers=()
covered='"@method" "@path" "@query"'
base=$(printf '"@method": %s\n"@path": %s\n"@query": ?%s' "$method" "$path" "$query")
if [[ -n $body ]]; then
	digest="sha-256=:$(printf %s "$body" | openssl dgst -sha256 -binary | openssl base64 -A):"
	headers+=(-H "Content-Digest: $digest" -H "Content-Type: application/json" --data-raw "$body")
	covered+=' "content-digest"'
	base+=$(printf '\n"content-digest": %s' "$digest")
fi
params="($covered);created=$(date +%s);keyid=\"$YUNQIAO_KEY_ID\";nonce=\"$(openssl rand -hex 16)\";alg=\"$YUNQIAO_KEY_ALGORITHM\""
base+=$(printf '\n"@signature-params": %s' "$params")

hmac() {
	local key
	key=$(printf %s "$YUNQIAO_KEY_SECRET" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
	openssl dgst "$1" -mac HMAC -macopt "hexkey:$key" -binary
}

sign() {
	case $YUNQIAO_KEY_ALGORITHM in
	hmac-sm3) hmac -sm3 ;;
	hmac-sha256) hmac -sha256 ;;
	sm2-sm3) openssl dgst -sm3 -sign "$YUNQIAO_KEY_FILE" -sigopt distid:1234567812345678 -binary ;;
	*)
		echo "YUNQIAO_KEY_ALGORITHM is none of hmac-sm3, hmac-sha256, sm2-sm3" >&2
		return 2
		;;
	esac
}

signature=$(printf %s "$base" | sign | openssl base64 -A)
exec curl --silent --show-error --fail-with-body --globoff --path-as-is --request "$method" \
	-H "Signature-Input: sig1=$params" -H "Signature: sig1=:$signature:" ${headers[@]+"${headers[@]}"} "$url"
