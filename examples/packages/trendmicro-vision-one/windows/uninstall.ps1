# Deactivates the agent and removes it; doing it twice is no error.
. .\lib.ps1
trap { Stop-Here $_ }
. .\trend.ps1
Write-Output 'trendmicro-vision-one: uninstalling'
Unlock-Agent
if (Test-Path $control) { Invoke-Tool $control @('-r') }
$installed = Get-Installed 'Trend Micro Deep Security Agent*'
if ($installed) { Invoke-Installer msiexec.exe @('/x', $installed.PSChildName, '/qn', '/norestart') @(0, 1605, 3010) }
Write-Output 'trendmicro-vision-one: uninstalled'
exit 0
