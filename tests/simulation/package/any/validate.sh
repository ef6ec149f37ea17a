#!/bin/sh
# Is it really here?
set -eu
root=${LOCALORG_NODE_ROOT:?only for simulated nodes}
[ "$(cat "$root/etc/csd-marker" 2>/dev/null)" = "$(cat VERSION)" ]
