# For the scripts beside it, in POSIX sh: words, waiting for locks, and the record of what was installed with which SSM_ variables.
NAME=$(cat NAME)
VERSION=$(cat VERSION)
HOME_DIR=/opt/$NAME
RECORDS=/var/lib/csd-packages
RECORD=$RECORDS/$NAME
export DEBIAN_FRONTEND=noninteractive

say() {
  echo "$NAME: $*"
}

# fail WHAT. NEXT STEP.
fail() {
  echo "error: $NAME: $*" >&2
  exit 1
}

command -v awk >/dev/null || fail "there is no awk here, so the SSM_ variables cannot be read. Install gawk or mawk."
command -v sha256sum >/dev/null || command -v shasum >/dev/null || fail "there is neither sha256sum nor shasum here. Install coreutils."

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

digest() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}

# A digest of every SSM_ variable of this rollout, so that their values stand nowhere. SSM_COMMAND_ID is the agent's own, new each time.
settings() {
  awk 'BEGIN {
    for (name in ENVIRON) {
      if (name !~ /^SSM_/ || name == "SSM_COMMAND_ID") continue
      value = ENVIRON[name]
      gsub(/\n/, "\\n", value)
      print name "=" value
    }
  }' | LC_ALL=C sort | digest
}

# remember, check_record, forget: what was installed, and with which variables. Only root can read it.
remember() {
  (umask 077 && mkdir -p "$RECORDS" && printf '%s\n%s\n' "$VERSION" "$(settings)" >"$RECORD") ||
    fail "the record $RECORD could not be written. Is the disk full?"
}

check_record() {
  [ -f "$RECORD" ] || fail "no finished install is recorded in $RECORD. Install it again."
  [ "$(sed -n 1p "$RECORD")" = "$VERSION" ] ||
    fail "version $(sed -n 1p "$RECORD") was installed; this package is $VERSION. Install it again."
  [ "$(sed -n 2p "$RECORD")" = "$(settings)" ] ||
    fail "the SSM_ variables are not those that it was installed with. It has to be installed again with the new ones."
}

forget() {
  rm -f "$RECORD"
  rmdir "$RECORDS" 2>/dev/null || :
}

# claim_home: refuses a folder in /opt that another program made.
claim_home() {
  [ ! -L "$HOME_DIR" ] || fail "$HOME_DIR is a link. Remove it; this package wants a folder of its own there."
  if [ -e "$HOME_DIR" ] && [ ! -e "$HOME_DIR/.csd-package" ]; then
    fail "$HOME_DIR is there, and this package did not make it. Move it away first."
  fi
}

# fresh_home: an empty folder beside the home, in $NEW, that only root can look into until it takes the home's place.
fresh_home() {
  NEW=/opt/.$NAME.new
  rm -rf "$NEW"
  mkdir -p /opt
  (umask 077 && mkdir "$NEW")
}

# take_home FOLDER: FOLDER becomes the home, in the place of an older one.
take_home() {
  : >"$1/.csd-package"
  chmod 755 "$1"
  rm -rf "$HOME_DIR"
  mv "$1" "$HOME_DIR"
  rm -rf "$NEW"
}

remove_home() {
  rm -rf "/opt/.$NAME.new"
  if [ -e "$HOME_DIR/.csd-package" ]; then
    rm -rf "$HOME_DIR"
  fi
}
