#!/bin/sh
# In-place update: the new files over the old ones, without an uninstall in between.
set -eu
. ./lib.sh
. ./product.sh
. ./configure.sh
say "updating to $VERSION"
forget
install_product
configure
remember
say "updated to $VERSION"
