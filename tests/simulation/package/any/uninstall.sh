#!/bin/sh
# Takes the file away; the diary stays.
set -eu
root=${LOCALORG_NODE_ROOT:?only for simulated nodes}
rm -f "$root/etc/csd-marker"
printf 'uninstall %s\n' "$(cat VERSION)" >>"$root/var/log/csd-marker"
echo "csd-marker: uninstalled"
