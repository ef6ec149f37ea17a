#!/bin/sh
# Is it really here? The agent asks after an install, and before it believes "already installed".
set -eu
wanted=$(cat VERSION)
found=$(cat /usr/share/csd-hello/VERSION 2>/dev/null || echo nothing)
if [ "$found" != "$wanted" ] || [ ! -x /usr/bin/csd-hello ]; then
  echo "csd-hello: expected $wanted, found $found" >&2
  exit 1
fi
echo "csd-hello: $found is here"
