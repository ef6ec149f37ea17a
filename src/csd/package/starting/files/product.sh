# programs/ and files/: put into /opt/NAME, programs so that they can be executed. For the scripts beside it.

install_product() {
  claim_home
  fresh_home
  for file in programs/* files/*; do
    case "$file" in
      *'/*') ;;
      programs/*) install -m 0755 "$file" "$NEW/" ;;
      *) install -m 0644 "$file" "$NEW/" ;;
    esac
  done
  take_home "$NEW"
}

remove_product() {
  remove_home
}

check_product() {
  for file in programs/* files/*; do
    case "$file" in *'/*') continue ;; esac
    cmp -s "$file" "$HOME_DIR/${file#*/}" || fail "$HOME_DIR/${file#*/} is not the package's. Install it again."
  done
}
