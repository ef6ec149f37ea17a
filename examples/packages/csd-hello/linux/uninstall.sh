#!/bin/sh
# Takes everything away that install.sh put here; doing it twice is no error.
set -eu
echo "csd-hello: uninstalling $(cat VERSION)"
rm -f /usr/bin/csd-hello
rm -rf /usr/share/csd-hello
rm -f /etc/csd-hello.conf
echo "csd-hello: uninstalled"
