#!/bin/sh
# Does the agent itself say that it is linked, without an error? Asked after an install, and before "already installed" is believed.
set -eu
. ./lib.sh
. ./nessus.sh
check_version "$(cat VERSION)" "$(nessus_version)"
check_service nessusagent
nessus_is_linked || fail "the agent is not linked to a manager"
within 60 nessus_is_healthy || fail "the agent says of its link: $(nessus_says 'Link status')"
echo "tenable-nessus-agent: linked to $(nessus_says 'Linked to')"
