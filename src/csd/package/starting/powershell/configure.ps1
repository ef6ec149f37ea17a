# What is to be done once the product is there, on an install and on an update. Yours to fill in; every argument of the rollout
# (csd distribute --argument SSM_SERVER=...) is a variable here. Do not write one that is a secret. Must be repeatable. For example:
#
#   if (-not $env:SSM_SERVER) { Stop-Here 'SSM_SERVER is not given. Add --argument SSM_SERVER=... to the rollout.' }
#   & "$env:ProgramFiles\Agent\agentctl.exe" connect $env:SSM_SERVER
function Set-Configuration {
}

# Stops what Set-Configuration started, before the product goes.
function Clear-Configuration {
}
