# In-place update: the new agent over the old one, which stays activated.
. .\lib.ps1
trap { Stop-Here $_ }
. .\trend.ps1
Write-Output "trendmicro-vision-one: updating to $(Get-Content .\VERSION)"
Assert-RealInstaller .\agent.msi
Unlock-Agent
Invoke-Installer msiexec.exe @('/i', 'agent.msi', 'ADDLOCAL=ALL', '/qn', '/norestart')
Write-Output 'trendmicro-vision-one: updated'
exit 0
