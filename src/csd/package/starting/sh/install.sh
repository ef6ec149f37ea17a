#!/bin/sh
# Installs the product, over itself too. The agent of Systems Manager runs it as: sh install.sh.
set -eu
. ./lib.sh
. ./product.sh
. ./configure.sh
say "installing $VERSION"
forget
install_product
configure
remember
say "installed $VERSION"
