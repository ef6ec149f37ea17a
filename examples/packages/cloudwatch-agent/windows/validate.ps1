# Does the agent itself say that it runs, is configured and is the wanted version?
. .\lib.ps1
trap { Stop-Here $_ }
. .\cloudwatch.ps1
$wanted = "$(Get-Content .\VERSION)".Trim()
if (-not (Test-Path $ctl)) { Stop-Here 'the agent is not installed' }
$status = & $ctl -a status | Out-String | ConvertFrom-Json
if (-not "$($status.version)".StartsWith($wanted)) { Stop-Here "version $($status.version) is here; wanted $wanted" }
if ($status.configstatus -ne 'configured') { Stop-Here 'the agent is not configured' }
if ($status.status -ne 'running') { Stop-Here "the agent is $($status.status)" }
Write-Output "cloudwatch-agent: $($status.version) runs, and is configured"
exit 0
