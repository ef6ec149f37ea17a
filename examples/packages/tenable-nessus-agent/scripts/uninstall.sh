#!/bin/sh
# Unlinks the agent, so that the manager forgets it, and removes it; doing it twice is no error.
set -eu
. ./lib.sh
. ./nessus.sh
echo "tenable-nessus-agent: uninstalling"
if [ -x "$NESSUSCLI" ] && nessus_is_linked; then
  "$NESSUSCLI" agent unlink || "$NESSUSCLI" agent unlink --force
fi
stop_service nessusagent
remove_package nessusagent NessusAgent /opt/nessus_agent
# What was learnt while it ran is left by the vendor's package.
rm -rf /opt/nessus_agent
echo "tenable-nessus-agent: uninstalled"
