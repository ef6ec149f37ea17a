#!/bin/sh
# Removes the product; removing what is not there is no error.
set -eu
. ./lib.sh
. ./product.sh
. ./configure.sh
say "uninstalling"
unconfigure
remove_product
forget
say "uninstalled"
