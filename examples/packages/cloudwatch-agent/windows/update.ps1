# In-place update: the new agent over the old one; the configuration is fetched anew where one is named, else it stays.
. .\lib.ps1
trap { Stop-Here $_ }
. .\cloudwatch.ps1
Write-Output "cloudwatch-agent: updating to $(Get-Content .\VERSION)"
Assert-RealInstaller .\amazon-cloudwatch-agent.msi
Invoke-Installer msiexec.exe @('/i', 'amazon-cloudwatch-agent.msi', '/qn', '/norestart')
if ($env:SSM_CLOUDWATCH_CONFIG) { Set-Configuration } else { & $ctl -a start }
Write-Output 'cloudwatch-agent: updated'
exit 0
