#!/bin/sh
# In-place update: the new agent over the old one, which stays activated.
set -eu
. ./lib.sh
. ./trend.sh
echo "trendmicro-vision-one: updating $(trend_version) to $(cat VERSION)"
if [ -x "$DSA_CONTROL" ]; then
  trend_unlock
fi
install_package agent
start_service ds_agent
echo "trendmicro-vision-one: updated to $(trend_version)"
