#!/bin/sh
# Deactivates the agent and removes it; doing it twice is no error.
set -eu
. ./lib.sh
. ./trend.sh
echo "trendmicro-vision-one: uninstalling"
if [ -x "$DSA_CONTROL" ]; then
  trend_unlock
  "$DSA_CONTROL" -r || echo "trendmicro-vision-one: the agent could not be deactivated; the console will show it as offline"
fi
stop_service ds_agent
remove_package ds-agent ds_agent /opt/ds_agent
echo "trendmicro-vision-one: uninstalled"
