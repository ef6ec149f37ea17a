# installer.rpm: how it is installed, removed and asked for. For the scripts beside it.
command -v rpm >/dev/null || fail "there is no rpm here; installer.rpm is for Red Hat's and SUSE's kin. Correct the targets in package.yaml."
PACKAGE=$(rpm -qp --nosignature --qf '%{NAME}' installer.rpm)

# fetching: the package manager of this system, told to end at once while another one is at work: unlocked tries again.
fetching() {
  if command -v dnf >/dev/null; then
    dnf -y --setopt=exit_on_lock=1 install ./installer.rpm
  elif command -v yum >/dev/null; then
    yum -y --setopt=exit_on_lock=1 install ./installer.rpm
  elif command -v zypper >/dev/null; then
    zypper --non-interactive install --allow-unsigned-rpm ./installer.rpm
  else
    echo "there is no dnf, yum or zypper to fetch what it depends on"
    return 1
  fi
}

# rpm takes the same version again, and an older one; the package manager is asked where something is missing that it depends on.
install_product() {
  unlocked rpm --upgrade --replacepkgs --oldpackage installer.rpm && return
  say "rpm could not install it alone; the package manager fetches what it depends on"
  unlocked fetching || fail "$PACKAGE could not be installed; what was said stands above."
}

remove_product() {
  if rpm -q --quiet "$PACKAGE"; then
    unlocked rpm --erase "$PACKAGE" || fail "$PACKAGE could not be removed; what rpm says stands above."
  fi
}

check_product() {
  wanted=$(rpm -qp --nosignature --qf '%{VERSION}-%{RELEASE}' installer.rpm)
  found=$(rpm -q --qf '%{VERSION}-%{RELEASE}\n' "$PACKAGE" 2>/dev/null) || found=''
  printf '%s\n' "$found" | grep -qxF "$wanted" || fail "$PACKAGE ${found:-is not installed} (wanted: $wanted). Install it again."
}
