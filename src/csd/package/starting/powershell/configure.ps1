# What is to be done once the product is there, on an install and on an update. Yours to fill in; every argument of the rollout
# (csd distribute --argument SSM_SERVER=...) is a variable here. Do not write one that is a secret. Must be repeatable. For example:
#
#   if (-not $env:SSM_SERVER) { Stop-Here 'SSM_SERVER is not given. Add --argument SSM_SERVER=... to the rollout.' }
#   & "$env:ProgramFiles\Agent\agentctl.exe" connect $env:SSM_SERVER
#
# Whoever may list commands can read the arguments, so give a secret's NAME (SSM_TOKEN_PARAMETER=/agents/token, a SecureString), and let
# the node fetch it: its role needs ssm:GetParameter and kms:Decrypt for it. On standard input, not on a command line:
#
#   $token = (Get-SSMParameter -Region $env:AWS_SSM_REGION_NAME -Name $env:SSM_TOKEN_PARAMETER -WithDecryption $true).Value
#   $token | & "$env:ProgramFiles\Agent\agentctl.exe" login --token-stdin
function Set-Configuration {
}

# Stops what Set-Configuration started, before the product goes.
function Clear-Configuration {
}
