# How the agent is linked and asked. For the scripts beside it.
$cli = Join-Path $env:ProgramFiles 'Tenable\Nessus Agent\nessuscli.exe'

# What `nessuscli agent status` has behind a key.
function Get-Status([string] $key) {
    $line = Invoke-Tool $cli @('agent', 'status') | Where-Object { $_ -like "${key}:*" } | Select-Object -First 1
    return "$line".Substring([Math]::Min("$line".Length, $key.Length + 1)).Trim()
}

function Test-Linked {
    $to = Get-Status 'Linked to'
    return ($to -and $to -notlike 'None*')
}

# Links the agent to the manager; one that is linked already stays so.
function Connect-Manager {
    if (Test-Linked) { return }
    $key = Get-Secret $env:SSM_NESSUS_KEY $env:SSM_NESSUS_KEY_PARAMETER
    if (-not $key) { Stop-Here 'no linking key was given; set SSM_NESSUS_KEY_PARAMETER, or SSM_NESSUS_KEY' }
    $arguments = @('agent', 'link', "--key=$key")
    if ($env:SSM_NESSUS_HOST) {
        $port = if ($env:SSM_NESSUS_PORT) { $env:SSM_NESSUS_PORT } else { '8834' }
        $arguments += "--host=$env:SSM_NESSUS_HOST", "--port=$port"
    } else { $arguments += '--cloud' }
    if ($env:SSM_NESSUS_GROUPS) { $arguments += "--groups=$env:SSM_NESSUS_GROUPS" }
    if ($env:SSM_NESSUS_NAME) { $arguments += "--name=$env:SSM_NESSUS_NAME" }
    $said = Invoke-Tool $cli $arguments | Out-String
    $ended = $LASTEXITCODE
    Write-Output $said.Replace($key, '****')
    if ($ended -ne 0) { Stop-Here 'the agent could not be linked; what nessuscli said stands above' }
}
