# Stops and removes the agent; doing it twice is no error.
. .\lib.ps1
trap { Stop-Here $_ }
. .\cloudwatch.ps1
Write-Output 'cloudwatch-agent: uninstalling'
if (Test-Path $ctl) { & $ctl -a stop }
$installed = Get-Installed 'Amazon CloudWatch Agent'
if ($installed) { Invoke-Installer msiexec.exe @('/x', $installed.PSChildName, '/qn', '/norestart') @(0, 1605, 3010) }
Write-Output 'cloudwatch-agent: uninstalled'
exit 0
