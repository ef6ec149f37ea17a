#!/bin/sh
# In-place update: the new agent over the old one; the configuration is fetched anew where one is named, else it stays.
set -eu
. ./lib.sh
. ./cloudwatch.sh
echo "cloudwatch-agent: updating $(cloudwatch_version) to $(cat VERSION)"
install_package amazon-cloudwatch-agent
if [ -n "${SSM_CLOUDWATCH_CONFIG:-}" ]; then
  cloudwatch_configure
else
  "$CTL" -a stop
  "$CTL" -a start
fi
echo "cloudwatch-agent: updated to $(cloudwatch_version)"
