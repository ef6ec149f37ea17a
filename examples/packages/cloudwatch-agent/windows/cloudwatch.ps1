# How the agent is configured and asked. For the scripts beside it.
$ctl = Join-Path $env:ProgramFiles 'Amazon\AmazonCloudWatchAgent\amazon-cloudwatch-agent-ctl.ps1'

# Fetches the configuration and (re)starts the agent: its own control tool does both.
function Set-Configuration {
    $config = if ($env:SSM_CLOUDWATCH_CONFIG) { $env:SSM_CLOUDWATCH_CONFIG } else { 'default' }
    $mode = if ($env:SSM_CLOUDWATCH_MODE) { $env:SSM_CLOUDWATCH_MODE } elseif ($env:BWS_INSTANCE_ID -like 'mi-*') { 'onPremise' } else { 'ec2' }
    & $ctl -a fetch-config -m $mode -c $config -s
    if (-not $?) { Stop-Here "the agent did not take the configuration $config" }
}
