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
rm -rf /opt/aws/amazon-cloudwatch-agent  # what it wrote while it ran is left by the vendor's package
rmdir /opt/aws 2>/dev/null || true       # others of AWS may be at home there too
echo "cloudwatch-agent: uninstalled"
