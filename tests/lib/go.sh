# Sourced by tests/oracle/build_go and tests/clients/build_go, after dependencies.sh: builds Go programs for tests.

# build_go_programs MODULE-DIRECTORY OUTPUT-DIRECTORY PROGRAM=PACKAGE...
# Builds them into OUTPUT-DIRECTORY, unless that holds what these sources gave already, and prints it. Fails with 77 and
# one line where it cannot. One compile job at low priority: tests and builds run beside it.
build_go_programs() {
  local module=$1 output=$2 stamp state program
  shift 2
  if ! command -v go >/dev/null; then
    say "Go is not there: $(basename "$output") is not built"
    return 77
  fi
  mkdir -p "$output"
  exec 9>"$output/.lock"
  flock 9
  stamp=$(find "$module" -maxdepth 1 -type f | sort | xargs cat | sha256sum)
  state=$output/.built-from
  if [[ ! -f $state || $(<"$state") != "$stamp" ]]; then
    for program in "$@"; do
      # What Go is asked to build is pinned by go.sum; a newer toolchain is never fetched for it.
      if ! (cd "$module" && GOFLAGS=-mod=readonly GOTOOLCHAIN=local CGO_ENABLED=0 \
              quietly "go build ${program#*=}" nice go build -p=1 -o "$output/${program%%=*}" "${program#*=}"); then
        say "Go cannot build ${program%%=*} here (too old, or no module proxy): it is left out"
        return 77
      fi
    done
    printf '%s\n' "$stamp" >"$state"
  fi
  printf '%s\n' "$output"
}
