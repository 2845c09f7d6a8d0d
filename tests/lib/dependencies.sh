# Sourced by tests/run, tests/oracle/unpack and examples/quickstart: brings what they need from Debian's archive.
#
#   install_dependencies build         what it takes to build and run the programs
#   install_dependencies build tests   and to build and run the tests
#   unpack_package PACKAGE DIRECTORY   a package's files under DIRECTORY, nothing installed; needs no root
#   find_llhttp                        sets the array llhttp_options for cmake
#
# Nothing here calls apt when nothing is missing. Needs bash; `root` is the top of the source tree.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

build_packages=(
  cmake ninja-build g++ pkg-config ccache ca-certificates curl
  libuv1-dev libnghttp2-dev libmbedtls-dev libprotobuf-dev protobuf-compiler libspdlog-dev libfmt-dev
  libyaml-cpp-dev libc-ares-dev prometheus-cpp-dev libcli11-dev zlib1g-dev libjemalloc-dev
)
test_packages=(
  python3 python3-yaml openssl nghttp2-client libgrpc++-dev protobuf-compiler-grpc libgtest-dev libgmock-dev
  debootstrap dpkg-dev
)
# What not every release of Debian has, or not every machine can do with: a clang for the fuzz targets, a client for
# Python, a browser and pip, which brings Playwright. Without it those tests are skipped.
optional_packages=(clang-14 libclang-rt-14-dev python3-etcd3 chromium python3-pip)

say() { printf '%s\n' "$*" >&2; }

is_installed() {
  [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

has_candidate() {
  local policy
  policy=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null)
  [[ $policy == *Candidate:* && $policy != *'Candidate: (none)'* ]]
}

# as_root COMMAND...: fails with 1 when there is no way to become root without a question.
as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    sudo "$@"
  else
    return 1
  fi
}

# quietly LABEL COMMAND...: the command's output is shown only when it fails.
quietly() {
  local label=$1 log status=0
  shift
  log=$(mktemp)
  "$@" >"$log" 2>&1 || status=$?
  if ((status != 0)); then
    say "$label failed:"
    tail -n 30 "$log" >&2
  fi
  rm -f "$log"
  return "$status"
}

install_dependencies() {
  local wanted=() missing=() package group
  for group in "$@"; do
    case $group in
      build) wanted+=("${build_packages[@]}") ;;
      tests) wanted+=("${test_packages[@]}" "${optional_packages[@]}") ;;
      *) say "install_dependencies: unknown group $group" && return 2 ;;
    esac
  done
  if ! command -v dpkg-query >/dev/null; then
    say "This is not a Debian system; make sure these are there: ${wanted[*]}"
    return 0
  fi
  for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return 0; fi

  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300)
  if ! as_root true; then
    # Optional packages are no reason to stop.
    for package in "${missing[@]}"; do
      [[ " ${optional_packages[*]} " == *" $package "* ]] && continue
      say "These packages are missing, and this is neither root nor is there a sudo to become it. As root, run:"
      say "  apt-get update && apt-get install --no-install-recommends ${missing[*]}"
      return 1
    done
    return 0
  fi
  for package in "${missing[@]}"; do
    if ! has_candidate "$package"; then
      quietly "apt-get update" as_root "${apt[@]}" update || return 1
      break
    fi
  done
  local available=()
  for package in "${missing[@]}"; do
    if [[ " ${optional_packages[*]} " == *" $package "* ]] && ! has_candidate "$package"; then continue; fi
    available+=("$package")
  done
  if ((${#available[@]} == 0)); then return 0; fi
  say "Installing ${#available[@]} packages: ${available[*]}"
  # A stale package list names files that the archive no longer has: update and try once more before giving up.
  as_root "${apt[@]}" install -y --no-install-recommends "${available[@]}" >/dev/null 2>&1 && return 0
  quietly "apt-get update" as_root "${apt[@]}" update || return 1
  quietly "apt-get install" as_root "${apt[@]}" install -y --no-install-recommends "${available[@]}"
}

# The archive's index may be absent (containers) and not ours to refresh (not root): then keep a private one.
download_package() {
  local package=$1 to=$2
  (
    cd "$to" || exit 1
    apt-get -qq download "$package" >/dev/null 2>&1 && exit 0
    state=$root/build/apt
    mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
    private=(apt-get -qq -o "Dir::State::Lists=$state/lists" -o "Dir::Cache=$state/cache"
             -o APT::Sandbox::User= -o Acquire::Retries=3)
    quietly "apt-get update" "${private[@]}" update || exit 1
    quietly "apt-get download $package" "${private[@]}" download "$package"
  )
}

unpack_package() {
  local package=$1 to=$2 stage
  [[ -e $to/.unpacked-$package ]] && return 0
  mkdir -p "$to"
  stage=$(mktemp -d "$to/.stage-XXXXXX")
  chmod 755 "$stage"
  if ! download_package "$package" "$stage" || ! dpkg-deb -x "$stage"/*.deb "$to"; then
    rm -rf "$stage"
    say "Could not fetch the Debian package $package."
    return 1
  fi
  rm -rf "$stage"
  touch "$to/.unpacked-$package"
}

# llhttp is a library of its own from Debian 13. Debian 12 ships its C sources inside node-llhttp, which would pull in
# node.js or clash with one from elsewhere: so only its files are taken, and nothing is installed.
find_llhttp() {
  llhttp_options=()
  if is_installed libllhttp-dev || [[ -e /usr/share/llhttp/llhttp.c ]]; then return 0; fi
  if has_candidate libllhttp-dev && as_root true; then
    quietly "apt-get install libllhttp-dev" as_root env DEBIAN_FRONTEND=noninteractive \
      apt-get -qq install -y --no-install-recommends libllhttp-dev
    return
  fi
  unpack_package node-llhttp "$root/build/deps/llhttp" || return 1
  llhttp_options=("-DLLHTTP_SOURCE_DIR=$root/build/deps/llhttp/usr/share/llhttp"
                  "-DLLHTTP_INCLUDE_DIR=$root/build/deps/llhttp/usr/share/include/llhttp")
}
