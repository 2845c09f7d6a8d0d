# Sourced by tests/run and examples/quickstart, after dependencies.sh: configures and builds one preset.

# One compiler cache for all work trees: paths below the root count as relative, so a second clone finds what the first
# one compiled.
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1

# build_preset PRESET [CMAKE-OPTION...] -- NINJA-TARGET...
# Options count only for a directory that is not configured yet, unless the first one is --again.
build_preset() {
  local preset=$1 options=() again=
  shift
  if [[ ${1:-} == --again ]]; then again=1 && shift; fi
  while [[ $1 != -- ]]; do options+=("$1") && shift; done
  shift
  local directory=$root/build/$preset began=$SECONDS
  if [[ -n $again || ! -f $directory/build.ninja ]]; then
    (cd "$root" && quietly "Configuring $preset" cmake --preset "$preset" "${llhttp_options[@]}" "${options[@]}") || return 1
  fi
  if [[ -t 1 ]]; then
    ninja -C "$directory" "$@" || return 1
  else
    build_with_periodic_line "$directory" "$@" || return 1
  fi
  say "Built $preset ($*) in $((SECONDS - began)) s"
}

building_pid=  # of a build that runs in the background, for those who must end it

# Where there is no terminal to redraw a status line on, one line every 20 seconds says how far it is.
build_with_periodic_line() {
  local directory=$1 log status=0 waited=0
  shift
  log=$(mktemp)
  ninja -C "$directory" "$@" >"$log" 2>&1 &
  building_pid=$!
  while kill -0 "$building_pid" 2>/dev/null; do
    sleep 0.5
    if ((++waited % 40 == 0)); then
      say "  building ${directory#"$root"/}: $(grep -o '^\[[0-9]*/[0-9]*\]' "$log" | tail -n 1)"
    fi
  done
  wait "$building_pid" || status=$?
  building_pid=
  if ((status != 0)); then
    grep -v '^\[[0-9]*/[0-9]*\] ' "$log" | tail -n 80 >&2
    say "The build of ${directory#"$root"/} failed."
  fi
  rm -f "$log"
  return "$status"
}
