# What the sensor is called, and how it is bound and asked. For the scripts beside it.
FALCONCTL=/opt/CrowdStrike/falconctl

falcon_version() {
  installed_version falcon-sensor falcon-sensor /opt/CrowdStrike
}

# Binds the sensor to the CID, with what else is asked for. The sensor takes settings before it is started.
falcon_configure() {
  cid=$(secret "${SSM_FALCON_CID:-}" "${SSM_FALCON_CID_PARAMETER:-}")
  token=$(secret "${SSM_FALCON_PROVISIONING_TOKEN:-}" "${SSM_FALCON_PROVISIONING_TOKEN_PARAMETER:-}")
  [ -n "$cid" ] || fail "no CID was given; set SSM_FALCON_CID_PARAMETER, or SSM_FALCON_CID"
  hiding "$cid" "$FALCONCTL" -s -f --cid="$cid" || fail "falconctl refused the CID; it is 32 digits, '-', and two more"
  if [ -n "$token" ]; then
    hiding "$token" "$FALCONCTL" -s -f --provisioning-token="$token" || fail "falconctl refused the provisioning token"
  fi
  if [ -n "${SSM_FALCON_TAGS:-}" ]; then
    "$FALCONCTL" -s -f --tags="$SSM_FALCON_TAGS"
  fi
  if [ -n "${SSM_FALCON_PROXY_HOST:-}" ]; then
    "$FALCONCTL" -s -f --apd=FALSE --aph="$SSM_FALCON_PROXY_HOST" --app="${SSM_FALCON_PROXY_PORT:-8080}"
  fi
}

# Where the console protects sensors, they are changed and removed with a token only.
falcon_unlock() {
  token=$(secret "${SSM_FALCON_MAINTENANCE_TOKEN:-}" "${SSM_FALCON_MAINTENANCE_TOKEN_PARAMETER:-}")
  if [ -n "$token" ]; then
    hiding "$token" "$FALCONCTL" -s --maintenance-token="$token" || fail "falconctl refused the maintenance token"
  fi
}

falcon_has_agent_id() {
  "$FALCONCTL" -g --aid 2>/dev/null | grep -q '^aid="[0-9a-f]'
}
