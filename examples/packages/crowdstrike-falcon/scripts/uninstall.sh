#!/bin/sh
# Removes the sensor; doing it twice is no error. The host leaves the console by its retention policy.
set -eu
. ./lib.sh
. ./falcon.sh
echo "crowdstrike-falcon: uninstalling"
if [ -x "$FALCONCTL" ]; then
  falcon_unlock
fi
stop_service falcon-sensor
remove_package falcon-sensor falcon-sensor /opt/CrowdStrike
echo "crowdstrike-falcon: uninstalled"
