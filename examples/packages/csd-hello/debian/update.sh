#!/bin/sh
# In-place update: the new payload over the old one, the configuration stays unless a new greeting is given.
set -eu
version=$(cat VERSION)
before=$(cat /usr/share/csd-hello/VERSION 2>/dev/null || echo nothing)
echo "csd-hello: updating $before to $version in place with dpkg"
if [ -f /etc/csd-hello-fail ]; then
  cat /etc/csd-hello-fail >&2
  exit 17
fi
dpkg -i csd-hello.deb
greeting=${SSM_GREETING:-$(sed -n 's/^greeting=//p' /etc/csd-hello.conf 2>/dev/null || true)}
printf 'greeting=%s\nversion=%s\ninstalled_by=%s\n' "${greeting:-hello}" "$version" "${BWS_ACTION_NAME:-update}" >/etc/csd-hello.conf
echo "csd-hello: updated to $version"
