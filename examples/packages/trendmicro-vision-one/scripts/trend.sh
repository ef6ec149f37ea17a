# What the agent is called, and how it is activated and asked. For the scripts beside it.
DSA_CONTROL=/opt/ds_agent/dsa_control
DSA_QUERY=/opt/ds_agent/dsa_query

trend_version() {
  installed_version ds-agent ds_agent /opt/ds_agent
}

# trend_says KEY: what dsa_query has behind AgentStatus.KEY.
trend_says() {
  "$DSA_QUERY" -c GetAgentStatus 2>/dev/null | sed -n "s/^AgentStatus\.$1: *//p"
}

trend_is_green() {
  [ "$(trend_says agentState)" = green ]
}

# dsa_control takes words only once the agent answers, some seconds after it was started.
trend_is_ready() {
  "$DSA_QUERY" -c GetAgentStatus >/dev/null 2>&1
}

# Gives up what the agent was bound to, and activates it with the tenant, the policy and the group that were asked for.
trend_activate() {
  url=${SSM_TREND_ACTIVATION_URL:-}
  [ -n "$url" ] || fail "no activation URL was given; set SSM_TREND_ACTIVATION_URL to what the deployment script has behind -a"
  tenant=$(secret "${SSM_TREND_TENANT_ID:-}" "${SSM_TREND_TENANT_ID_PARAMETER:-}")
  token=$(secret "${SSM_TREND_TOKEN:-}" "${SSM_TREND_TOKEN_PARAMETER:-}")
  set -- "$url"
  if [ -n "$tenant" ]; then set -- "$@" "tenantID:$tenant"; fi
  if [ -n "$token" ]; then set -- "$@" "token:$token"; fi
  if [ -n "${SSM_TREND_POLICY_ID:-}" ]; then set -- "$@" "policyid:$SSM_TREND_POLICY_ID"; fi
  if [ -n "${SSM_TREND_GROUP_ID:-}" ]; then set -- "$@" "groupid:$SSM_TREND_GROUP_ID"; fi
  within 60 trend_is_ready || fail "the agent does not answer; see /var/opt/ds_agent/diag/ds_agent.log"
  "$DSA_CONTROL" -r
  hiding "$token" "$DSA_CONTROL" -a "$@" || fail "the agent could not be activated; what dsa_control said stands above"
}

# Where the policy lets the agent protect itself, it is changed and removed with a password only.
trend_unlock() {
  password=$(secret "${SSM_TREND_PASSWORD:-}" "${SSM_TREND_PASSWORD_PARAMETER:-}")
  if [ -n "$password" ]; then
    hiding "$password" "$DSA_CONTROL" --selfprotect=0 --passwd="$password" || fail "dsa_control refused the password"
  fi
}
