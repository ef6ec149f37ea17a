# What is to be done once the files are there, on an install and on an update. Yours to fill in; every argument of the rollout
# (csd distribute --argument SSM_SERVER=…) is a variable here. Do not echo one that is a secret. Must be repeatable. For example:
#
#   [ -n "${SSM_SERVER:-}" ] || fail "SSM_SERVER is not given. Add --argument SSM_SERVER=… to the rollout."
#   /opt/agent/bin/agentctl connect "$SSM_SERVER"
#
# Whoever may list commands can read the arguments, so give a secret's NAME (SSM_TOKEN_PARAMETER=/agents/token, a SecureString), and let
# the node fetch it: its role needs ssm:GetParameter and kms:Decrypt for it. By a file that only root reads, not on a command line:
#
#   token=$(umask 077 && mktemp)
#   aws ssm get-parameter --region "$AWS_SSM_REGION_NAME" --name "$SSM_TOKEN_PARAMETER" --with-decryption \
#     --query Parameter.Value --output text >"$token" || { rm -f "$token"; fail "$SSM_TOKEN_PARAMETER could not be read."; }
#   /opt/agent/bin/agentctl login --token-file "$token"; rm -f "$token"
configure() {
  :
}

# Stops what configure() started, before the files go.
unconfigure() {
  :
}
