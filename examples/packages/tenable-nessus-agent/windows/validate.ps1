# Does the agent itself say that it is linked, without an error, and is it the wanted version?
. .\lib.ps1
trap { Stop-Here $_ }
. .\nessus.ps1
$wanted = "$(Get-Content .\VERSION)".Trim()
$installed = Get-Installed 'Nessus Agent*'
if (-not $installed) { Stop-Here 'the agent is not installed' }
if (-not "$($installed.DisplayVersion)".StartsWith($wanted)) { Stop-Here "version $($installed.DisplayVersion) is here; wanted $wanted" }
Assert-Service 'Tenable Nessus Agent'
if (-not (Test-Linked)) { Stop-Here 'the agent is not linked to a manager' }
$link = Get-Status 'Link status'
if ($link -match 'error|Not linked') { Stop-Here "the agent says of its link: $link" }
Write-Output "tenable-nessus-agent: $($installed.DisplayVersion) is linked to $(Get-Status 'Linked to')"
exit 0
