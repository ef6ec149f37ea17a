#!/bin/sh
# Installs Trend Micro's agent and activates it. The agent of Systems Manager runs it as: sh install.sh.
set -eu
. ./lib.sh
. ./trend.sh
echo "trendmicro-vision-one: installing $(cat VERSION)"
install_package agent
start_service ds_agent
trend_activate
echo "trendmicro-vision-one: installed $(trend_version)"
