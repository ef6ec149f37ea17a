# For the scripts beside it, in POSIX sh: waits while the package manager is locked, and keeps secrets out of what is printed.
export DEBIAN_FRONTEND=noninteractive

say() {
  echo "$*"
}

fail() {
  echo "error: $*" >&2
  exit 1
}

# The agent restarts the machine when a script ends with 194. No program that was asked here gets that by accident; where you want it:
# trap - EXIT; exit 194.
trap 'status=$?; [ "$status" -ne 194 ] || fail "a program ended with 194, which would restart this machine; that is not passed on."' EXIT

# unlocked COMMAND...: runs it; while another program holds the package manager's lock, again, for ten minutes at most.
# In English, since the words for a lock are all that tells it from other failures.
unlocked() {
  end=$(($(date +%s) + 600))
  while :; do
    status=0
    printed=$(export LC_ALL=C && "$@" 2>&1) || status=$?
    case "$printed" in
      *"locked by"* | *"database is locked"* | *"transaction lock"* | *"get lock"* | *"yum lock"*) busy=yes ;;
      *) busy=no ;;
    esac
    if [ "$status" -eq 0 ] || [ "$busy" = no ]; then
      break
    fi
    if [ "$(date +%s)" -ge "$end" ]; then
      printf '%s\n' "$printed" >&2
      fail "another program has held the package manager's lock for ten minutes; who it is stands above. Try again when it is done."
    fi
    say "waiting for another program's lock of the package manager; trying again in 10 seconds"
    sleep 10
  done
  if [ "$status" -ne 0 ]; then
    printf '%s\n' "$printed" >&2
    return "$status"
  fi
  printf '%s\n' "$printed"
}

# install_package STEM: installs STEM.deb or STEM.rpm, whichever this zip has. STEM.tar is the stand-in, where the vendor has an .rpm.
install_package() {
  if [ -f "$1.deb" ]; then
    unlocked dpkg --install "$1.deb"
  elif [ -f "$1.rpm" ]; then
    unlocked rpm --upgrade --replacepkgs --oldpackage "$1.rpm"
  elif [ -f "$1.tar" ]; then
    tar -x -f "$1.tar" -C / ./opt
  else
    fail "this package has no $1.deb and no $1.rpm; README.md says where the vendor has them"
  fi
}

# installed_version DEB RPM HOME: the version that the package manager knows, or that the stand-in left in HOME; nothing when none is there.
installed_version() {
  if command -v dpkg-query >/dev/null && dpkg-query -W -f '${db:Status-Abbrev} ${Version}\n' "$1" 2>/dev/null | grep '^ii'; then
    :
  elif command -v rpm >/dev/null && rpm -q --quiet "$2" 2>/dev/null; then
    rpm -q --qf 'ii %{VERSION}-%{RELEASE}\n' "$2"
  elif [ -f "$3/STAND-IN" ]; then
    echo "ii $(cat "$3/STAND-IN")"
  fi | sed -n 's/^ii *//p'
}

# remove_package DEB RPM HOME: removes it and its configuration; what is not there is no error.
remove_package() {
  if command -v dpkg >/dev/null && dpkg -s "$1" >/dev/null 2>&1; then
    unlocked dpkg --purge "$1"
  elif command -v rpm >/dev/null && rpm -q --quiet "$2" 2>/dev/null; then
    unlocked rpm --erase "$2"
  elif [ -f "$3/STAND-IN" ]; then
    rm -rf "$3"
  fi
}

# start_service UNIT, stop_service UNIT, check_service UNIT: where systemd runs the machine.
start_service() {
  if [ -d /run/systemd/system ]; then
    systemctl enable --quiet "$1"
    systemctl restart "$1"
  else
    echo "systemd does not run this machine: $1 was not started"
  fi
}

stop_service() {
  if [ -d /run/systemd/system ] && systemctl is-active --quiet "$1"; then
    systemctl stop "$1"
  fi
}

check_service() {
  if [ -d /run/systemd/system ] && ! systemctl is-active --quiet "$1"; then
    fail "the service $1 is not running; see: journalctl -u $1"
  fi
}

# secret VALUE PARAMETER: the value, else what Parameter Store has under that name; nothing without both. Take it with $(...).
secret() {
  if [ -n "$1" ]; then
    printf '%s' "$1"
  elif [ -n "$2" ]; then
    command -v aws >/dev/null || fail "the AWS CLI is needed to read the parameter $2; install it, or pass the value itself"
    aws ssm get-parameter --name "$2" --with-decryption --query Parameter.Value --output text ${BWS_REGION:+--region "$BWS_REGION"} ||
      fail "the parameter $2 could not be read; the node's role needs ssm:GetParameter on it, and kms:Decrypt on its key"
  fi
}

# hiding SECRET COMMAND...: runs it; what it prints is shown with the secret blotted out.
hiding() {
  hidden=$1
  shift
  status=0
  printed=$("$@" 2>&1) || status=$?
  if [ -n "$printed" ]; then
    printf '%s\n' "$printed" | HIDDEN=$hidden awk '
      BEGIN { word = ENVIRON["HIDDEN"] }
      {
        line = ""
        while (length(word) && (at = index($0, word))) {
          line = line substr($0, 1, at - 1) "****"
          $0 = substr($0, at + length(word))
        }
        print line $0
      }'
  fi
  return "$status"
}

# within SECONDS COMMAND...: tries it every five seconds until it is true.
within() {
  left=$1
  shift
  until "$@"; do
    if [ "$left" -le 0 ]; then
      return 1
    fi
    sleep 5
    left=$((left - 5))
  done
}

# check_version WANTED FOUND
check_version() {
  case "$2" in
    "$1" | "$1"[-.+]*) echo "$2 is here" ;;
    *) fail "version ${2:-none} is here; wanted $1" ;;
  esac
}
