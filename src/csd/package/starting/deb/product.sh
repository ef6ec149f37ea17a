# installer.deb: how it is installed, removed and asked for. For the scripts beside it.
command -v dpkg >/dev/null || fail "there is no dpkg here; installer.deb is for Debian and Ubuntu. Correct the targets in package.yaml."
PACKAGE=$(dpkg-deb --field installer.deb Package)

installed() {
  dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$PACKAGE" 2>/dev/null | sed -n 's/^installed //p'
}

# dpkg takes the same version again, and an older one; apt-get is asked where something is missing that the package depends on.
install_product() {
  unlocked dpkg --install installer.deb && return
  command -v apt-get >/dev/null || fail "dpkg could not install $PACKAGE, and there is no apt-get to fetch what it depends on; see above."
  say "dpkg could not install it alone; apt-get fetches what it depends on"
  unlocked apt-get -y -f --allow-downgrades -o DPkg::Lock::Timeout=60 install ./installer.deb ||
    fail "$PACKAGE could not be installed; what apt-get says stands above. Is 'apt-get update' due?"
}

# And the home, should an older version of this package have been an archive that was updated in place.
remove_product() {
  if dpkg -s "$PACKAGE" >/dev/null 2>&1; then
    unlocked dpkg --purge "$PACKAGE" || fail "$PACKAGE could not be removed; what dpkg says stands above."
  fi
  remove_home
}

check_product() {
  wanted=$(dpkg-deb --field installer.deb Version)
  found=$(installed)
  [ "$found" = "$wanted" ] || fail "$PACKAGE ${found:-is not installed} (wanted: $wanted). Install it again."
}
