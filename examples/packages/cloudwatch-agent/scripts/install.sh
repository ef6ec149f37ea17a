#!/bin/sh
# Installs the CloudWatch agent and gives it its configuration. The agent of Systems Manager runs it as: sh install.sh.
set -eu
. ./lib.sh
. ./cloudwatch.sh
echo "cloudwatch-agent: installing $(cat VERSION)"
install_package amazon-cloudwatch-agent
cloudwatch_configure
echo "cloudwatch-agent: installed $(cloudwatch_version)"
