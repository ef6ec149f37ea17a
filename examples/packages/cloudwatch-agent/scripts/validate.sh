#!/bin/sh
# Does the agent itself say that it runs and is configured? Asked after an install, and before "already installed" is believed.
set -eu
. ./lib.sh
. ./cloudwatch.sh
check_version "$(cat VERSION)" "$(cloudwatch_version)"
[ "$(cloudwatch_says configstatus)" = configured ] || fail "the agent is not configured"
within 30 cloudwatch_runs || fail "the agent does not run; see /opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log"
echo "cloudwatch-agent: the agent runs, and is configured"
