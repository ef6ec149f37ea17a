#!/bin/sh
# In-place update: the new agent over the old one, which keeps its link and its identity.
set -eu
. ./lib.sh
. ./nessus.sh
echo "tenable-nessus-agent: updating $(nessus_version) to $(cat VERSION)"
stop_service nessusagent
install_package NessusAgent
start_service nessusagent
nessus_link
echo "tenable-nessus-agent: updated to $(nessus_version)"
