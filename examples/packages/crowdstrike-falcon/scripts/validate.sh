#!/bin/sh
# Does the sensor itself say that it is here, bound and known to the cloud? Asked after an install, and before "already installed".
set -eu
. ./lib.sh
. ./falcon.sh
check_version "$(cat VERSION)" "$(falcon_version)"
"$FALCONCTL" -g --cid 2>/dev/null | grep -q '^cid="[0-9a-fA-F]' || fail "the sensor has no CID"
check_service falcon-sensor
within 60 falcon_has_agent_id || fail "the sensor has no agent ID: it has not reached CrowdStrike's cloud; see README.md"
echo "crowdstrike-falcon: the sensor is bound and has an agent ID"
