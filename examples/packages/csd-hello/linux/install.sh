#!/bin/sh
# Puts the payload on this node with tar. The agent runs it as: sh install.sh, in the unpacked package.
set -eu
version=$(cat VERSION)
echo "csd-hello: installing $version on ${BWS_PLATFORM_NAME:-this system} with tar"
# A node can be made to fail: whatever stands in this file is said on stderr, and the install fails.
if [ -f /etc/csd-hello-fail ]; then
  cat /etc/csd-hello-fail >&2
  exit 17
fi
tar --no-same-owner -xf csd-hello.tar -C /
# Arguments reach the script in its environment (additionalArguments, keys SSM_...).
printf 'greeting=%s\nversion=%s\ninstalled_by=%s\n' "${SSM_GREETING:-hello}" "$version" "${BWS_ACTION_NAME:-install}" >/etc/csd-hello.conf
echo "csd-hello: greeting is ${SSM_GREETING:-hello}"
echo "csd-hello: installed $version"
