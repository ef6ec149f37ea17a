#!/bin/sh
# Makes the installers in this folder anew, with the tools that vendors use: apt-get install rpm wixl
set -eu
cd "$(dirname "$0")"
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
export SOURCE_DATE_EPOCH=1764028800

# rpm HOW VERSION RELEASE COMPRESSION WORD...
rpm() {
  how=$1 version=$2 release=$3 compression=$4
  shift 4
  rpmbuild "$how" --quiet --define "_topdir $built" --define '_build_id_links none' --define '_buildhost build.example' \
    --define "v $version" --define "r $release" --define "_binary_payload $compression" --define "_source_payload $compression" \
    "$@" acme-agent.spec
}
rpm -bb 7.1.0 1.el9 w9.gzdio --define 'all 1'
rpm -bb 7.2.0 1.el9 w19.zstdio --define 'all 1'
rpm -bb 7.1.0~rc1 1.fc40 w6.xzdio --define 'e 3'
rpm -bb 7.1.0 1.amzn2023 w.ufdio --target aarch64
rpm -bb 7.1.0 1 w9.bzdio --target i686
rpm -bs 7.1.0 1 w9.gzdio
find "$built" -name '*.rpm' -exec mv {} . \;

wixl -a x64 -o acme-agent-x64.msi acme-agent.wxs
wixl -a x86 -o acme-agent-x86.msi acme-agent.wxs

# deb VERSION ARCHITECTURE COMPRESSION WORD...
deb() {
  tree=$built/deb version=$1 architecture=$2 compression=$3
  shift 3
  rm -rf "$tree"
  mkdir -p "$tree/DEBIAN" "$tree/opt/acme-agent"
  printf '#!/bin/sh\necho agent %s\n' "$version" >"$tree/opt/acme-agent/agent"
  chmod 755 "$tree/opt/acme-agent/agent"
  printf '%s\n' 'Package: acme-agent' "Version: $version" "Architecture: $architecture" 'Maintainer: Acme <a@acme.example>' \
    'Description: An agent that tells its version' >"$tree/DEBIAN/control"
  dpkg-deb --root-owner-group "-Z$compression" "$@" --build "$tree" .
}
deb 1:7.1.0-2 all gzip
deb 7.2.0-1 amd64 zstd --uniform-compression
deb 7.1.0~rc1-1 arm64 xz
deb 7.1.0 i386 none --uniform-compression
