#!/usr/bin/env bash
# Finds plumbline-action for action.yml, or fetches it, and gives its path as the step's output `program`.
#
# In this order: the input `binary`; the PATH; the release of the input `version`, whose digest is in checksums.txt.
# What was fetched cannot be executed before its digest is right.
set -euo pipefail

die() {
  local text="$*"
  text=${text//'%'/%25} text=${text//$'\r'/%0D} text=${text//$'\n'/%0A}
  echo "::error title=Plumbline::$text"
  exit 2
}
use() {
  echo "plumbline-action: $1"
  echo "program=$1" >>"$GITHUB_OUTPUT"
  exit 0
}

if [ -n "${PLUMBLINE_BINARY:-}" ]; then
  if [ ! -f "$PLUMBLINE_BINARY" ] || [ ! -x "$PLUMBLINE_BINARY" ]; then
    die "binary: expected an executable file, found \`$PLUMBLINE_BINARY\`. Its path is absolute, or relative to the workspace."
  fi
  use "$(realpath "$PLUMBLINE_BINARY")"
fi
if program=$(command -v plumbline-action); then
  use "$program"
fi

BUILD="Otherwise build the program on the runner, by \`cargo install --locked --path action\` in a checkout of Plumbline, and give its path as \`binary\`."
case $(uname -s)/$(uname -m) in
  Linux/x86_64 | Linux/amd64) arch=x86_64 ;;
  Linux/aarch64 | Linux/arm64) arch=aarch64 ;;
  *) die "No program is released for $(uname -s) on $(uname -m). Use a runner with Linux on x86_64 or aarch64. $BUILD" ;;
esac
file=plumbline-action-$arch-unknown-linux-musl

checksums=$(dirname "${BASH_SOURCE[0]}")/checksums.txt
version=${PLUMBLINE_VERSION:-}
version=${version#v}
if [ -z "$version" ]; then
  version=$(awk '/^[^#]/ {print $1; exit}' "$checksums")
fi
digest=$(awk -v version="$version" -v file="$file" '$1 == version && $3 == file {print $2; exit}' "$checksums")
if [[ ! $digest =~ ^[0-9a-f]{64}$ ]]; then
  die "This commit of the action knows no digest of $file ${version:-of any version}, and runs nothing without one. Use the commit of a release, or another \`version\`. $BUILD"
fi

for tool in curl sha256sum; do
  command -v "$tool" >/dev/null || die "\`$tool\` is missing on this runner. Install it. $BUILD"
done
folder=$(mktemp -d "${RUNNER_TEMP:-/tmp}/plumbline-action.XXXXXX")
url=$GITHUB_SERVER_URL/${PLUMBLINE_ACTION_REPOSITORY:-plumbline/plumbline}/releases/download/v$version/$file
echo "fetching $url"
curl --proto =https --tlsv1.2 --fail --silent --show-error --location \
  --retry 4 --retry-connrefused --connect-timeout 20 --max-time 300 --output "$folder/fetched" "$url" ||
  die "Cannot fetch $url. Is that release there, and does the runner reach it? $BUILD"
found=$(sha256sum "$folder/fetched")
found=${found%% *}
if [ "$found" != "$digest" ]; then
  rm "$folder/fetched"
  die "$url is not what was released: expected sha256 $digest, found $found. It was not run. Please report this: see SECURITY.md."
fi
chmod 755 "$folder/fetched"
mv "$folder/fetched" "$folder/plumbline-action"
use "$folder/plumbline-action"
