# shellcheck shell=bash
# What the scripts share: where the checkout and the caches are, and how to say things. Sourced, not run.

# The scripts that source this file read these.
# shellcheck disable=SC2034
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
cache=${XCAP_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/xcap}
# shellcheck disable=SC2034
guest_cache=${XCAP_GUEST_CACHE:-$cache/guests}

program=$(basename "$0")

say() { printf '%s: %s\n' "$program" "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# usage: print the comment block that opens the calling script.
usage() { sed -n '2,/^[^#]/{s/^# \{0,1\}//p;}' "$0"; }

# try_thrice COMMAND...: networks fail; give each download three chances.
try_thrice() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return 0
    if ((attempt < 3)); then sleep $((attempt * 2)); fi
  done
  return 1
}

# under_lock FILE COMMAND...: wait for other runs of the same thing. --close keeps the lock out of what COMMAND
# starts: a daemon that a package starts would hold it for ever.
under_lock() {
  local file=$1
  shift
  mkdir -p "$(dirname "$file")"
  flock --close "$file" "$@"
}
