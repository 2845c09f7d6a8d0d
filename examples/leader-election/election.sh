#!/usr/bin/env bash
# Stands for election and leads while it can, or follows who leads: by REST, with nothing but curl.
#
#   election.sh campaign scheduler a
#   election.sh observe scheduler
set -euo pipefail
url=http://${ETCD_ENDPOINT:-127.0.0.1:23790}/v3
ttl=5  # seconds that a crashed leader keeps the others from leading

# In JSON, keys and values are base64, and 64-bit numbers are strings.
encode() { printf %s "$1" | base64 -w 0; }
call() { curl -sS --fail-with-body "$url/$1" -d "$2"; }
field() { { grep -o "\"$1\":\"[^\"]*\"" || true; } | head -n 1 | cut -d '"' -f 4; }

say() { printf '%s\n' "$*"; }

# Keeps a lease alive as long as this script lives; returns when it is lost, be it that nobody answered for as long as it
# lives.
keep_alive() {
  local lease=$1 last=$SECONDS answer
  while ((SECONDS - last < ttl)) && kill -0 $$; do
    if answer=$(curl -sS -m 2 "$url/lease/keepalive" -d "{\"ID\":\"$lease\"}" 2>/dev/null); then
      if [[ $answer != *'"TTL":'* ]]; then return; fi
      last=$SECONDS
    fi
    sleep 1
  done
}

campaign() {
  local name=$1 id=$2 lease answer keeping= waiting=
  while :; do
    lease=$(call lease/grant "{\"TTL\":\"$ttl\"}" | field ID) || { sleep 1 && continue; }
    trap 'kill $keeping $waiting 2>/dev/null || true; call lease/revoke "{\"ID\":\"$lease\"}" >/dev/null; say "$id leads no more"; exit 0' TERM INT
    keep_alive "$lease" &
    keeping=$!
    # The answer comes when it is this one's turn.
    coproc curl -sS --fail-with-body "$url/election/campaign" \
      -d "{\"name\":\"$(encode "$name")\",\"lease\":\"$lease\",\"value\":\"$(encode "$id")\"}"
    waiting=$!
    answer=
    IFS= read -r -u "${COPROC[0]}" answer || true
    if [[ $answer == *'"leader":'* ]]; then
      say "$id leads since revision $(field rev <<<"$answer")"
      wait "$keeping" || true  # the work goes here
      say "$id leads no more"
    else
      say "again in a second: $answer" >&2
      kill "$keeping" 2>/dev/null || true
    fi
    wait "$waiting" 2>/dev/null || true
    sleep 1
  done
}

# For monitoring: prints each leader, with how long after the one before.
observe() {
  local line leader last= since=$SECONDS watching
  while :; do
    exec 3< <(exec curl -sSN "$url/election/observe" -d "{\"name\":\"$(encode "$1")\"}" 2>&1)
    watching=$!
    trap 'kill "$watching" 2>/dev/null; exit 0' TERM INT
    while read -r line <&3; do
      leader=$(field value <<<"$line" | base64 -d)
      if [[ -n $leader && $leader != "$last" ]]; then
        say "leader $leader after $((SECONDS - since)) s"
        last=$leader since=$SECONDS
      fi
    done
    sleep 1
  done
}

case $#-${1-} in
  3-campaign) campaign "$2" "$3" ;;
  2-observe) observe "$2" ;;
  *) sed -n 's/^# \{0,1\}//; 2,5p' "$0" >&2 && exit 2 ;;
esac
