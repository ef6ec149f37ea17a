# What the agent is called, and how it is linked and asked. For the scripts beside it.
NESSUSCLI=/opt/nessus_agent/sbin/nessuscli

nessus_version() {
  installed_version nessusagent NessusAgent /opt/nessus_agent
}

# nessus_says KEY: what `nessuscli agent status` has behind KEY.
nessus_says() {
  "$NESSUSCLI" agent status 2>/dev/null | sed -n "s/^$1: *//p"
}

nessus_is_linked() {
  case "$(nessus_says 'Linked to')" in
    '' | None* | none*) return 1 ;;
  esac
}

nessus_is_healthy() {
  case "$(nessus_says 'Link status')" in
    *rror* | *'Not linked'*) return 1 ;;
  esac
}

# Links the agent to the manager; one that is linked already stays so.
nessus_link() {
  if nessus_is_linked; then
    echo "tenable-nessus-agent: linked to $(nessus_says 'Linked to') already"
    return
  fi
  key=$(secret "${SSM_NESSUS_KEY:-}" "${SSM_NESSUS_KEY_PARAMETER:-}")
  [ -n "$key" ] || fail "no linking key was given; set SSM_NESSUS_KEY_PARAMETER, or SSM_NESSUS_KEY"
  set -- --key="$key"
  if [ -n "${SSM_NESSUS_HOST:-}" ]; then
    set -- "$@" --host="$SSM_NESSUS_HOST" --port="${SSM_NESSUS_PORT:-8834}"
  else
    set -- "$@" --cloud
  fi
  if [ -n "${SSM_NESSUS_GROUPS:-}" ]; then set -- "$@" --groups="$SSM_NESSUS_GROUPS"; fi
  if [ -n "${SSM_NESSUS_NAME:-}" ]; then set -- "$@" --name="$SSM_NESSUS_NAME"; fi
  if [ -n "${SSM_NESSUS_PROXY_HOST:-}" ]; then
    set -- "$@" --proxy-host="$SSM_NESSUS_PROXY_HOST" --proxy-port="${SSM_NESSUS_PROXY_PORT:-8080}"
  fi
  hiding "$key" "$NESSUSCLI" agent link "$@" || fail "the agent could not be linked; what nessuscli said stands above"
}
