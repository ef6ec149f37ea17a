# Does the agent itself say that it is activated and well, and is it the wanted version?
. .\lib.ps1
trap { Stop-Here $_ }
. .\trend.ps1
$wanted = "$(Get-Content .\VERSION)".Trim()
$installed = Get-Installed 'Trend Micro Deep Security Agent*'
if (-not $installed) { Stop-Here 'the agent is not installed' }
if (-not "$($installed.DisplayVersion)".StartsWith($wanted)) { Stop-Here "version $($installed.DisplayVersion) is here; wanted $wanted" }
Assert-Service ds_agent
for ($tries = 24; $tries -gt 0 -and (Get-Status 'agentState') -ne 'green'; $tries--) { Start-Sleep -Seconds 5 }
$state = Get-Status 'agentState'
if ($state -ne 'green') { Stop-Here "the agent says of itself: $state; green is wanted" }
Write-Output "trendmicro-vision-one: $($installed.DisplayVersion) is green, with $(Get-Status 'dsmUrl')"
exit 0
