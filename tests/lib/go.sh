# Sourced by tests/oracle/build_go and tests/clients/build_go, after dependencies.sh: builds Go programs for tests.

# build_go_programs MODULE-DIRECTORY OUTPUT-DIRECTORY PROGRAM=PACKAGE...
# Builds them into OUTPUT-DIRECTORY, unless that holds what these sources gave already, and prints it. Fails with 77 and
# one line where Go or the modules are not there. One compile job at low priority: tests and builds run beside it.
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
    # What is built is pinned by go.sum; a newer toolchain is never fetched for it.
    local settings=(env GOFLAGS=-mod=readonly GOTOOLCHAIN=local CGO_ENABLED=0)
    if ! (cd "$module" && "${settings[@]}" go mod download >/dev/null 2>&1); then
      say "Go is too old or has no module proxy: $(basename "$output") is not built"
      return 77
    fi
    for program in "$@"; do
      (cd "$module" && quietly "go build ${program#*=}" \
         nice "${settings[@]}" go build -p=1 -o "$output/${program%%=*}" "${program#*=}") || return 1
    done
    printf '%s\n' "$stamp" >"$state"
  fi
  printf '%s\n' "$output"
}
