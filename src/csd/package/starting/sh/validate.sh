#!/bin/sh
# Is this version there, with the SSM_ variables of this rollout? Asked after an install, and before "already installed" is believed:
# when it fails then, the agent installs again.
set -eu
. ./lib.sh
. ./product.sh
check_product
check_record
say "$VERSION is installed, with the SSM_ variables of this rollout"
