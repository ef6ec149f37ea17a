#!/bin/sh
# The new version over the old one.
set -eu
root=${LOCALORG_NODE_ROOT:?only for simulated nodes}
version=$(cat VERSION)
printf '%s\n' "$version" >"$root/etc/csd-marker"
printf 'update %s\n' "$version" >>"$root/var/log/csd-marker"
echo "csd-marker: updated to $version"
