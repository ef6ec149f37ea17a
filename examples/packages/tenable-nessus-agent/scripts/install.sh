#!/bin/sh
# Installs the Nessus Agent and links it to your manager. The agent of Systems Manager runs it as: sh install.sh.
set -eu
. ./lib.sh
. ./nessus.sh
echo "tenable-nessus-agent: installing $(cat VERSION)"
install_package NessusAgent
start_service nessusagent
nessus_link
echo "tenable-nessus-agent: installed $(nessus_version)"
