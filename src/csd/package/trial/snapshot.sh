# One look at this node's files, for csd package test: one line for each, packed, on standard output. Nothing is written to the node.
# Lines: "E MODE (hexadecimal, or kind:octal) UID:GID SIZE MTIME CTIME INODE PATH", "H SHA256  PATH", "M MOUNT", "U user" and "G group".
# Unless WHOLE, only what has changed since SINCE has an E, and all that is in a folder that has changed an "N INODE PATH".
# SINCE: hash what has changed since then, and /etc.
set -u
LC_ALL=C
export LC_ALL
since=@SINCE@
whole=@WHOLE@
roots() {
  while read -r _ place kind _; do
    case "$place" in @PRUNED_ROOTS@) continue ;; esac
    case "$kind" in ext[234] | xfs | btrfs | zfs | overlay | f2fs | jfs | reiserfs) printf '%b\n' "$place" ;; esac
  done </proc/mounts | sort -u
}
entries() { # GNU find tells all itself, in two thirds of the time, and what has changed since a moment
  line='E %y:%m %U:%G %s %T@ %C@ %i %p\n'
  roots | while IFS= read -r root; do
    if [ -z "$gnu" ]; then
      find "$root" -xdev -type d \( @PRUNED@ \) -prune -o -exec stat -c 'E %f %u:%g %s %Y %Z %i %n' {} + 2>/dev/null
    elif [ -n "$whole" ]; then
      find "$root" -xdev -type d \( @PRUNED@ \) -prune -o -printf "$line" 2>/dev/null
    else
      find "$root" -xdev -type d \( @PRUNED@ \) -prune -o -newerct "@$since" -printf "$line" -type d -fprint0 "$list.part" 2>/dev/null
      cat "$list.part" >>"$list.folders"
    fi
  done
}
held() { # what is in the folders that have changed
  [ -z "$whole" ] && [ -s "$list.folders" ] || return 0
  xargs -0 -r sh -c 'exec find "$@" -mindepth 1 -maxdepth 1 -type d \( @PRUNED@ \) -prune -o -printf "N %i %p\n"' find <"$list.folders" 2>/dev/null
}
hashed() { # regular files of /etc, and those that were changed since
  awk -v since="$since" '/^E (8|f:)/ && $4 <= @HASHED_MAX@ && ($8 ~ /^\/etc\// || (since > 0 && $6 >= since)) {
    path = $0; for (i = 0; i < 7; i++) sub(/^[^ ]* /, "", path); print path }' "$1" |
    tr '\n' '\0' | xargs -0 -r sha256sum -- 2>/dev/null | sed 's/^/H /'
}
for tool in awk base64 find gzip sha256sum stat xargs; do
  command -v "$tool" >/dev/null || { echo "csd needs $tool on the node to compare its files" >&2; exit 1; }
done
list=$(mktemp) || exit 1
trap 'rm -f "$list" "$list.part" "$list.folders"' EXIT
now=$(date +%s)
read -r up _ </proc/uptime
gnu=$(find / -prune -newerct @0 -printf '%Cs' 2>/dev/null)
[ -n "$gnu" ] || whole=1
entries >"$list"
echo "csd-snapshot 2 $now $((now - ${up%.*})) ${whole:-0}"
{
  cat "$list"
  held
  hashed "$list"
  roots | sed 's/^/M /'
  cut -d: -f1,3,6,7 /etc/passwd | sed 's/^/U /'
  cut -d: -f1,3 /etc/group | sed 's/^/G /'
  echo "Z"
} | gzip -1 | base64
