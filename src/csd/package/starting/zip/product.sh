# installer.zip: unpacked to /opt/NAME, and removed from there. For the scripts beside it.

# Unpacked beside the home and moved there whole: an install that is cut off leaves the old one. A single folder in it is the home.
install_product() {
  command -v unzip >/dev/null || fail "there is no unzip here. Install it, or make a tar of the .zip for csd package init."
  claim_home
  fresh_home
  unzip -q -o installer.zip -d "$NEW" || fail "installer.zip could not be unpacked; what unzip says stands above."
  top=$(ls -A "$NEW")
  if [ -d "$NEW/$top" ] && [ ! -L "$NEW/$top" ]; then take_home "$NEW/$top"; else take_home "$NEW"; fi
}

remove_product() {
  remove_home
}

check_product() {
  [ -e "$HOME_DIR/.csd-package" ] || fail "there is no $HOME_DIR. Install it again."
}
