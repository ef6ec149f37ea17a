# What is to be done once the files are there, on an install and on an update. Yours to fill in; every argument of the rollout
# (csd distribute --argument SSM_SERVER=…) is a variable here. Do not echo one that is a secret. Must be repeatable. For example:
#
#   [ -n "${SSM_SERVER:-}" ] || fail "SSM_SERVER is not given. Add --argument SSM_SERVER=… to the rollout."
#   /opt/agent/bin/agentctl connect "$SSM_SERVER"
configure() {
  :
}

# Stops what configure() started, before the files go.
unconfigure() {
  :
}
