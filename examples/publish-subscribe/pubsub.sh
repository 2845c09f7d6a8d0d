#!/usr/bin/env bash
# Publishes to a topic, or prints what is published: by REST, with nothing but curl.
#
#   pubsub.sh subscribe news [FROM-REVISION]
#   pubsub.sh publish news 'it rains'
set -euo pipefail
url=http://${ETCD_ENDPOINT:-127.0.0.1:23790}/v3

# In JSON, keys and values are base64, and 64-bit numbers are strings.
encode() { printf %s "$1" | base64 -w 0; }

# field NAME: the values of that name in the JSON text on standard input, one a line, with their quotes off.
field() { { grep -o "\"$1\":\"[^\"]*\"" || true; } | cut -d '"' -f 4; }

publish() {
  local answer
  answer=$(curl -sS --fail-with-body --retry 5 "$url/kv/put" -d "{\"key\":\"$(encode "/topics/$1")\",\"value\":\"$(encode "$2")\"}")
  echo "published $2 at $(field revision <<<"$answer")"
}

# A watch is one answer that does not end: a line for each change. When it ends all the same it is asked for again, from
# the revision after the last one: no message is missed or comes twice.
subscribe() {
  local key line events from=${2:-0} pid
  key=$(encode "/topics/$1")
  while :; do
    exec 3< <(exec curl -sSN "$url/watch" \
      -d "{\"create_request\":{\"key\":\"$key\",\"start_revision\":\"$from\",\"filters\":[\"NODELETE\"]}}" 2>&1)
    pid=$!
    trap 'kill "$pid" 2>/dev/null; exit 0' TERM INT
    while read -r line <&3; do
      case $line in
        *'"created":true'*)
          # Where nothing was asked for, it starts after the revision of this answer.
          if [[ $from == 0 ]]; then from=$(($(field revision <<<"$line") + 1)); fi
          echo "subscribed to $1"
          ;;
        *'"events":'*)
          events=${line#*'"events":'}
          while read -r revision value <&4; do
            echo "$revision $(base64 -d <<<"$value")"
            from=$((revision + 1))
          done 4< <(paste -d ' ' <(field mod_revision <<<"$events") <(field value <<<"$events"))
          ;;
        *) echo "$line" >&2 ;;
      esac
    done
    sleep 1
  done
}

case ${1-} in
  publish) publish "$2" "$3" ;;
  subscribe) subscribe "$2" "${3-}" ;;
  *) sed -n 's/^# \{0,1\}//; 2,5p' "$0" >&2 && exit 2 ;;
esac
