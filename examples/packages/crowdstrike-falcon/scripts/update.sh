#!/bin/sh
# In-place update: the new sensor over the old one, which keeps its CID, its tags and its agent ID.
set -eu
. ./lib.sh
. ./falcon.sh
echo "crowdstrike-falcon: updating $(falcon_version) to $(cat VERSION)"
if [ -x "$FALCONCTL" ]; then
  falcon_unlock
fi
install_package falcon-sensor
start_service falcon-sensor
echo "crowdstrike-falcon: updated to $(falcon_version)"
