#!/bin/sh
# Does the agent itself say that it is activated and well? Asked after an install, and before "already installed" is believed.
set -eu
. ./lib.sh
. ./trend.sh
check_version "$(cat VERSION)" "$(trend_version)"
check_service ds_agent
[ -x "$DSA_QUERY" ] || fail "there is no $DSA_QUERY"
within 120 trend_is_green || fail "the agent says of itself: $(trend_says agentState); green is wanted"
echo "trendmicro-vision-one: the agent is green, with $(trend_says dsmUrl)"
