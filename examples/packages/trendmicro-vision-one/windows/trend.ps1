# How the agent is activated and asked. For the scripts beside it.
$agentHome = Join-Path $env:ProgramFiles 'Trend Micro\Deep Security Agent'
$control = Join-Path $agentHome 'dsa_control.cmd'
$query = Join-Path $agentHome 'dsa_query.cmd'

# What dsa_query has behind AgentStatus.KEY.
function Get-Status([string] $key) {
    $line = Invoke-Tool $query @('-c', 'GetAgentStatus') | Where-Object { $_ -like "AgentStatus.${key}:*" } | Select-Object -First 1
    return "$line".Substring([Math]::Min("$line".Length, "AgentStatus.$key".Length + 1)).Trim()
}

# Gives up what the agent was bound to, and activates it with the tenant, the policy and the group that were asked for.
function Enable-Agent {
    if (-not $env:SSM_TREND_ACTIVATION_URL) { Stop-Here 'no activation URL was given; set SSM_TREND_ACTIVATION_URL' }
    $tenant = Get-Secret $env:SSM_TREND_TENANT_ID $env:SSM_TREND_TENANT_ID_PARAMETER
    $token = Get-Secret $env:SSM_TREND_TOKEN $env:SSM_TREND_TOKEN_PARAMETER
    $arguments = @('-a', $env:SSM_TREND_ACTIVATION_URL)
    if ($tenant) { $arguments += "tenantID:$tenant" }
    if ($token) { $arguments += "token:$token" }
    if ($env:SSM_TREND_POLICY_ID) { $arguments += "policyid:$env:SSM_TREND_POLICY_ID" }
    if ($env:SSM_TREND_GROUP_ID) { $arguments += "groupid:$env:SSM_TREND_GROUP_ID" }
    Invoke-Tool $control @('-r')
    $said = Invoke-Tool $control $arguments | Out-String
    $ended = $LASTEXITCODE
    if ($token) { $said = $said.Replace($token, '****') }
    Write-Output $said
    if ($ended -ne 0) { Stop-Here 'the agent could not be activated; what dsa_control said stands above' }
}

# Where the policy lets the agent protect itself, it is changed and removed with a password only.
function Unlock-Agent {
    $password = Get-Secret $env:SSM_TREND_PASSWORD $env:SSM_TREND_PASSWORD_PARAMETER
    if ($password -and (Test-Path $control)) { Invoke-Tool $control @('--selfprotect=0', "--passwd=$password") | Out-Null }
}
