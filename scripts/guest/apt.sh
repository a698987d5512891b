# shellcheck shell=bash
# Packages of other Debian suites, from the mirror that this machine's apt is set up with, through apt itself: it knows
# proxies and passwords, and checks the archive's signature and each file's SHA-256. The machine's own package lists are
# not touched. Sourced, behind ../lib.sh, by scripts that make a directory and have its name in $work.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# The archives that apt is set up with, best first: those named /debian, then any other but the security archive.
mirrors() {
  # apt's own format words, not the shell's.
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
    awk '$1 ~ /^(https?|mirror|file|copy)/ && $2 !~ /security/ { sub(/\/*$/, "", $1); if (!seen[$1]++) print ($1 ~ /\/debian$/ ? 0 : 1), $1 }' |
    sort -s -n -k1,1 | cut -d' ' -f2
}

# private_apt COMMAND ARG...: an apt that sees only "$work/apt".
private_apt() {
  local command=$1
  shift
  "$command" -qq -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null -o Dir::State="$work/apt/state" \
    -o Dir::State::Status="$work/apt/status" -o Dir::Cache="$work/apt/cache" -o APT::Architecture=amd64 \
    -o APT::Architectures::=amd64 -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Sandbox::User=root \
    -o Acquire::Check-Valid-Until=false "$@" </dev/null
}

# Point the private apt at a suite, on the first mirror that has it. Old mirrors' Release files may be past their
# Valid-Until; the signature still counts.
use_suite() {
  local suite=$1 signed='' mirror
  [[ ! -e $keyring ]] || signed="signed-by=$keyring"
  rm -rf "$work/apt"
  mkdir -p "$work"/apt/{state/lists/partial,cache/archives/partial}
  : >"$work/apt/status"
  while read -r mirror; do
    echo "deb [arch=amd64 $signed] $mirror $suite main" >"$work/apt/sources.list"
    if try_thrice private_apt apt-get -o APT::Update::Error-Mode=any update >&2; then return 0; fi
  done < <(mirrors)
  die "suite $suite: none of the archives that apt is set up with serves it"
}
