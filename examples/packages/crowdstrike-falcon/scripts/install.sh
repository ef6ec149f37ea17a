#!/bin/sh
# Installs the Falcon sensor and binds it to your CID. The agent runs it as: sh install.sh, in the unpacked package.
set -eu
. ./lib.sh
. ./falcon.sh
echo "crowdstrike-falcon: installing $(cat VERSION)"
install_package falcon-sensor
falcon_configure
start_service falcon-sensor
echo "crowdstrike-falcon: installed $(falcon_version)"
