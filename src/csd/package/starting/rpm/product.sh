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
    zypper --non-interactive install --allow-unsigned-rpm ./installer.rpm || done_by_zypper $?
  else
    echo "there is no dnf, yum or zypper to fetch what it depends on"
    return 1
  fi
}

# done_by_zypper STATUS: 102, 103: done, and a restart is due; 106: done without a repository that could not be refreshed.
done_by_zypper() {
  case "$1" in
    102 | 103) say "zypper says that a restart of this machine or of zypper is due; none is made here" ;;
    106) say "zypper could not refresh every repository, and did without" ;;
    *) return "$1" ;;
  esac
}

# rpm takes the same version again, and an older one; the package manager is asked where something is missing that it depends on.
install_product() {
  unlocked rpm --upgrade --replacepkgs --oldpackage installer.rpm && return
  say "rpm could not install it alone; the package manager fetches what it depends on"
  unlocked fetching || fail "$PACKAGE could not be installed; what was said stands above."
}

# And the home, should an older version of this package have been an archive that was updated in place.
remove_product() {
  if rpm -q --quiet "$PACKAGE"; then
    unlocked rpm --erase "$PACKAGE" || fail "$PACKAGE could not be removed; what rpm says stands above."
  fi
  remove_home
}

check_product() {
  wanted=$(rpm -qp --nosignature --qf '%{VERSION}-%{RELEASE}' installer.rpm)
  found=$(rpm -q --qf '%{VERSION}-%{RELEASE}\n' "$PACKAGE" 2>/dev/null) || found=''
  printf '%s\n' "$found" | grep -qxF "$wanted" || fail "$PACKAGE ${found:-is not installed} (wanted: $wanted). Install it again."
}
