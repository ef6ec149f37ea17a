#!/bin/sh
# Leaves the version in the node's folder. Without a folder it does nothing at all: this machine itself is no node.
set -eu
root=${LOCALORG_NODE_ROOT:?only for simulated nodes}
version=$(cat VERSION)
if [ -f "$root/etc/csd-marker-fail" ]; then
  cat "$root/etc/csd-marker-fail" >&2
  exit 17
fi
case $version in
*-bad)
  echo "csd-marker: this version is bad" >&2
  exit 18
  ;;
esac
printf '%s\n' "$version" >"$root/etc/csd-marker"
printf 'install %s\n' "$version" >>"$root/var/log/csd-marker"
if [ -n "${SSM_GREETING:-}" ]; then
  printf '%s\n' "$SSM_GREETING" >"$root/etc/csd-marker-greeting"
fi
echo "csd-marker: installed $version"
