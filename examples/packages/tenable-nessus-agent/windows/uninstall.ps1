# Unlinks the agent, so that the manager forgets it, and removes it; doing it twice is no error.
. .\lib.ps1
trap { Stop-Here $_ }
. .\nessus.ps1
Write-Output 'tenable-nessus-agent: uninstalling'
if ((Test-Path $cli) -and (Test-Linked)) {
    Invoke-Tool $cli @('agent', 'unlink')
    if ($LASTEXITCODE -ne 0) { Invoke-Tool $cli @('agent', 'unlink', '--force') }
}
$installed = Get-Installed 'Nessus Agent*'
if ($installed) { Invoke-Installer msiexec.exe @('/x', $installed.PSChildName, '/qn', '/norestart') @(0, 1605, 3010) }
Write-Output 'tenable-nessus-agent: uninstalled'
exit 0
