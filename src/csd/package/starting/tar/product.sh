# installer.tar: unpacked to /opt/NAME, and removed from there. For the scripts beside it.

# Unpacked beside the home and moved there whole: an install that is cut off leaves the old one. A single folder in it is the home.
install_product() {
  claim_home
  tar -t -f installer.tar >/dev/null || fail "installer.tar cannot be read; what tar says stands above."
  if tar -t -f installer.tar | grep -q -e '^/' -e '^\.\.$' -e '^\.\./' -e '/\.\./' -e '/\.\.$'; then
    fail "installer.tar has a file that would lie outside its folder. Ask whoever made it."
  fi
  fresh_home
  tar -x -o -f installer.tar -C "$NEW" || fail "installer.tar could not be unpacked; what tar says stands above."
  top=$(ls -A "$NEW")
  if [ -d "$NEW/$top" ] && [ ! -L "$NEW/$top" ]; then take_home "$NEW/$top"; else take_home "$NEW"; fi
}

remove_product() {
  remove_home
}

check_product() {
  [ -e "$HOME_DIR/.csd-package" ] || fail "there is no $HOME_DIR. Install it again."
}
