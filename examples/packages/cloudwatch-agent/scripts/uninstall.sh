#!/bin/sh
# Stops and removes the agent and its configuration; doing it twice is no error.
set -eu
. ./lib.sh
. ./cloudwatch.sh
echo "cloudwatch-agent: uninstalling"
if [ -x "$CTL" ]; then
  "$CTL" -a stop
fi
remove_package amazon-cloudwatch-agent amazon-cloudwatch-agent /opt/aws/amazon-cloudwatch-agent
echo "cloudwatch-agent: uninstalled"
