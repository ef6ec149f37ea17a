# What the agent is called, and how it is configured and asked. For the scripts beside it.
CTL=/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl

cloudwatch_version() {
  installed_version amazon-cloudwatch-agent amazon-cloudwatch-agent /opt/aws/amazon-cloudwatch-agent
}

# Fetches the configuration and (re)starts the agent: its own control tool does both.
cloudwatch_configure() {
  case "${BWS_INSTANCE_ID:-}" in
    mi-*) mode=onPremise ;;
    *) mode=ec2 ;;
  esac
  config=${SSM_CLOUDWATCH_CONFIG:-default}
  "$CTL" -a fetch-config -m "${SSM_CLOUDWATCH_MODE:-$mode}" -c "$config" -s ||
    fail "the agent did not take the configuration $config; for ssm:NAME the node's role needs ssm:GetParameter on it"
}

# cloudwatch_says KEY: the value of KEY in what the control tool tells.
cloudwatch_says() {
  "$CTL" -a status | sed -n "s/^ *\"$1\": *\"\([^\"]*\)\".*/\1/p"
}

cloudwatch_runs() {
  [ "$(cloudwatch_says status)" = running ]
}
