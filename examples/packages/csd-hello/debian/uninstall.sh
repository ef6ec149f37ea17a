#!/bin/sh
# Takes everything away that install.sh put here; doing it twice is no error.
set -eu
echo "csd-hello: uninstalling $(cat VERSION)"
if dpkg -s csd-hello >/dev/null 2>&1; then dpkg --purge csd-hello; fi
rm -f /etc/csd-hello.conf
echo "csd-hello: uninstalled"
